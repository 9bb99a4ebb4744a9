//! `GET /revoke` and `POST /revoked`: revoke the grant of an AuthID at its provider.

use http::StatusCode;
use serde::Serialize;

use crate::{
    pages::{AuthIdForm, RevokedPage},
    refresh::RevokeError,
    server::{Reply, errors::ApiError, exchange::Exchange, input, reply},
};

/// JSON response for scripts.
#[derive(Serialize)]
struct RevocationAnswer<'a> {
    revoked: bool,
    r#type: &'a str,
}

/// Returns the page with the form.
pub(in crate::server) fn revoke_form(exchange: &Exchange<'_>) -> Reply {
    let page = AuthIdForm::revoke(exchange.frame());
    exchange.page(StatusCode::OK, &page)
}

/// Revokes a grant. The response is JSON if the AuthID came in the header, and a page if
/// it came from the form.
pub(in crate::server) async fn revoke(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let is_script = input::has_authid_header(exchange.request.headers());
    let authid = input::authid(exchange.request);
    let opened = exchange.open_sent(&authid).await;
    let fail = |error: &RevokeError| match is_script {
        true => ApiError::of_revocation(error).into_json(&exchange.login_url()),
        false => exchange.revocation_failed(error),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(&error.into()),
    };
    let service = opened.service();
    let revoked = server.engine.revoke(&opened).await;
    exchange.audit_revocation(&opened, &revoked);
    match (revoked, is_script) {
        (Ok(()), true) => reply::json(
            StatusCode::OK,
            &RevocationAnswer {
                revoked: true,
                r#type: &service.id,
            },
        ),
        (Ok(()), false) => exchange.page(
            StatusCode::OK,
            &RevokedPage {
                frame: exchange.frame(),
                service_name: &service.name,
                provider_name: &service.provider.name,
            },
        ),
        (Err(error), _) => fail(&error),
    }
}
