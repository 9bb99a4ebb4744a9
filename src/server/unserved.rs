//! Answers to requests that no handler can serve now: the server is stopping or full, or
//! the request arrived too slowly. Clients try again within a second.

use std::time::Duration;

use http::{Request, StatusCode};

use super::{
    Reply, Server,
    dispatch::NO_ROUTE,
    errors::OAuthError,
    exchange::Exchange,
    reply,
    routes::{self, Endpoint},
};
use crate::listen::{Body, Peer, Unserved};

const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Server {
    /// Answers without a handler, and writes the log line. There is none for a request
    /// whose head is not complete, because anybody can send many of those.
    pub(super) fn answer_unserved(
        &self,
        request: Option<&Request<Body>>,
        peer: Peer,
        why: Unserved,
    ) -> Reply {
        let Some(request) = request else {
            return as_text(why);
        };
        let path = routes::below_prefix(request.uri().path(), self.public_url().prefix());
        let route = routes::find(path);
        let name = route.map_or(NO_ROUTE, |route| route.path);
        let exchange = Exchange::begin(self, request, peer, path, name);
        let reply = match route.map(|route| route.endpoint) {
            // OAuth libraries read JSON.
            Some(Endpoint::OAuthToken | Endpoint::OAuthRevoke) => {
                let error = OAuthError::new("temporarily_unavailable", reason(why));
                let reply = error.into_reply(&exchange.login_url());
                reply::set_retry_after(reply, Some(RETRY_AFTER))
            }
            _ => as_text(why),
        };
        // `authseal_requests_unserved_total` counts it, and no response time.
        let took = exchange.log.elapsed();
        exchange.log.end(exchange.client, took, reply)
    }
}

fn as_text(why: Unserved) -> Reply {
    let reason = reason(why);
    let reply = reply::set_reason(reply::text(StatusCode::BAD_GATEWAY, reason), reason);
    reply::set_retry_after(reply, Some(RETRY_AFTER))
}

/// Returns the reason for the user: one line of ASCII, without a full stop at its end,
/// because clients add one.
fn reason(why: Unserved) -> &'static str {
    match why {
        Unserved::Stopping => "This OAuth server is restarting. Try again in a moment",
        Unserved::Overloaded => "This OAuth server is overloaded. Try again in a moment",
        Unserved::Late => "The request took too long to reach this OAuth server. Try again",
    }
}
