//! `GET /renew` and `POST /renewed`: an old AuthID in, one with the newest refresh
//! token under the newest key out, without a new login.

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;

use super::result::result_page;
use crate::{
    pages::{AuthIdForm, Credential},
    refresh::{RefreshError, Renewed},
    seal::OpenError,
    server::{Reply, Server, failure::Failure, input, reply},
};

/// What a script reads.
#[derive(Serialize)]
struct Answer<'a> {
    authid: &'a str,
    r#type: &'a str,
}

/// The form.
pub(in crate::server) fn renew_form(server: &Server) -> Reply {
    let page = AuthIdForm::renew(server.frame());
    reply::page(StatusCode::OK, &page)
}

/// A page for whoever came by the form, JSON for whoever sent the header.
pub(in crate::server) async fn renew(server: &Server, request: Request<Incoming>) -> Reply {
    let is_script = input::has_authid_header(&request);
    let renewed = match input::authid(request).await {
        Ok(authid) => server.engine.renew(authid.expose()).await,
        Err(not_one) => Err(RefreshError::Open(OpenError::NotAnAuthId(not_one))),
    };
    match (renewed, is_script) {
        (Ok(renewed), true) => reply::json(
            StatusCode::OK,
            &Answer {
                authid: renewed.authid.expose(),
                r#type: &renewed.service.id,
            },
        ),
        (Ok(renewed), false) => show(server, &renewed),
        (Err(error), true) => Failure::of_refresh(&error).into_json(),
        (Err(error), false) => server.renewal_failed(&error),
    }
}

fn show(server: &Server, renewed: &Renewed) -> Reply {
    let credential = Credential::AuthId(renewed.authid.expose());
    let page = result_page(server, &renewed.service, credential);
    reply::page(StatusCode::OK, &page)
}
