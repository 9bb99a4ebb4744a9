//! Error pages of logins.

use std::fmt::Display;

use http::StatusCode;

use super::{
    TELL_ADMINISTRATOR,
    api_error::ApiError,
    capitalised,
    error_page::{Explanation, sentence},
};
use crate::{
    limit::TooOften,
    login::LoginError,
    provider::{Cure, LoginMethod, ProviderError, Refusal, Service},
    server::{Reply, Server, reply},
};

impl Server {
    /// Returns the page for a failed login. `visit` is the nonce for links to another
    /// attempt.
    pub(in crate::server) fn login_failed(&self, error: &LoginError, visit: Option<&str>) -> Reply {
        let explanation = self.explain_login(error, visit);
        let page = self.error_page(explanation.link("To the start page", self.path("/")));
        match error {
            LoginError::TooOften(limit) => reply::set_retry_after(page, Some(limit.retry_after)),
            LoginError::Provider { error, .. } => reply::set_retry_after(page, error.retry_after()),
            _ => page,
        }
    }

    /// Returns the page for limits that can't be set.
    pub(in crate::server) fn no_limits(&self, why: &impl Display) -> Reply {
        self.error_page(no_limits(why).link("To the start page", self.path("/")))
    }

    fn explain_login<'e>(&self, error: &'e LoginError, visit: Option<&str>) -> Explanation<'e> {
        let again = |service: &Service| self.login_path(service, visit);
        match error {
            LoginError::UnknownService { .. } => Explanation::new(
                StatusCode::NOT_FOUND,
                "There is no such service",
                "The link asks for a service that this server does not offer.",
                "Choose one from the list.",
            ),
            LoginError::NotBegun => Explanation::new(
                StatusCode::BAD_REQUEST,
                "This login can't be finished",
                "It was not begun in this browser, it took longer than ten minutes, or the page \
                 was loaded a second time.",
                "Begin again. If it happens every time, allow cookies for this site.",
            ),
            LoginError::TooOften(TooOften { retry_after }) => Explanation::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many logins from your network",
                "Your network has begun more logins in the last minutes than this server allows.",
                &format!(
                    "Wait {} seconds, then load this page again: you can still finish this login \
                     for some minutes.",
                    retry_after.as_secs().max(1)
                ),
            ),
            LoginError::RefusedUnknown { provider, refusal } => {
                refused_unknown(provider.as_deref(), refusal)
            }
            LoginError::AdminConsent => Explanation::new(
                StatusCode::BAD_REQUEST,
                "No login yet",
                "Your browser came back from the page on which an administrator consents for an \
                 organisation. That consent is no login, so there is no AuthID.",
                "Now log in, as the user whose files are meant: choose the service on the start \
                 page.",
            ),
            LoginError::AdminConsentRefused { refusal } => consent_refused(refusal.as_deref()),
            LoginError::RefusedAtProvider {
                service,
                error,
                description,
                refusal,
            } => refused_at_provider(service, refusal, again(service))
                .quote(error, description.as_deref()),
            LoginError::ScopesMissing { service, missing } => {
                scopes_missing(service, missing).link("Log in again", again(service))
            }
            LoginError::AnotherPath { service } => another_sender(
                service,
                "came to the address of another provider",
                again(service),
            ),
            LoginError::AnotherIssuer { service, issuer } => another_sender(
                service,
                "names another provider as its sender (iss)",
                again(service),
            )
            .quote("iss", Some(issuer)),
            LoginError::UnknownRegion { service } => Explanation::new(
                StatusCode::BAD_REQUEST,
                format!(
                    "{} sent you back from an unknown place",
                    service.provider.name
                ),
                "This server does not know the address at which your account is, so nothing was \
                 sent there.",
                TELL_ADMINISTRATOR,
            ),
            LoginError::NotALoginToken { service, why } => Explanation::new(
                StatusCode::BAD_REQUEST,
                format!("This is no login token of {}", service.provider.name),
                format!("{}.", capitalised(why)),
                "Make a new one and paste all of it.",
            )
            .link("Try again", again(service)),
            LoginError::Provider {
                service,
                error: provider_error,
            } => {
                let advice = match error.may_come_again() {
                    true => {
                        "Nothing was sent. Load this page again in a moment: you can still \
                         finish this login for some minutes."
                    }
                    false if matches!(provider_error, ProviderError::GrantRefused(_)) => {
                        "No AuthID was made. Log in again."
                    }
                    false => "No AuthID was made.",
                };
                no_token(service, provider_error, advice, &self.login_url())
                    .link("Try again", again(service))
            }
            LoginError::NoRefreshToken { service } => {
                no_refresh_token(service).link("Log in again", again(service))
            }
            LoginError::UserName(why) => Explanation::new(
                StatusCode::BAD_REQUEST,
                "Your name can't be sealed into an AuthID",
                format!("The proxy in front of this server sent a name for you that {why}."),
                TELL_ADMINISTRATOR,
            ),
            LoginError::WiderLimits(wider) => no_limits(wider),
            LoginError::NothingToLimit { service } => Explanation::new(
                StatusCode::BAD_REQUEST,
                "This login can't be restricted",
                format!(
                    "{} gives a token that programs use without this server, so no limit of this \
                     server concerns it.",
                    service.provider.name
                ),
                "Log in without limits, or not at all.",
            )
            .link("Log in without limits", self.login_path(service, None)),
            LoginError::NoSealingKey(_) => Explanation::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "This server can't make an AuthID now",
                "None of its keys may seal an AuthID.",
                TELL_ADMINISTRATOR,
            ),
        }
    }
}

/// Explains limits for an AuthID that can't be set.
fn no_limits(why: &impl Display) -> Explanation<'static> {
    Explanation::new(
        StatusCode::BAD_REQUEST,
        "These limits can't be set",
        format!("{}.", capitalised(why)),
        "Go back and correct them. No login was begun.",
    )
}

/// Returns the advice on a refusal, which says whose turn it is.
fn advice(refusal: &Refusal) -> Option<String> {
    let advice = refusal.advice.as_ref()?;
    Some(match refusal.cure {
        Some(Cure::Server) => format!("{advice} {TELL_ADMINISTRATOR}"),
        _ => advice.clone(),
    })
}

fn refused_at_provider(
    service: &Service,
    refusal: &Refusal,
    again: String,
) -> Explanation<'static> {
    let provider = &service.provider.name;
    let general = "If you declined by mistake, try again. If it happens every time, show this page \
                   to the administrator.";
    Explanation::new(
        StatusCode::BAD_REQUEST,
        format!("{provider} refused the login"),
        format!("{provider} sent you back without giving access."),
        advice(refusal)
            .as_deref()
            .or(undeclined(refusal))
            .unwrap_or(general),
    )
    .link("Try again", again)
}

/// Explains the return of an administrator without consent. It shows a known code and no text of
/// the answer.
fn consent_refused(refusal: Option<&Refusal>) -> Explanation<'static> {
    let others = [Some(Cure::Organisation), Some(Cure::Server)];
    let known = refusal.filter(|refusal| others.contains(&refusal.cure));
    let code = refusal.map_or(String::new(), |refusal| format!(" ({refusal})"));
    let general = "An administrator of the organisation must open the link to that page again and \
                   accept. If nobody declined, send this page to this server's administrator.";
    Explanation::new(
        StatusCode::BAD_REQUEST,
        "The consent was not given",
        format!(
            "Your browser came back from the page on which an administrator consents for an \
             organisation, and there was no consent{code}: it was declined, or the account may \
             not give it."
        ),
        known.and_then(advice).as_deref().unwrap_or(general),
    )
}

/// Explains a mix-up attack (RFC 9700 section 4.4), or a mistake in providers.toml.
fn another_sender(service: &Service, how: &str, again: String) -> Explanation<'static> {
    let provider = &service.provider;
    Explanation::new(
        StatusCode::BAD_REQUEST,
        format!("This answer is not from {}", provider.name),
        format!(
            "You were logging in to {}, but the answer that your browser brought {how}. \
             It was not used, and no AuthID was made.",
            provider.name
        ),
        &format!(
            "Try again. If it happens every time, show this page to the administrator: either \
             issuer or redirect_path is wrong in [provider.{}], or one provider is trying to \
             misuse your login at another.",
            provider.id
        ),
    )
    .link("Try again", again)
}

fn no_token(
    service: &Service,
    error: &ProviderError,
    advice: &str,
    login_url: &str,
) -> Explanation<'static> {
    let provider = &service.provider;
    let api_error = match error {
        ProviderError::ClientRejected(refusal) => {
            ApiError::client_rejected(&provider.name, &service.credentials.variables(), refusal)
        }
        error => ApiError::of_provider(&provider.name, error),
    };
    let status = match (error, &provider.login) {
        // A login token is typed by its user; a code comes from the provider itself.
        (ProviderError::GrantRefused(_), LoginMethod::Code { .. }) => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => api_error.status(),
    };
    let title = format!("{} gave no token", provider.name);
    Explanation::new(status, title, sentence(api_error.reason(login_url)), advice)
}

/// Explains a refusal that belongs to no login of this browser. It shows a known code and no
/// text of the answer.
fn refused_unknown(provider: Option<&str>, refusal: &Refusal) -> Explanation<'static> {
    let general = "If you declined, or closed the provider's page, begin again. If it happens \
                   every time, show this page to the administrator, and allow cookies for this site.";
    Explanation::new(
        StatusCode::BAD_REQUEST,
        "This login can't be finished",
        format!(
            "{} refused it ({refusal}). It was not begun in this browser, or longer than ten \
             minutes ago.",
            provider.unwrap_or("The provider")
        ),
        advice(refusal)
            .as_deref()
            .or(undeclined(refusal))
            .unwrap_or(general),
    )
}

/// Returns the advice on a standard code that says that nobody declined.
fn undeclined(refusal: &Refusal) -> Option<&'static str> {
    match refusal.code.as_str() {
        "server_error" | "temporarily_unavailable" | "slow_down" => Some(
            "The provider has a fault or is busy, which passes. Wait some minutes, then begin \
             again. If it stays, show this page to the administrator.",
        ),
        "login_required"
        | "interaction_required"
        | "account_selection_required"
        | "consent_required" => Some(
            "The provider wants you to sign in, choose an account or accept there. Begin again, \
             and do so when it asks. If it does not ask, show this page to the administrator.",
        ),
        _ if refusal.blames_the_application() => Some(
            "Nobody declined: the provider does not take this server's application or its \
             request. Show this page to the administrator, who compares the application at the \
             provider with authseal check.",
        ),
        _ => None,
    }
}

/// Explains a login that gives access to less than was asked for.
fn scopes_missing(service: &Service, missing: &[String]) -> Explanation<'static> {
    let provider = &service.provider;
    let general = "Log in again, and allow everything that is asked for. If nothing was asked, \
                   the application may lack these permissions: tell the administrator.";
    let advice = advice(&provider.refused_login(Refusal::SCOPE_MISSING, ""));
    Explanation::new(
        StatusCode::BAD_REQUEST,
        format!("{} did not give all permissions", provider.name),
        format!(
            "Missing: {}. Without that, programs would fail later, so no AuthID was made.",
            missing.join(" ")
        ),
        advice.as_deref().unwrap_or(general),
    )
}

/// Explains a login without a refresh token.
fn no_refresh_token(service: &Service) -> Explanation<'static> {
    let provider = &service.provider;
    let general = "Some providers send it only at the first login to an application: remove the \
                   application from the connected apps of your account, then log in again. If \
                   it stays, the administrator must find the scope or parameter that asks for one.";
    let advice = advice(&provider.refused_login(Refusal::NO_REFRESH_TOKEN, ""));
    let explanation = Explanation::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("{} sent no refresh token", provider.name),
        format!(
            "{} gave access, but no refresh token, and an AuthID needs one.",
            provider.name
        ),
        advice.as_deref().unwrap_or(general),
    );
    match &service.manage_url {
        Some(url) => explanation.link("See who has access", url.to_string()),
        None => explanation,
    }
}
