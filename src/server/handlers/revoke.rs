//! `GET /revoke` and `POST /revoked`: the grant behind an AuthID ends, at its
//! provider.

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;

use crate::{
    pages::{AuthIdForm, RevokedPage},
    refresh::{RefreshError, RevokeError},
    seal::OpenError,
    server::{Reply, Server, failure::Failure, input, reply},
};

/// What a script reads.
#[derive(Serialize)]
struct Answer<'a> {
    revoked: bool,
    r#type: &'a str,
}

/// The form.
pub(in crate::server) fn revoke_form(server: &Server) -> Reply {
    let page = AuthIdForm::revoke(server.frame());
    reply::page(StatusCode::OK, &page)
}

/// A page for whoever came by the form, JSON for whoever sent the header.
pub(in crate::server) async fn revoke(server: &Server, request: Request<Incoming>) -> Reply {
    let is_script = input::has_authid_header(&request);
    let revoked = match input::authid(request).await {
        Ok(authid) => server.engine.revoke(authid.expose()).await,
        Err(not_one) => {
            let error = RefreshError::Open(OpenError::NotAnAuthId(not_one));
            Err(RevokeError::Refresh(error))
        }
    };
    match (revoked, is_script) {
        (Ok(service), true) => reply::json(
            StatusCode::OK,
            &Answer {
                revoked: true,
                r#type: &service.id,
            },
        ),
        (Ok(service), false) => reply::page(
            StatusCode::OK,
            &RevokedPage {
                frame: server.frame(),
                service_name: &service.name,
                provider_name: &service.provider.name,
            },
        ),
        (Err(error), true) => Failure::of_revocation(&error).into_json(),
        (Err(error), false) => server.revocation_failed(&error),
    }
}
