//! The table of endpoints.

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::{Reply, Server, error, handlers, reply};
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

        match (request.method(), path.as_str()) {
            (&Method::GET, "/") => handlers::start(self, &request),
            (&Method::GET, "/login") => handlers::begin_login(self, &request),
            (&Method::GET, "/logged-in") => handlers::finish_login(self, &request).await,
            (&Method::GET | &Method::POST, "/refresh") => handlers::refresh(self, request).await,
            (&Method::GET, "/privacy-policy") => handlers::privacy_policy(self),
            (&Method::GET, pages::STYLE_PATH) => reply::asset("text/css", pages::STYLE),
            (&Method::GET, pages::SCRIPT_PATH) => reply::asset("text/javascript", pages::SCRIPT),
            (&Method::GET, pages::FAVICON_PATH) => reply::asset("image/svg+xml", pages::FAVICON),
            (_, "/refresh") => reply::method_not_allowed("GET, POST"),
            (
                _,
                "/"
                | "/login"
                | "/logged-in"
                | "/privacy-policy"
                | pages::STYLE_PATH
                | pages::SCRIPT_PATH
                | pages::FAVICON_PATH,
            ) => reply::method_not_allowed("GET"),
            _ => error::page(self, StatusCode::NOT_FOUND, error::no_such_page(self)),
        }
    }
}
