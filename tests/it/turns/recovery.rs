//! Does a client get an answer again, once nothing goes wrong any more?
//!
//! From every state the faults are mended, and then each server does what it has to. The
//! path is one of the model's own, so that all states share their ways.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    model::{Action, Reply, Turns},
    state::{Answer, Flight, State},
};

/// Far more steps than a path without a circle has.
const MOST_STEPS: usize = 200;

/// How a state's way ends, and how many ticks it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A client gets an access token.
    Served(u8),
    /// A client is told that the login is over.
    Refused(u8),
    /// Nothing leads on.
    Stuck,
}

impl<const N: usize> Turns<N> {
    /// A login whose newest token is not lost is served again; any other gets an answer.
    pub(super) fn finds_a_way(&self, state: &State<N>) -> bool {
        if state.is_void {
            return true;
        }
        match self.way(state) {
            Way::Served(_) => true,
            Way::Refused(_) => state.known() < state.current,
            Way::Stuck => false,
        }
    }

    /// The longest time that a client waits.
    pub(super) fn longest_way(&self) -> u8 {
        let ways = self.ways.lock().unwrap();
        let ticks = ways.values().map(|way| match way {
            Way::Served(ticks) | Way::Refused(ticks) => *ticks,
            Way::Stuck => u8::MAX,
        });
        ticks.max().unwrap_or(0)
    }

    fn way(&self, state: &State<N>) -> Way {
        let mut passed: Vec<(u64, bool)> = Vec::new();
        let mut state = state.clone();
        let mut way = loop {
            let hash = hash(&state);
            if let Some(known) = self.ways.lock().unwrap().get(&hash) {
                break *known;
            }
            let Some(action) = self.way_on(&state).filter(|_| passed.len() < MOST_STEPS) else {
                passed.push((hash, false));
                break Way::Stuck;
            };
            passed.push((hash, action == Action::TimePasses));
            if let Action::Read(i) = action {
                match state.servers[i].flight {
                    Flight::Answered(_, Answer::New(_)) => break Way::Served(0),
                    _ => break Way::Refused(0),
                }
            }
            state = self.step(&state, action);
        };
        let mut ways = self.ways.lock().unwrap();
        for (hash, is_tick) in passed.into_iter().rev() {
            if is_tick {
                way = way.a_tick_later();
            }
            ways.insert(hash, way);
        }
        way
    }

    fn way_on(&self, state: &State<N>) -> Option<Action> {
        if !state.is_store_up {
            return Some(Action::StoreUp);
        }
        let servers = || state.servers.iter().enumerate();
        if let Some((i, _)) = servers().find(|(_, server)| !server.is_linked) {
            return Some(Action::Link(i));
        }
        let on_its_way = servers().find_map(|(i, server)| match server.flight {
            Flight::None => None,
            Flight::Connecting(_) => Some(Action::Fence(i, Reply::Comes)),
            Flight::Permitted(_) => Some(Action::Look(i)),
            Flight::Leaving(_) => Some(Action::Leave(i)),
            Flight::Sent(_) => Some(Action::Answer(i)),
            Flight::Answered(..) => Some(Action::Read(i)),
        });
        let paying = || {
            let debts = servers()
                .flat_map(|(i, server)| (0..server.debts.len()).map(move |slot| (i, slot)));
            let mut debts = debts.filter(|(i, slot)| self.may_pay(state, *i, *slot));
            debts
                .next()
                .map(|(i, slot)| Action::Pay(i, slot, Reply::Comes))
        };
        let refreshing = || {
            let i = (0..N).find(|i| self.may_lease(state, *i))?;
            Some(Action::Refresh(i, 0, Reply::Comes))
        };
        let waiting = || self.may_time_pass(state).then_some(Action::TimePasses);
        on_its_way
            .or_else(paying)
            .or_else(refreshing)
            .or_else(waiting)
    }
}

impl Way {
    fn a_tick_later(self) -> Self {
        match self {
            Self::Served(ticks) => Self::Served(ticks.saturating_add(1)),
            Self::Refused(ticks) => Self::Refused(ticks.saturating_add(1)),
            Self::Stuck => Self::Stuck,
        }
    }
}

fn hash(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}
