//! `GET /inspect` and `POST /inspected`: facts about an AuthID, without a token and without a
//! call to the provider.

use std::{num::NonZeroU16, sync::Arc};

use http::StatusCode;
use serde::Serialize;

use super::{restrict, result::validity};
use crate::{
    clock::UnixTime,
    pages::{AuthIdForm, InspectionPage, ShownKey, ShownStanding, Validity},
    refresh::{AuthIdReport, LoginStanding, PresentedAuthId, RefreshError, ReportedKey},
    seal::Terms,
    server::{
        Reply,
        errors::{ApiError, capitalised},
        exchange::Exchange,
        input, reply,
    },
};

/// JSON response for scripts. Times are in seconds since 1970.
#[derive(Serialize)]
struct InspectionAnswer<'a> {
    r#type: &'a str,
    issued_at: Option<UnixTime>,
    logged_in_at: Option<UnixTime>,
    generation: u32,
    newer_generation: Option<u32>,
    region: Option<&'a str>,
    key: Option<InspectedKey<'a>>,
    of_another_client: bool,
    user: Option<&'a str>,
    label: Option<&'a str>,
    limits: InspectedLimits,
    /// `expired`, `clock_set_back` or `outside_networks`, if it is refused for a limit to this
    /// client now.
    refused: Option<&'static str>,
    /// `revoked`, `refreshed`, `unanswered`, `store_silent` or `unknown`.
    state: &'static str,
    /// Seconds for which the access token in this server's memory is good.
    access_token_expires: Option<u64>,
}

/// Each is `null` or empty if there is no such limit.
#[derive(Serialize)]
struct InspectedLimits {
    until: Option<UnixTime>,
    networks: Vec<String>,
    per_hour: Option<NonZeroU16>,
}

#[derive(Serialize)]
struct InspectedKey<'a> {
    kid: &'a str,
    made_at: UnixTime,
    ends_at: Option<UnixTime>,
    is_newest: bool,
}

/// Returns the page with the form.
pub(in crate::server) fn inspect_form(exchange: &Exchange<'_>) -> Reply {
    let page = AuthIdForm::inspect(exchange.frame());
    exchange.page(StatusCode::OK, &page)
}

/// Inspects an AuthID. The response is JSON if the AuthID came in the header, and a page if
/// it came from the form.
pub(in crate::server) async fn inspect(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let is_script = input::has_authid_header(exchange.request.headers());
    let authid = input::authid(exchange.request);
    let opened = exchange.open_sent(&authid).await;
    let fail = |error: &RefreshError| match is_script {
        true => ApiError::of_refresh(error).into_json(&exchange.login_url()),
        false => exchange.inspection_failed(error),
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => return fail(&error),
    };
    let report = server.engine.inspect(&opened).await;
    match is_script {
        true => reply::json(StatusCode::OK, &answer(&opened, &report)),
        false => page(exchange, &opened, &report),
    }
}

fn answer<'a>(opened: &'a PresentedAuthId, report: &'a AuthIdReport) -> InspectionAnswer<'a> {
    let (state, access_token_expires) = match report.standing {
        LoginStanding::Revoked => ("revoked", None),
        LoginStanding::Refreshed { expires_in } => ("refreshed", Some(expires_in.as_secs())),
        LoginStanding::Unanswered => ("unanswered", None),
        LoginStanding::StoreSilent => ("store_silent", None),
        LoginStanding::Unknown => ("unknown", None),
    };
    let terms = opened.terms().map(Arc::as_ref);
    InspectionAnswer {
        r#type: &opened.service().id,
        issued_at: report.issued_at,
        logged_in_at: report.logged_in_at,
        generation: report.generation,
        newer_generation: report.newer_generation,
        region: report.region.as_deref(),
        key: report.key.as_ref().map(|key| InspectedKey {
            kid: &key.kid,
            made_at: key.made_at,
            ends_at: key.ends_at,
            is_newest: key.is_newest,
        }),
        of_another_client: report.is_of_another_client,
        user: terms.and_then(Terms::user),
        label: terms.and_then(Terms::label),
        limits: InspectedLimits {
            until: report.limits.until(),
            networks: report
                .limits
                .networks()
                .iter()
                .map(ToString::to_string)
                .collect(),
            per_hour: report.limits.per_hour(),
        },
        refused: report.refused.as_ref().map(RefreshError::outcome),
        state,
        access_token_expires,
    }
}

fn page(exchange: &Exchange<'_>, opened: &PresentedAuthId, report: &AuthIdReport) -> Reply {
    let server = exchange.server;
    let (service, terms) = (opened.service(), opened.terms().map(Arc::as_ref));
    let now = server.login.clock.now();
    let date = |time: Option<UnixTime>| time.map(UnixTime::date);
    let validity = validity(server, service, report.issued_at.unwrap_or(now));
    let page = InspectionPage {
        frame: exchange.frame(),
        service_name: &service.name,
        service_id: &service.id,
        provider_name: &service.provider.name,
        issued: date(report.issued_at),
        logged_in: date(report.logged_in_at),
        generation: report.generation.into(),
        newer_generation: report.newer_generation.map(u64::from),
        region: report.region.as_deref(),
        key: report.key.as_ref().map(|key| shown_key(key, now)),
        is_of_another_client: report.is_of_another_client,
        user: terms.and_then(Terms::user),
        label: terms.and_then(Terms::label),
        limits: restrict::shown(&report.limits),
        refused: report
            .refused
            .as_ref()
            .filter(|_| report.standing != LoginStanding::Revoked)
            .map(|refused| format!("{}.", capitalised(refused))),
        is_revocable: service.provider.revocation.is_some(),
        validity: match (report.standing, report.issued_at, validity) {
            (LoginStanding::Revoked, ..) => None,
            // Its last day depends on when it was made.
            (_, None, Validity::FromIssue { .. }) => None,
            (.., validity) => Some(validity),
        },
        standing: match report.standing {
            LoginStanding::Revoked => ShownStanding::Revoked,
            LoginStanding::Refreshed { expires_in } => ShownStanding::Refreshed {
                minutes: expires_in.as_secs().div_ceil(60),
            },
            LoginStanding::Unanswered => ShownStanding::Unanswered,
            LoginStanding::StoreSilent => ShownStanding::StoreSilent,
            LoginStanding::Unknown => ShownStanding::Unknown,
        },
    };
    exchange.page(StatusCode::OK, &page)
}

fn shown_key(key: &ReportedKey, now: UnixTime) -> ShownKey<'_> {
    const DAY: u64 = 24 * 60 * 60;
    ShownKey {
        kid: &key.kid,
        made: key.made_at.date(),
        age_in_days: now.since(key.made_at).as_secs() / DAY,
        ends: key.ends_at.map(UnixTime::date),
        is_newest: key.is_newest,
    }
}
