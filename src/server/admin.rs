//! Administrator's address: health, readiness and metrics.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, StatusCode, header::ACCEPT};
use tokio_util::sync::CancellationToken;

use super::{Reply, reply};
use crate::{
    clock::Clock,
    keyring::Keyring,
    listen::{Body, Handler, Peer},
    refresh::RefreshEngine,
    telemetry::{Exposition, KeyNumbers, Metrics},
};

/// Answers requests on ADMIN_LISTEN.
#[derive(Debug)]
pub struct Admin {
    /// Keys of the server. It is not ready without a key that may seal.
    pub keyring: Arc<Keyring>,
    /// Source of the numbers of cached tokens and refreshes in progress.
    pub engine: RefreshEngine,
    /// Counters for `/metrics`.
    pub metrics: Arc<Metrics>,
    /// Source of the current time.
    pub clock: Clock,
    /// Cancelled when the server is shutting down.
    pub draining: CancellationToken,
}

impl Handler for Admin {
    async fn answer(&self, request: &Request<Body>, _peer: Peer) -> Reply {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/healthz") => reply::text(StatusCode::OK, "ok\n"),
            (&Method::GET, "/readyz") => self.ready(),
            (&Method::GET, "/metrics") => self.numbers(exposition(request.headers())),
            (_, "/healthz" | "/readyz" | "/metrics") => reply::method_not_allowed("GET"),
            _ => reply::text(
                StatusCode::NOT_FOUND,
                "There is /healthz, /readyz and /metrics.\n",
            ),
        }
    }
}

impl Admin {
    fn ready(&self) -> Reply {
        if self.draining.is_cancelled() {
            let text = "not ready: stopping\n";
            return reply::text(StatusCode::SERVICE_UNAVAILABLE, text);
        }
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let condition = self.keyring.condition();
        let troubles = condition.troubles(now);
        let (status, first) = match keys.sealing(now) {
            _ if condition.is_waiting() => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            // Other troubles don't stop the server from answering, so it is ready.
            Some(_) => (StatusCode::OK, "ready"),
            None => (
                StatusCode::SERVICE_UNAVAILABLE,
                "not ready: no key may seal now",
            ),
        };
        let lines = troubles.iter().map(|trouble| format!("{trouble}\n"));
        reply::text(status, format!("{first}\n{}", lines.collect::<String>()))
    }

    fn numbers(&self, exposition: Exposition) -> Reply {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let (cached_tokens, flights) = self.engine.load();
        let keys = keys.iter().map(|key| KeyNumbers {
            kid: &key.kid,
            state: keys.state(key, now).as_str(),
            age: now.since(key.iat),
            end: key.end().map(|end| end.0),
        });
        let text = self
            .metrics
            .scrape(exposition, cached_tokens, flights, keys);
        reply::metrics(exposition, text)
    }
}

/// Returns the format that a collector asks for. Those that read OpenMetrics prefer it.
fn exposition(headers: &HeaderMap) -> Exposition {
    let accepted = headers.get_all(ACCEPT).iter();
    let reads_open_metrics = accepted
        .filter_map(|accept| accept.to_str().ok())
        .any(|accept| accept.contains("application/openmetrics-text"));
    match reads_open_metrics {
        true => Exposition::OpenMetrics,
        false => Exposition::Prometheus,
    }
}
