//! The table of endpoints.

use http::{Method, Request};
use hyper::body::Incoming;

use super::{Reply, Server, handlers, reply};
use crate::pages;

impl Server {
    /// Answers one request.
    pub async fn answer(&self, request: Request<Incoming>) -> Reply {
        // A proxy may keep the prefix of PUBLIC_URL or strip it; Duplicati's own
        // links never have it.
        let path = request.uri().path();
        let path = path
            .strip_prefix(self.public_url().prefix())
            .unwrap_or(path);
        let path = if path.is_empty() { "/" } else { path }.to_owned();

        // hyper leaves the body out of an answer to HEAD (RFC 9110 section 9.3.2).
        let method = match *request.method() {
            Method::HEAD if changes_nothing(&path) => Method::GET,
            ref method => method.clone(),
        };
        match (&method, path.as_str()) {
            (&Method::GET, "/") => handlers::start(self, &request).await,
            (&Method::GET, "/login") => handlers::begin_login(self, &request),
            (&Method::GET, "/logged-in") => handlers::finish_login(self, &request).await,
            (&Method::GET, "/fetch") => handlers::fetch(self, &request).await,
            (&Method::GET, "/token-state") => handlers::token_state(self, &request).await,
            (&Method::GET | &Method::POST, "/refresh") => handlers::refresh(self, request).await,
            // The page is where the login begins, whichever link led there.
            (&Method::GET, "/cli-token") => handlers::begin_login(self, &request),
            (&Method::POST, "/cli-token-login") => {
                handlers::finish_with_login_token(self, request).await
            }
            (&Method::GET, "/renew") => handlers::renew_form(self),
            (&Method::POST, "/renewed") => handlers::renew(self, request).await,
            (&Method::GET, "/revoke") => handlers::revoke_form(self),
            (&Method::POST, "/revoked") => handlers::revoke(self, request).await,
            (&Method::GET, "/privacy-policy") => handlers::privacy_policy(self),
            (&Method::GET, pages::STYLE_PATH) => reply::asset("text/css", pages::STYLE),
            (&Method::GET, pages::SCRIPT_PATH) => reply::asset("text/javascript", pages::SCRIPT),
            (&Method::GET, pages::FAVICON_PATH) => reply::asset("image/svg+xml", pages::FAVICON),
            (_, path) => match allowed_methods(path) {
                Some(allowed) => reply::method_not_allowed(allowed),
                None => self.no_such_page(),
            },
        }
    }
}

/// What uptime monitors ask, and what a link checker may follow: a login begins
/// nowhere, and no code is spent.
fn changes_nothing(path: &str) -> bool {
    matches!(
        path,
        "/" | "/privacy-policy" | pages::STYLE_PATH | pages::SCRIPT_PATH | pages::FAVICON_PATH
    )
}

/// What an address of ours can be asked with.
fn allowed_methods(path: &str) -> Option<&'static str> {
    match path {
        "/refresh" => Some("GET, POST"),
        "/cli-token-login" | "/renewed" | "/revoked" => Some("POST"),
        "/"
        | "/login"
        | "/logged-in"
        | "/fetch"
        | "/token-state"
        | "/cli-token"
        | "/renew"
        | "/revoke"
        | "/privacy-policy"
        | pages::STYLE_PATH
        | pages::SCRIPT_PATH
        | pages::FAVICON_PATH => Some("GET"),
        _ => None,
    }
}
