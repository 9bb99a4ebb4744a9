//! What the people behind each client read when there is no token: every failure of
//! `/refresh` and `/token`, put to a model of every client.

mod addresses;
mod answers;
mod busy;
mod causes;
mod habits;
mod migrating;
mod outcomes;
mod seen;
mod situations;
mod watched;

use std::time::Duration;

use crate::support::clients::{AUTHORIZATION_FAILED, Client, Outcome, Request, Response};

const PAGE: &str = include_str!("../../docs/endpoints.md");

/// Puts a client on a clock of its own, which stands still except for the client's waits,
/// and returns how its call for a token ended.
fn outcome_of(
    client: &Client,
    authid: &str,
    answer: impl FnMut(&Request) -> (Duration, Response),
) -> Outcome {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(client.ask(authid, answer))
}

/// The outcome in the words of docs/endpoints.md: what is read, and how many requests it
/// took in how many seconds.
fn in_words(outcome: &Outcome, texts: &[(&str, &str)]) -> String {
    let message = outcome.message();
    let shown = |text: &str| !text.is_empty() && message.contains(text);
    let found = texts.iter().filter(|(_, text)| shown(text));
    let mut read: Vec<&str> = found.map(|(name, _)| *name).collect();
    // The reason in it may be another text than those that are looked for.
    if message.starts_with(AUTHORIZATION_FAILED) && message.contains("?type=") {
        read.push("login link");
    }
    let others = [
        ("\"timed out\"", "timed out"),
        ("\"over quota\"", "over quota"),
        ("\"folder missing\"", "folder missing"),
    ];
    let read = match &outcome.result {
        Ok(_) => "works".to_owned(),
        Err(_) if !read.is_empty() => read.join(" and "),
        Err(_) => {
            let known = others.iter().find(|(_, text)| shown(text));
            known.map_or("nothing", |(name, _)| name).to_owned()
        }
    };
    match outcome.seconds {
        0 => format!("{read}; {}", outcome.requests),
        seconds => format!("{read}; {} in {seconds} s", outcome.requests),
    }
}

/// A line of a table on the page.
fn line<'c>(cells: impl IntoIterator<Item = &'c str>) -> String {
    let cells: Vec<&str> = cells.into_iter().collect();
    format!("| {} |", cells.join(" | "))
}

/// Complains about the lines that are not on the page, all at once.
fn assert_on_page(lines: &[String]) {
    let missing: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !PAGE.lines().any(|on_page| on_page == *line))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/endpoints.md lacks:\n{}",
        missing.join("\n")
    );
}
