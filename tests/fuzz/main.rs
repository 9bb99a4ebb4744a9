//! Whatever comes from outside, made up by the thousand: nearly right, or nonsense.
//!
//! `cargo test --test fuzz` runs the same few seconds of it every time.
//! `PROPTEST_CASES=200000 cargo test --release --test fuzz` runs for minutes, and
//! differently each time. What fails is shrunk, printed, and kept in
//! `tests/fuzz/regressions`, from where it is tried first from then on.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "cargo test shows it"
)]

#[path = "../support/mod.rs"]
mod support;

mod authids;
mod bombs;
mod envelopes;
mod forwarded;
mod http1;
mod mutation;
mod property;
mod provider;
mod provider_answers;
mod requests;
mod sealing;
mod settings;
mod tables;
mod wire;

/// What grows beyond this ends the run, and not the machine.
const MOST_MEMORY: usize = 1024 * 1024 * 1024;

/// It counts too: see `property`.
#[global_allocator]
static MEMORY: cap::Cap<peak_alloc::PeakAlloc> = cap::Cap::new(peak_alloc::PeakAlloc, MOST_MEMORY);
