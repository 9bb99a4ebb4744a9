//! Error pages for browsers.

use http::StatusCode;

use super::api_error::ApiError;
use crate::{
    pages::{ErrorPage, PageLink, ProviderMessage},
    refresh::{RefreshError, RevokeError},
    server::{Reply, Server, admission::Gate, client::Client, reply},
};

/// Contents of an error page.
#[derive(Default)]
pub(super) struct Explanation<'a> {
    status: StatusCode,
    title: String,
    happened: String,
    advice: String,
    links: Vec<(&'static str, String)>,
    provider_error: Option<ProviderMessage<'a>>,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(
        status: StatusCode,
        title: impl Into<String>,
        happened: impl Into<String>,
        advice: &str,
    ) -> Self {
        Self {
            status,
            title: title.into(),
            happened: happened.into(),
            advice: advice.into(),
            ..Self::default()
        }
    }

    pub(super) fn link(mut self, label: &'static str, href: String) -> Self {
        self.links.push((label, href));
        self
    }

    /// Adds an error word for word.
    pub(super) fn quote(mut self, code: &'a str, description: Option<&'a str>) -> Self {
        self.provider_error = Some(ProviderMessage { code, description });
        self
    }
}

/// Returns a reason with a full stop at its end, for a page.
pub(super) fn sentence(reason: String) -> String {
    reason + "."
}

impl Server {
    /// Returns the public address of the start page.
    pub(super) fn login_url(&self) -> String {
        self.public_url().join("/")
    }

    pub(super) fn error_page(&self, explanation: Explanation<'_>) -> Reply {
        let links = explanation.links.iter();
        let page = ErrorPage {
            frame: self.frame(),
            title: &explanation.title,
            happened: &explanation.happened,
            advice: &explanation.advice,
            links: links
                .map(|(label, href)| PageLink { label, href })
                .collect(),
            provider_error: explanation.provider_error,
        };
        reply::page(explanation.status, &page)
    }

    /// Returns the page for an unknown address (404).
    pub(in crate::server) fn no_such_page(&self) -> Reply {
        let explanation = Explanation::new(
            StatusCode::NOT_FOUND,
            "There is no such page",
            "This server has no page at this address.",
            "Choose a service on the start page.",
        )
        .link("To the start page", self.path("/"));
        self.error_page(explanation)
    }

    /// Returns the page for a server that waits for its keys.
    pub(in crate::server) fn waiting_page(&self, error: &ApiError) -> Reply {
        let explanation = Explanation::new(
            error.status(),
            "This server waits for its keys",
            sentence(error.reason(&self.login_url())),
            "Nothing is lost: AuthIDs work again as soon as the keys are back.",
        );
        let page = self.error_page(explanation);
        reply::set_retry_after(page, error.retry_after)
    }

    /// Returns the page for a person whom a gate refuses, because of their network or
    /// because the proxy names no user.
    pub(in crate::server) fn not_admitted(&self, gate: Gate, client: Client) -> Reply {
        let explanation = match (gate, client.address) {
            (Gate::Network | Gate::Password, Some(address)) => Explanation::new(
                StatusCode::FORBIDDEN,
                "You can't log in from here",
                format!(
                    "This server lets people log in from certain networks only, and you come from {address}."
                ),
                "Try again from an allowed network, for example at home or over a VPN, or ask the \
                 administrator.",
            ),
            (Gate::Network | Gate::Password, None) => Explanation::new(
                StatusCode::FORBIDDEN,
                "You can't log in from here",
                "This server lets people log in from certain networks only, and it can't tell \
                 where you come from: the proxy in front of it does not say, or is not trusted.",
                "Tell the administrator: AUTHSEAL_TRUSTED_PROXIES must name the proxy, and the \
                 proxy must send X-Forwarded-For or Forwarded, and no second one that differs.",
            ),
            (Gate::Header, _) => Explanation::new(
                StatusCode::FORBIDDEN,
                "You are not signed in",
                "This server accepts only people whom its proxy has signed in. The proxy named no user.",
                "Sign in at the proxy first, or ask the administrator.",
            ),
        };
        self.error_page(explanation)
    }

    /// Returns the page for an AuthID that could not be renewed.
    pub(in crate::server) fn renewal_failed(&self, error: &RefreshError) -> Reply {
        let api_error = ApiError::of_refresh(error);
        let explanation = Explanation::new(
            api_error.status(),
            "It is not renewed",
            sentence(api_error.reason(&self.login_url())),
            "The AuthID that you have is unchanged.",
        )
        .link("Try again", self.path("/renew"))
        .link("Inspect an AuthID", self.path("/inspect"))
        .link("To the start page", self.path("/"));
        self.error_page(explanation)
    }

    /// Returns the page for a failed revocation: the grant may still be valid.
    pub(in crate::server) fn revocation_failed(&self, error: &RevokeError) -> Reply {
        let api_error = ApiError::of_revocation(error);
        let explanation = Explanation::new(
            api_error.status(),
            "It is not revoked",
            sentence(api_error.reason(&self.login_url())),
            "The AuthID may still give access.",
        );
        let explanation = match error {
            RevokeError::OnlyAtProvider { service } => match &service.manage_url {
                Some(url) => explanation.link("Remove the access there", url.to_string()),
                None => explanation,
            },
            RevokeError::Refresh(_) => explanation.link("Try again", self.path("/revoke")),
        };
        let explanation = explanation
            .link("Inspect an AuthID", self.path("/inspect"))
            .link("To the start page", self.path("/"));
        self.error_page(explanation)
    }

    /// Returns the page for an AuthID that does not open, so that nothing is known of it.
    pub(in crate::server) fn inspection_failed(&self, error: &RefreshError) -> Reply {
        let api_error = ApiError::of_refresh(error);
        let explanation = Explanation::new(
            api_error.status(),
            "This AuthID can't be inspected",
            sentence(api_error.reason(&self.login_url())),
            "Nothing was changed.",
        )
        .link("Try again", self.path("/inspect"))
        .link("To the start page", self.path("/"));
        let page = self.error_page(explanation);
        reply::set_retry_after(page, api_error.retry_after)
    }
}
