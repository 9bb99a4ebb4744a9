//! `GET /.well-known/oauth-authorization-server`: metadata in which an OAuth library
//! finds the endpoints (RFC 8414).

use http::StatusCode;
use serde::Serialize;

use crate::server::{Reply, exchange::Exchange, reply, routes};

/// Authentication methods of clients. All are accepted, because credentials are ignored.
const ANY_AUTHENTICATION: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// Metadata members of RFC 8414 section 2. There is no authorization endpoint: people log
/// in on our pages, not on behalf of a client.
#[derive(Serialize)]
struct Metadata {
    issuer: String,
    token_endpoint: String,
    revocation_endpoint: String,
    grant_types_supported: [&'static str; 1],
    response_types_supported: [&'static str; 0],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
}

/// Returns the metadata of the OAuth endpoints.
pub(in crate::server) fn metadata(exchange: &Exchange<'_>) -> Reply {
    let url = exchange.server.public_url();
    reply::json(
        StatusCode::OK,
        &Metadata {
            issuer: url.to_string(),
            token_endpoint: url.join(routes::TOKEN_PATH),
            revocation_endpoint: url.join(routes::REVOCATION_PATH),
            grant_types_supported: ["refresh_token"],
            response_types_supported: [],
            token_endpoint_auth_methods_supported: ANY_AUTHENTICATION,
            revocation_endpoint_auth_methods_supported: ANY_AUTHENTICATION,
        },
    )
}
