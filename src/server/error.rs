//! From what went wrong to what the public reads: one exhaustive match for
//! clients, one for browsers.

use http::StatusCode;
use serde::Serialize;

use super::{Reply, Server, reply};
use crate::{
    keyring::Unusable,
    login::LoginError,
    pages::{ErrorPage, Link, ProviderError as ProvidersWords},
    provider::ProviderError,
    refresh::RefreshError,
    seal::{NotAnAuthId, OpenError},
};

/// `X-Reason` stands in one line of Duplicati's message.
const MAX_REASON_CHARACTERS: usize = 300;

const LOG_IN_AGAIN: &str = "Log in again to get a new AuthID.";
const TRY_LATER: &str = "Try again later.";
const TELL_ADMINISTRATOR: &str = "Tell the administrator of this OAuth server.";

/// The answer to a client whose AuthID gave no token. Statuses are those that
/// installed clients read rightly: see design.md section 5.
pub(super) fn refresh_failure(error: &RefreshError) -> Reply {
    let (status, code, reason) = match error {
        RefreshError::Open(OpenError::NotAnAuthId(why)) => {
            (StatusCode::BAD_REQUEST, "invalid_request", not_one(*why))
        }
        RefreshError::Open(
            OpenError::Key(Unusable::Unknown | Unusable::Retired)
            | OpenError::Tampered
            | OpenError::WrongService,
        )
        | RefreshError::Revoked => (
            StatusCode::UNAUTHORIZED,
            "invalid_grant",
            format!("{}. {LOG_IN_AGAIN}", capitalised(&error.to_string())),
        ),
        RefreshError::NotOffered { .. } => (
            StatusCode::UNAUTHORIZED,
            "invalid_grant",
            format!("{}. {TELL_ADMINISTRATOR}", capitalised(&error.to_string())),
        ),
        RefreshError::Provider { provider, error } => provider_failure(provider, error),
        RefreshError::Lost => (
            StatusCode::BAD_GATEWAY,
            "server_error",
            format!("The refresh was lost by a fault of this server. {TRY_LATER}"),
        ),
    };
    failure(status, code, &reason)
}

fn not_one(why: NotAnAuthId) -> String {
    let hint = match why {
        NotAnAuthId::Missing => "send it in the X-AuthID header",
        NotAnAuthId::TooLong | NotAnAuthId::Form => "copy the whole AuthID, or log in again",
    };
    format!("{}: {hint}.", capitalised(&why.to_string()))
}

fn provider_failure(provider: &str, error: &ProviderError) -> (StatusCode, &'static str, String) {
    match error {
        ProviderError::GrantRefused { code } => (
            StatusCode::UNAUTHORIZED,
            "invalid_grant",
            format!(
                "{provider} no longer accepts this login ({code}): it has expired, was used up, or \
                 access was withdrawn. {LOG_IN_AGAIN}"
            ),
        ),
        ProviderError::ClientRejected { code } => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "server_error",
            format!(
                "{provider} rejects this OAuth server's client id or secret ({code}). \
                 {TELL_ADMINISTRATOR}"
            ),
        ),
        ProviderError::RequestRefused { code } => (
            StatusCode::BAD_GATEWAY,
            "server_error",
            format!("{provider} refused the request ({code}). {TELL_ADMINISTRATOR}"),
        ),
        ProviderError::Busy { .. }
        | ProviderError::Failing { .. }
        | ProviderError::Nonsense { .. }
        | ProviderError::Unreachable { .. } => (
            StatusCode::BAD_GATEWAY,
            "temporarily_unavailable",
            format!("{provider} gave no token: {error}. {TRY_LATER}"),
        ),
        ProviderError::TooSlow => (
            StatusCode::GATEWAY_TIMEOUT,
            "temporarily_unavailable",
            format!("{provider} did not answer in time. {TRY_LATER}"),
        ),
    }
}

/// Every backend finds here what it shows: Box reads `status`, `code` and
/// `message`, OAuth libraries read `error` and `error_description`.
#[derive(Serialize)]
struct FailureBody<'a> {
    error: &'a str,
    error_description: &'a str,
    status: u16,
    code: &'a str,
    message: &'a str,
}

fn failure(status: StatusCode, code: &'static str, reason: &str) -> Reply {
    let reason = one_line(reason);
    let body = FailureBody {
        error: code,
        error_description: &reason,
        status: status.as_u16(),
        code,
        message: &reason,
    };
    reply::set_reason(reply::json(status, &body), &reason)
}

/// One line of printable ASCII, short enough for a message box.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            ' '..='~' => char,
            '\t' | '\r' | '\n' => ' ',
            _ => '?',
        })
        .take(MAX_REASON_CHARACTERS)
        .collect()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The parts of an error page.
pub(super) struct Explanation<'a> {
    title: String,
    happened: String,
    advice: String,
    links: Vec<(&'static str, String)>,
    provider_error: Option<ProvidersWords<'a>>,
}

/// An error page.
pub(super) fn page(server: &Server, status: StatusCode, explanation: Explanation<'_>) -> Reply {
    let page = ErrorPage {
        frame: server.frame(),
        title: &explanation.title,
        happened: &explanation.happened,
        advice: &explanation.advice,
        links: explanation
            .links
            .iter()
            .map(|(label, href)| Link { label, href })
            .collect(),
        provider_error: explanation.provider_error,
    };
    reply::page(status, &page)
}

/// For an address that nothing answers at.
pub(super) fn no_such_page(server: &Server) -> Explanation<'static> {
    Explanation {
        title: "There is no such page".into(),
        happened: "Nothing on this server has this address.".into(),
        advice: "Start from the list of services.".into(),
        links: vec![("To the start page", server.path("/"))],
        provider_error: None,
    }
}

/// The answer to a person whose login led to no AuthID.
pub(super) fn login_page(server: &Server, error: &LoginError) -> Reply {
    let start = ("To the start page", server.path("/"));
    match error {
        LoginError::UnknownService { .. } => page(
            server,
            StatusCode::NOT_FOUND,
            Explanation {
                title: "There is no such service".into(),
                happened: "The link asks for a service that this server does not offer.".into(),
                advice: "Choose one from the list.".into(),
                links: vec![start],
                provider_error: None,
            },
        ),
        LoginError::NotBegun => page(
            server,
            StatusCode::BAD_REQUEST,
            Explanation {
                title: "This login can't be finished".into(),
                happened: "It was not begun in this browser, it took longer than ten minutes, or \
                           the page was loaded a second time."
                    .into(),
                advice: "Begin again. If it happens every time, allow cookies for this site."
                    .into(),
                links: vec![("Begin again", server.path("/"))],
                provider_error: None,
            },
        ),
        LoginError::RefusedAtProvider {
            service,
            error,
            description,
        } => page(
            server,
            StatusCode::BAD_REQUEST,
            Explanation {
                title: format!("{} refused the login", service.provider.name),
                happened: format!(
                    "{} sent you back without giving access.",
                    service.provider.name
                ),
                advice: "If you declined by mistake, try again. If it happens every time, show \
                         this page to the administrator."
                    .into(),
                links: vec![("Try again", server.login_path(service)), start],
                provider_error: Some(ProvidersWords {
                    code: error,
                    description: description.as_deref(),
                }),
            },
        ),
        LoginError::Provider { service, error } => {
            let (status, _, happened) = provider_failure(&service.provider.name, error);
            page(
                server,
                // A refused code is no matter of the AuthID's holder.
                if status == StatusCode::UNAUTHORIZED {
                    StatusCode::BAD_GATEWAY
                } else {
                    status
                },
                Explanation {
                    title: format!("{} gave no token", service.provider.name),
                    happened,
                    advice: "Nothing was kept, and nothing is lost: begin the login again.".into(),
                    links: vec![("Try again", server.login_path(service)), start],
                    provider_error: None,
                },
            )
        }
        LoginError::NoRefreshToken { service } => page(
            server,
            StatusCode::BAD_GATEWAY,
            no_refresh_token(server, service),
        ),
        LoginError::NoSealingKey(_) => page(
            server,
            StatusCode::INTERNAL_SERVER_ERROR,
            Explanation {
                title: "This server can't seal just now".into(),
                happened: "It has no key that may seal.".into(),
                advice: TELL_ADMINISTRATOR.into(),
                links: vec![start],
                provider_error: None,
            },
        ),
    }
}

/// Some providers send a refresh token only when access is granted for the first
/// time.
fn no_refresh_token(server: &Server, service: &crate::provider::Service) -> Explanation<'static> {
    let provider = &service.provider.name;
    let mut links = vec![("Log in again", server.login_path(service))];
    if let Some(manage_url) = &service.manage_url {
        links.insert(0, ("See who has access", manage_url.to_string()));
    }
    Explanation {
        title: format!("{provider} sent no refresh token"),
        happened: format!(
            "{provider} let you in, but without a refresh token nothing can be sealed. It does so \
             when it thinks that this application already has one."
        ),
        advice: "Remove the application from the list of those that have access, then log in \
                 again."
            .into(),
        links,
        provider_error: None,
    }
}
