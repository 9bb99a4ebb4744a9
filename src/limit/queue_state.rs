//! The order in which waiting requests get their places.

use std::collections::HashMap;

use ipnet::IpNet;
use tokio::sync::oneshot;

use super::{ClientNetwork, Place};

#[derive(Debug)]
pub(super) struct QueueState {
    pub(super) free: usize,
    pub(super) waiting: Vec<QueuedRequest>,
    /// One entry for each network that waits.
    near: HashMap<Option<IpNet>, NetworkQueue>,
    wide: HashMap<Option<IpNet>, NetworkQueue>,
    /// Logical time, which orders arrivals and handed-out places.
    counter: u64,
}

#[derive(Debug)]
pub(super) struct QueuedRequest {
    ticket: u64,
    client: ClientNetwork,
    pub(super) place: oneshot::Sender<Place>,
}

/// The waiting requests of one network.
#[derive(Debug, Default)]
struct NetworkQueue {
    count: usize,
    /// Arrival of its first request, or the last time that it got a place. The smallest
    /// is next.
    since: u64,
}

impl QueueState {
    /// Creates an empty queue for `free` places.
    pub(super) fn new(free: usize) -> Self {
        Self {
            free,
            waiting: Vec::new(),
            near: HashMap::new(),
            wide: HashMap::new(),
            counter: 0,
        }
    }

    /// Adds a request. Returns its ticket, and the channel on which its place comes.
    pub(super) fn push(&mut self, client: ClientNetwork) -> (u64, oneshot::Receiver<Place>) {
        let ticket = self.count_up();
        for network in self.networks(client) {
            network.count += 1;
            if network.count == 1 {
                network.since = ticket;
            }
        }
        let (place, receiver) = oneshot::channel();
        self.waiting.push(QueuedRequest {
            ticket,
            client,
            place,
        });
        (ticket, receiver)
    }

    /// Removes the next request: of the wide network that has waited longest, in it of
    /// the near network that has waited longest, and of its requests the first.
    pub(super) fn pop(&mut self) -> Option<QueuedRequest> {
        let order = |one: &QueuedRequest| {
            let wide = self.wide.get(&one.client.wide);
            let near = self.near.get(&one.client.near);
            let since = |network: Option<&NetworkQueue>| network.map(|network| network.since);
            (since(wide), since(near), one.ticket)
        };
        let waiting = self.waiting.iter().enumerate();
        let (at, next) = waiting.min_by_key(|(_, one)| order(one))?;
        let client = next.client;
        let now = self.count_up();
        for network in self.networks(client) {
            network.since = now;
        }
        Some(self.remove(at))
    }

    /// Refuses the last request of the network that has most in the queue: another wide
    /// network than the newcomer's, or another near one in the same wide network. Returns
    /// `None` if the newcomer's network would then have most.
    pub(super) fn make_room_for(&mut self, newcomer: ClientNetwork) -> Option<()> {
        let (own_wide, own_near) = self.counts(newcomer);
        let may_go = |client: ClientNetwork| {
            let (wide, near) = self.counts(client);
            match client.wide == newcomer.wide {
                true => near > own_near + 1,
                false => wide > own_wide + 1,
            }
        };
        let waiting = self.waiting.iter().enumerate();
        let may_go = waiting.filter(|(_, one)| may_go(one.client));
        let (at, _) = may_go.max_by_key(|(_, one)| (self.counts(one.client), one.ticket))?;
        self.remove(at);
        Some(())
    }

    /// Removes a request that stopped to wait, if it is still there.
    pub(super) fn leave(&mut self, ticket: u64) {
        let mut waiting = self.waiting.iter();
        if let Some(at) = waiting.position(|one| one.ticket == ticket) {
            self.remove(at);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.near.is_empty() && self.wide.is_empty()
    }

    /// Removes a request, and its networks if they have no other.
    fn remove(&mut self, at: usize) -> QueuedRequest {
        let gone = self.waiting.swap_remove(at);
        for network in self.networks(gone.client) {
            network.count -= 1;
        }
        self.near.retain(|_, network| network.count > 0);
        self.wide.retain(|_, network| network.count > 0);
        gone
    }

    /// Returns the numbers of requests of the client's wide network and of its near one.
    fn counts(&self, client: ClientNetwork) -> (usize, usize) {
        let wide = self
            .wide
            .get(&client.wide)
            .map_or(0, |network| network.count);
        let near = self
            .near
            .get(&client.near)
            .map_or(0, |network| network.count);
        (wide, near)
    }

    fn networks(&mut self, client: ClientNetwork) -> [&mut NetworkQueue; 2] {
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
