//! A state of the world in which servers take turns at one login.

use std::cmp::Ordering;

use authseal::store::{Phase, Record, StoreTime};

/// "Now" on the store's clock, in every state: what is stored are distances from it, so
/// that equal situations at different times are one state.
pub(super) const NOW: u64 = 100;

/// Debts of one server: that of its last flight and one that is being paid still.
const DEBTS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State<const N: usize> {
    pub(super) servers: [Server; N],
    pub(super) is_store_up: bool,
    /// Newest generation in the store; 0 for none.
    pub(super) value: u8,
    pub(super) record: Option<Record<Owner>>,
    /// A command whose sender gave it up, and which the store may still read.
    pub(super) late: Option<Command>,
    /// Generation of the token that the provider takes.
    pub(super) current: u8,
    /// The provider saw a used token, and ended the login.
    pub(super) is_void: bool,
    /// A request whose call was ended, and which the provider may still read.
    pub(super) stray: Option<u8>,
    /// Newest generation that a client was given.
    pub(super) client: u8,
    /// The provider replaced a token, and its answer reached nobody.
    pub(super) is_answer_lost: bool,
    pub(super) seen: Seen,
}

/// Events that must not happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    pub(super) used_token_sent: bool,
    pub(super) went_back: bool,
    /// The model has too little room for what happened: its bounds are wrong.
    pub(super) overflow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Server {
    /// Its way to the store.
    pub(super) is_linked: bool,
    /// How long the store has answered it, as far as that matters.
    pub(super) answered_for: u8,
    /// Newest generation that this process has seen; 0 for none.
    pub(super) memory: u8,
    pub(super) flight: Flight,
    /// Time until the flight's deadline. Negative while the process stands still.
    pub(super) left: i8,
    pub(super) debts: [Option<Debt>; DEBTS],
}

/// How far a refresh is; each with the generation that it works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Flight {
    None,
    /// The lease is held, and the connection is being made.
    Connecting(u8),
    /// The store said that it may be sent.
    Permitted(u8),
    /// The clock was looked at: the bytes leave next.
    Leaving(u8),
    /// The provider has not read it yet.
    Sent(u8),
    /// The answer is on its way.
    Answered(u8, Answer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Answer {
    New(u8),
    Refused,
}

/// `refresh::store_writer::PendingWrite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Debt {
    /// The generation to be stored, if there is one.
    pub(super) owed: Option<u8>,
    /// As for a flight: counted from the end of the call.
    pub(super) left: i8,
    pub(super) lease: DebtLease,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum DebtLease {
    /// That of the call, which may be gone.
    First,
    /// Taken for one attempt to pay.
    Own { is_newer: bool },
}

/// Whose a record is. No flight and no debt ever has the owner of another again, and a
/// record that is replaced never comes back, so these say enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    Flight(usize),
    Debt(usize, usize),
    /// Of a lease that is only asked for.
    New,
    /// Of somebody who is gone.
    Nobody,
}

/// A compare-and-swap of `store::lease`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Command {
    pub(super) expected: Option<Record<Owner>>,
    /// With how long it is good from the moment of the swap.
    pub(super) next: Option<(Owner, Phase, u8)>,
    pub(super) value: Option<u8>,
}

impl<const N: usize> State<N> {
    pub(super) fn first(steady: u8) -> Self {
        let server = Server {
            is_linked: true,
            answered_for: steady,
            memory: 0,
            flight: Flight::None,
            left: 0,
            debts: [None; DEBTS],
        };
        Self {
            servers: [server; N],
            is_store_up: true,
            value: 0,
            record: None,
            late: None,
            current: 0,
            is_void: false,
            stray: None,
            client: 0,
            is_answer_lost: false,
            seen: Seen::default(),
        }
    }

    pub(super) fn reaches_store(&self, i: usize) -> bool {
        self.is_store_up && self.servers[i].is_linked
    }

    /// The newest generation that is not lost.
    pub(super) fn known(&self) -> u8 {
        let of_server = |server: &Server| match server.flight {
            Flight::Answered(_, Answer::New(new)) => new.max(server.memory),
            _ => server.memory,
        };
        self.servers.iter().map(of_server).fold(self.value, u8::max)
    }

    /// Runs a compare-and-swap. `false` if the record is another.
    pub(super) fn swap(&mut self, command: &Command) -> bool {
        if self.record != command.expected {
            return false;
        }
        if let Some(value) = command.value {
            self.seen.went_back |= value < self.value;
            self.value = value;
        }
        self.record = command.next.map(|(owner, phase, duration)| Record {
            owner,
            phase,
            until: StoreTime(NOW + u64::from(duration)),
        });
        true
    }

    pub(super) fn remember(&mut self, i: usize, generation: u8) {
        let memory = &mut self.servers[i].memory;
        self.seen.went_back |= generation < *memory;
        *memory = generation;
    }

    /// Ends a flight; what is left to do for it becomes a debt.
    pub(super) fn land(&mut self, i: usize, owed: Option<u8>) {
        let server = &mut self.servers[i];
        let debt = Debt {
            owed,
            left: owed.map_or(0, |_| server.left),
            lease: DebtLease::First,
        };
        server.flight = Flight::None;
        server.left = 0;
        let debts = &mut server.debts;
        let is_free = |debt: &Option<Debt>| debt.is_none();
        // One that only gives a turn back may be dropped: others wait longer then.
        let is_empty = |debt: &Option<Debt>| debt.is_some_and(|debt| debt.owed.is_none());
        let slot = debts.iter().position(is_free);
        match slot.or_else(|| debts.iter().position(is_empty)) {
            Some(slot) => {
                debts[slot] = Some(debt);
                self.rename(Owner::Debt(i, slot), Owner::Nobody);
                self.rename(Owner::Flight(i), Owner::Debt(i, slot));
            }
            None => {
                self.seen.overflow |= owed.is_some();
                self.rename(Owner::Flight(i), Owner::Nobody);
            }
        }
    }

    /// Gives the debt the record of [`Owner::New`], in place of what it had.
    pub(super) fn retake(&mut self, i: usize, slot: usize, lease: DebtLease) {
        if let Some(debt) = &mut self.servers[i].debts[slot] {
            debt.lease = lease;
        }
        self.rename(Owner::Debt(i, slot), Owner::Nobody);
        self.rename(Owner::New, Owner::Debt(i, slot));
    }

    pub(super) fn paid(&mut self, i: usize, slot: usize) {
        self.servers[i].debts[slot] = None;
        self.rename(Owner::Debt(i, slot), Owner::Nobody);
    }

    /// The process dies, and another one is started in its place.
    pub(super) fn crash(&mut self, i: usize) {
        let server = &mut self.servers[i];
        server.memory = 0;
        server.answered_for = 0;
        server.flight = Flight::None;
        server.left = 0;
        server.debts = [None; DEBTS];
        self.rename(Owner::Flight(i), Owner::Nobody);
        for slot in 0..DEBTS {
            self.rename(Owner::Debt(i, slot), Owner::Nobody);
        }
    }

    fn rename(&mut self, from: Owner, to: Owner) {
        self.map_owners(|owner| if owner == from { to } else { owner });
    }

    fn map_owners(&mut self, map: impl Fn(Owner) -> Owner) {
        if let Some(record) = &mut self.record {
            record.owner = map(record.owner);
        }
        if let Some(late) = &mut self.late {
            if let Some(expected) = &mut late.expected {
                expected.owner = map(expected.owner);
            }
            if let Some((owner, ..)) = &mut late.next {
                *owner = map(*owner);
            }
        }
    }

    fn owners_record(&self, owner: Owner) -> bool {
        self.record
            .as_ref()
            .is_some_and(|record| record.owner == owner)
    }

    fn is_of_late(&self, owner: Owner) -> bool {
        let Some(late) = &self.late else {
            return false;
        };
        let expects = late.expected.as_ref();
        expects.is_some_and(|record| record.owner == owner)
            || late.next.is_some_and(|(next, ..)| next == owner)
    }

    /// One state in place of all that differ by the names of their servers alone.
    pub(super) fn into_representative(mut self) -> Self {
        self.forget_what_does_nothing();
        if self.servers.is_sorted_by(|a, b| a < b) {
            return self;
        }
        let mut order = [0; N];
        for (i, place) in order.iter_mut().enumerate() {
            *place = i;
        }
        order.sort_by(|&a, &b| self.compare(a, b));
        let servers = order.map(|i| self.servers[i]);
        let place = |i| {
            order
                .iter()
                .position(|&old| old == i)
                .expect("all are there")
        };
        self.servers = servers;
        self.map_owners(|owner| match owner {
            Owner::Flight(i) => Owner::Flight(place(i)),
            Owner::Debt(i, slot) => Owner::Debt(place(i), slot),
            other => other,
        });
        self
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let owned = |i| {
            let owners = [Owner::Flight(i), Owner::Debt(i, 0), Owner::Debt(i, 1)];
            owners.map(|owner| (self.owners_record(owner), self.is_of_late(owner)))
        };
        let by_content = self.servers[a].cmp(&self.servers[b]);
        by_content.then_with(|| owned(a).cmp(&owned(b)))
    }

    fn forget_what_does_nothing(&mut self) {
        // What expects another record than there is finds it never again.
        if self
            .late
            .as_ref()
            .is_some_and(|late| late.expected.is_some() && late.expected != self.record)
        {
            self.late = None;
        }
        for i in 0..N {
            for slot in 0..DEBTS {
                let Some(debt) = self.servers[i].debts[slot] else {
                    continue;
                };
                let owner = Owner::Debt(i, slot);
                if debt.owed.is_none() && !self.owners_record(owner) && !self.is_of_late(owner) {
                    self.servers[i].debts[slot] = None;
                } else if !self.owners_record(owner)
                    && let Some(debt) = &mut self.servers[i].debts[slot]
                {
                    debt.left = 0;
                }
            }
            if let [None, Some(debt)] = self.servers[i].debts {
                self.servers[i].debts = [Some(debt), None];
                self.rename(Owner::Debt(i, 1), Owner::Debt(i, 0));
            }
        }
    }
}
