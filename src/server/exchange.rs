//! A request with everything that its handler needs to answer it.

use http::Request;

use super::{
    Server,
    access_log::LogEntry,
    admission::Gate,
    client::Client,
    input::{self, AuthIdText, PostedForm},
};
use crate::{
    limit::ClientNetwork,
    listen::{Body, Peer},
    refresh::{PresentedAuthId, RefreshError},
    seal::{NotAnAuthId, OpenError},
};

/// The argument of every handler.
pub(super) struct Exchange<'s> {
    pub(super) server: &'s Server,
    pub(super) request: &'s Request<Body>,
    /// Path of the request below the prefix of PUBLIC_URL.
    pub(super) path: &'s str,
    pub(super) client: Client,
    pub(super) log: LogEntry,
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
            log: LogEntry::begin(id, request.method(), route),
        }
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
        let authid = sent.as_ref().map_err(|why| OpenError::from(*why))?;
        self.open(authid.as_str()).await
    }

    /// Opens an AuthID, and adds its service and lineage to the log line.
    pub(super) async fn open(&mut self, authid: &str) -> Result<PresentedAuthId, RefreshError> {
        let client = self.client.rate_limit_key();
        let opened = self.server.engine.open(authid, client).await?;
        self.log.note_authid(&opened);
        Ok(opened)
    }
}
