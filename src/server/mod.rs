//! HTTP: sends each request to its handler, and maps each error to a status. No layer
//! below this one knows HTTP statuses.

mod access_log;
mod admin;
mod admission;
mod error_page;
mod failure;
mod forwarded;
mod handlers;
mod input;
mod networks;
mod oauth_error;
mod reply;
mod routes;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

pub use admin::Admin;
pub use admission::{Admission, Require, UserHeader};
pub use forwarded::TrustedProxies;
pub use networks::{Networks, NotNetworks};

use access_log::RequestIds;
use forwarded::Asker;
use input::Presented;

use crate::{
    login::Login,
    pages::Frame,
    provider::{Catalog, RefreshTokens, Service, Withheld},
    public_url::PublicUrl,
    refresh::{Holder, RefreshEngine, RefreshError},
    seal::{NotAnAuthId, OpenError},
    telemetry::Metrics,
};

/// A complete response.
pub type Reply = Response<Full<Bytes>>;

/// Parts that a server is made of.
#[derive(Debug)]
pub struct ServerParts {
    /// Begins and finishes logins.
    pub login: Login,
    /// Refreshes, renews and revokes.
    pub engine: RefreshEngine,
    /// Access control for logins.
    pub admission: Admission,
    /// Proxies whose forwarding headers are trusted.
    pub proxies: TrustedProxies,
    /// Texts of the pages.
    pub site: Site,
    /// Services that are not offered, with the reason, for an administrator who sees
    /// none.
    pub withheld: Vec<Withheld>,
    /// Counters for metrics.
    pub metrics: Arc<Metrics>,
}

/// State that all handlers share.
#[derive(Debug)]
pub struct Server {
    parts: ServerParts,
    request_ids: RequestIds,
    /// Path of the built-in privacy page, prefix included.
    privacy_path: String,
}

/// Texts of the pages that the administrator sets.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name of the program that needs the AuthIDs.
    pub app_name: String,
    /// Name of the site.
    pub display_name: String,
    /// URL of the administrator's own privacy policy.
    pub privacy_policy_url: Option<String>,
}

impl Server {
    /// Makes a server from its parts.
    pub fn new(parts: ServerParts) -> Self {
        Self {
            privacy_path: format!("{}/privacy-policy", parts.login.public_url.prefix()),
            request_ids: RequestIds::new(),
            parts,
        }
    }

    /// Opens the AuthID of a request, if it has one.
    async fn open(
        &self,
        authid: &Result<Presented<'_>, NotAnAuthId>,
        asker: Asker,
    ) -> Result<Holder<'_>, RefreshError> {
        let authid = authid.as_ref().map_err(|why| OpenError::from(*why))?;
        self.engine.open(authid.text(), asker.counted_as()).await
    }

    /// Returns the contents that every page has.
    fn frame(&self) -> Frame<'_> {
        let own_policy = self.site.privacy_policy_url.as_deref();
        Frame {
            app_name: &self.site.app_name,
            display_name: &self.site.display_name,
            prefix: self.public_url().prefix(),
            privacy_policy: own_policy.unwrap_or(&self.privacy_path),
        }
    }

    /// Returns a path as browsers see it, prefix included.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.public_url().prefix())
    }

    /// Returns the path at which a login at the service begins, for the recipients of a
    /// visit.
    fn login_path(&self, service: &Service, visit: Option<&str>) -> String {
        let visit = visit.map_or(String::new(), |nonce| format!("&visit={nonce}"));
        self.path(&format!("/login?id={}{visit}", service.id))
    }

    /// True if the logins of this service end when the process ends.
    fn forgets(&self, service: &Service) -> bool {
        service.provider.refresh_tokens == RefreshTokens::SingleUse
            && !self.engine.outlives_the_process()
    }

    fn catalog(&self) -> &Catalog {
        &self.login.catalog
    }

    fn public_url(&self) -> &PublicUrl {
        &self.login.public_url
    }
}

/// Lets handlers write `server.engine`.
impl std::ops::Deref for Server {
    type Target = ServerParts;

    fn deref(&self) -> &ServerParts {
        &self.parts
    }
}
