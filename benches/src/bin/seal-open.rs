//! Microseconds to seal and to open an AuthID, one JSON object a line.
//!
//!     seal-open [TOKEN_CHARACTERS]...     default: 110 1500
//!
//! After a warm-up, each figure is the median of rounds that alternate between
//! sealing and opening; a round's value is its mean. Every round goes through
//! many different AuthIDs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use authseal::{
    clock::{Clock, UnixTime},
    keyring::{Jwk, KeySet},
    seal::{Grant, open, seal},
    secret::Secret,
};
use authseal_benches::{arguments, expect, grant, keyring};

const DIFFERENT: usize = 500;
const WARM_UP_ROUNDS: usize = 5;
const ROUNDS: usize = 41;

fn main() {
    let mut arguments = arguments().peekable();
    let now = Clock::system().now();
    let key = Jwk::generate(now, Duration::ZERO).to_json();
    let keyring = keyring(key.expose()).expect("the key was made here");
    if arguments.peek().is_none() {
        measure(&keyring.current(), now, 110);
        measure(&keyring.current(), now, 1_500);
    }
    while arguments.peek().is_some() {
        let token_characters = expect(&mut arguments, "TOKEN_CHARACTERS");
        measure(&keyring.current(), now, token_characters);
    }
}

fn measure(keys: &KeySet, now: UnixTime, token_characters: usize) {
    let grants: Vec<Grant> = (0..DIFFERENT)
        .map(|_| grant("googledrive", token_characters, now))
        .collect();
    let authids: Vec<Secret> = grants
        .iter()
        .map(|grant| seal(keys, now, grant).expect("the key seals"))
        .collect();
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP_ROUNDS + ROUNDS {
        sealing.push(mean_us(&grants, |grant| {
            black_box(seal(keys, now, black_box(grant)).expect("the key seals"));
        }));
        opening.push(mean_us(&authids, |authid| {
            black_box(open(keys, now, black_box(authid.expose())).expect("it was sealed here"));
        }));
    }
    println!(
        "{{\"token_characters\":{token_characters},\"seal_us\":{:.2},\"open_us\":{:.2},\
         \"authid_characters\":{}}}",
        median(&mut sealing[WARM_UP_ROUNDS..]),
        median(&mut opening[WARM_UP_ROUNDS..]),
        authids
            .iter()
            .map(|authid| authid.expose().len())
            .max()
            .unwrap_or_default(),
    );
}

fn mean_us<T>(values: &[T], mut operation: impl FnMut(&T)) -> f64 {
    let start = Instant::now();
    values.iter().for_each(&mut operation);
    start.elapsed().as_secs_f64() * 1e6 / values.len() as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
