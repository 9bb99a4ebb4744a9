//! The steps that servers, the store and the provider take, one at a time.

use std::time::Duration;

use authseal::store::{Phase, Record, StoreTime, TurnState};

use super::{
    model::{Action, Mutation, Reply, Turns},
    state::{Answer, Command, Debt, DebtLease, Flight, NOW, Owner, State},
};

impl<const N: usize> Turns<N> {
    /// What comes of an action that [`Turns::is_possible`].
    pub(super) fn step(&self, state: &State<N>, action: Action) -> State<N> {
        let mut state = state.clone();
        match action {
            Action::Refresh(i, presented, reply) => self.lease(&mut state, i, presented, reply),
            Action::Renew(i) => self.renew(&mut state, i),
            Action::GiveUp(i) => state.land(i, None),
            Action::Fence(i, reply) => self.fence(&mut state, i, reply),
            Action::Look(i) => look(&mut state, i),
            Action::Leave(i) => leave(&mut state, i),
            Action::Answer(i) => answer(&mut state, i),
            Action::AnswerStray => {
                let sent = state.stray.take();
                if let Some(Answer::New(_)) = sent.map(|sent| use_up(&mut state, sent)) {
                    state.is_answer_lost = true;
                }
            }
            Action::Read(i) => read(&mut state, i),
            Action::EndCall(i) => self.end_call(&mut state, i),
            Action::Pay(i, slot, reply) => self.pay(&mut state, i, slot, reply),
            Action::Crash(i) => state.crash(i),
            Action::Link(i) => state.servers[i].is_linked = true,
            Action::StoreDown => state.is_store_up = false,
            Action::StoreUp => state.is_store_up = true,
            Action::StoreReadsLate => {
                if let Some(late) = state.late.take() {
                    state.swap(&late);
                }
            }
            Action::StoreForgets => {
                state.record = None;
                state.value = 0;
            }
            Action::TimePasses => self.tick(&mut state),
        }
        state.into_representative()
    }

    /// `LeaseTimes::turn`, for a server that has no record of its own yet.
    pub(super) fn may_lease(&self, state: &State<N>, i: usize) -> bool {
        let answered_for = Duration::from_millis(state.servers[i].answered_for.into());
        let (record, now) = (state.record.as_ref(), StoreTime(NOW));
        let turn = self.times.turn(record, &Owner::New, now, answered_for);
        state.reaches_store(i) && matches!(turn, TurnState::Free | TurnState::Abandoned)
    }

    /// `RedisStore::lease` and `LoginMemory::newest_of`.
    fn lease(&self, state: &mut State<N>, i: usize, presented: u8, reply: Reply) {
        let owner = match reply {
            Reply::Comes => Owner::Flight(i),
            _ => Owner::Nobody,
        };
        let next = Some((owner, Phase::Held, self.bounds.held));
        if !send(state, i, next, None, reply) {
            return;
        }
        let newest = presented.max(state.servers[i].memory).max(state.value);
        state.remember(i, newest);
        state.servers[i].flight = Flight::Connecting(newest);
        state.servers[i].left = self.bounds.call;
    }

    /// `Lease::hold`.
    fn renew(&self, state: &mut State<N>, i: usize) {
        let owner = Owner::Flight(i);
        if is_record(state, |record| record.may_go_on(&owner)) {
            let next = Some((owner, Phase::Held, self.bounds.held));
            send(state, i, next, None, Reply::Comes);
        }
    }

    /// `Lease::mark_sent`.
    fn fence(&self, state: &mut State<N>, i: usize, reply: Reply) {
        let Flight::Connecting(generation) = state.servers[i].flight else {
            return;
        };
        let owner = Owner::Flight(i);
        let is_allowed = is_record(state, |record| record.may_go_on(&owner));
        let until = state.servers[i].left.max(0).unsigned_abs() + self.bounds.margin;
        let next = Some((owner, Phase::Sent, until));
        let is_permitted =
            state.reaches_store(i) && is_allowed && send(state, i, next, None, reply);
        match is_permitted || self.mutation == Some(Mutation::IgnoreFence) {
            true => state.servers[i].flight = Flight::Permitted(generation),
            false => state.land(i, None),
        }
    }

    /// The end of a call without an answer: by its deadline, or because the connection
    /// broke.
    fn end_call(&self, state: &mut State<N>, i: usize) {
        match state.servers[i].flight {
            Flight::Sent(sent) if self.exceptions.late_requests => state.stray = Some(sent),
            Flight::Answered(_, Answer::New(_)) => state.is_answer_lost = true,
            _ => {}
        }
        state.land(i, None);
    }

    /// `StoreWriter::attempt`.
    fn pay(&self, state: &mut State<N>, i: usize, slot: usize, reply: Reply) {
        let Some(debt) = state.servers[i].debts[slot] else {
            return;
        };
        let owner = Owner::Debt(i, slot);
        if is_record(state, |record| record.may_settle(&owner)) {
            let value = match debt.lease {
                DebtLease::First | DebtLease::Own { is_newer: true } => debt.owed,
                DebtLease::Own { is_newer: false } => None,
            };
            if send(state, i, None, value, reply) {
                state.paid(i, slot);
            } else if debt.lease != DebtLease::First {
                match self.mutation {
                    Some(Mutation::PayTwiceBlindly) => {
                        let lease = DebtLease::Own { is_newer: true };
                        state.servers[i].debts[slot] = Some(Debt { lease, ..debt });
                    }
                    _ => state.retake(i, slot, DebtLease::First),
                }
            }
            return;
        }
        let Some(owed) = debt.owed else {
            return state.paid(i, slot);
        };
        let next_owner = match reply {
            Reply::Comes => Owner::New,
            _ => Owner::Nobody,
        };
        let next = Some((next_owner, Phase::Held, self.bounds.held));
        if send(state, i, next, None, reply) {
            let is_newer = state.value < owed;
            state.retake(i, slot, DebtLease::Own { is_newer });
        }
    }

    fn tick(&self, state: &mut State<N>) {
        let oldest = -1 - self.bounds.grace;
        for i in 0..N {
            let answers = state.reaches_store(i);
            let server = &mut state.servers[i];
            server.answered_for = match answers {
                true => (server.answered_for + 1).min(self.bounds.steady),
                false => 0,
            };
            server.left = match server.flight {
                Flight::None => 0,
                // What begins to be sent looks at the clock first.
                Flight::Connecting(_) | Flight::Permitted(_) => (server.left - 1).max(0),
                _ => (server.left - 1).max(oldest),
            };
            for debt in server.debts.iter_mut().flatten() {
                if debt.owed.is_some() {
                    debt.left = (debt.left - 1).max(oldest);
                }
            }
        }
        let late = state.late.as_mut().and_then(|late| late.expected.as_mut());
        for record in state.record.as_mut().into_iter().chain(late) {
            let oldest = match record.phase {
                Phase::Held => NOW,
                Phase::Sent => NOW - u64::from(self.bounds.grace.unsigned_abs()),
            };
            record.until.0 = (record.until.0 - 1).max(oldest);
        }
    }
}

fn is_record<const N: usize>(state: &State<N>, is_so: impl Fn(&Record<Owner>) -> bool) -> bool {
    state.record.as_ref().is_some_and(is_so)
}

/// Sends a swap of the record that there is, to a store that can be reached. `true` if
/// the sender learns that it was done.
fn send<const N: usize>(
    state: &mut State<N>,
    i: usize,
    next: Option<(Owner, Phase, u8)>,
    value: Option<u8>,
    reply: Reply,
) -> bool {
    let command = Command {
        expected: state.record.clone(),
        next,
        value,
    };
    match reply {
        Reply::Comes => return state.swap(&command),
        Reply::IsLost => {
            state.swap(&command);
        }
        Reply::CommandIsLate => state.late = Some(command),
        Reply::CommandIsLost => {}
    }
    state.servers[i].is_linked = false;
    state.servers[i].answered_for = 0;
    false
}

/// The last look at the clock before the bytes leave, in `provider::client`.
fn look<const N: usize>(state: &mut State<N>, i: usize) {
    match state.servers[i].flight {
        Flight::Permitted(generation) if state.servers[i].left > 0 => {
            state.servers[i].flight = Flight::Leaving(generation);
        }
        _ => state.land(i, None),
    }
}

fn leave<const N: usize>(state: &mut State<N>, i: usize) {
    if let Flight::Leaving(generation) = state.servers[i].flight {
        state.seen.used_token_sent |= state.known() > generation;
        state.servers[i].flight = Flight::Sent(generation);
    }
}

fn answer<const N: usize>(state: &mut State<N>, i: usize) {
    if let Flight::Sent(sent) = state.servers[i].flight {
        let answer = use_up(state, sent);
        state.servers[i].flight = Flight::Answered(sent, answer);
    }
}

/// A provider that takes each token once, and ends the login of one that comes again.
fn use_up<const N: usize>(state: &mut State<N>, sent: u8) -> Answer {
    if state.is_void || sent != state.current {
        state.is_void = true;
        return Answer::Refused;
    }
    state.current += 1;
    Answer::New(state.current)
}

/// `ProviderCall::refresh` and `Lineages::store_newest`.
fn read<const N: usize>(state: &mut State<N>, i: usize) {
    let Flight::Answered(_, answer) = state.servers[i].flight else {
        return;
    };
    let owed = match answer {
        Answer::New(new) => {
            state.remember(i, new);
            state.client = state.client.max(new);
            Some(new)
        }
        Answer::Refused => None,
    };
    state.land(i, owed);
}
