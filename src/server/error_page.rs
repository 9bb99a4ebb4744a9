//! Error pages for browsers.

use http::StatusCode;

use super::{
    Reply, Server,
    admission::Gate,
    failure::{Failure, TELL_ADMINISTRATOR, capitalised},
    forwarded::Asker,
    reply,
};
use crate::{
    limit::TooOften,
    login::LoginError,
    pages::{ErrorPage, PageLink, ProviderMessage},
    provider::{LoginMethod, ProviderError, Service},
    refresh::{RefreshError, RevokeError},
};

/// The parts of an error page.
#[derive(Default)]
struct Explanation<'a> {
    title: String,
    happened: String,
    advice: String,
    links: Vec<(&'static str, String)>,
    provider_error: Option<ProviderMessage<'a>>,
}

impl Explanation<'_> {
    fn new(title: impl Into<String>, happened: impl Into<String>, advice: &str) -> Self {
        Self {
            title: title.into(),
            happened: happened.into(),
            advice: advice.into(),
            ..Self::default()
        }
    }

    fn link(mut self, label: &'static str, href: String) -> Self {
        self.links.push((label, href));
        self
    }
}

impl Server {
    fn error_page(&self, status: StatusCode, explanation: Explanation<'_>) -> Reply {
        let page = ErrorPage {
            frame: self.frame(),
            title: &explanation.title,
            happened: &explanation.happened,
            advice: &explanation.advice,
            links: explanation
                .links
                .iter()
                .map(|(label, href)| PageLink { label, href })
                .collect(),
            provider_error: explanation.provider_error,
        };
        reply::page(status, &page)
    }

    /// Returns the page for an unknown address (404).
    pub(super) fn no_such_page(&self) -> Reply {
        let explanation = Explanation::new(
            "There is no such page",
            "Nothing on this server has this address.",
            "Start from the list of services.",
        )
        .link("To the start page", self.path("/"));
        self.error_page(StatusCode::NOT_FOUND, explanation)
    }

    /// Returns the page for a server that waits for its keys.
    pub(super) fn waiting_page(&self, failure: &Failure) -> Reply {
        let explanation = Explanation::new(
            "This server waits for its keys",
            failure.reason.clone(),
            "Nothing is lost: every AuthID is good again when they are there.",
        );
        self.error_page(failure.status, explanation)
    }

    /// Returns the page for a person whom a gate refuses, because of their network or
    /// because the proxy names no user.
    pub(super) fn not_admitted(&self, gate: Gate, asker: Asker) -> Reply {
        let explanation = match (gate, asker.address) {
            (Gate::Network | Gate::Password, Some(address)) => Explanation::new(
                "You can't log in from here",
                format!(
                    "This server lets people log in from certain networks only, and you come from {address}."
                ),
                "Try from one of those, at home or by your VPN, or ask the administrator.",
            ),
            (Gate::Network | Gate::Password, None) => Explanation::new(
                "You can't log in from here",
                "This server lets people log in from certain networks only, and it can't tell \
                 where you come from: the proxy between does not say, or is not trusted to.",
                "Tell the administrator: AUTHSEAL_TRUSTED_PROXIES must name the proxy, and the \
                 proxy must send X-Forwarded-For or Forwarded, and no second one that differs.",
            ),
            (Gate::Header, _) => Explanation::new(
                "You are not signed in",
                "This server lets in only people whom its proxy has signed in, and it has named nobody.",
                "Sign in there first, or ask the administrator.",
            ),
        };
        self.error_page(StatusCode::FORBIDDEN, explanation)
    }

    /// Returns the page for a failed login. `visit` is the nonce that links to another
    /// attempt carry.
    pub(super) fn login_failed(&self, error: &LoginError, visit: Option<&str>) -> Reply {
        let (status, explanation) = self.explain_login(error, visit);
        let page = self.error_page(
            status,
            explanation.link("To the start page", self.path("/")),
        );
        match error {
            LoginError::TooOften(TooOften { retry_after }) => {
                reply::set_retry_after(page, *retry_after)
            }
            _ => page,
        }
    }

    fn explain_login<'e>(
        &self,
        error: &'e LoginError,
        visit: Option<&str>,
    ) -> (StatusCode, Explanation<'e>) {
        let again = |service: &Service| self.login_path(service, visit);
        match error {
            LoginError::UnknownService { .. } => (
                StatusCode::NOT_FOUND,
                Explanation::new(
                    "There is no such service",
                    "The link asks for a service that this server does not offer.",
                    "Choose one from the list.",
                ),
            ),
            LoginError::NotBegun => (
                StatusCode::BAD_REQUEST,
                Explanation::new(
                    "This login can't be finished",
                    "It was not begun in this browser, it took longer than ten minutes, or the \
                     page was loaded a second time.",
                    "Begin again. If it happens every time, allow cookies for this site.",
                ),
            ),
            LoginError::TooOften(TooOften { retry_after }) => (
                StatusCode::TOO_MANY_REQUESTS,
                Explanation::new(
                    "Too many logins from your network",
                    "In the last minutes more logins came from your network than this server \
                     passes on.",
                    &format!(
                        "Wait {} seconds, then load this page again: your login is still good \
                         for some minutes.",
                        retry_after.as_secs().max(1)
                    ),
                ),
            ),
            LoginError::RefusedAtProvider {
                service,
                error,
                description,
            } => {
                let words = description.as_deref().unwrap_or_default();
                let mut explanation = refused_at_provider(service, again(service));
                if let Some(advice) = service.provider.advice_on(error, words) {
                    explanation.advice = advice;
                }
                explanation.provider_error = Some(ProviderMessage {
                    code: error,
                    description: description.as_deref(),
                });
                (StatusCode::BAD_REQUEST, explanation)
            }
            LoginError::AnotherPath { service } => (
                StatusCode::BAD_REQUEST,
                another_sender(
                    service,
                    "came to the address of another provider",
                    again(service),
                ),
            ),
            LoginError::AnotherIssuer { service, issuer } => {
                let mut explanation = another_sender(
                    service,
                    "names another provider as its sender (iss)",
                    again(service),
                );
                explanation.provider_error = Some(ProviderMessage {
                    code: "iss",
                    description: Some(issuer),
                });
                (StatusCode::BAD_REQUEST, explanation)
            }
            LoginError::UnknownRegion { service } => (
                StatusCode::BAD_REQUEST,
                Explanation::new(
                    format!(
                        "{} sent you back from an unknown place",
                        service.provider.name
                    ),
                    "The address of your account's servers is not one that this server knows, so \
                     nothing was sent there.",
                    TELL_ADMINISTRATOR,
                ),
            ),
            LoginError::NotALoginToken { service, why } => (
                StatusCode::BAD_REQUEST,
                Explanation::new(
                    format!("This is no login token of {}", service.provider.name),
                    format!("{}.", capitalised(&why.to_string())),
                    "Make a new one and paste all of it.",
                )
                .link("Try again", again(service)),
            ),
            LoginError::Provider {
                service,
                error: provider_error,
            } => {
                let advice = match error.may_come_again() {
                    true => {
                        "Nothing was sent. Load this page again in a moment: your login is \
                         still good for some minutes."
                    }
                    false => "Nothing was kept, and nothing is lost: begin the login again.",
                };
                no_token(service, provider_error, again(service), advice)
            }
            LoginError::NoRefreshToken { service } => (
                StatusCode::BAD_GATEWAY,
                no_refresh_token(service, again(service)),
            ),
            LoginError::NoSealingKey(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                Explanation::new(
                    "This server can't seal just now",
                    "It has no key that may seal.",
                    TELL_ADMINISTRATOR,
                ),
            ),
        }
    }

    /// Returns the page for an AuthID that could not be renewed.
    pub(super) fn renewal_failed(&self, error: &RefreshError) -> Reply {
        let failure = Failure::of_refresh(error);
        let explanation = Explanation::new(
            "It is not renewed",
            failure.reason,
            "What you have stays as it is.",
        )
        .link("Try again", self.path("/renew"))
        .link("To the start page", self.path("/"));
        self.error_page(failure.status, explanation)
    }

    /// Returns the page for a failed revocation: the grant may still be valid.
    pub(super) fn revocation_failed(&self, error: &RevokeError) -> Reply {
        let failure = Failure::of_revocation(error);
        let explanation = Explanation::new(
            "It is not revoked",
            failure.reason,
            "The AuthID may still give access.",
        );
        let explanation = match error {
            RevokeError::OnlyAtProvider { service } => match &service.manage_url {
                Some(url) => explanation.link("Remove the access there", url.to_string()),
                None => explanation,
            },
            RevokeError::Refresh(_) => explanation.link("Try again", self.path("/revoke")),
        };
        let explanation = explanation.link("To the start page", self.path("/"));
        self.error_page(failure.status, explanation)
    }
}

fn refused_at_provider(service: &Service, again: String) -> Explanation<'static> {
    Explanation::new(
        format!("{} refused the login", service.provider.name),
        format!(
            "{} sent you back without giving access.",
            service.provider.name
        ),
        "If you declined by mistake, try again. If it happens every time, show this page to \
         the administrator.",
    )
    .link("Try again", again)
}

/// Explains a mix-up attack (RFC 9700 section 4.4), or a mistake in providers.toml.
fn another_sender(service: &Service, how: &str, again: String) -> Explanation<'static> {
    let provider = &service.provider;
    Explanation::new(
        format!("This answer is not from {}", provider.name),
        format!(
            "You were logging in to {}, but the answer that your browser brought {how}. \
             Nothing was done with it, and you have no AuthID.",
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
    again: String,
    advice: &'static str,
) -> (StatusCode, Explanation<'static>) {
    let failure = Failure::of_provider(&service.provider.name, error);
    let is_login_token = matches!(service.provider.login, LoginMethod::LoginToken { .. });
    let status = match error {
        // A login token is typed by its user; a code comes from the provider itself.
        ProviderError::GrantRefused(_) if !is_login_token => StatusCode::BAD_GATEWAY,
        _ => failure.status,
    };
    let explanation = Explanation::new(
        format!("{} gave no token", service.provider.name),
        failure.reason,
        advice,
    )
    .link("Try again", again);
    (status, explanation)
}

/// Explains a login without a refresh token. Some providers send one only the first time
/// that access is granted.
fn no_refresh_token(service: &Service, again: String) -> Explanation<'static> {
    let provider = &service.provider.name;
    let explanation = Explanation::new(
        format!("{provider} sent no refresh token"),
        format!(
            "{provider} let you in, but without a refresh token nothing can be sealed. It \
             does so when it thinks that this application already has one."
        ),
        "Remove the application from the list of those that have access, then log in again.",
    );
    match &service.manage_url {
        Some(url) => explanation.link("See who has access", url.to_string()),
        None => explanation,
    }
    .link("Log in again", again)
}
