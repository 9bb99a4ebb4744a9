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
            let since = |networks: &HashMap<_, NetworkQueue>, key| {
                networks.get(key).map(|network| network.since)
            };
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
        let next = self.remove(at);
        let now = self.count_up();
        for network in self.networks(next.client) {
            network.since = now;
        }
        self.forget_if_empty(next.client);
        Some(next)
    }

    /// Refuses the last request of the network that has most in the queue: another wide
    /// network than the newcomer's, or another near one in the same wide network. Returns
    /// `None` if the newcomer's network would then have most.
    pub(super) fn make_room_for(&mut self, newcomer: ClientNetwork) -> Option<()> {
        let count = |networks: &HashMap<_, NetworkQueue>, key| {
            networks.get(&key).map_or(0, |network| network.count)
        };
        let most_wide = |one: &QueuedRequest| count(&self.wide, one.client.wide);
        let most_near = |one: &QueuedRequest| count(&self.near, one.client.near);
        let (own_wide, own_near) = (
            count(&self.wide, newcomer.wide) + 1,
            count(&self.near, newcomer.near) + 1,
        );
        let may_go = |one: &QueuedRequest| match one.client.wide == newcomer.wide {
            true => most_near(one) > own_near,
            false => most_wide(one) > own_wide,
        };
        let may_go = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, one)| may_go(one));
        let (at, _) = may_go.max_by_key(|(_, one)| (most_wide(one), most_near(one), one.ticket))?;
        let refused = self.remove(at);
        self.forget_if_empty(refused.client);
        Some(())
    }

    /// Removes a request that stopped to wait, if it is still there.
    pub(super) fn leave(&mut self, ticket: u64) {
        let mut waiting = self.waiting.iter();
        if let Some(at) = waiting.position(|one| one.ticket == ticket) {
            let gone = self.remove(at);
            self.forget_if_empty(gone.client);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.near.is_empty() && self.wide.is_empty()
    }

    fn remove(&mut self, at: usize) -> QueuedRequest {
        let gone = self.waiting.swap_remove(at);
        for network in self.networks(gone.client) {
            network.count -= 1;
        }
        gone
    }

    fn forget_if_empty(&mut self, client: ClientNetwork) {
        self.near
            .retain(|key, network| *key != client.near || network.count > 0);
        self.wide
            .retain(|key, network| *key != client.wide || network.count > 0);
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
