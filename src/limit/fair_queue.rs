//! A limit of concurrent work. Those that wait get their places network by network, so a
//! network with a thousand requests delays each request of others by one of its own only.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{ClientNetwork, queue_state::QueueState};

/// A limited number of places, and the queue for them. Clones share both.
#[derive(Clone, Debug)]
pub struct FairQueue(Arc<SharedQueue>);

#[derive(Debug)]
struct SharedQueue {
    max_waiting: usize,
    timeout: Duration,
    // Locked to read and change, never across an await.
    state: Mutex<QueueState>,
}

/// The guard of a place, which hands it to the next request on drop.
#[derive(Debug)]
#[must_use]
pub struct Place {
    queue: Option<Arc<SharedQueue>>,
}

impl FairQueue {
    /// Creates a queue for `places` concurrent requests, in which at most `max_waiting`
    /// wait, each at most for `timeout`.
    pub fn new(places: usize, max_waiting: usize, timeout: Duration) -> Self {
        Self(Arc::new(SharedQueue {
            max_waiting,
            timeout,
            state: Mutex::new(QueueState::new(places)),
        }))
    }

    /// Waits for a place. Returns `None` after the timeout, or if too many wait. When the
    /// future is dropped, the request leaves the queue or hands its place on.
    pub async fn enter(&self, client: ClientNetwork) -> Option<Place> {
        let (ticket, place) = {
            let mut state = self.0.state();
            if state.free > 0 {
                state.free -= 1;
                return Some(Place::of(&self.0));
            }
            if state.waiting.len() >= self.0.max_waiting {
                state.make_room_for(client)?;
            }
            state.push(client)
        };
        // Boxed: most requests do not wait, and each would have room for it.
        Box::pin(self.0.wait(ticket, place)).await
    }
}

impl SharedQueue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }

    async fn wait(&self, ticket: u64, place: oneshot::Receiver<Place>) -> Option<Place> {
        let _guard = QueueGuard {
            queue: self,
            ticket,
        };
        // If the timeout passes just as the place comes, the place is dropped with its
        // channel, and so goes to the next request.
        let place = tokio::time::timeout(self.timeout, place).await;
        place.ok()?.ok()
    }

    /// Gives a place that became free to the next request.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                match state.pop() {
                    Some(next) => next,
                    None => {
                        state.free += 1;
                        return;
                    }
                }
            };
            match next.place.send(Place::of(self)) {
                Ok(()) => return,
                // The request was dropped just now. Its place must not be handed on twice.
                Err(mut unused) => unused.queue = None,
            }
        }
    }
}

impl Place {
    fn of(queue: &Arc<SharedQueue>) -> Self {
        Self {
            queue: Some(queue.clone()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take() {
            queue.pass_on();
        }
    }
}

/// The guard of a waiting request, which leaves the queue on drop.
struct QueueGuard<'q> {
    queue: &'q SharedQueue,
    ticket: u64,
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        self.queue.state().leave(self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    type Entering = Pin<Box<dyn Future<Output = Option<Place>>>>;

    fn entering(queue: &FairQueue, address: &str) -> Entering {
        let queue = queue.clone();
        let client = ClientNetwork::of(Some(address.parse().unwrap()));
        let mut entering: Entering = Box::pin(async move { queue.enter(client).await });
        assert!(look(&mut entering).is_none());
        entering
    }

    fn look(entering: &mut Entering) -> Option<Option<Place>> {
        match pin!(entering).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        }
    }

    /// Returns the number of taken places, out of one, and of requests that wait for it.
    fn load(queue: &FairQueue) -> (usize, usize) {
        let state = queue.0.state();
        (1 - state.free, state.waiting.len())
    }

    fn entered(mut entering: Entering) -> Place {
        look(&mut entering).expect("no place yet").expect("refused")
    }

    #[tokio::test]
    async fn a_network_with_many_requests_makes_others_wait_for_one_of_them() {
        let queue = FairQueue::new(1, 100, LONG);
        let first = queue.enter(ClientNetwork::default()).await.unwrap();
        let mut flood: Vec<_> = (0..9)
            .map(|number| entering(&queue, &format!("2001:db8:1:{number}::1")))
            .collect();
        let victim = entering(&queue, "192.0.2.1");
        let neighbour = entering(&queue, "2001:db8:1:ffff::1");
        drop(first);
        drop(entered(flood.remove(0)));
        drop(entered(victim));
        // The requests of its own network came before it.
        for flood in flood {
            drop(entered(flood));
        }
        drop(entered(neighbour));
        assert_eq!(load(&queue), (0, 0));
    }

    #[tokio::test]
    async fn newcomers_without_end_keep_no_request_waiting_for_ever() {
        let queue = FairQueue::new(1, 100, LONG);
        let mut current = queue.enter(ClientNetwork::default()).await.unwrap();
        let mut victim = entering(&queue, "192.0.2.1");
        let mut others = vec![entering(&queue, "10.0.0.1")];
        for number in 1..4 {
            others.push(entering(&queue, &format!("10.0.{number}.1")));
            drop(current);
            if let Some(place) = look(&mut victim) {
                assert!(place.is_some() && number == 1);
                return;
            }
            current = entered(others.remove(0));
        }
        panic!("it still waits");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_those_that_have_most_in_it() {
        let queue = FairQueue::new(1, 3, LONG);
        let first = queue.enter(ClientNetwork::default()).await.unwrap();
        let mut flood: Vec<_> = (1..4)
            .map(|number| entering(&queue, &format!("198.51.100.{number}")))
            .collect();
        let victim = entering(&queue, "192.0.2.1");
        assert!(look(&mut flood[2]).expect("refused").is_none());
        assert!(look(&mut flood[0]).is_none());
        // One more of the same network is refused, unless another household has more.
        let client = ClientNetwork::of(Some("198.51.100.9".parse().unwrap()));
        assert!(queue.enter(client).await.is_none());
        drop(first);
        drop(entered(flood.remove(0)));
        drop(entered(victim));
    }

    #[tokio::test]
    async fn a_request_that_is_dropped_leaves_nothing_behind() {
        let queue = FairQueue::new(1, 3, LONG);
        let first = queue.enter(ClientNetwork::default()).await.unwrap();
        let gone = entering(&queue, "192.0.2.1");
        let stays = entering(&queue, "192.0.2.1");
        drop(gone);
        assert_eq!(load(&queue), (1, 1));
        // It gets its place, and is dropped without a look at it.
        drop(first);
        assert_eq!(load(&queue), (1, 0));
        drop(stays);
        assert_eq!(load(&queue), (0, 0));
        let state = queue.0.state();
        assert!(state.is_empty());
    }

    #[tokio::test]
    async fn a_request_waits_no_longer_than_the_timeout() {
        let queue = FairQueue::new(1, 3, Duration::ZERO);
        let _first = queue.enter(ClientNetwork::default()).await.unwrap();
        assert!(queue.enter(ClientNetwork::default()).await.is_none());
        assert_eq!(load(&queue), (1, 0));
    }
}
