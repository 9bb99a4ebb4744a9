//! The administrator's address: health, and whether to send requests here.

use std::sync::Arc;

use http::{Method, Request, StatusCode};

use super::{Reply, reply};
use crate::{clock::Clock, keyring::Keyring};

/// Answers on ADMIN_LISTEN.
#[derive(Debug)]
pub struct Admin {
    /// Without a sealing key the server is not ready.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Clock,
}

impl Admin {
    /// Answers one request.
    pub fn answer<B>(&self, request: &Request<B>) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") => reply::text(StatusCode::OK, "ok\n"),
            (&Method::GET, "/readyz") => self.ready(),
            (_, "/healthz" | "/readyz") => reply::method_not_allowed("GET"),
            _ => reply::text(StatusCode::NOT_FOUND, "There is /healthz and /readyz.\n"),
        }
    }

    fn ready(&self) -> Reply {
        let keys = self.keyring.current();
        match keys.sealing(self.clock.now()) {
            Some(_) => reply::text(StatusCode::OK, "ready\n"),
            None => reply::text(
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: no key may seal now\n",
            ),
        }
    }
}
