//! `GET /revoke` and `POST /revoked`: revoke the grant of an AuthID at its provider.

use http::{Request, StatusCode};
use serde::Serialize;

use crate::{
    listen::Body,
    pages::{AuthIdForm, RevokedPage},
    refresh::RevokeError,
    server::{Reply, Server, access_log::Entry, failure::Failure, input, reply},
};

/// JSON response for scripts.
#[derive(Serialize)]
struct Answer<'a> {
    revoked: bool,
    r#type: &'a str,
}

/// Returns the page with the form.
pub(in crate::server) fn revoke_form(server: &Server) -> Reply {
    let page = AuthIdForm::revoke(server.frame());
    reply::page(StatusCode::OK, &page)
}

/// Revokes a grant. The response is JSON if the AuthID came in the header, and a page if
/// it came from the form.
pub(in crate::server) async fn revoke(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Reply {
    let is_script = input::has_authid_header(request);
    let fail = |error: &RevokeError| match is_script {
        true => Failure::of_revocation(error).into_json(),
        false => server.revocation_failed(error),
    };
    let holder = match server.open(&input::authid(request), entry.asker).await {
        Ok(holder) => holder,
        Err(error) => return fail(&error.into()),
    };
    entry.note_holder(&holder);
    let service = holder.service();
    match (server.engine.revoke(&holder).await, is_script) {
        (Ok(()), true) => reply::json(
            StatusCode::OK,
            &Answer {
                revoked: true,
                r#type: &service.id,
            },
        ),
        (Ok(()), false) => reply::page(
            StatusCode::OK,
            &RevokedPage {
                frame: server.frame(),
                service_name: &service.name,
                provider_name: &service.provider.name,
            },
        ),
        (Err(error), _) => fail(&error),
    }
}
