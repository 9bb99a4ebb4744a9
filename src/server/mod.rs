//! HTTP: sends each request to its handler, and maps each error to a status. No layer
//! below this one knows HTTP statuses.

mod access_log;
mod access_token_answer;
mod admin;
mod admission;
mod audit_events;
mod client;
mod dispatch;
mod errors;
mod exchange;
mod forwarded;
mod handlers;
mod input;
mod languages;
mod limit_wish;
mod networks;
mod reply;
mod request_times;
mod routes;
mod trusted_proxies;
mod unserved;

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

pub use access_log::RequestIds;
pub use admin::Admin;
pub use admission::{Admission, Require, UserHeader};
pub use limit_wish::{LimitWish, NotALimit};
pub use networks::{Networks, NotNetworks};
pub use request_times::RequestTimes;
pub use routes::PRIVACY_POLICY_PATH;
pub use trusted_proxies::{NotProxies, TrustedProxies};

use crate::{
    audit::AuditLog,
    login::Login,
    provider::{Catalog, RefreshTokens, Service, Withheld},
    public_url::PublicUrl,
    refresh::RefreshEngine,
    telemetry::Metrics,
};

/// A complete response.
pub type Reply = Response<Full<Bytes>>;

/// The public server: state that all handlers share.
#[derive(Debug)]
pub struct Server {
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
    /// Response times by route, for metrics.
    pub request_times: RequestTimes,
    /// Source of the ids of requests in the log.
    pub request_ids: RequestIds,
    /// The audit log.
    pub audit: AuditLog,
    /// Names that logins seal into AuthIDs.
    pub names: NamePolicy,
}

/// Names that logins seal into AuthIDs, by the administrator's choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct NamePolicy {
    /// True for the name of the user, from the header of an authenticating proxy.
    pub seals_user: bool,
    /// True if a page asks for a name of the AuthID.
    pub asks_label: bool,
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
    /// Path of the built-in privacy policy, prefix included.
    pub privacy_policy_path: String,
}

impl Server {
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

    fn waits_for_keys(&self) -> bool {
        self.login.keyring.condition().is_waiting()
    }

    fn catalog(&self) -> &Catalog {
        &self.login.catalog
    }

    fn public_url(&self) -> &PublicUrl {
        &self.login.public_url
    }
}
