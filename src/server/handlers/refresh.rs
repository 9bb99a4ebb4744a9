//! `GET` or `POST /refresh`: returns an access token for an AuthID.

use http::{Method, Request, StatusCode};
use serde::Serialize;

use crate::{
    listen::Body,
    provider::Service,
    refresh::Refreshed,
    seal::NotAnAuthId,
    server::{Reply, Server, access_log::Entry, failure::Failure, input, reply},
};

/// JSON response that Duplicati reads.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    /// Lifetime of the access token in seconds.
    expires: u64,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    v2_authid: Option<&'a str>,
}

/// Refreshes with the AuthID from the header, query or form.
pub(in crate::server) async fn refresh(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Reply {
    let is_get = request.method() == Method::GET;
    let asked_type = input::query(request, "type").filter(|_| is_get);
    let authid = input::authid(request);
    // Duplicati's web UI opens the oauth-url itself to log in.
    if let (Err(NotAnAuthId::Missing), Some(id)) = (&authid, asked_type) {
        return to_start_page(server, &id);
    }
    let holder = match server.open(&authid, entry.asker).await {
        Ok(holder) => holder,
        Err(error) => return Failure::of_refresh(&error).into_json(),
    };
    entry.note_holder(&holder);
    match server.engine.refresh(&holder).await {
        Ok(refreshed) => answer(holder.service(), &refreshed),
        Err(error) => Failure::of_refresh(&error).into_json(),
    }
}

fn to_start_page(server: &Server, id: &str) -> Reply {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("type", id)
        .finish();
    reply::redirect(&server.path(&format!("/?{query}")))
}

fn answer(service: &Service, refreshed: &Refreshed) -> Reply {
    reply::json(
        StatusCode::OK,
        &Answer {
            access_token: refreshed.access_token().expose(),
            expires: refreshed.expires_in.as_secs(),
            r#type: &service.id,
            v2_authid: refreshed
                .newest_authid
                .as_ref()
                .map(|authid| authid.expose()),
        },
    )
}
