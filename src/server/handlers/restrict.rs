//! Limits that a person sets on the start page for the AuthID of the login that follows.

use crate::{
    limit::ClientNetwork,
    login::Recipients,
    pages::{RestrictForm, ShownLimits},
    seal::UseLimits,
    server::{LimitWish, Reply, Server, exchange::Exchange},
};

/// Returns the recipients of a visit with the limits that the form in the query asks for. Without
/// that form they keep those that they had. Limits that can't be set give an error page, so
/// that no login begins without them.
pub(super) fn with_limits(
    exchange: &Exchange<'_>,
    recipients: Recipients,
) -> Result<Recipients, Box<Reply>> {
    let server = exchange.server;
    let [until, networks, per_hour] =
        ["until", "networks", "per_hour"].map(|name| exchange.query(name));
    if until.is_none() && networks.is_none() && per_hour.is_none() {
        return Ok(recipients);
    }
    let wish = LimitWish {
        until: until.as_deref().unwrap_or_default(),
        networks: networks.as_deref().unwrap_or_default(),
        per_hour: per_hour.as_deref().unwrap_or_default(),
    };
    let now = server.login.clock.now();
    let limits = wish
        .limits(now)
        .map_err(|why| Box::new(exchange.no_limits(&why)))?;
    let widest = server.login.new_limits.at(now);
    widest
        .narrowed(&limits)
        .map_err(|why| Box::new(exchange.no_limits(&why)))?;
    Ok(Recipients {
        limits: (!limits.is_none()).then_some(limits),
        ..recipients
    })
}

/// Returns the form of the start page.
pub(super) fn form<'a>(
    exchange: &Exchange<'_>,
    id: Option<&'a str>,
    visit: Option<&'a str>,
    limits: Option<&UseLimits>,
) -> RestrictForm<'a> {
    let server = exchange.server;
    RestrictForm {
        id,
        visit,
        own_network: ClientNetwork::of(exchange.client.address).household(),
        widest: shown(&server.login.new_limits.at(server.login.clock.now())),
        set: limits.and_then(shown),
    }
}

/// Returns the limits for a page; `None` if there are none.
pub(super) fn shown(limits: &UseLimits) -> Option<ShownLimits> {
    let networks: Vec<String> = limits.networks().iter().map(ToString::to_string).collect();
    (!limits.is_none()).then(|| ShownLimits {
        until: limits.until().map(|until| until.to_string()),
        networks,
        per_hour: limits.per_hour().map(u16::from),
    })
}

/// Returns the limits of an AuthID for a page; `None` if there are none.
pub(super) fn shown_of(server: &Server, authid: &str) -> Option<ShownLimits> {
    let (keys, now) = (server.login.keyring.current(), server.login.clock.now());
    let opened = crate::seal::open(&keys, now, authid).ok()?;
    shown(&opened.grant.terms?.limits)
}
