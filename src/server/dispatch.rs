//! Dispatch of requests to their handlers.

use http::Request;

use super::{
    Reply, Server,
    errors::{ApiError, OAuthError},
    exchange::Exchange,
    handlers, input, reply,
    routes::{self, Endpoint, REFRESH_PATH, Route},
};
use crate::{
    listen::{Body, Handler, Peer, Unserved},
    pages,
};

/// Route of unknown addresses in the log.
pub(super) const NO_ROUTE: &str = "other";

impl Handler for Server {
    async fn answer(&self, request: &Request<Body>, peer: Peer) -> Reply {
        let path = routes::below_prefix(request.uri().path(), self.public_url().prefix());
        let has_authid = input::has_authid_header(request.headers());
        let route = match has_authid || input::has_authid_in_query(request.uri()) {
            true => routes::find_for_authid(path),
            false => routes::find(path),
        };
        let name = route.map_or(NO_ROUTE, |route| route.path);
        let mut exchange = Exchange::begin(self, request, peer, path, name);
        let reply = match route {
            Some(route) if route.needs_keys() && self.waits_for_keys() => {
                answer_waiting(route.endpoint, &exchange)
            }
            route if has_authid && !route.is_some_and(|it| it.takes_authid(request.method())) => {
                exchange.fail(ApiError::of_address(&self.public_url().join(REFRESH_PATH)))
            }
            Some(route) if !route.accepts(request.method()) => {
                reply::method_not_allowed(route.methods)
            }
            Some(route) => answer(route, &mut exchange).await,
            None => exchange.no_such_page(),
        };
        let took = exchange.log.elapsed();
        self.request_times.count(route, took);
        exchange.log.end(exchange.client, took, reply)
    }

    fn unserved(&self, request: Option<&Request<Body>>, peer: Peer, why: Unserved) -> Reply {
        self.answer_unserved(request, peer, why)
    }
}

/// Answers any request while the keys are missing. Clients try again, and no login is
/// refused that will be valid when the keys are back.
fn answer_waiting(endpoint: Endpoint, exchange: &Exchange<'_>) -> Reply {
    let error = ApiError::of_waiting();
    let has_authid = input::has_authid_header(exchange.request.headers());
    match endpoint {
        Endpoint::OAuthToken | Endpoint::OAuthRevoke => {
            OAuthError::from(error).into_reply(&exchange.login_url())
        }
        Endpoint::Fetch | Endpoint::TokenState => error.into_json(&exchange.login_url()),
        Endpoint::Renew | Endpoint::Revoke | Endpoint::Inspect if has_authid => {
            error.into_json(&exchange.login_url())
        }
        Endpoint::Refresh => exchange.fail(error),
        _ if has_authid => exchange.fail(error),
        _ => exchange.waiting_page(&error),
    }
}

/// Answers a request whose method the endpoint accepts. hyper leaves the body out of a
/// response to HEAD (RFC 9110 section 9.3.2).
async fn answer(route: &Route, exchange: &mut Exchange<'_>) -> Reply {
    if route.is_gated
        && let Some(gate) = exchange.closed_gate()
    {
        return handlers::turn_away(exchange, gate);
    }
    // Futures are boxed, except that of a refresh: together, the others are many times as
    // large.
    match route.endpoint {
        Endpoint::Refresh => handlers::refresh(exchange).await,
        Endpoint::StartPage => handlers::start(exchange),
        Endpoint::BeginLogin => handlers::begin_login(exchange),
        Endpoint::ProviderCallback => Box::pin(handlers::finish_login(exchange)).await,
        Endpoint::PastedLoginToken => Box::pin(handlers::finish_with_login_token(exchange)).await,
        Endpoint::HandOver => Box::pin(handlers::hand_over(exchange)).await,
        Endpoint::MakeCode => Box::pin(handlers::make_code(exchange)).await,
        Endpoint::Collect => Box::pin(handlers::collect(exchange)).await,
        Endpoint::Fetch => Box::pin(handlers::fetch(exchange)).await,
        Endpoint::TokenState => Box::pin(handlers::token_state(exchange)).await,
        Endpoint::RenewForm => handlers::renew_form(exchange),
        Endpoint::Renew => Box::pin(handlers::renew(exchange)).await,
        Endpoint::RevokeForm => handlers::revoke_form(exchange),
        Endpoint::Revoke => Box::pin(handlers::revoke(exchange)).await,
        Endpoint::InspectForm => handlers::inspect_form(exchange),
        Endpoint::Inspect => Box::pin(handlers::inspect(exchange)).await,
        Endpoint::Password => Box::pin(handlers::enter_password(exchange)).await,
        Endpoint::OAuthToken => Box::pin(handlers::token(exchange)).await,
        Endpoint::OAuthRevoke => Box::pin(handlers::revoke_token(exchange)).await,
        Endpoint::OAuthMetadata => handlers::metadata(exchange),
        Endpoint::PrivacyPolicy => handlers::privacy_policy(exchange),
        Endpoint::Style => reply::asset("text/css", pages::style()),
        Endpoint::Script => reply::asset("text/javascript", pages::script()),
        Endpoint::Favicon => reply::asset("image/svg+xml", pages::FAVICON),
    }
}
