//! Error pages for browsers.

use http::StatusCode;

use super::api_error::ApiError;
use crate::{
    pages::{ErrorPage, Markup, PageLink, ProviderMessage},
    refresh::{RefreshError, RevokeError},
    server::{Reply, Server, admission::Gate, client::Client, exchange::Exchange, reply},
};

/// Contents of an error page.
#[derive(Default)]
pub(super) struct Explanation<'a> {
    status: StatusCode,
    title: Markup,
    happened: Markup,
    advice: Markup,
    links: Vec<(Markup, String)>,
    provider_error: Option<ProviderMessage<'a>>,
}

impl<'a> Explanation<'a> {
    pub(super) fn new(status: StatusCode, title: Markup, happened: Markup, advice: Markup) -> Self {
        Self {
            status,
            title,
            happened,
            advice,
            ..Self::default()
        }
    }

    pub(super) fn link(mut self, label: Markup, href: String) -> Self {
        self.links.push((label, href));
        self
    }

    /// Adds an error word for word.
    pub(super) fn quote(mut self, code: &'a str, description: Option<&'a str>) -> Self {
        self.provider_error = Some(ProviderMessage { code, description });
        self
    }
}

impl Server {
    /// Returns the public address of the start page.
    pub(super) fn login_url(&self) -> String {
        self.public_url().join("/")
    }
}

impl Exchange<'_> {
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
        self.page(explanation.status, &page)
    }

    /// Returns the page with a link to the start page as the last one.
    pub(super) fn error_page_with_start(&self, explanation: Explanation<'_>) -> Reply {
        let label = self.texts().to_the_start_page();
        self.error_page(explanation.link(label, self.server.path("/")))
    }

    /// Returns the page for an unknown address (404).
    pub(in crate::server) fn no_such_page(&self) -> Reply {
        let t = self.texts();
        self.error_page_with_start(Explanation::new(
            StatusCode::NOT_FOUND,
            t.no_such_page(),
            t.no_such_page_happened(),
            t.no_such_page_advice(),
        ))
    }

    /// Returns the page for a server that waits for its keys.
    pub(in crate::server) fn waiting_page(&self, error: &ApiError) -> Reply {
        let t = self.texts();
        let page = self.error_page(Explanation::new(
            error.status(),
            t.waits_for_keys(),
            self.on_page(error),
            t.waits_for_keys_advice(),
        ));
        reply::set_retry_after(page, error.retry_after)
    }

    /// Returns what happened and what to do, as a page says it.
    fn on_page(&self, error: &ApiError) -> Markup {
        error.on_page(self.language(), &self.server.login_url())
    }

    /// Returns the page for a person whom a gate refuses, because of their network or
    /// because the proxy names no user.
    pub(in crate::server) fn not_admitted(&self, gate: Gate, client: Client) -> Reply {
        let t = self.texts();
        let (title, happened, advice) = match (gate, client.address) {
            (Gate::Network | Gate::Password, Some(address)) => (
                t.not_from_here(),
                t.not_from_address(&address.to_string()),
                t.not_from_address_advice(),
            ),
            (Gate::Network | Gate::Password, None) => (
                t.not_from_here(),
                t.not_from_unknown_address(),
                t.not_from_unknown_address_advice(),
            ),
            (Gate::Header, _) => (
                t.not_signed_in(),
                t.not_signed_in_happened(),
                t.not_signed_in_advice(),
            ),
        };
        let status = StatusCode::FORBIDDEN;
        self.error_page(Explanation::new(status, title, happened, advice))
    }

    /// Returns the page for an AuthID that could not be renewed.
    pub(in crate::server) fn renewal_failed(&self, error: &RefreshError) -> Reply {
        let (t, error) = (self.texts(), ApiError::of_refresh(error));
        let explanation = Explanation::new(
            error.status(),
            t.not_renewed(),
            self.on_page(&error),
            t.not_renewed_advice(),
        )
        .link(t.try_again(), self.server.path("/renew"))
        .link(t.inspect_an_authid(), self.server.path("/inspect"));
        self.error_page_with_start(explanation)
    }

    /// Returns the page for a failed revocation: the grant may still be valid.
    pub(in crate::server) fn revocation_failed(&self, error: &RevokeError) -> Reply {
        let (t, api_error) = (self.texts(), ApiError::of_revocation(error));
        let explanation = Explanation::new(
            api_error.status(),
            t.not_revoked(),
            self.on_page(&api_error),
            t.not_revoked_advice(),
        );
        let explanation = match error {
            RevokeError::OnlyAtProvider { service } => match &service.manage_url {
                Some(url) => explanation.link(t.remove_access_there(), url.to_string()),
                None => explanation,
            },
            RevokeError::Refresh(_) => explanation.link(t.try_again(), self.server.path("/revoke")),
        };
        let inspect = self.server.path("/inspect");
        self.error_page_with_start(explanation.link(t.inspect_an_authid(), inspect))
    }

    /// Returns the page for an AuthID that does not open, so that nothing is known of it.
    pub(in crate::server) fn inspection_failed(&self, error: &RefreshError) -> Reply {
        let (t, error) = (self.texts(), ApiError::of_refresh(error));
        let explanation = Explanation::new(
            error.status(),
            t.not_inspected(),
            self.on_page(&error),
            t.not_inspected_advice(),
        )
        .link(t.try_again(), self.server.path("/inspect"));
        let page = self.error_page_with_start(explanation);
        reply::set_retry_after(page, error.retry_after)
    }
}
