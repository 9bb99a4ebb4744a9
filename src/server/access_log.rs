//! Access log: one line per request with method, route, status and client. It never
//! contains the path as sent, the query, or a header value (except the request id and the
//! client's address), because each of them can hold an AuthID.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::{HeaderName, HeaderValue, Method, Request};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::Level;

use super::{Reply, forwarded::Asker};
use crate::{clock::Stopwatch, provider::Service, refresh::PresentedAuthId, seal::Lineage};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Source of request ids. They count up from a random number, so that two processes are
/// unlikely to use the same ids.
#[derive(Debug)]
pub(super) struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let mut bits = [0; 8];
        SystemRandom::new()
            .fill(&mut bits)
            .expect("the operating system gives random bytes");
        Self {
            next: AtomicU64::new(u64::from_ne_bytes(bits)),
        }
    }

    /// Returns the id that came with the request if it is valid, or a new one.
    fn id_of<B>(&self, request: &Request<B>) -> HeaderValue {
        match request.headers().get(X_REQUEST_ID) {
            Some(id) if is_id(id) => id.clone(),
            _ => self.next.fetch_add(1, Ordering::Relaxed).into(),
        }
    }
}

/// True if the id is short, and its characters are safe in a log.
fn is_id(value: &HeaderValue) -> bool {
    (8..=64).contains(&value.len())
        && value
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// A request that will be logged when it ends.
pub(super) struct Entry {
    pub(super) asker: Asker,
    id: HeaderValue,
    line: Option<Line>,
}

/// Fields of the log line; kept only if the log level includes INFO.
struct Line {
    stopwatch: Stopwatch,
    method: &'static str,
    route: &'static str,
    service: Option<Arc<Service>>,
    lineage: Option<Lineage>,
}

impl Entry {
    /// Starts the log line of a request that has just come in.
    pub(super) fn begin<B>(
        ids: &RequestIds,
        request: &Request<B>,
        route: &'static str,
        asker: Asker,
    ) -> Self {
        let line = || Line {
            stopwatch: Stopwatch::start(),
            method: name(request.method()),
            route,
            service: None,
            lineage: None,
        };
        Self {
            asker,
            id: ids.id_of(request),
            line: tracing::enabled!(Level::INFO).then(line),
        }
    }

    /// Adds the service to the log line.
    pub(super) fn note_service(&mut self, service: &Arc<Service>) {
        if let Some(line) = &mut self.line {
            line.service = Some(service.clone());
        }
    }

    /// Adds the service and lineage of the request's AuthID to the log line.
    pub(super) fn note_holder(&mut self, holder: &PresentedAuthId) {
        self.note_service(holder.service());
        if let Some(line) = &mut self.line {
            line.lineage = Some(holder.lineage());
        }
    }

    /// Writes the log line, and adds the request id to the response.
    pub(super) fn end(self, mut reply: Reply) -> Reply {
        if let Some(line) = &self.line {
            tracing::info!(
                method = %line.method,
                route = %line.route,
                status = reply.status().as_u16(),
                ms = u64::try_from(line.stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX),
                service = line.service.as_ref().map(|service| display(&service.id)),
                lineage = line.lineage.map(|lineage| display(lineage.short_hash())),
                client = %self.asker,
                request_id = %self.id.to_str().unwrap_or_default(),
                "answered"
            );
        }
        reply.headers_mut().insert(X_REQUEST_ID, self.id);
        reply
    }
}

/// Returns the name of a method; "other" for an unknown one, which is foreign text.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
