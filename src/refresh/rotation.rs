//! Providers that replace refresh tokens although their table says *stable*.
//!
//! Auth0, Okta and Keycloak do so once their administrator enables rotation. From then on a
//! used token is refused, and sending it may end the login.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    provider::{Provider, RefreshTokens},
    telemetry::Metrics,
};

/// The providers that have replaced a refresh token against their table.
#[derive(Debug)]
pub(super) struct Rotation {
    // Held to look and to insert, never across an await.
    rotating: Mutex<HashSet<String>>,
    metrics: Arc<Metrics>,
}

impl Rotation {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            rotating: Mutex::default(),
            metrics,
        }
    }

    /// Returns the kind of the provider's refresh tokens: *single-use* if it has replaced
    /// one, or else the kind in its table.
    pub(super) fn of(&self, provider: &Provider) -> RefreshTokens {
        match provider.refresh_tokens {
            RefreshTokens::Stable if self.rotating().contains(&provider.id) => {
                RefreshTokens::SingleUse
            }
            by_table => by_table,
        }
    }

    /// Notes that the provider replaced a token. Returns `true` if that contradicts its
    /// table and was not noted before.
    pub(super) fn note(&self, provider: &Provider) -> bool {
        let is_unexpected = provider.refresh_tokens == RefreshTokens::Stable;
        is_unexpected && self.note_id(&provider.id)
    }

    /// Notes an announcement of another server about the provider of this id. Returns
    /// `true` if it was not noted before.
    pub(super) fn note_id(&self, provider: &str) -> bool {
        let is_new = self.rotating().insert(provider.to_owned());
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

    /// Returns the noted providers that are not among the announced ones.
    pub(super) fn unannounced(&self, announced: &[String]) -> Vec<String> {
        let rotating = self.rotating();
        let ids = rotating.iter().filter(|id| !announced.contains(id));
        ids.cloned().collect()
    }

    fn rotating(&self) -> MutexGuard<'_, HashSet<String>> {
        self.rotating
            .lock()
            .expect("nothing panics while holding the lock")
    }
}
