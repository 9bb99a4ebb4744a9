//! `GET` or `POST /refresh`: an AuthID in, an access token out.

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;

use crate::{
    refresh::{RefreshError, Refreshed},
    seal::OpenError,
    server::{Reply, Server, error, input, reply},
};

/// What Duplicati reads.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    /// Seconds.
    expires: u64,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v2_authid: Option<&'a str>,
}

/// Trades the AuthID, wherever it stands in the request.
pub(in crate::server) async fn refresh(server: &Server, request: Request<Incoming>) -> Reply {
    let refreshed = match input::authid(request).await {
        Ok(authid) => server.engine.refresh(authid.expose()).await,
        Err(not_one) => Err(RefreshError::Open(OpenError::NotAnAuthId(not_one))),
    };
    match refreshed {
        Ok(refreshed) => answer(&refreshed),
        Err(error) => error::refresh_failure(&error),
    }
}

fn answer(refreshed: &Refreshed) -> Reply {
    reply::json(
        StatusCode::OK,
        &Answer {
            access_token: refreshed.access_token.expose(),
            expires: refreshed.expires_in.as_secs(),
            r#type: &refreshed.service,
            v2_authid: refreshed
                .newest_authid
                .as_ref()
                .map(|authid| authid.expose()),
        },
    )
}
