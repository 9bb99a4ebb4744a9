//! The protocol by which servers take turns at a login, explored exhaustively: every
//! state that servers, a store and a strict provider can get into by steps and faults in
//! any order. What is proved, in plain words, is in docs/store.md.
//!
//! Each decision about a turn is made by authseal's own `store::turn`. The steps around
//! them are modelled in `turns/step.rs`, each beside the name of what it stands for.
//!
//! `AUTHSEAL_MODEL=deep` explores larger bounds, for minutes.

mod model;
mod recovery;
mod state;
mod step;

use std::{collections::BTreeSet, time::Instant};

use model::{
    Action, Bounds, Exceptions, FORWARD, Mutation, ONE_CALL, SAVED, Turns, USED_TOKEN, WAITING,
};
use state::State;
use stateright::{Checker, Expectation, HasDiscoveries, Model, Path};

/// Times in ticks, each as short as it can be without being the same as another.
const BOUNDS: Bounds = Bounds {
    held: 1,
    call: 2,
    margin: 1,
    grace: 2,
    steady: 1,
    generations: 2,
    late_commands: true,
    clients_keep_newer: true,
};

/// A third server, and a connection that stands at once or not at all.
const BOUNDS_OF_THREE: Bounds = Bounds {
    call: 1,
    late_commands: false,
    ..BOUNDS
};

#[test]
fn two_servers_never_send_a_used_token_and_never_wait_for_ever() {
    holds::<2>(match is_deep() {
        false => BOUNDS,
        true => Bounds {
            held: 2,
            call: 3,
            grace: 3,
            steady: 2,
            ..BOUNDS
        },
    });
}

#[test]
fn three_servers_never_send_a_used_token_and_never_wait_for_ever() {
    holds::<3>(match is_deep() {
        false => BOUNDS_OF_THREE,
        true => BOUNDS,
    });
}

#[test]
fn a_store_that_forgets_is_an_exception() {
    let exceptions = Exceptions {
        store_forgets: true,
        ..Exceptions::default()
    };
    breaks(&[USED_TOKEN, ONE_CALL], exceptions, None);
}

#[test]
fn an_owner_that_is_cut_off_for_longer_than_the_grace_is_an_exception() {
    let exceptions = Exceptions {
        cut_off: true,
        ..Exceptions::default()
    };
    breaks(&[USED_TOKEN, ONE_CALL], exceptions, None);
}

#[test]
fn a_process_that_stands_still_before_it_sends_is_an_exception() {
    let exceptions = Exceptions {
        standstill: true,
        ..Exceptions::default()
    };
    breaks(&[USED_TOKEN, ONE_CALL], exceptions, None);
}

#[test]
fn a_request_that_is_read_after_its_call_is_an_exception() {
    let exceptions = Exceptions {
        late_requests: true,
        ..Exceptions::default()
    };
    breaks(&[ONE_CALL, SAVED], exceptions, None);
}

#[test]
fn a_crash_between_sending_and_storing_is_an_exception() {
    let exceptions = Exceptions {
        crash_while_owing: true,
        ..Exceptions::default()
    };
    breaks(&[SAVED], exceptions, None);
}

#[test]
fn a_crash_between_sending_and_storing_makes_nobody_send_a_token_that_is_known_to_be_used() {
    let exceptions = Exceptions {
        crash_while_owing: true,
        ..Exceptions::default()
    };
    // A client that keeps newer AuthIDs may show one to a server that dies, too.
    let bounds = Bounds {
        late_commands: false,
        clients_keep_newer: false,
        ..BOUNDS
    };
    let found = explore::<2>(bounds, exceptions, None, HasDiscoveries::All);
    let names: BTreeSet<_> = found.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, BTreeSet::from([SAVED]));
}

#[test]
fn a_fence_that_is_ignored_is_found_out() {
    let mistake = Some(Mutation::IgnoreFence);
    breaks(&[USED_TOKEN, ONE_CALL], Exceptions::default(), mistake);
}

#[test]
fn a_takeover_at_the_end_of_a_call_is_found_out() {
    let mistake = Some(Mutation::TakeOverAtTheEnd);
    breaks(&[USED_TOKEN, ONE_CALL], Exceptions::default(), mistake);
}

#[test]
fn a_takeover_as_soon_as_the_store_is_back_is_found_out() {
    let mistake = Some(Mutation::NotSteady);
    breaks(&[USED_TOKEN, ONE_CALL], Exceptions::default(), mistake);
}

#[test]
fn a_debt_that_is_paid_without_a_look_at_the_store_is_found_out() {
    let mistake = Some(Mutation::PayTwiceBlindly);
    breaks(&[FORWARD, WAITING], Exceptions::default(), mistake);
}

type Found<const N: usize> = Vec<(&'static str, Path<State<N>, Action>)>;

fn holds<const N: usize>(bounds: Bounds) {
    let any = HasDiscoveries::AnyFailures;
    let found = explore::<N>(bounds, Exceptions::default(), None, any);
    for (name, path) in &found {
        println!("NOT SO: {name}{}", story(path));
    }
    assert!(found.is_empty(), "the protocol has a hole: see above");
}

fn breaks(names: &[&'static str], exceptions: Exceptions, mistake: Option<Mutation>) {
    let bounds = Bounds {
        late_commands: false,
        ..BOUNDS
    };
    let until = HasDiscoveries::AllOf(names.iter().copied().collect());
    let found = explore::<2>(bounds, exceptions, mistake, until);
    for name in names {
        let path = found.iter().find(|(found, _)| found == name);
        let (_, path) = path.unwrap_or_else(|| panic!("still so: {name}"));
        println!("as expected, not so: {name}{}", story(path));
    }
}

fn explore<const N: usize>(
    bounds: Bounds,
    exceptions: Exceptions,
    mistake: Option<Mutation>,
    until: HasDiscoveries,
) -> Found<N> {
    let begun = Instant::now();
    let model = Turns::<N>::new(bounds, exceptions, mistake);
    let checker = model.checker().threads(2).finish_when(until);
    let checker = checker.spawn_bfs().join();
    println!(
        "{N} servers, {bounds:?}, {exceptions:?}, {mistake:?}: {} states, {} steps, at most {} in \
         a row, {:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed(),
    );
    let model = checker.model();
    println!(
        "an answer at most {} ticks after the last fault",
        model.longest_way()
    );
    for property in model.properties() {
        let is_always = matches!(property.expectation, Expectation::Always);
        assert!(is_always, "a discovery is a violation");
        println!("property: {}", property.name);
    }
    checker.discoveries().into_iter().collect()
}

fn story<const N: usize>(path: &Path<State<N>, Action>) -> String {
    let actions = path.clone().into_actions();
    actions
        .iter()
        .map(|action| format!("\n    {action:?}"))
        .collect()
}

fn is_deep() -> bool {
    std::env::var("AUTHSEAL_MODEL").is_ok_and(|depth| depth == "deep")
}
