//! Each provider has a lane of its own: so many calls at once, a short queue, and a
//! breaker. What one provider does or does not do costs the others nothing.

use std::{
    collections::HashMap,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{Catalog, Provider, ProviderError, breaker::Breaker};
use crate::{
    clock::Stopwatch,
    telemetry::{LaneMetrics, Metrics},
};

/// Enough for 400 refreshes a second of a provider that takes 300 ms; with TLS, some
/// 10 MB of connections.
const CALLS: usize = 128;
/// What waits costs a few KB each.
const QUEUE: usize = 1024;
const QUEUE_WAIT: Duration = Duration::from_secs(5);
/// Extra time after the deadline for an answer that is already in the socket.
const LAST_LOOK: Duration = Duration::from_millis(250);

/// The lanes of all providers.
#[derive(Clone, Debug)]
pub(super) struct Lanes(Arc<HashMap<String, Lane>>);

#[derive(Debug)]
struct Lane {
    calls: Semaphore,
    waiting: AtomicUsize,
    breaker: Breaker,
    since_start: Stopwatch,
    metrics: LaneMetrics,
}

impl Lanes {
    /// One for each provider that something is offered of.
    pub(super) fn of(catalog: &Catalog, metrics: &Metrics) -> Self {
        let lane = |provider: &Provider| Lane {
            calls: Semaphore::new(CALLS),
            waiting: AtomicUsize::new(0),
            breaker: Breaker::new(),
            since_start: Stopwatch::start(),
            metrics: metrics.lane(&provider.id),
        };
        let providers = catalog.iter().map(|service| &service.provider);
        Self(Arc::new(
            providers
                .map(|provider| (provider.id.clone(), lane(provider)))
                .collect(),
        ))
    }

    /// Makes a call in the provider's lane, when there is room. The deadline is the
    /// call's own: it counts from when the call begins.
    pub(super) async fn call<T>(
        &self,
        provider: &Provider,
        deadline: Duration,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let lane = &self.0[&provider.id];
        let _room = lane.enter().await?;
        let mut call = pin!(call);
        let answer = match timeout(deadline, &mut call).await {
            Ok(answer) => answer,
            // The process may have stood still, with the answer in its socket.
            Err(_elapsed) => timeout(LAST_LOOK, call)
                .await
                .unwrap_or(Err(ProviderError::TooSlow)),
        };
        lane.note(provider, answer.as_ref().err());
        answer
    }
}

impl Lane {
    async fn enter(&self) -> Result<SemaphorePermit<'_>, ProviderError> {
        if let Some(rest) = self.breaker.open_for(self.since_start.elapsed()) {
            return Err(self.resting(rest));
        }
        let room = match self.calls.try_acquire() {
            Ok(room) => room,
            Err(_) => self.queue().await?,
        };
        let passed = self.breaker.pass(self.since_start.elapsed());
        passed.map_err(|rest| self.resting(rest))?;
        Ok(room)
    }

    async fn queue(&self) -> Result<SemaphorePermit<'_>, ProviderError> {
        let waiting = Waiting::begin(self);
        let room = match waiting.others < QUEUE {
            true => timeout(QUEUE_WAIT, self.calls.acquire()).await,
            false => return Err(self.crowded()),
        };
        let room = room.map_err(|_elapsed| self.crowded())?;
        Ok(room.expect("the semaphore is never closed"))
    }

    /// A refusal is an answer: the provider lives.
    fn note(&self, provider: &Provider, error: Option<&ProviderError>) {
        let failed = error.filter(|error| {
            matches!(
                error,
                ProviderError::Busy { .. }
                    | ProviderError::Failing { .. }
                    | ProviderError::Unreachable { .. }
                    | ProviderError::BrokenOff { .. }
                    | ProviderError::TooSlow
            )
        });
        match failed {
            None if error == Some(&ProviderError::Withheld) => {}
            None => self.breaker.answered(),
            Some(error) => {
                if self.breaker.failed(self.since_start.elapsed()) {
                    self.metrics.opened.inc();
                    tracing::warn!(
                        provider = %provider.id,
                        "it failed several times in a row, and is asked less often until it \
                         answers: {error}"
                    );
                }
            }
        }
    }

    fn resting(&self, retry_after: Duration) -> ProviderError {
        self.metrics.resting.inc();
        ProviderError::Resting { retry_after }
    }

    fn crowded(&self) -> ProviderError {
        self.metrics.crowded.inc();
        ProviderError::Crowded
    }
}

/// Somebody in the queue.
struct Waiting<'a> {
    lane: &'a Lane,
    others: usize,
}

impl<'a> Waiting<'a> {
    fn begin(lane: &'a Lane) -> Self {
        lane.metrics.waiting.inc();
        Self {
            lane,
            others: lane.waiting.fetch_add(1, Ordering::Relaxed),
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.lane.metrics.waiting.dec();
        self.lane.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
