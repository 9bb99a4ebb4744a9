//! One line a request: what was asked, by whom, and what came of it. Never a path as
//! it was sent, a query or a header's value: each of them can hold an AuthID.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use http::{HeaderName, HeaderValue, Method, Request};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::field::display;

use super::{Reply, forwarded::Asker};
use crate::{clock::Stopwatch, provider::Service, refresh::Holder, seal::Lineage};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What a handler has found out about its request. It travels in the reply's
/// extensions, and becomes text only where it is logged.
#[derive(Clone, Debug)]
pub(super) struct About {
    service: Arc<Service>,
    lineage: Option<Lineage>,
}

impl About {
    /// A request with an AuthID.
    pub(super) fn holder(holder: &Holder) -> Self {
        Self {
            service: holder.service().clone(),
            lineage: Some(holder.lineage()),
        }
    }

    /// A request about a service.
    pub(super) fn service(service: &Arc<Service>) -> Self {
        Self {
            service: service.clone(),
            lineage: None,
        }
    }

    /// Notes it on the reply.
    pub(super) fn on(self, mut reply: Reply) -> Reply {
        reply.extensions_mut().insert(self);
        reply
    }
}

/// Where request ids are made.
#[derive(Debug)]
pub(super) struct RequestIds {
    /// Tells one process's ids from another's.
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        let mut bits = [0; 8];
        SystemRandom::new()
            .fill(&mut bits)
            .expect("the operating system gives random bytes");
        Self {
            start: u64::from_ne_bytes(bits),
            count: AtomicU64::new(0),
        }
    }

    /// The one that came with the request, if it can be one, or a new one.
    fn id_of<B>(&self, request: &Request<B>) -> HeaderValue {
        match request.headers().get(X_REQUEST_ID) {
            Some(id) if is_id(id) => id.clone(),
            _ => {
                let count = self.count.fetch_add(1, Ordering::Relaxed);
                let id = format!("{:016x}-{count:x}", self.start);
                HeaderValue::from_str(&id).expect("hexadecimal digits")
            }
        }
    }
}

/// Short, and of characters that no log is confused by.
fn is_id(value: &HeaderValue) -> bool {
    (8..=64).contains(&value.len())
        && value
            .as_bytes()
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// A line that is being written.
pub(super) struct Entry {
    stopwatch: Stopwatch,
    method: &'static str,
    route: &'static str,
    asker: Asker,
    id: HeaderValue,
}

impl Entry {
    /// For a request that has just come in.
    pub(super) fn begin<B>(
        ids: &RequestIds,
        request: &Request<B>,
        route: &'static str,
        asker: Asker,
    ) -> Self {
        Self {
            stopwatch: Stopwatch::start(),
            method: name(request.method()),
            route,
            asker,
            id: ids.id_of(request),
        }
    }

    /// Writes it, and gives the reply the id by which it can be found.
    pub(super) fn end(self, mut reply: Reply) -> Reply {
        let about = reply.extensions_mut().remove::<About>();
        let service = about.as_ref().map(|about| display(&about.service.id));
        let lineage = about.as_ref().and_then(|about| about.lineage);
        tracing::info!(
            method = %self.method,
            route = %self.route,
            status = reply.status().as_u16(),
            ms = u64::try_from(self.stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX),
            service,
            lineage = lineage.map(|lineage| display(lineage.short_hash())),
            client = %self.asker,
            request_id = %self.id.to_str().unwrap_or_default(),
            "answered"
        );
        reply.headers_mut().insert(X_REQUEST_ID, self.id);
        reply
    }
}

/// A method's name, if it is one that is known.
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
