//! Access log: one line per request with method, route, status and client. It never
//! contains the path as sent, the query, or a header value (except the request id and the
//! client's address), because each of them can hold an AuthID.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::Level;

use super::{Reply, client::Client};
use crate::{clock::Stopwatch, provider::Service, refresh::PresentedAuthId, seal::Lineage};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Source of request ids. They count up from a random number, so that two processes are
/// unlikely to use the same ids.
#[derive(Debug)]
pub struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// Starts at a random number.
    pub fn random() -> Self {
        let mut bits = [0; 8];
        SystemRandom::new()
            .fill(&mut bits)
            .expect("the operating system gives random bytes");
        Self {
            next: AtomicU64::new(u64::from_ne_bytes(bits)),
        }
    }

    /// Returns the id that came with the request if it is valid, or a new one.
    pub(super) fn id_of(&self, headers: &HeaderMap) -> HeaderValue {
        match headers.get(X_REQUEST_ID) {
            Some(id) if is_id(id) => id.clone(),
            _ => self.next.fetch_add(1, Ordering::Relaxed).into(),
        }
    }
}

/// True if the id is short, and its characters are safe in a log.
fn is_id(value: &HeaderValue) -> bool {
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    (8..=64).contains(&value.len()) && value.as_bytes().iter().all(is_safe)
}

/// Log line of a request, written when it is answered.
pub(super) struct LogEntry {
    id: HeaderValue,
    fields: Option<LogFields>,
}

/// Fields of the log line; kept only if the log level includes INFO.
struct LogFields {
    stopwatch: Stopwatch,
    method: &'static str,
    route: &'static str,
    service: Option<Arc<Service>>,
    lineage: Option<Lineage>,
}

impl LogEntry {
    /// Starts the log line of a request that has just come in.
    pub(super) fn begin(id: HeaderValue, method: &Method, route: &'static str) -> Self {
        Self {
            id,
            fields: tracing::enabled!(Level::INFO).then(|| LogFields {
                stopwatch: Stopwatch::start(),
                method: name(method),
                route,
                service: None,
                lineage: None,
            }),
        }
    }

    /// Adds the service to the log line.
    pub(super) fn note_service(&mut self, service: &Arc<Service>) {
        if let Some(fields) = &mut self.fields {
            fields.service = Some(service.clone());
        }
    }

    /// Adds the service and lineage of the request's AuthID to the log line.
    pub(super) fn note_authid(&mut self, opened: &PresentedAuthId) {
        self.note_service(opened.service());
        if let Some(fields) = &mut self.fields {
            fields.lineage = Some(opened.lineage());
        }
    }

    /// Writes the log line, and adds the request id to the response.
    pub(super) fn end(self, client: Client, mut reply: Reply) -> Reply {
        if let Some(fields) = &self.fields {
            tracing::info!(
                method = %fields.method,
                route = %fields.route,
                status = reply.status().as_u16(),
                ms = u64::try_from(fields.stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX),
                service = fields.service.as_ref().map(|service| display(&service.id)),
                lineage = fields.lineage.map(|lineage| display(lineage.short_hash())),
                client = %client,
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
