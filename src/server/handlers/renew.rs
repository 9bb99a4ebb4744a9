//! `GET /renew` and `POST /renewed`: exchange an old AuthID for one with the newest
//! refresh token, sealed under the newest key, without a new login.

use http::{Request, StatusCode};
use serde::Serialize;

use super::result::result_page;
use crate::{
    listen::Body,
    pages::{AuthIdForm, ShownCredential},
    provider::Service,
    refresh::RefreshError,
    secret::Secret,
    server::{Reply, Server, access_log::Entry, failure::Failure, input, reply},
};

/// JSON response for scripts.
#[derive(Serialize)]
struct Answer<'a> {
    authid: &'a str,
    r#type: &'a str,
}

/// Returns the page with the form.
pub(in crate::server) fn renew_form(server: &Server) -> Reply {
    let page = AuthIdForm::renew(server.frame());
    reply::page(StatusCode::OK, &page)
}

/// Renews an AuthID. The response is JSON if the AuthID came in the header, and a page if
/// it came from the form.
pub(in crate::server) async fn renew(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Reply {
    let is_script = input::has_authid_header(request);
    let fail = |error: &RefreshError| match is_script {
        true => Failure::of_refresh(error).into_json(),
        false => server.renewal_failed(error),
    };
    let holder = match server.open(&input::authid(request), entry.asker).await {
        Ok(holder) => holder,
        Err(error) => return fail(&error),
    };
    entry.note_holder(&holder);
    match (server.engine.renew(&holder).await, is_script) {
        (Ok(authid), true) => reply::json(
            StatusCode::OK,
            &Answer {
                authid: authid.expose(),
                r#type: &holder.service().id,
            },
        ),
        (Ok(authid), false) => show(server, holder.service(), &authid),
        (Err(error), _) => fail(&error),
    }
}

fn show(server: &Server, service: &Service, authid: &Secret) -> Reply {
    let credential = ShownCredential::AuthId(authid.expose());
    reply::page(StatusCode::OK, &result_page(server, service, credential))
}
