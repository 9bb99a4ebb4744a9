//! The table of situations and clients: how each client fares with the answers.

use std::time::Duration;

use super::{
    assert_on_page,
    causes::Seen,
    in_words, line, outcome_of,
    situations::{SITUATIONS, Situation, Wanted},
};
use crate::support::clients::{Backend, Client, Generation, Outcome, Rclone, Response};

const AUTHID: &str = "v2:scripted:never-print";
const REASON: &str = "the reason";
/// Stands for any error code of RFC 6749.
const CODE: &str = "error_code";
const GOOD: &str = r#"{"access_token":"never-print","expires":3599}"#;
/// Longest wait for a message that is wanted of Duplicati since 2.2.
const PATIENCE_OF_A_PERSON: u64 = 25;

/// Names of the columns, with the clients that they hold.
type Column = (&'static str, fn(&Client) -> bool);

/// Clients of one column are told the same.
const COLUMNS: [Column; 6] = [
    ("Dropbox", |client| is(client, &[Backend::Dropbox])),
    ("Box", |client| {
        is(client, &[Backend::Box]) && !is_old(client)
    }),
    ("Box up to 2.1.0", |client| {
        is(client, &[Backend::Box]) && is_old(client)
    }),
    ("Google Drive and the others", |client| {
        let others = [
            Backend::GoogleDrive,
            Backend::CloudStorage,
            Backend::OneDrive,
            Backend::Jottacloud,
        ];
        is(client, &others)
    }),
    ("rclone 1.60", |client| {
        matches!(client, Client::Rclone(Rclone::V1_60))
    }),
    ("rclone 1.75", |client| {
        matches!(client, Client::Rclone(Rclone::V1_75))
    }),
];

fn is(client: &Client, backends: &[Backend]) -> bool {
    matches!(client, Client::Duplicati(client) if backends.contains(&client.backend))
}

fn is_old(client: &Client) -> bool {
    matches!(client, Client::Duplicati(client) if client.generation != Generation::V2_2)
}

/// Answers of both endpoints, reduced to what clients read, with the texts to look for.
pub struct Answers {
    refresh: Response,
    token: Response,
    reason: String,
    description: String,
    code: String,
}

impl Answers {
    pub fn wanted(situation: &Situation) -> Self {
        let token = serde_json::json!({ "error": CODE, "error_description": REASON });
        Self {
            refresh: Response::with_reason(situation.wanted.status(), REASON, REASON),
            token: Response::new(situation.token_status, &token.to_string()),
            reason: REASON.into(),
            description: REASON.into(),
            code: CODE.into(),
        }
    }

    pub fn seen(seen: &Seen) -> Self {
        let token: serde_json::Value = serde_json::from_str(&seen.token.body).unwrap_or_default();
        let text = |name: &str| token[name].as_str().unwrap_or_default().to_owned();
        let refresh = Response::from(&seen.refresh);
        let reason = match &refresh {
            Response::Http { reason, .. } => reason.clone().unwrap_or_default(),
            Response::Closed => String::new(),
        };
        Self {
            refresh,
            token: Response::from(&seen.token),
            reason,
            description: text("error_description"),
            code: text("error"),
        }
    }

    /// What becomes of a client that gets them. After a failure that is to pass, its next
    /// attempt brings a token.
    fn outcome(&self, situation: &Situation, client: &Client) -> Outcome {
        let after = Duration::from_secs(situation.seconds());
        let response = match client {
            Client::Duplicati(_) => &self.refresh,
            Client::Rclone(_) => &self.token,
        };
        let failures = match (situation.wanted, client) {
            (Wanted::NewLogin | Wanted::Stop, _) => usize::MAX,
            // It sends each attempt twice.
            (Wanted::AskAgain, Client::Rclone(Rclone::V1_75)) => 2,
            (Wanted::AskAgain, _) => 1,
        };
        outcome_of(client, AUTHID, |request| match request.number {
            number if number > failures => (after, Response::new(200, GOOD)),
            _ => (after, response.clone()),
        })
    }

    fn words(&self, outcome: &Outcome, client: &Client) -> String {
        match client {
            Client::Duplicati(_) => in_words(outcome, &[("reason", &self.reason)]),
            Client::Rclone(_) => {
                let code = !outcome.message().contains(&self.description);
                let texts = [
                    ("reason", self.description.as_str()),
                    ("error code", if code { &self.code } else { "" }),
                ];
                in_words(outcome, &texts)
            }
        }
    }

    /// One cell for each client.
    pub fn cells(&self, situation: &Situation, clients: &[Client]) -> Vec<String> {
        let cell = |client| self.words(&self.outcome(situation, client), client);
        clients.iter().map(cell).collect()
    }
}

/// Cells of the columns, whose clients must have the same.
fn columns(clients: &[Client], cells: &[String]) -> Vec<String> {
    let column = |(name, holds): &Column| {
        let mut held = clients
            .iter()
            .zip(cells)
            .filter(|(client, _)| holds(client));
        let (_, first) = held.next().unwrap();
        for (client, cell) in held {
            assert_eq!(cell, first, "{name}: {client:?}");
        }
        first.clone()
    };
    COLUMNS.iter().map(column).collect()
}

/// The lines of the page's table. Situations with the same outcomes share one.
fn lines() -> Vec<String> {
    let clients = Client::all("https://auth.example");
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    for situation in &SITUATIONS {
        let cells = Answers::wanted(situation).cells(situation, &clients);
        let statuses = [situation.wanted.status(), situation.token_status];
        let statuses = statuses.map(|status| status.to_string());
        let cells = [&statuses[..], &columns(&clients, &cells)].concat();
        let cells = line(cells.iter().map(String::as_str));
        match lines.iter_mut().find(|(_, same)| *same == cells) {
            Some((names, _)) => names.push(situation.name),
            None => lines.push((vec![situation.name], cells)),
        }
    }
    let line = |(names, cells): (Vec<&str>, String)| format!("| {} {cells}", names.join(", "));
    lines.into_iter().map(line).collect()
}

#[test]
fn the_page_has_the_outcome_of_every_situation_at_every_client() {
    let names = COLUMNS.map(|(name, _)| name);
    let head = line(
        ["situation", "`/refresh`", "`/token`"]
            .into_iter()
            .chain(names),
    );
    let lines = [vec![head], lines()].concat();
    assert_on_page(&lines);
}

#[test]
fn the_answers_that_are_wanted_show_the_reason_to_every_user_of_duplicati() {
    for situation in &SITUATIONS {
        let answers = Answers::wanted(situation);
        for client in Client::all("https://auth.example") {
            let outcome = answers.outcome(situation, &client);
            let is_read = outcome.result.is_ok() || outcome.message().contains(REASON);
            let name = situation.name;
            match &client {
                Client::Duplicati(duplicati) => {
                    assert!(is_read, "{name}: {client:?}: {outcome:?}");
                    let in_time = outcome.seconds <= PATIENCE_OF_A_PERSON;
                    let is_new = duplicati.generation == Generation::V2_2;
                    assert!(in_time || !is_new, "{name}: {client:?}: {outcome:?}");
                }
                // The newer one hides the description of a 400 (RFC 6749 section 5.2).
                Client::Rclone(rclone) => {
                    let hides = *rclone == Rclone::V1_75 && situation.token_status == 400;
                    assert_eq!(is_read, !hides, "{name}: {client:?}: {outcome:?}");
                }
            }
        }
    }
}
