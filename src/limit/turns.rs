//! So many at once. Those who wait get their turn network by network, so that one with a
//! thousand requests makes nobody wait for more than one of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use ipnet::IpNet;
use tokio::sync::oneshot;

use super::ClientNetwork;

/// Places, and the queue before them. Clones share both.
#[derive(Clone, Debug)]
pub struct Turns(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    places: usize,
    queue: usize,
    patience: Duration,
    // Held to look and to change, never across an await.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    waiting: Vec<Waiting>,
    /// One for each network that waits.
    near: HashMap<Option<IpNet>, Line>,
    wide: HashMap<Option<IpNet>, Line>,
    /// Goes up with everything that comes after something else.
    counter: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    client: ClientNetwork,
    turn: oneshot::Sender<Turn>,
}

/// Those of one network who wait.
#[derive(Debug, Default)]
struct Line {
    count: usize,
    /// Its first request's turn in line, or its last service. Later ones are behind it.
    since: u64,
}

/// A place, until this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Turn {
    shared: Option<Arc<Shared>>,
}

impl Turns {
    /// So many places, and so many who wait for one, each for so long.
    pub fn new(places: usize, queue: usize, patience: Duration) -> Self {
        Self(Arc::new(Shared {
            places,
            queue,
            patience,
            state: Mutex::new(State {
                free: places,
                waiting: Vec::new(),
                near: HashMap::new(),
                wide: HashMap::new(),
                counter: 0,
            }),
        }))
    }

    /// Takes a place if one is free; does not wait.
    pub fn enter_at_once(&self) -> Option<Turn> {
        let mut state = self.0.state();
        state.free = state.free.checked_sub(1)?;
        Some(Turn::of(&self.0))
    }

    /// Waits for a place. `None` if there was none in time, or too many wait. Whoever
    /// stops to wait leaves the queue, or hands the place on.
    pub async fn enter(&self, client: ClientNetwork) -> Option<Turn> {
        let (ticket, turn) = {
            let mut state = self.0.state();
            if state.free > 0 {
                state.free -= 1;
                return Some(Turn::of(&self.0));
            }
            if state.waiting.len() >= self.0.queue {
                state.make_room_for(client)?;
            }
            state.wait(client)
        };
        let _waiting = InQueue {
            shared: &self.0,
            ticket,
        };
        // If time is up just as the turn comes, the turn is dropped with its channel, and
        // so goes to the next.
        tokio::time::timeout(self.0.patience, turn).await.ok()?.ok()
    }

    /// The number of those who have a place, and of those who wait for one.
    pub fn load(&self) -> (usize, usize) {
        let state = self.0.state();
        (self.0.places - state.free, state.waiting.len())
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }

    /// Gives a place that became free to whoever's turn it is.
    fn pass_on(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                match state.next() {
                    Some(next) => next,
                    None => {
                        state.free += 1;
                        return;
                    }
                }
            };
            match next.turn.send(Turn::of(self)) {
                Ok(()) => return,
                // It has just stopped to wait.
                Err(mut unused) => unused.shared = None,
            }
        }
    }
}

impl State {
    fn wait(&mut self, client: ClientNetwork) -> (u64, oneshot::Receiver<Turn>) {
        let ticket = self.count_up();
        for line in self.lines(client) {
            line.count += 1;
            if line.count == 1 {
                line.since = ticket;
            }
        }
        let (turn, receiver) = oneshot::channel();
        self.waiting.push(Waiting {
            ticket,
            client,
            turn,
        });
        (ticket, receiver)
    }

    /// Among the networks that which has waited longest, within it the household, and
    /// then who came first.
    fn next(&mut self) -> Option<Waiting> {
        let order = |one: &Waiting| {
            let since = |lines: &HashMap<_, Line>, key| lines.get(key).map(|line| line.since);
            (
                since(&self.wide, &one.client.wide),
                since(&self.near, &one.client.near),
                one.ticket,
            )
        };
        let (at, _) = self
            .waiting
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| order(one))?;
        let next = self.leave(at);
        let now = self.count_up();
        for line in self.lines(next.client) {
            line.since = now;
        }
        self.forget_who_left(next.client);
        Some(next)
    }

    /// Sends away the last of those who have most in the queue: of another network, or of
    /// the newcomer's own one another household. Nobody, if the newcomer would then have
    /// most.
    fn make_room_for(&mut self, newcomer: ClientNetwork) -> Option<()> {
        let of = |lines: &HashMap<_, Line>, key| lines.get(&key).map_or(0, |line| line.count);
        let most_wide = |one: &Waiting| of(&self.wide, one.client.wide);
        let most_near = |one: &Waiting| of(&self.near, one.client.near);
        let (own_wide, own_near) = (
            of(&self.wide, newcomer.wide) + 1,
            of(&self.near, newcomer.near) + 1,
        );
        let may_go = |one: &Waiting| match one.client.wide == newcomer.wide {
            true => most_near(one) > own_near,
            false => most_wide(one) > own_wide,
        };
        let may_go = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| may_go(one));
        let (at, _) = may_go.max_by_key(|(_, one)| (most_wide(one), most_near(one), one.ticket))?;
        let sent_away = self.leave(at);
        self.forget_who_left(sent_away.client);
        Some(())
    }

    fn leave(&mut self, at: usize) -> Waiting {
        let gone = self.waiting.swap_remove(at);
        for line in self.lines(gone.client) {
            line.count -= 1;
        }
        gone
    }

    fn forget_who_left(&mut self, client: ClientNetwork) {
        self.near
            .retain(|key, line| *key != client.near || line.count > 0);
        self.wide
            .retain(|key, line| *key != client.wide || line.count > 0);
    }

    fn lines(&mut self, client: ClientNetwork) -> [&mut Line; 2] {
        [
            self.near.entry(client.near).or_default(),
            self.wide.entry(client.wide).or_default(),
        ]
    }

    fn count_up(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

impl Turn {
    fn of(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Some(shared.clone()),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.pass_on();
        }
    }
}

/// Somebody in the queue, until this is dropped.
struct InQueue<'t> {
    shared: &'t Shared,
    ticket: u64,
}

impl Drop for InQueue<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let mut waiting = state.waiting.iter();
        if let Some(at) = waiting.position(|one| one.ticket == self.ticket) {
            let gone = state.leave(at);
            state.forget_who_left(gone.client);
        }
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

    type Entering = Pin<Box<dyn Future<Output = Option<Turn>>>>;

    fn entering(turns: &Turns, address: &str) -> Entering {
        let turns = turns.clone();
        let client = ClientNetwork::of(Some(address.parse().unwrap()));
        let mut entering: Entering = Box::pin(async move { turns.enter(client).await });
        assert!(look(&mut entering).is_none());
        entering
    }

    fn look(entering: &mut Entering) -> Option<Option<Turn>> {
        match pin!(entering).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn entered(mut entering: Entering) -> Turn {
        look(&mut entering)
            .expect("no turn yet")
            .expect("sent away")
    }

    #[tokio::test]
    async fn a_network_with_many_requests_makes_others_wait_for_one_of_them() {
        let turns = Turns::new(1, 100, LONG);
        let first = turns.enter(ClientNetwork::default()).await.unwrap();
        let mut flood: Vec<_> = (0..9)
            .map(|number| entering(&turns, &format!("2001:db8:1:{number}::1")))
            .collect();
        let victim = entering(&turns, "192.0.2.1");
        let neighbour = entering(&turns, "2001:db8:1:ffff::1");
        drop(first);
        drop(entered(flood.remove(0)));
        drop(entered(victim));
        // Its own network's others were first.
        for flood in flood {
            drop(entered(flood));
        }
        drop(entered(neighbour));
        assert_eq!(turns.load(), (0, 0));
    }

    #[tokio::test]
    async fn newcomers_without_end_keep_nobody_waiting_for_ever() {
        let turns = Turns::new(1, 100, LONG);
        let mut current = turns.enter(ClientNetwork::default()).await.unwrap();
        let mut victim = entering(&turns, "192.0.2.1");
        let mut others = vec![entering(&turns, "10.0.0.1")];
        for number in 1..4 {
            others.push(entering(&turns, &format!("10.0.{number}.1")));
            drop(current);
            if let Some(turn) = look(&mut victim) {
                assert!(turn.is_some() && number == 1);
                return;
            }
            current = entered(others.remove(0));
        }
        panic!("it still waits");
    }

    #[tokio::test]
    async fn a_full_queue_sends_away_those_who_have_most_in_it() {
        let turns = Turns::new(1, 3, LONG);
        let first = turns.enter(ClientNetwork::default()).await.unwrap();
        let mut flood: Vec<_> = (1..4)
            .map(|number| entering(&turns, &format!("198.51.100.{number}")))
            .collect();
        let victim = entering(&turns, "192.0.2.1");
        assert!(look(&mut flood[2]).expect("sent away").is_none());
        assert!(look(&mut flood[0]).is_none());
        // One more of the same network finds no room, unless another household has more.
        let client = ClientNetwork::of(Some("198.51.100.9".parse().unwrap()));
        assert!(turns.enter(client).await.is_none());
        drop(first);
        drop(entered(flood.remove(0)));
        drop(entered(victim));
    }

    #[tokio::test]
    async fn whoever_stops_to_wait_leaves_nothing_behind() {
        let turns = Turns::new(1, 3, LONG);
        let first = turns.enter(ClientNetwork::default()).await.unwrap();
        let gone = entering(&turns, "192.0.2.1");
        let stays = entering(&turns, "192.0.2.1");
        drop(gone);
        assert_eq!(turns.load(), (1, 1));
        // It has its turn, and never looks.
        drop(first);
        assert_eq!(turns.load(), (1, 0));
        drop(stays);
        assert_eq!(turns.load(), (0, 0));
        let state = turns.0.state();
        assert!(state.near.is_empty() && state.wide.is_empty());
    }

    #[tokio::test]
    async fn patience_ends() {
        let turns = Turns::new(1, 3, Duration::ZERO);
        let _first = turns.enter(ClientNetwork::default()).await.unwrap();
        assert!(turns.enter(ClientNetwork::default()).await.is_none());
        assert_eq!(turns.load(), (1, 0));
    }
}
