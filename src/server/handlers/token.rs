//! `POST /token`: OAuth libraries use an AuthID as a refresh token (RFC 6749 section 6).
//!
//! Client credentials are accepted in any form and ignored: no client is registered here,
//! and an AuthID is all that a client needs.

use http::StatusCode;
use serde::Serialize;

use crate::{
    provider::Service,
    server::{Reply, errors::OAuthError, exchange::Exchange, reply},
};

/// Token response (RFC 6749 section 5.1).
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    token_type: &'a str,
    /// Lifetime of the access token in seconds.
    expires_in: u64,
    /// The newest AuthID, even if it is the one that was sent.
    refresh_token: &'a str,
}

/// Handles the refresh token grant.
pub(in crate::server) async fn token(exchange: &mut Exchange<'_>) -> Reply {
    let granted = grant(exchange).await;
    granted.unwrap_or_else(|error| error.into_reply(&exchange.login_url()))
}

/// Parameters in the query are ignored (RFC 6749 section 3.2).
async fn grant(exchange: &mut Exchange<'_>) -> Result<Reply, OAuthError> {
    let form = exchange.form()?;
    let Some(grant_type) = form.parameter("grant_type")? else {
        return Err(OAuthError::invalid_request(
            "grant_type is missing. Post a form with grant_type=refresh_token and the AuthID as \
             refresh_token.",
        ));
    };
    if grant_type.expose() != "refresh_token" {
        // `rclone config reconnect` shows it after a login that passed this server by.
        return Err(OAuthError::new(
            "unsupported_grant_type",
            format!(
                "This server takes AuthIDs, not the code of a login. Your configuration is \
                 unchanged. Log in at {} in a browser, and enter the AuthID that you get there \
                 as refresh_token.",
                exchange.server.public_url()
            ),
        ));
    }
    let Some(authid) = form.parameter("refresh_token")? else {
        return Err(OAuthError::invalid_request(
            "refresh_token is missing. Put the AuthID there.",
        ));
    };
    let scope = form.parameter("scope")?;
    let opened = exchange.open(authid.expose()).await;
    let opened = opened.inspect_err(|error| exchange.server.engine.count_unopened(error))?;
    if scope.is_some_and(|scope| !is_scope_of(opened.service(), scope.expose())) {
        return Err(OAuthError::new(
            "invalid_scope",
            "An AuthID has the scope that was logged in with. Leave scope out.",
        ));
    }
    let result = exchange.server.engine.refresh(&opened).await;
    exchange.log.note_refreshed(&result);
    let refreshed = result.inspect_err(|error| exchange.audit_refused(&opened, error))?;
    let newest = refreshed.newest_authid.as_ref().unwrap_or(&authid);
    Ok(reply::oauth(
        StatusCode::OK,
        &TokenAnswer {
            access_token: refreshed.access_token().expose(),
            token_type: "Bearer",
            expires_in: refreshed.expires_in.as_secs(),
            refresh_token: newest.expose(),
        },
    ))
}

/// True if both name the same scopes, in any order (RFC 6749 section 3.3).
fn is_scope_of(service: &Service, scope: &str) -> bool {
    let sorted = |scope: &str| {
        let mut names: Vec<String> = scope.split_ascii_whitespace().map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    sorted(&service.scope) == sorted(scope)
}
