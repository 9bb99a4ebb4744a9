//! Announcements of other servers, which arrive through the store: revocations at
//! providers, and providers that replace refresh tokens.

use std::{collections::HashSet, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{RefreshEngine, login_state::name};
use crate::{
    clock::Stopwatch,
    store::{LoginStore, NEWS_LIFETIME, Name, StoreError},
};

/// Pause between two reads: every server knows of a revocation within two seconds.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl RefreshEngine {
    /// Reads the announcements for the first time, before the server accepts requests:
    /// which providers replace refresh tokens must be known before one is called. It waits
    /// for the store no longer than a command takes. Returns `None` without a store.
    pub async fn read_news(self) -> Option<NewsFollower> {
        let store = self.lineages.store()?.clone();
        let mut follower = NewsFollower {
            engine: self,
            store,
            read_until: 0.0,
            read_at: Stopwatch::start(),
        };
        // The store logs its failures.
        let _ = follower.read().await;
        Some(follower)
    }
}

/// Reads the announcements of the other servers periodically.
#[derive(Debug)]
pub struct NewsFollower {
    engine: RefreshEngine,
    store: LoginStore,
    /// A time on the store's clock.
    read_until: f64,
    read_at: Stopwatch,
}

impl NewsFollower {
    /// Reads every second until `end`.
    pub async fn run(mut self, end: CancellationToken) {
        let following = async {
            loop {
                tokio::time::sleep(POLL_INTERVAL).await;
                let _ = self.read().await;
            }
        };
        tokio::select! {
            () = end.cancelled() => {}
            () = following => {}
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let news = self.store.news(self.read_until).await?;
        let engine = &self.engine;
        // Announcements may have expired unread.
        if self.read_at.elapsed() >= NEWS_LIFETIME {
            engine.cache.remove_all(|_| true);
        }
        self.read_until = news.read_until;
        self.read_at = Stopwatch::start();
        // Before the cache is emptied: a refresh that begins now must not call the provider.
        let memory = &engine.lineages.memory;
        for name in &news.revoked {
            memory.mark_revoked(name);
        }
        let revoked = news.revoked.into_iter();
        let new: HashSet<Name> = revoked
            .filter(|name| memory.recent_revocations.note(*name))
            .collect();
        if !new.is_empty() {
            let is_revoked = |lineage: &_| new.contains(&name(lineage));
            engine.cache.remove_all(is_revoked);
        }
        for provider in &news.rotating {
            if engine.is_stable_by_table(provider) {
                engine.rotation.note_id(provider);
            }
        }
        for provider in engine.rotation.unannounced(&news.rotating) {
            self.store.tell_rotating(&provider).await?;
        }
        Ok(())
    }
}
