//! `POST /hand-over`: the person has confirmed the program that gets the AuthID.

use http::{HeaderMap, HeaderName, StatusCode};

use super::result::finished_page;
use crate::{
    login::{HandOver, LoginError},
    secret::Secret,
    server::{Reply, exchange::Exchange, input, reply},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Makes the AuthID ready to be fetched, or returns a page with the reason why not.
pub(in crate::server) async fn hand_over(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    if comes_from_elsewhere(exchange.request.headers()) {
        return exchange.login_failed(&LoginError::NotBegun, None);
    }
    let form = exchange.form().unwrap_or_default();
    let nonce = input::nonce(form.get("nonce"));
    let sealed = Secret::new(form.get("sealed").unwrap_or_default());
    let confirming = server.login.confirm(&nonce, sealed, exchange.cookies());
    match confirming.await {
        Ok(confirmed) => {
            let status = match confirmed.finished.hand_over {
                HandOver::Asks(_) => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            };
            let page = finished_page(exchange, status, &confirmed.finished);
            reply::set_cookies(page, &confirmed.cookie)
        }
        Err(error) => exchange.login_failed(&error, None),
    }
}

/// True if a foreign page sends the form, as far as the browser says (Fetch Metadata).
/// `Origin` is no help: it is `null` with `no-referrer`, which all our pages have.
pub(super) fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE);
    site.is_some_and(|site| site != "same-origin" && site != "none")
}
