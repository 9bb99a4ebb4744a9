//! Following what other servers announce through the store: revocations at providers, and
//! providers that rotate.

use std::{collections::HashSet, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{RefreshEngine, lineages::name};
use crate::{
    clock::Stopwatch,
    store::{NEWS_LIFETIME, Name, Shared, StoreError},
};

/// Short enough for every server to know of a revocation within two seconds.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

impl RefreshEngine {
    /// Reads the announcements for the first time, before anything is served: which
    /// providers replace refresh tokens must be known before one is asked. It waits for the
    /// store no longer than a command takes.
    pub async fn read_news(self) -> Option<NewsFollower> {
        let shared = self.parts.lineages.shared.clone()?;
        let mut follower = NewsFollower {
            engine: self,
            shared,
            read_until: 0.0,
            read_at: Stopwatch::start(),
        };
        // The store's own log line says what is wrong.
        let _ = follower.read().await;
        Some(follower)
    }
}

/// Reads the announcements of the other servers again and again.
#[derive(Debug)]
pub struct NewsFollower {
    engine: RefreshEngine,
    shared: Shared,
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
        let news = self.shared.news(self.read_until).await?;
        let engine = &self.engine;
        // Announcements may have expired unread.
        if self.read_at.elapsed() >= NEWS_LIFETIME {
            engine.parts.cache.remove_all(|_| true);
        }
        self.read_until = news.read_until;
        self.read_at = Stopwatch::start();
        // First: a refresh that begins now is not asked of the provider any more.
        for name in &news.revoked {
            engine.parts.lineages.mark_revoked(name);
        }
        let revoked = news.revoked.into_iter();
        let revocations = &engine.seen.revocations;
        let new: HashSet<Name> = revoked.filter(|name| revocations.note(*name)).collect();
        if !new.is_empty() {
            let is_revoked = |lineage: &_| new.contains(&name(lineage));
            engine.parts.cache.remove_all(is_revoked);
        }
        let rotation = &engine.seen.rotation;
        for provider in &news.rotating {
            if engine.takes_for_stable(provider) {
                rotation.note_id(provider);
            }
        }
        for provider in rotation.untold(&news.rotating) {
            self.shared.tell_rotating(&provider).await?;
        }
        Ok(())
    }
}
