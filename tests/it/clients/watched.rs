//! What the real clients did with each answer, and that the models do the same. The same
//! lines, in words, are on docs/endpoints.md.

use std::time::Duration;

use super::{assert_on_page, in_words, line, outcome_of};
use crate::support::clients::{Backend, Client, Duplicati, Generation, Request, Response};

/// Answers, and what was read of them, in how many requests and seconds: R the reason, B the
/// body, L a login link. At Dropbox, Box and Google Drive, and at Cloud Storage, OneDrive and
/// Jottacloud.
const SINCE_2_2: &str = r#"
200 at once                       | works / 1 / 0   | works / 1 / 0   | works / 1 / 0        | works / 1 / 0
200 after 24 s                    | works / 1 / 24  | works / 1 / 24  | works / 1 / 24       | works / 1 / 24
200 with a fraction in `expires`  | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | B / 6 / 31
400 with a reason, text           | B / 2 / 1       | B / 2 / 1       | R L / 2 / 1          | R L / 2 / 1
400 with a reason, JSON           | nothing / 2 / 1 | B / 2 / 1       | R L / 2 / 1          | R L / 2 / 1
401 with a reason, text           | B L / 2 / 1     | B / 2 / 1       | R L / 2 / 1          | R L / 2 / 1
403 with a reason, text           | B / 2 / 1       | B / 2 / 1       | R L / 2 / 1          | R L / 2 / 1
403 with a reason, JSON           | nothing / 2 / 1 | B / 2 / 1       | R L / 2 / 1          | R L / 2 / 1
404 with a reason, text           | "folder missing" / 2 / 1 | B / 2 / 1 | R L / 2 / 1       | R L / 2 / 1
409 with a reason, text           | "folder missing" / 2 / 1 | B / 2 / 1 | R L / 2 / 1       | R L / 2 / 1
429 with a reason, text           | "over quota" / 2 / 1 | nothing / 2 / 1 | R L / 2 / 1     | R L / 2 / 1
500 with a reason, text           | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | R L / 6 / 31
500 with a reason, JSON           | nothing / 6 / 31 | B / 6 / 31     | "timed out" / 5 / 30 | R L / 6 / 31
502 with a reason, text           | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | R L / 6 / 31
502 with a reason, JSON           | nothing / 6 / 31 | B / 6 / 31     | "timed out" / 5 / 30 | R L / 6 / 31
504 with a reason, text           | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | R L / 6 / 31
504 with a reason, JSON           | nothing / 6 / 31 | B / 6 / 31     | "timed out" / 5 / 30 | R L / 6 / 31
504 with a reason, after 20 s     | B / 6 / 151     | B / 6 / 151     | "timed out" / 2 / 30 | R L / 6 / 151
503 with a reason, text           | R L / 1 / 0     | R L / 1 / 0     | R L / 1 / 0          | R L / 1 / 0
503 with a reason, JSON           | R L / 1 / 0     | R L / 1 / 0     | R L / 1 / 0          | R L / 1 / 0
503 with a reason, after 20 s     | R L / 1 / 20    | R L / 1 / 20    | R L / 1 / 20         | R L / 1 / 20
503 without the header            | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | nothing / 6 / 31
503 with an empty reason          | "over quota" / 1 / 0 | "over quota" / 1 / 0 | "over quota" / 1 / 0 | "over quota" / 1 / 0
connection closed unanswered      | nothing / 24 / 31 | nothing / 24 / 31 | "timed out" / 20 / 30 | nothing / 24 / 31
"#;

/// The same, where only Cloud Storage takes it for a missing folder.
const WITHOUT_A_REASON: [&str; 6] = [
    "B / 2 / 1",
    "B / 2 / 1",
    "nothing / 2 / 1",
    "\"folder missing\" / 2 / 1",
    "nothing / 2 / 1",
    "nothing / 2 / 1",
];

/// 2.0.8 and 2.1.0, where Box tries everything six times and shows the body.
const BEFORE_2_2: &str = r#"
401 with a reason, text           | B L / 2 / 1     | B / 6 / 31      | R L / 2 / 1          | R L / 2 / 1
429 with a reason, text           | "over quota" / 2 / 1 | nothing / 6 / 31 | R L / 2 / 1    | R L / 2 / 1
502 with a reason, text           | B / 6 / 31      | B / 6 / 31      | "timed out" / 5 / 30 | R L / 6 / 31
503 with a reason, text           | R L / 1 / 0     | B / 6 / 31      | R L / 1 / 0          | R L / 1 / 0
503 with a reason, after 20 s     | R L / 1 / 20    | B / 6 / 151     | R L / 1 / 20         | R L / 1 / 20
503 without the header            | "over quota" / 1 / 0 | B / 6 / 31 | "over quota" / 1 / 0 | "over quota" / 1 / 0
503 with an empty reason          | "over quota" / 1 / 0 | B / 6 / 31 | "over quota" / 1 / 0 | "over quota" / 1 / 0
connection closed unanswered      | nothing / 24 / 31 | nothing / 24 / 31 | "timed out" / 20 / 30 | nothing / 24 / 31
"#;

pub const REASON: &str = "the reason";
pub const TEXT: &str = "the body";
const JSON: &str = r#"{"status":400,"code":"a_code","message":"the body"}"#;
pub const TOKEN: &str = r#"{"access_token":"never-print","expires":3599}"#;
/// The client prints it, access token and all.
const FRACTION: &str = r#"{"access_token":"the body","expires":3599.0}"#;
pub const AUTHID: &str = "v2:scripted:never-print";
pub const OAUTH_URL: &str = "https://auth.example/seal/refresh";

/// Name of an answer, and its four cells in the words of the page.
fn rows(table: &str) -> impl Iterator<Item = (&str, Vec<String>)> {
    table.trim().lines().map(|line| {
        let mut cells = line.split('|').map(str::trim);
        let name = cells.next().unwrap();
        (name, cells.map(cell_in_words).collect())
    })
}

fn cell_in_words(cell: &str) -> String {
    let parts: Vec<&str> = cell.split(" / ").collect();
    let [read, requests, seconds] = parts[..] else {
        panic!("{cell}");
    };
    let read = match read {
        "B" => "body",
        "B L" => "body and login link",
        "R L" => "reason and login link",
        other => other,
    };
    match seconds {
        "0" => format!("{read}; {requests}"),
        seconds => format!("{read}; {requests} in {seconds} s"),
    }
}

/// The answer that a name describes, and its delay.
fn answer(name: &str) -> (Duration, Response) {
    let seconds = match name.split_once("after ") {
        Some((_, after)) => after.trim_end_matches(" s").parse().unwrap(),
        None => 0,
    };
    let body = if name.ends_with("JSON") { JSON } else { TEXT };
    let status = name[..3].parse();
    let response = match status {
        Err(_) => Response::Closed,
        Ok(200) if name.contains("fraction") => Response::new(200, FRACTION),
        Ok(200) => Response::new(200, TOKEN),
        Ok(status) if name.contains("without") => Response::new(status, body),
        Ok(status) if name.contains("empty") => Response::with_reason(status, "", body),
        Ok(status) => Response::with_reason(status, REASON, body),
    };
    (Duration::from_secs(seconds), response)
}

pub fn duplicati(generation: Generation, backend: Backend, oauth_url: &str) -> Client {
    Client::Duplicati(Duplicati {
        generation,
        backend,
        oauth_url: oauth_url.into(),
    })
}

/// Outcomes of an answer at the six backends.
fn seen(generation: Generation, name: &str) -> [String; 6] {
    Backend::ALL.map(|backend| {
        let client = duplicati(generation, backend, OAUTH_URL);
        let outcome = outcome_of(&client, AUTHID, |_: &Request| answer(name));
        in_words(&outcome, &[("reason", REASON), ("body", TEXT)])
    })
}

fn check(generation: Generation, table: &str) {
    for (name, cells) in rows(table) {
        let [dropbox, r#box, google_drive, others @ ..] = seen(generation, name);
        assert_eq!([dropbox, r#box, google_drive], cells[..3], "{name}");
        for other in others {
            assert_eq!(other, cells[3], "{name}, {generation:?}");
        }
    }
}

#[test]
fn the_models_do_what_the_real_clients_did() {
    check(Generation::V2_2, SINCE_2_2);
    check(Generation::V2_0_8, BEFORE_2_2);
    check(Generation::V2_1_0, BEFORE_2_2);
    let seen = seen(Generation::V2_2, "403 without a reason");
    assert_eq!(seen, WITHOUT_A_REASON.map(cell_in_words));
}

#[test]
fn older_versions_differ_at_box_and_in_a_503_only() {
    let unchanged = |name: &str| !name.starts_with("503");
    for (name, _) in rows(SINCE_2_2).filter(|(name, _)| unchanged(name)) {
        let mut newest = seen(Generation::V2_2, name);
        for generation in [Generation::V2_0_8, Generation::V2_1_0] {
            let mut old = seen(generation, name);
            let [_, r#box, ..] = &mut old;
            newest[1].clone_from(r#box);
            assert_eq!(old, newest, "{name}, {generation:?}");
        }
    }
}

#[test]
fn the_page_has_what_was_watched() {
    let both = rows(SINCE_2_2).chain(rows(BEFORE_2_2));
    let lines = both.map(|(name, cells)| {
        let cells = cells.iter().map(String::as_str);
        line([name].into_iter().chain(cells))
    });
    assert_on_page(&lines.collect::<Vec<_>>());
}
