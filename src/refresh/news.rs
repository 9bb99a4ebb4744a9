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
    /// Reads the announcements every second until `end`. Without a store it returns at
    /// once.
    pub async fn follow_news(self, end: CancellationToken) {
        let Some(shared) = self.parts.lineages.shared.clone() else {
            return;
        };
        let mut follower = Follower {
            engine: self,
            shared,
            read_until: 0.0,
            read_at: Stopwatch::start(),
        };
        let following = async {
            loop {
                // The store's own log line says what is wrong.
                let _ = follower.read().await;
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::select! {
            () = end.cancelled() => {}
            () = following => {}
        }
    }
}

struct Follower {
    engine: RefreshEngine,
    shared: Shared,
    /// A time on the store's clock.
    read_until: f64,
    read_at: Stopwatch,
}

impl Follower {
    async fn read(&mut self) -> Result<(), StoreError> {
        let news = self.shared.news(self.read_until).await?;
        let engine = &self.engine;
        // Announcements may have expired unread.
        if self.read_at.elapsed() >= NEWS_LIFETIME {
            engine.parts.cache.remove_all(|_| true);
        }
        self.read_until = news.read_until;
        self.read_at = Stopwatch::start();
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
