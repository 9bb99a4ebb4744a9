//! Providers that replace refresh tokens although their table says that they stay.
//!
//! Auth0, Okta and Keycloak do so once their administrator switches rotation on. From
//! then on a used token is refused, and may end the login.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    provider::{Provider, RefreshTokens},
    telemetry::Metrics,
};

/// Providers that were seen to replace refresh tokens against their table.
#[derive(Debug)]
pub(super) struct Rotation {
    // Held to look and to insert, never across an await.
    seen: Mutex<HashSet<String>>,
    metrics: Arc<Metrics>,
}

impl Rotation {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            seen: Mutex::default(),
            metrics,
        }
    }

    /// The kind of the provider's refresh tokens: as seen, or else as its table says.
    pub(super) fn of(&self, provider: &Provider) -> RefreshTokens {
        match provider.refresh_tokens {
            RefreshTokens::Stable if self.seen().contains(&provider.id) => RefreshTokens::SingleUse,
            said => said,
        }
    }

    /// Notes that this provider replaced a token. Returns `true` if that contradicts its
    /// table and was not known.
    pub(super) fn note(&self, provider: &Provider) -> bool {
        let is_unexpected = provider.refresh_tokens == RefreshTokens::Stable;
        is_unexpected && self.note_id(&provider.id)
    }

    /// The same for a provider that another server saw. Returns `true` if it was not known.
    pub(super) fn note_id(&self, provider: &str) -> bool {
        let is_new = self.seen().insert(provider.to_owned());
        if is_new {
            self.metrics.rotates_unexpectedly(provider);
            tracing::error!(
                provider,
                "THE PROVIDER REPLACES REFRESH TOKENS, which its table in providers.toml denies: \
                 set refresh_tokens = \"single-use\" there. Until then it is treated so by this \
                 process, and with AUTHSEAL_STORE_URL by every server; without it, a restart loses \
                 these logins"
            );
        }
        is_new
    }

    /// Providers that the other servers do not know of yet.
    pub(super) fn untold(&self, told: &[String]) -> Vec<String> {
        let seen = self.seen();
        let untold = seen.iter().filter(|provider| !told.contains(provider));
        untold.cloned().collect()
    }

    fn seen(&self) -> MutexGuard<'_, HashSet<String>> {
        self.seen
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
