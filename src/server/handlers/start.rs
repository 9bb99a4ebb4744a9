//! `GET /`: start page with the list of services.

use std::sync::Arc;

use http::{StatusCode, header::REFERER};

use super::restrict::{self, with_limits};
use crate::{
    login::{HandOverToken, Origin, Receives, Recipients, Waiting},
    pages::{Choice, OfferedService, Receiver, Setup, StartPage},
    provider::{LoginMethod, RefreshTokens, Service},
    server::{Reply, Server, exchange::Exchange, input, reply},
};

/// Shows all services, or the one in `?type=`. The page may be opened by a person, or by
/// a program that wants the AuthID.
pub(in crate::server) fn start(exchange: &Exchange<'_>) -> Reply {
    let server = exchange.server;
    let asked = exchange.query("type").filter(|id| !id.is_empty());
    let chosen = asked.as_deref().and_then(|id| server.catalog().find(id));
    let (status, choice) = match (&asked, chosen) {
        (None, _) => (StatusCode::OK, Choice::All),
        (Some(_), Some(service)) => (StatusCode::OK, Choice::One(button(server, service))),
        (Some(id), None) => (StatusCode::NOT_FOUND, Choice::Unknown(id)),
    };
    let recipients = match with_limits(exchange, recipients(exchange)) {
        Ok(recipients) => recipients,
        Err(page) => return *page,
    };
    let visit = match recipients.is_unknown() {
        true => None,
        false => match server.login.visit(recipients.clone()) {
            Ok(visit) => Some(visit),
            Err(error) => return exchange.login_failed(&error, None),
        },
    };
    let listed = || server.catalog().iter().filter(|service| !service.hidden);
    let page = StartPage {
        frame: visit.as_ref().map_or_else(
            || exchange.frame(),
            |visit| exchange.frame_of_visit(&visit.nonce),
        ),
        services: listed().map(|service| button(server, service)).collect(),
        choice,
        setups: setups(server),
        visit: visit.as_ref().map(|visit| visit.nonce.as_str()),
        receiver: server.login.receives(&recipients).map(|receives| Receiver {
            opener: recipients.opener.as_ref().map(Origin::as_str),
            after_a_click: receives == Receives::AfterAClick,
        }),
        note: chosen.and_then(|service| service.note.as_deref()),
        notes: listed()
            .filter_map(|service| Some((service.name.as_str(), service.note.as_deref()?)))
            .collect(),
        admin_consent: chosen.and_then(|service| admin_consent(server, service)),
        is_blocked: server.login.is_blocked(&recipients),
        is_expected: recipients.has_any(),
        restrict: chosen
            .is_none_or(|service| service.provider.refresh_tokens != RefreshTokens::None)
            .then(|| {
                let visit = visit.as_ref().map(|visit| visit.nonce.as_str());
                let id = chosen.map(|service| service.id.as_str());
                restrict::form(exchange, id, visit, recipients.limits.as_ref())
            }),
    };
    let reply = exchange.page(status, &page);
    reply::set_cookies(reply, visit.as_ref().map(|visit| &visit.cookie))
}

/// Returns the recipients for whom the page was opened. They come from the visit if the
/// password was asked for in between; otherwise from the `Referer`, which browsers send
/// at least as an origin, and from the token of Duplicati's old web UI.
pub(super) fn recipients(exchange: &Exchange<'_>) -> Recipients {
    let (server, request) = (exchange.server, exchange.request);
    let visit = input::visit(request.uri());
    let carried = server.login.recipients(&visit, exchange.cookies());
    if !carried.is_unknown() {
        return carried;
    }
    let referer = request.headers().get(REFERER);
    let opener = referer
        .and_then(|value| Origin::of(value.to_str().ok()?).ok())
        .filter(|origin| !origin.is(server.public_url()));
    let token = exchange.query("token");
    let token = token.as_deref().and_then(HandOverToken::parse);
    Recipients {
        waiting: token.map(|token| Waiting {
            token,
            since: server.login.clock.now(),
        }),
        opener,
        ..Recipients::default()
    }
}

/// Shows the services that log in with a login token.
pub(super) fn login_tokens(exchange: &Exchange<'_>) -> Reply {
    let server = exchange.server;
    let takes_token =
        |service: &&Arc<Service>| matches!(service.provider.login, LoginMethod::LoginToken { .. });
    let services = server.catalog().iter().filter(takes_token);
    let page = StartPage {
        frame: exchange.frame(),
        services: services.map(|service| button(server, service)).collect(),
        choice: Choice::LoginTokens,
        setups: Vec::new(),
        visit: None,
        receiver: None,
        note: None,
        notes: Vec::new(),
        admin_consent: None,
        is_blocked: false,
        is_expected: false,
        restrict: None,
    };
    exchange.page(StatusCode::OK, &page)
}

fn button<'a>(server: &Server, service: &'a Service) -> OfferedService<'a> {
    OfferedService {
        id: &service.id,
        name: &service.name,
        provider: &service.provider.id,
        ends_at_restart: server.forgets(service),
    }
}

/// Returns the link by which an administrator consents to the service. It has the client id
/// and the scope, which every login shows too.
fn admin_consent(server: &Server, service: &Service) -> Option<String> {
    let path = service.provider.redirect_path()?;
    let redirect_uri = server.public_url().join(path.as_str());
    service.admin_consent(&redirect_uri).map(String::from)
}

/// Returns one line per provider, even if it has several services.
fn setups(server: &Server) -> Vec<Setup<'_>> {
    let mut setups: Vec<Setup<'_>> = Vec::new();
    for service in &server.withheld {
        let provider = &service.provider;
        if setups.iter().all(|setup| setup.provider != provider.name) {
            setups.push(Setup {
                provider: &provider.name,
                how: &service.reason,
                console_url: provider.console_url.as_ref().map(url::Url::as_str),
            });
        }
    }
    setups
}
