//! Result page of a login or renewal, which shows the AuthID.

use std::time::Duration;

use http::StatusCode;

use super::restrict::shown_of;
use crate::{
    clock::UnixTime,
    login::{self, Fetching, Finished, HandOver},
    pages::{self, OpenerPage, OtherPrograms, ResultPage, ShownCredential, Validity},
    provider::{RefreshTokens, Service},
    secret::Secret,
    server::{Reply, Server, exchange::Exchange, reply, routes::TOKEN_PATH},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns the page for a credential of this service, without other recipients.
pub(super) fn result_page<'a>(
    exchange: &Exchange<'a>,
    service: &'a Service,
    credential: ShownCredential<'a>,
) -> ResultPage<'a> {
    let server = exchange.server;
    let provider = &service.provider;
    ResultPage {
        frame: exchange.frame(),
        service_name: &service.name,
        service_link: service.link.as_ref().map(url::Url::as_str),
        provider_name: &provider.name,
        validity: validity(server, service, server.login.clock.now()),
        limits: match credential {
            ShownCredential::AuthId(authid) => shown_of(server, authid),
            ShownCredential::AccessToken(_) => None,
        },
        is_revocable: provider.revocation.is_some()
            && matches!(credential, ShownCredential::AuthId(_)),
        manage_url: service.manage_url.as_ref().map(url::Url::as_str),
        other_programs: other_programs(server, service, credential),
        elsewhere: elsewhere(server, credential),
        credential,
        account: pages::ShownAccount::default(),
        facts: &[],
        opener: None,
        hand_over: pages::HandOverState::Nobody,
        may_be_blocked: false,
    }
}

/// Returns the page for the result of a login, with its other recipients.
pub(super) fn finished_page(
    exchange: &mut Exchange<'_>,
    status: StatusCode,
    finished: &Finished,
) -> Reply {
    exchange.log.note_service(&finished.service);
    let credential = match &finished.credential {
        login::Credential::AuthId(authid) => ShownCredential::AuthId(authid.expose()),
        login::Credential::AccessToken(token) => ShownCredential::AccessToken(token.expose()),
    };
    let (hand_over, cookie) = match &finished.hand_over {
        HandOver::Nobody => (pages::HandOverState::Nobody, None),
        HandOver::Declined => (pages::HandOverState::Declined, None),
        HandOver::Blocked => (pages::HandOverState::Blocked, None),
        HandOver::Asks(question) => (
            pages::HandOverState::Asks(pages::HandOverForm {
                nonce: &question.nonce,
                sealed: question.sealed.expose(),
                failed: status != StatusCode::OK,
            }),
            question.cookie.as_ref(),
        ),
        HandOver::Done => (pages::HandOverState::Done, None),
        HandOver::TooLate => (pages::HandOverState::TooLate, None),
    };
    let asks = matches!(hand_over, pages::HandOverState::Asks(_));
    let opener = finished.opener.as_ref();
    let public_url = exchange.server.public_url();
    let fetching = Fetching::by(opener.map(|opener| &opener.origin), public_url);
    let another = another_account(exchange.server, finished);
    let page = result_page(exchange, &finished.service, credential);
    let page = ResultPage {
        // Other programs are shown after the hand-over is answered.
        other_programs: page.other_programs.filter(|_| !asks),
        elsewhere: page.elsewhere.filter(|_| !asks),
        account: pages::ShownAccount {
            name: finished.account.as_ref().map(Secret::expose),
            another: another.as_deref(),
            stays: !finished.service.provider.asks_for_the_account(),
        },
        facts: &finished.facts,
        opener: opener.map(|opener| OpenerPage {
            origin: opener.origin.as_str(),
            is_trusted: opener.is_trusted,
        }),
        hand_over,
        may_be_blocked: fetching != Fetching::Possible,
        ..page
    };
    let visit = finished.visit.as_ref().map(|visit| &visit.cookie);
    reply::set_cookies(
        exchange.page(status, &page),
        cookie.into_iter().chain(visit),
    )
}

/// Returns the path at which the user logs in with another account, for the same recipients.
/// `None` after the click that hands over: those recipients have been answered.
fn another_account(server: &Server, finished: &Finished) -> Option<String> {
    let nobody_else = matches!(finished.hand_over, HandOver::Nobody) && finished.opener.is_none();
    let visit = finished.visit.as_ref().map(|visit| visit.nonce.as_str());
    let path = server.login_path(&finished.service, visit);
    (visit.is_some() || nobody_else).then(|| format!("{path}&account=other"))
}

/// Returns the form by which another machine gets the AuthID. If no key seals, the page does
/// without it.
fn elsewhere(server: &Server, credential: ShownCredential<'_>) -> Option<pages::ElsewhereForm> {
    let ShownCredential::AuthId(authid) = credential else {
        return None;
    };
    let form = server.login.one_time_form(authid).ok()?;
    Some(pages::ElsewhereForm {
        nonce: form.nonce,
        sealed: form.sealed.expose().to_owned(),
    })
}

fn other_programs(
    server: &Server,
    service: &Service,
    credential: ShownCredential<'_>,
) -> Option<OtherPrograms> {
    let ShownCredential::AuthId(authid) = credential else {
        return None;
    };
    let login = pages::ClientCommands {
        service: &service.id,
        token_url: &server.public_url().join(TOKEN_PATH),
        authid,
    };
    let rclone = service.rclone.as_ref();
    Some(OtherPrograms {
        rclone: rclone.map(|rclone| login.rclone(&rclone.kind, &rclone.options)),
        rclone_with_file: rclone.map(|it| login.rclone_with_file(&it.kind, &it.options)),
        curl: login.curl(),
        curl_with_file: login.curl_with_file(),
        are_replaced: service.provider.refresh_tokens.are_replaced(),
    })
}

/// Returns the validity of an AuthID of this service that was made at `issued_at`.
pub(super) fn validity(server: &Server, service: &Service, issued_at: UnixTime) -> Validity {
    let provider = &service.provider;
    if server.forgets(service) {
        return Validity::UntilRestart;
    }
    match (provider.idle_days, provider.refresh_tokens) {
        (None, _) => Validity::Unlimited,
        // The client keeps the first of several tokens; the newer ones are only in
        // memory.
        (Some(days), RefreshTokens::Sliding) if !server.engine.outlives_the_process() => {
            Validity::FromIssue {
                days: days.into(),
                until: issued_at.plus(DAY * days).date(),
            }
        }
        (Some(days), _) => Validity::WhileUsed { days: days.into() },
    }
}
