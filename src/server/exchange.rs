//! A request with everything that its handler needs to answer it.

use std::sync::Arc;

use askama::Template;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, CONTENT_LANGUAGE, SET_COOKIE, VARY},
};

use super::{
    Reply, Server,
    access_log::LogEntry,
    admission::Gate,
    client::Client,
    errors::ApiError,
    input::{self, AuthIdText, PostedForm},
    languages, reply,
};
use crate::{
    limit::ClientNetwork,
    listen::{Body, Peer},
    pages::{Frame, Language, PageTexts},
    provider::Service,
    refresh::{PresentedAuthId, RefreshError},
    seal::{self, AuthIdName, NotAName, NotAnAuthId, OpenError},
};

/// The argument of every handler.
pub(super) struct Exchange<'s> {
    pub(super) server: &'s Server,
    pub(super) request: &'s Request<Body>,
    /// Path of the request below the prefix of PUBLIC_URL.
    pub(super) path: &'s str,
    pub(super) client: Client,
    /// Name of the route in logs.
    pub(super) route: &'static str,
    pub(super) log: LogEntry,
    /// Service of the presented AuthID; only named by it if it did not open.
    service: Option<Arc<Service>>,
}

impl<'s> Exchange<'s> {
    /// Starts the log line of a request that has just come in. `route` is its name there.
    pub(super) fn begin(
        server: &'s Server,
        request: &'s Request<Body>,
        peer: Peer,
        path: &'s str,
        route: &'static str,
    ) -> Self {
        let id = server.request_ids.id_of(request.headers());
        Self {
            server,
            request,
            path,
            client: server.proxies.client(peer, request.headers()),
            route,
            log: LogEntry::begin(id, request.method(), route),
            service: None,
        }
    }

    /// Returns the language of pages for this visitor.
    pub(super) fn language(&self) -> Language {
        languages::of_request(self.request)
    }

    /// Returns the texts of pages in that language.
    pub(super) fn texts(&self) -> &'static PageTexts {
        self.language().texts()
    }

    /// Returns the contents that every page has.
    pub(super) fn frame(&self) -> Frame<'s> {
        self.frame_of_visit(&input::visit(self.request.uri()))
    }

    /// Returns the contents of a page whose links go on with this visit. Loaded again, the page
    /// would know no opener otherwise: our pages send no `Referer`.
    pub(super) fn frame_of_visit(&self, visit: &str) -> Frame<'s> {
        let (server, site) = (self.server, &self.server.site);
        let own_policy = site.privacy_policy_url.as_deref();
        Frame {
            app_name: &site.app_name,
            display_name: &site.display_name,
            prefix: server.public_url().prefix(),
            privacy_policy: own_policy.unwrap_or(&site.privacy_policy_path),
            language: self.language(),
            language_link: languages::link(self, visit),
        }
    }

    /// Makes the response with a page. If the visitor has just chosen its language, a cookie
    /// remembers that.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Reply {
        self.in_language(reply::page(status, page))
    }

    /// Makes a page whose form is answered by a redirect to another site.
    pub(super) fn page_before_redirect(&self, status: StatusCode, page: &impl Template) -> Reply {
        self.in_language(reply::page_before_redirect(status, page))
    }

    /// Adds the headers that tell the language of a page.
    fn in_language(&self, mut reply: Reply) -> Reply {
        let headers = reply.headers_mut();
        let tag = HeaderValue::from_static(self.language().tag());
        headers.insert(CONTENT_LANGUAGE, tag);
        let vary = HeaderValue::from_static("Accept-Language, Cookie");
        headers.insert(VARY, vary);
        if let Some(language) = languages::requested(self.request) {
            headers.append(SET_COOKIE, languages::remember(self.server, language));
        }
        reply
    }

    /// Returns the first value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        input::query(self.request.uri(), name)
    }

    /// Reads the posted form.
    pub(super) fn form(&self) -> Result<PostedForm, NotAnAuthId> {
        PostedForm::read(self.request.headers(), self.request.body())
    }

    /// Returns the `Cookie` headers that are text.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &'s str> + use<'s> {
        input::cookies(self.request.headers())
    }

    /// Returns the network for which the client's logins and passwords are counted.
    pub(super) fn client_network(&self) -> ClientNetwork {
        ClientNetwork::of(self.client.rate_limit_key())
    }

    /// Returns the name of the user, as the proxy in front of the server sent it.
    pub(super) fn user_name(&self) -> Option<Result<AuthIdName, NotAName>> {
        let admission = &self.server.admission;
        let name = admission.user(self.request.headers(), self.client)?;
        Some(AuthIdName::new(&name))
    }

    /// Returns the gate that refuses this request.
    pub(super) fn closed_gate(&self) -> Option<Gate> {
        let admission = &self.server.admission;
        admission.closed_gate(self.request.headers(), self.client)
    }

    /// Opens the AuthID that [`input::authid`] found in the request.
    pub(super) async fn open_sent(
        &mut self,
        sent: &Result<AuthIdText<'_>, NotAnAuthId>,
    ) -> Result<PresentedAuthId, RefreshError> {
        match sent {
            Ok(authid) => self.open(authid.as_str()).await,
            Err(why) => {
                let error = Err(OpenError::from(*why).into());
                self.log.note_opened(&error);
                error
            }
        }
    }

    /// Returns the public address at which a new AuthID is to be had.
    pub(super) fn login_url(&self) -> String {
        let public_url = self.server.public_url();
        match &self.service {
            Some(service) => public_url.join(&format!("/?type={}", service.id)),
            None => public_url.join("/"),
        }
    }

    /// Opens an AuthID, and adds its service and lineage, or the error, to the log line.
    pub(super) async fn open(&mut self, authid: &str) -> Result<PresentedAuthId, RefreshError> {
        let client = self.client.rate_limit_key();
        let mut opened = self.server.engine.open(authid, client).await;
        self.log.note_opened(&opened);
        match &mut opened {
            Ok(opened) => {
                opened.comes_from(self.client.address);
                self.service = Some(opened.service().clone());
            }
            Err(error) => {
                self.audit_unopened(error);
                let named = seal::named_service(authid);
                let named = named.and_then(|id| self.server.catalog().find(id));
                self.service = named.cloned();
            }
        }
        opened
    }

    /// Answers with an error as text, or as JSON to a client that asks for that.
    pub(super) fn fail(&self, error: ApiError) -> Reply {
        let login_url = self.login_url();
        match self.asks_for_json() {
            true => error.into_json(&login_url),
            false => error.into_text(&login_url),
        }
    }

    /// True if `Accept` names JSON. No version of Duplicati sends that header.
    fn asks_for_json(&self) -> bool {
        let accept = self.request.headers().get_all(ACCEPT).iter();
        let texts = accept.filter_map(|value| value.to_str().ok());
        texts.flat_map(|text| text.split(',')).any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            // A weight of 0 means "not acceptable" (RFC 9110 section 12.4.2).
            let is_refused =
                parts.any(|part| part.replace(' ', "").trim_end_matches(['0', '.']) == "q=");
            kind.eq_ignore_ascii_case("application/json") && !is_refused
        })
    }
}
