//! The model: which steps there are, and what must hold whatever their order.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use authseal::store::{LeaseTimes, Phase, Record};
use stateright::{Model, Property};

use super::{
    recovery::Way,
    state::{Answer, Flight, Owner, State},
};

pub(super) const USED_TOKEN: &str = "no token is sent that somebody alive saw replaced";
pub(super) const ONE_CALL: &str = "one call at a time can use a token up";
pub(super) const FORWARD: &str = "the newest generation never goes backwards";
pub(super) const SAVED: &str = "no login is lost unless the provider's answer was";
pub(super) const WAITING: &str = "nobody waits for ever, and what can be saved is";
pub(super) const ROOM: &str = "the model has room for what happens";

/// Servers that take turns at one login.
#[derive(Clone)]
pub(super) struct Turns<const N: usize> {
    pub(super) bounds: Bounds,
    pub(super) times: LeaseTimes,
    pub(super) exceptions: Exceptions,
    pub(super) mutation: Option<Mutation>,
    /// What is known of states already: how a client gets an answer from there.
    pub(super) ways: Arc<Mutex<HashMap<u64, Way>>>,
}

/// Times are in ticks of the model, which the rules take for milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) held: u8,
    pub(super) call: i8,
    /// Added to a call's time in the record.
    pub(super) margin: u8,
    pub(super) grace: i8,
    pub(super) steady: u8,
    /// No refresh is begun any more with this generation.
    pub(super) generations: u8,
    /// The store may read a command after its sender gave it up.
    pub(super) late_commands: bool,
    /// Clients also present the newest AuthID that they were given. Duplicati always
    /// presents generation 0.
    pub(super) clients_keep_newer: bool,
}

/// What the protocol does not promise anything for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exceptions {
    pub(super) store_forgets: bool,
    /// An owner lives without the store for longer than the grace.
    pub(super) cut_off: bool,
    /// A process stands still for longer than the grace between its last look at the
    /// clock and the bytes leaving.
    pub(super) standstill: bool,
    /// The provider reads a request whose call was ended.
    pub(super) late_requests: bool,
    /// A process dies between sending and storing.
    pub(super) crash_while_owing: bool,
}

/// A mistake that the model must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutation {
    IgnoreFence,
    TakeOverAtTheEnd,
    NotSteady,
    PayTwiceBlindly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Comes,
    IsLost,
    CommandIsLost,
    CommandIsLate,
}

const FAULTS: [Reply; 3] = [Reply::IsLost, Reply::CommandIsLost, Reply::CommandIsLate];

/// Numbers are of a server, a generation that its client presents, and a debt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Refresh(usize, u8, Reply),
    Renew(usize),
    GiveUp(usize),
    Fence(usize, Reply),
    Look(usize),
    Leave(usize),
    Answer(usize),
    AnswerStray,
    Read(usize),
    EndCall(usize),
    Pay(usize, usize, Reply),
    Crash(usize),
    Link(usize),
    StoreDown,
    StoreUp,
    StoreReadsLate,
    StoreForgets,
    TimePasses,
}

impl<const N: usize> Turns<N> {
    pub(super) fn new(
        mut bounds: Bounds,
        exceptions: Exceptions,
        mutation: Option<Mutation>,
    ) -> Self {
        let ticks = |ticks: u8| Duration::from_millis(ticks.into());
        let grace = match mutation {
            Some(Mutation::TakeOverAtTheEnd) => 0,
            _ => bounds.grace.unsigned_abs(),
        };
        if mutation == Some(Mutation::NotSteady) {
            bounds.steady = 0;
        }
        Self {
            bounds,
            times: LeaseTimes {
                held: ticks(bounds.held),
                owner_grace: ticks(grace),
                steady: ticks(bounds.steady),
            },
            exceptions,
            mutation,
            ways: Arc::default(),
        }
    }

    fn actions_of(&self, state: &State<N>, i: usize, actions: &mut Vec<Action>) {
        let server = &state.servers[i];
        let reaches = state.reaches_store(i);
        match server.flight {
            Flight::None if self.may_lease(state, i) => {
                let newest = server.memory.max(state.value);
                let client = state.client;
                let is_newer = self.bounds.clients_keep_newer && client > 0;
                if is_newer && newest.max(client) < self.bounds.generations {
                    actions.push(Action::Refresh(i, client, Reply::Comes));
                }
                if newest < self.bounds.generations {
                    actions.push(Action::Refresh(i, 0, Reply::Comes));
                    let faults = self.faults(state);
                    let faults = faults.filter(|fault| *fault != Reply::CommandIsLost);
                    actions.extend(faults.map(|fault| Action::Refresh(i, 0, fault)));
                }
            }
            Flight::None => {}
            Flight::Connecting(_) => {
                actions.extend([Action::GiveUp(i), Action::Fence(i, Reply::Comes)]);
                if reaches {
                    actions.push(Action::Renew(i));
                    actions.extend(self.faults(state).map(|fault| Action::Fence(i, fault)));
                }
            }
            Flight::Permitted(_) => actions.push(Action::Look(i)),
            Flight::Leaving(_) => actions.push(Action::Leave(i)),
            Flight::Sent(_) => actions.extend([Action::Answer(i), Action::EndCall(i)]),
            Flight::Answered(..) => actions.extend([Action::Read(i), Action::EndCall(i)]),
        }
        for slot in 0..server.debts.len() {
            if self.may_pay(state, i, slot) {
                actions.push(Action::Pay(i, slot, Reply::Comes));
                actions.extend(self.faults(state).map(|fault| Action::Pay(i, slot, fault)));
            }
        }
        let owes = server
            .debts
            .iter()
            .flatten()
            .any(|debt| debt.owed.is_some());
        let asks = matches!(server.flight, Flight::Sent(_) | Flight::Answered(..));
        if self.exceptions.crash_while_owing || !owes && !asks {
            actions.push(Action::Crash(i));
        }
        if !server.is_linked {
            actions.push(Action::Link(i));
        }
    }

    fn faults(&self, state: &State<N>) -> impl Iterator<Item = Reply> {
        let has_room = self.bounds.late_commands && state.late.is_none();
        let faults = FAULTS.into_iter();
        faults.filter(move |fault| has_room || *fault != Reply::CommandIsLate)
    }

    /// True if an attempt to pay a debt comes to something.
    pub(super) fn may_pay(&self, state: &State<N>, i: usize, slot: usize) -> bool {
        let Some(debt) = state.servers[i].debts[slot] else {
            return false;
        };
        let owner = Owner::Debt(i, slot);
        let is_ours = |record: &Record<Owner>| record.may_settle(&owner);
        let pays = debt.owed.is_none() || state.record.as_ref().is_some_and(is_ours);
        state.reaches_store(i) && (pays || self.may_lease(state, i))
    }

    /// Time does not pass where only an exception lets it.
    pub(super) fn may_time_pass(&self, state: &State<N>) -> bool {
        (0..N).all(|i| {
            let server = &state.servers[i];
            let is_in_time = |left: i8| left > -self.bounds.grace;
            let owns = |owner| {
                let record = state.record.as_ref();
                record.is_some_and(|record| record.phase == Phase::Sent && record.owner == owner)
            };
            let flight = match server.flight {
                Flight::Leaving(_) => self.exceptions.standstill || is_in_time(server.left),
                // As long as the store is away for everybody, nobody takes over.
                Flight::Sent(_) | Flight::Answered(..) if owns(Owner::Flight(i)) => {
                    self.exceptions.cut_off || !state.is_store_up || is_in_time(server.left)
                }
                _ => true,
            };
            let mut debts = server.debts.iter().enumerate();
            let debts = debts.all(|(slot, debt)| match debt {
                Some(debt) if debt.owed.is_some() && owns(Owner::Debt(i, slot)) => {
                    self.exceptions.cut_off || !state.is_store_up || is_in_time(debt.left)
                }
                _ => true,
            });
            flight && debts
        })
    }

    fn is_over(state: &State<N>) -> bool {
        let seen = state.seen;
        state.is_void || seen.used_token_sent || seen.went_back || seen.overflow
    }
}

impl<const N: usize> Model for Turns<N> {
    type State = State<N>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<N>> {
        vec![State::first(self.bounds.steady)]
    }

    fn actions(&self, state: &State<N>, actions: &mut Vec<Action>) {
        if Self::is_over(state) {
            return;
        }
        for i in 0..N {
            self.actions_of(state, i, actions);
        }
        actions.push(match state.is_store_up {
            true => Action::StoreDown,
            false => Action::StoreUp,
        });
        if state.is_store_up && state.late.is_some() {
            actions.push(Action::StoreReadsLate);
        }
        if state.is_store_up && self.exceptions.store_forgets {
            actions.push(Action::StoreForgets);
        }
        if state.stray.is_some() {
            actions.push(Action::AnswerStray);
        }
        if self.may_time_pass(state) {
            actions.push(Action::TimePasses);
        }
    }

    fn next_state(&self, state: &State<N>, action: Action) -> Option<State<N>> {
        Some(self.step(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(USED_TOKEN, |_, state: &State<N>| {
                !state.seen.used_token_sent
            }),
            Property::always(ONE_CALL, |_, state: &State<N>| has_one_call(state)),
            Property::always(FORWARD, |_, state: &State<N>| !state.seen.went_back),
            Property::always(SAVED, |_, state: &State<N>| {
                state.is_answer_lost || !state.is_void && state.known() >= state.current
            }),
            Property::always(WAITING, Turns::finds_a_way),
            Property::always(ROOM, |_, state: &State<N>| !state.seen.overflow),
        ]
    }
}

/// True if at most one request is under way that the provider has not read, or whose
/// answer is not in yet.
fn has_one_call<const N: usize>(state: &State<N>) -> bool {
    let flights = state.servers.iter().map(|server| server.flight);
    let under_way = flights.filter(|flight| {
        matches!(
            flight,
            Flight::Leaving(_) | Flight::Sent(_) | Flight::Answered(_, Answer::New(_))
        )
    });
    under_way.count() + usize::from(state.stray.is_some()) <= 1
}
