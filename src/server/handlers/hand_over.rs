//! `POST /hand-over`: the person has confirmed the program that gets the AuthID.

use http::{HeaderName, Request, StatusCode};

use super::result::finished_page;
use crate::{
    listen::Body,
    login::{HandOver, LoginError},
    secret::Secret,
    server::{
        Reply, Server,
        access_log::Entry,
        input::{self, Form},
        reply,
    },
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Makes the AuthID ready to be fetched, or returns a page with the reason why not.
pub(in crate::server) async fn hand_over(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Reply {
    if comes_from_elsewhere(request) {
        return server.login_failed(&LoginError::NotBegun, None);
    }
    let form = Form::read(request.headers(), request.body()).unwrap_or_default();
    let nonce = input::nonce(form.get("nonce"));
    let sealed = Secret::new(form.get("sealed").unwrap_or_default());
    let cookies = input::cookies(request.headers());
    match server.login.confirm(&nonce, sealed, cookies).await {
        Ok(confirmed) => {
            let status = match confirmed.finished.hand_over {
                HandOver::Asks(_) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            };
            let page = finished_page(server, status, &confirmed.finished, entry);
            match confirmed.cookie {
                Some(cookie) => reply::set_cookie(page, &cookie),
                None => page,
            }
        }
        Err(error) => server.login_failed(&error, None),
    }
}

/// True if a foreign page sends the form, as far as the browser says (Fetch Metadata).
/// `Origin` is no help: it is `null` with `no-referrer`, which all our pages have.
fn comes_from_elsewhere<B>(request: &Request<B>) -> bool {
    let site = request.headers().get(SEC_FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}
