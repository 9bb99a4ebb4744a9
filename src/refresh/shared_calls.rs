//! Provider calls in progress, at most one for each lineage: all requests for a login wait
//! for the same call (singleflight).

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
};

use ahash::RandomState;
use tokio::sync::SetOnce;
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};

use super::carried_call::CarriedCall;
use crate::seal::Lineage;

/// The calls in progress. Each goes on in a task of its own if its request ends: a client that
/// disconnects cannot lose a token that the provider has already replaced.
#[derive(Debug)]
pub(super) struct SharedCalls<T> {
    // Held only to look up and insert, never across an await.
    running: Mutex<RunningCalls<T>>,
    tasks: TaskTracker,
}

type RunningCalls<T> = HashMap<Lineage, SharedResult<T>, RandomState>;

/// Result of a call, set when the call has ended; `None` if it panicked.
type SharedResult<T> = Arc<SetOnce<Option<T>>>;

impl<T: Clone + Send + Sync + 'static> SharedCalls<T> {
    pub(super) fn new() -> Self {
        Self {
            running: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Waits for the lineage's call, and starts the one that `call` makes if there is none. Returns
    /// `None` if the call panicked. It can be dropped at any time: the call goes on.
    ///
    /// Before the call returns, it must have stored its result for later requests: they no
    /// longer join it.
    pub(super) async fn join<C, F>(
        self: &Arc<Self>,
        lineage: Lineage,
        call: impl FnOnce() -> C,
    ) -> Option<T>
    where
        C: FnOnce() -> F + Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (result, carried) = match self.running().entry(lineage) {
            Entry::Occupied(result) => (result.get().clone(), None),
            Entry::Vacant(place) => {
                let result = place.insert(SharedResult::default()).clone();
                let running = RunningCall {
                    calls: self.clone(),
                    lineage,
                    shared: result.clone(),
                    result: None,
                    _tracked: self.tasks.token(),
                };
                let call = call();
                // A future that was made outside would have its room twice in this one.
                let carried = CarriedCall::new(async move { running.end(call().await) });
                (result, Some(carried))
            }
        };
        if let Some(carried) = carried {
            carried.await;
        }
        result.wait().await.clone()
    }

    /// Waits for the end of the lineage's call, if there is one.
    pub(super) async fn wait_for(&self, lineage: Lineage) {
        let result = self.running().get(&lineage).cloned();
        if let Some(result) = result {
            result.wait().await;
        }
    }

    /// Runs other work in its own task, for which [`SharedCalls::wait_for_all`] waits too.
    /// Returns `None` if the task panicked.
    pub(super) async fn in_own_task<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Option<R> {
        self.tasks.spawn(Box::pin(work)).await.ok()
    }

    /// Counts the calls in progress.
    pub(super) fn len(&self) -> usize {
        self.running().len()
    }

    /// Waits until no call is in progress. New ones may still start.
    pub(super) async fn wait_for_all(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    fn running(&self) -> MutexGuard<'_, RunningCalls<T>> {
        self.running
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

/// A call in progress. Its drop publishes the result, also when the call panics.
struct RunningCall<T: Clone + Send + Sync + 'static> {
    calls: Arc<SharedCalls<T>>,
    lineage: Lineage,
    shared: SharedResult<T>,
    result: Option<T>,
    _tracked: TaskTrackerToken,
}

impl<T: Clone + Send + Sync + 'static> RunningCall<T> {
    fn end(mut self, result: T) {
        self.result = Some(result);
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for RunningCall<T> {
    fn drop(&mut self) {
        // Removed first: a request that gets the result may start another call at once.
        self.calls.running().remove(&self.lineage);
        // Only this sets it, and only once.
        let _ = self.shared.set(self.result.take());
    }
}
