//! Access log: one line per request with method, route, status and client. It never
//! contains the path as sent, the query, or a header value (except the request id and the
//! client's address), because each of them can hold an AuthID.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::Level;

use super::{Reply, client::Client, dispatch::NO_ROUTE};
use crate::{
    clock::{self, Stopwatch},
    provider::Service,
    refresh::{PresentedAuthId, RefreshError, Refreshed},
    seal::{Lineage, LogName, Terms},
    telemetry::{self, AccessLine, field},
};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
            _ => new_id(self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

/// Writes the id of a request. `HeaderValue::from` takes two allocations more.
fn new_id(number: u64) -> HeaderValue {
    let mut digits = itoa::Buffer::new();
    HeaderValue::from_str(digits.format(number)).expect("digits may stand in a header")
}

/// True if the id is short, and its characters are safe in a log.
fn is_id(value: &HeaderValue) -> bool {
    let is_safe = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    (8..=64).contains(&value.len()) && value.as_bytes().iter().all(is_safe)
}

/// Log line of a request, written when it is answered.
pub(super) struct LogEntry {
    id: HeaderValue,
    stopwatch: Stopwatch,
    fields: Option<LogFields>,
}

/// Fields of the log line; kept only if it may be written.
struct LogFields {
    method: &'static str,
    route: &'static str,
    service: Option<Arc<Service>>,
    lineage: Option<Lineage>,
    /// Hash of the lineage, where it is known without hashing.
    log_name: Option<LogName>,
    /// Names of the AuthID.
    terms: Option<Arc<Terms>>,
    old_form: Option<&'static str>,
    outcome: Option<&'static str>,
    generation: Option<u32>,
    gives_new_authid: bool,
}

impl LogEntry {
    /// Starts the log line of a request that has just come in.
    pub(super) fn begin(id: HeaderValue, method: &Method, route: &'static str) -> Self {
        // Any request may fail, and the line of a failed one is a warning.
        let fields = telemetry::writes_access(Level::WARN).then(|| LogFields {
            method: name(method),
            route,
            service: None,
            lineage: None,
            log_name: None,
            terms: None,
            old_form: None,
            outcome: None,
            generation: None,
            gives_new_authid: false,
        });
        Self {
            id,
            stopwatch: Stopwatch::start(),
            fields,
        }
    }

    /// Adds the service to the log line.
    pub(super) fn note_service(&mut self, service: &Arc<Service>) {
        if let Some(fields) = &mut self.fields {
            fields.service = Some(service.clone());
        }
    }

    /// Adds the service and lineage of an AuthID that the response gives out.
    pub(super) fn note_given(&mut self, service: Option<&Arc<Service>>, lineage: Option<Lineage>) {
        if let Some(fields) = &mut self.fields {
            fields.service = service.cloned();
            fields.lineage = lineage;
        }
    }

    /// Adds the result of opening an AuthID to the log line: its service and lineage, or
    /// the error.
    pub(super) fn note_opened(&mut self, opened: &Result<PresentedAuthId, RefreshError>) {
        let Some(fields) = &mut self.fields else {
            return;
        };
        match opened {
            Ok(opened) => {
                fields.service = Some(opened.service().clone());
                fields.lineage = Some(opened.lineage());
                fields.terms = opened.terms().cloned();
                fields.old_form = opened.old_form();
            }
            Err(error) => fields.outcome = Some(error.outcome()),
        }
    }

    /// Adds the result of a refresh to the log line.
    pub(super) fn note_refreshed(&mut self, result: &Result<Refreshed, RefreshError>) {
        let Some(fields) = &mut self.fields else {
            return;
        };
        match result {
            Ok(refreshed) => {
                // The line of a success.
                let is_written = telemetry::writes_access(Level::INFO);
                fields.log_name = is_written.then(|| refreshed.log_name());
                fields.outcome = Some(refreshed.outcome);
                fields.generation = Some(refreshed.generation());
                fields.gives_new_authid = refreshed.newest_authid.is_some();
            }
            Err(error) => fields.outcome = Some(error.outcome()),
        }
    }

    /// Returns the id of the request.
    pub(super) fn id(&self) -> &HeaderValue {
        &self.id
    }

    /// Returns the time since the request came in.
    pub(super) fn elapsed(&self) -> Duration {
        self.stopwatch.elapsed()
    }

    /// Writes the log line, and adds the request id to the response.
    pub(super) fn end(self, client: Client, took: Duration, mut reply: Reply) -> Reply {
        if let Some(fields) = &self.fields {
            fields.write(&self.id, client, took, reply.status());
        }
        reply.headers_mut().insert(X_REQUEST_ID, self.id);
        reply
    }
}

impl LogFields {
    fn write(&self, id: &HeaderValue, client: Client, took: Duration, status: StatusCode) {
        // Unknown addresses are mostly asked for by scanners, on every public server.
        let has_failed = status.as_u16() >= 400 && self.route != NO_ROUTE;
        let level = match has_failed {
            true => Level::WARN,
            false => Level::INFO,
        };
        if !telemetry::writes_access(level) {
            return;
        }
        let ms = took.as_millis();
        telemetry::write_access(level, clock::time_for_log(), "answered", |line| {
            line.word(&field!("method"), self.method);
            line.word(&field!("route"), self.route);
            line.number(&field!("status"), status.as_u16().into());
            line.number(&field!("ms"), u64::try_from(ms).unwrap_or(u64::MAX));
            if let Some(service) = &self.service {
                line.text(&field!("service"), &service.id);
            }
            if let Some(name) = self.log_name.or_else(|| Some(self.lineage?.log_name())) {
                line.hex(&field!("lineage"), name);
            }
            if let Some(terms) = &self.terms {
                write_names(line, terms);
            }
            if let Some(form) = self.old_form {
                line.word(&field!("old_authid"), form);
            }
            if let Some(outcome) = self.outcome {
                line.word(&field!("outcome"), outcome);
            }
            if let Some(generation) = self.generation {
                line.number(&field!("generation"), generation.into());
            }
            if self.gives_new_authid {
                line.flag(&field!("new_authid"));
            }
            match client.address {
                Some(IpAddr::V4(address)) => line.ipv4(&field!("client"), address),
                _ => line.text(&field!("client"), &client.to_string()),
            }
            line.text(&field!("request_id"), id.to_str().unwrap_or_default());
        });
    }
}

/// Adds the names of an AuthID. Not in `write`, because most AuthIDs have none.
fn write_names(line: &mut AccessLine<'_>, terms: &Terms) {
    if let Some(user) = terms.user() {
        line.text(&field!("user"), user);
    }
    if let Some(label) = terms.label() {
        line.text(&field!("label"), label);
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
