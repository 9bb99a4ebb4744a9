//! One provider call per lineage at a time, however many clients ask.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::SetOnce;
use tokio_util::task::TaskTracker;

use crate::seal::Lineage;

/// The calls under way, each in its own task: a client that hangs up can't lose
/// a token that the provider has already replaced.
#[derive(Debug)]
pub(super) struct Flights<T> {
    // Held only to look up and insert, never across an await.
    under_way: Mutex<UnderWay<T>>,
    tasks: TaskTracker,
}

type UnderWay<T> = HashMap<Lineage, Landing<T>>;

/// Result of a flight once it has landed; `None` if its task died.
type Landing<T> = Arc<SetOnce<Option<T>>>;

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Self {
        Self {
            under_way: Mutex::default(),
            tasks: TaskTracker::new(),
        }
    }

    /// Waits for the lineage's flight, and starts it with `call` if there is
    /// none. `None` if the task died.
    ///
    /// `call` must have stored its result where the next asker looks before it
    /// returns: from then on, nobody joins this flight any more.
    pub(super) async fn join<F>(
        self: &Arc<Self>,
        lineage: Lineage,
        call: impl FnOnce() -> F,
    ) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let landing = {
            let mut under_way = self.lock();
            match under_way.entry(lineage) {
                Entry::Occupied(landing) => landing.get().clone(),
                Entry::Vacant(place) => {
                    let landing = place.insert(Landing::default()).clone();
                    self.take_off(lineage, landing.clone(), call());
                    landing
                }
            }
        };
        landing.wait().await.clone()
    }

    /// Waits for the lineage's flight, if there is one.
    pub(super) async fn landed_of(&self, lineage: Lineage) {
        let landing = self.lock().get(&lineage).cloned();
        if let Some(landing) = landing {
            landing.wait().await;
        }
    }

    fn take_off<F>(self: &Arc<Self>, lineage: Lineage, landing: Landing<T>, call: F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        let flight = Flight {
            flights: self.clone(),
            lineage,
            landing,
            result: None,
        };
        // Apart from its task, which is moved about before it starts.
        let call = Box::pin(call);
        self.tasks.spawn(async move { flight.land(call.await) });
    }

    /// Does other work in its own task, which [`Flights::landed`] waits for, too. `None`
    /// if the task died.
    pub(super) async fn in_own_task<R: Send + 'static>(
        &self,
        work: impl Future<Output = R> + Send + 'static,
    ) -> Option<R> {
        self.tasks.spawn(Box::pin(work)).await.ok()
    }

    /// Counts the flights under way.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits until every flight has landed; new ones may still start.
    pub(super) async fn landed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    fn lock(&self) -> MutexGuard<'_, UnderWay<T>> {
        self.under_way
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

/// A flight that is under way until this is dropped, also by a panic of its task.
struct Flight<T: Clone + Send + Sync + 'static> {
    flights: Arc<Flights<T>>,
    lineage: Lineage,
    landing: Landing<T>,
    result: Option<T>,
}

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    fn land(mut self, result: T) {
        self.result = Some(result);
    }
}

impl<T: Clone + Send + Sync + 'static> Drop for Flight<T> {
    /// Takes it off the list first: whoever is told what came of it may ask again.
    fn drop(&mut self) {
        self.flights.lock().remove(&self.lineage);
        // Nobody else sets it.
        let _ = self.landing.set(self.result.take());
    }
}
