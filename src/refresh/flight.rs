//! One provider call per lineage at a time, however many clients ask.

use std::{collections::HashMap, future::Future, sync::Mutex};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::seal::Lineage;

/// The calls under way, each in its own task: a client that hangs up can't lose
/// a token that the provider has already replaced.
#[derive(Debug)]
pub(super) struct Flights<T> {
    // Held only to look up and insert, never across an await.
    under_way: Mutex<HashMap<Lineage, watch::Receiver<Option<T>>>>,
    tasks: TaskTracker,
}

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
        self: &std::sync::Arc<Self>,
        lineage: Lineage,
        call: impl FnOnce() -> F,
    ) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut landing = {
            let mut under_way = self.lock();
            match under_way.get(&lineage) {
                Some(landing) => landing.clone(),
                None => {
                    let (land, landing) = watch::channel(None);
                    under_way.insert(lineage, landing.clone());
                    self.take_off(lineage, land, call());
                    landing
                }
            }
        };
        landing.wait_for(Option::is_some).await.ok()?.clone()
    }

    /// Waits for the lineage's flight, if there is one.
    pub(super) async fn landed_of(&self, lineage: Lineage) {
        let landing = self.lock().get(&lineage).cloned();
        if let Some(mut landing) = landing {
            // An error is a task that died: it has landed too.
            let _ = landing.wait_for(Option::is_some).await;
        }
    }

    fn take_off<F>(
        self: &std::sync::Arc<Self>,
        lineage: Lineage,
        land: watch::Sender<Option<T>>,
        call: F,
    ) where
        F: Future<Output = T> + Send + 'static,
    {
        let entry = Entry {
            flights: self.clone(),
            lineage,
        };
        // Apart from its task, which is moved about before it starts.
        let call = Box::pin(call);
        self.tasks.spawn(async move {
            let result = call.await;
            drop(entry);
            land.send_replace(Some(result));
        });
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits until every flight has landed; new ones may still start.
    pub(super) async fn landed(&self) {
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Lineage, watch::Receiver<Option<T>>>> {
        self.under_way
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

/// Takes the flight off the list, also when its task panics.
struct Entry<T: Clone + Send + Sync + 'static> {
    flights: std::sync::Arc<Flights<T>>,
    lineage: Lineage,
}

impl<T: Clone + Send + Sync + 'static> Drop for Entry<T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.lineage);
    }
}
