//! `GET /renew` and `POST /renewed`: exchange an old AuthID for one with the newest
//! refresh token, sealed under the newest key, without a new login.

use http::StatusCode;
use serde::Serialize;

use super::{hand_over::comes_from_elsewhere, result::result_page};
use crate::{
    pages::{AuthIdForm, ShownCredential},
    refresh::RefreshError,
    server::{Reply, errors::ApiError, exchange::Exchange, input, reply},
};

/// JSON response for scripts.
#[derive(Serialize)]
struct RenewalAnswer<'a> {
    authid: &'a str,
    r#type: &'a str,
}

/// Returns the page with the form.
pub(in crate::server) fn renew_form(exchange: &Exchange<'_>) -> Reply {
    let page = AuthIdForm::renew(exchange.frame());
    exchange.page(StatusCode::OK, &page)
}

/// Renews an AuthID. The response is JSON if the AuthID came in the header, and a page if
/// it came from the form.
pub(in crate::server) async fn renew(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let is_script = input::has_authid_header(exchange.request.headers());
    if !is_script && comes_from_elsewhere(exchange.request.headers()) {
        return exchange.sent_by_another_site();
    }
    let authid = input::authid(exchange.request);
    let opened = exchange.open_sent(&authid).await;
    let fail = |error: &RefreshError| match is_script {
        true => ApiError::of_refresh(error).into_json(&exchange.login_url()),
        false => exchange.renewal_failed(error),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(&error),
    };
    let renewed = server.engine.renew(&opened).await;
    match &renewed {
        Ok(_) => exchange.audit_renewed(&opened),
        Err(error) => exchange.audit_refused(&opened, error),
    }
    match (renewed, is_script) {
        (Ok(authid), true) => reply::json(
            StatusCode::OK,
            &RenewalAnswer {
                authid: authid.expose(),
                r#type: &opened.service().id,
            },
        ),
        (Ok(authid), false) => {
            let credential = ShownCredential::AuthId(authid.expose());
            exchange.page(
                StatusCode::OK,
                &result_page(exchange, opened.service(), credential),
            )
        }
        (Err(error), _) => fail(&error),
    }
}
