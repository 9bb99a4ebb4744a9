//! HTTP: from a request to the one handler that answers it, and from an error to
//! its status. No module below this one knows a status.

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
pub use admission::{Admission, NotAUserHeader, Require, UserHeader};
pub use forwarded::{NotProxies, TrustedProxies};
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

/// A whole answer.
pub type Reply = Response<Full<Bytes>>;

/// What a server works with.
#[derive(Debug)]
pub struct ServerParts {
    /// Begins and finishes logins.
    pub login: Login,
    /// Refreshes.
    pub engine: RefreshEngine,
    /// Who may log in.
    pub admission: Admission,
    /// Whose word on a request's origin is believed.
    pub proxies: TrustedProxies,
    /// What pages say.
    pub site: Site,
    /// The services that are not offered, for an administrator who sees none.
    pub withheld: Vec<Withheld>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Everything that handlers need.
#[derive(Debug)]
pub struct Server {
    parts: ServerParts,
    request_ids: RequestIds,
    /// Where our own privacy page is, prefix included.
    privacy_path: String,
}

/// What the administrator wants pages to say.
#[derive(Clone, Debug)]
pub struct Site {
    /// The program that people want AuthIDs for.
    pub app_name: String,
    /// The name of the site.
    pub display_name: String,
    /// A privacy policy of the administrator's own.
    pub privacy_policy_url: Option<String>,
}

impl Server {
    /// A server of these.
    pub fn new(parts: ServerParts) -> Self {
        Self {
            privacy_path: format!("{}/privacy-policy", parts.login.public_url.prefix()),
            request_ids: RequestIds::new(),
            parts,
        }
    }

    /// Opens the AuthID that came with a request, if one did.
    async fn open(
        &self,
        authid: &Result<Presented<'_>, NotAnAuthId>,
        asker: Asker,
    ) -> Result<Holder<'_>, RefreshError> {
        let authid = authid.as_ref().map_err(|why| OpenError::from(*why))?;
        self.engine.open(authid.text(), asker.counted_as()).await
    }

    /// What every page has.
    fn frame(&self) -> Frame<'_> {
        let own_policy = self.site.privacy_policy_url.as_deref();
        Frame {
            app_name: &self.site.app_name,
            display_name: &self.site.display_name,
            prefix: self.public_url().prefix(),
            privacy_policy: own_policy.unwrap_or(&self.privacy_path),
        }
    }

    /// A path as browsers see it, prefix included.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.public_url().prefix())
    }

    /// Where a login at the service begins, for the recipients of a visit.
    fn login_path(&self, service: &Service, visit: Option<&str>) -> String {
        let visit = visit.map_or(String::new(), |nonce| format!("&visit={nonce}"));
        self.path(&format!("/login?id={}{visit}", service.id))
    }

    /// Whether the logins of this service end with this process's memory.
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

/// So that handlers say `server.engine`.
impl std::ops::Deref for Server {
    type Target = ServerParts;

    fn deref(&self) -> &ServerParts {
        &self.parts
    }
}
