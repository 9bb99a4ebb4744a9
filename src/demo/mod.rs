//! A small authorization server, for `authseal demo` and for tests.
//!
//! It is a strict and independent check of authseal: it shares no code with `seal` or
//! `provider`, and refuses every request that RFC 6749, 7636 and 7009 tell it to refuse.

mod endpoints;
mod grants;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

pub use grants::{Application, DemoMemory, RequestCounts};

use crate::{
    clock::Clock,
    listen::{HttpServer, Listener},
};
use endpoints::Endpoints;
use grants::Grants;

/// A running demo provider.
#[derive(Clone, Debug)]
pub struct DemoProvider {
    address: SocketAddr,
    endpoints: Arc<Endpoints>,
}

impl DemoProvider {
    /// Serves these applications on `listener` until `shutdown`. Access tokens are valid
    /// for `access_token_lifetime`.
    pub fn start(
        listener: Listener,
        applications: Vec<Application>,
        access_token_lifetime: Duration,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> io::Result<Self> {
        let address = listener.address();
        let address = address.ok_or_else(|| io::Error::other("it has no port"))?;
        let endpoints = Arc::new(Endpoints {
            grants: Grants::new(applications, access_token_lifetime, clock),
        });
        tokio::spawn(HttpServer::plain(listener).serve(endpoints.clone(), shutdown));
        Ok(Self { address, endpoints })
    }

    /// Returns the full URL of a path of this provider.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the counts of requests so far.
    pub fn seen(&self) -> RequestCounts {
        self.endpoints.grants.seen()
    }

    /// Returns the grants and their refresh tokens, for the next start.
    pub fn memory(&self) -> DemoMemory {
        self.endpoints.grants.memory()
    }

    /// Takes over what the provider knew when it was stopped.
    pub fn remember(&self, memory: DemoMemory) {
        self.endpoints.grants.remember(memory);
    }

    /// Issues a refresh token as a login would, for tests that need many. Returns `None`
    /// for an unknown client.
    pub fn issue_refresh_token(&self, client_id: &str) -> Option<String> {
        self.endpoints.grants.issue_refresh_token(client_id)
    }
}
