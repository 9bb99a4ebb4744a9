//! AuthIDs with limits: until when, from where and how often they may be used.

mod checked;
mod clock;
mod commands;
mod hand_overs;
mod lineage;
mod networks;
mod never_wider;
mod start_page;
mod uses;

use std::{num::NonZeroU16, sync::Arc, time::Duration};

use authseal::{
    clock::UnixTime,
    seal::{Grant, Terms, UseLimits},
};

use crate::support::{Answer, TestApp, form_request, post_form, send};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Limits as they are written: `until` in seconds since 1970, networks with commas between.
fn limits(until: Option<UnixTime>, networks: &str, per_hour: u16) -> UseLimits {
    let networks = networks.split(',').filter(|network| !network.is_empty());
    let networks = networks.map(|network| network.parse().unwrap());
    UseLimits::new(until, networks, NonZeroU16::new(per_hour)).unwrap()
}

/// An AuthID of the same login with these limits.
fn with_limits(app: &TestApp, authid: &str, limits: UseLimits) -> String {
    app.reseal(&Grant {
        terms: limits.into_terms(),
        ..app.open(authid)
    })
}

fn limits_of(app: &TestApp, authid: &str) -> UseLimits {
    let terms: Option<Arc<Terms>> = app.open(authid).terms;
    terms.map_or_else(UseLimits::default, |terms| terms.limits.clone())
}

/// An AuthID in an answer.
fn authid_in(answer: &Answer, member: &str) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let authid = answer.json()[member].as_str().map(str::to_owned);
    authid.unwrap_or_else(|| panic!("{answer:?}"))
}

/// A script's request.
async fn post(app: &TestApp, path: &str, authid: &str) -> Answer {
    let mut request = form_request(&format!("{}{path}", app.url), &[]);
    let value = authid.parse().unwrap();
    request.headers_mut().insert("X-AuthID", value);
    send(request).await
}

async fn token(app: &TestApp, authid: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", authid)];
    post_form(&format!("{}/token", app.url), &fields).await
}
