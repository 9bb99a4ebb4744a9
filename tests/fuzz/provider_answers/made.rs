//! Answers of a provider: what a real one says, changed in every part.

use proptest::{collection::vec, prelude::*};

use crate::{
    mutation::{Edit, Recipe, edited, edits, recipes},
    provider::Answer,
};

/// What means something in an answer. Everything secret in it says `never-print`.
const WORDS: &[&str] = &[
    "\"access_token\":\"shown\"",
    "\"access_token\":7",
    "\"expires_in\":-1",
    "\"expires_in\":1e400",
    "\"expires_in\":99999999999999999999",
    "\"error\":\"invalid_grant\"",
    "\"error\":null",
    "\"error\":\"never-print\"",
    "\"error_description\":\"AADSTS1 never-print\"",
    "\"result\":2000",
    "\"refresh_token\":[\"never-print\"]",
    "Content-Length: 3\r\n",
    "Connection: close\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Encoding: gzip\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "0\r\n\r\n",
    "ffffffffffffffff\r\n",
    "never-print",
    "\r\n\r\n",
];

const BODIES: [&str; 8] = [
    r#"{"access_token":"shown-access","token_type":"Bearer","expires_in":3600,"refresh_token":"never-print-next","scope":"a b"}"#,
    r#"{"access_token":"shown-access","expires_in":"3599","id_token":"never-print.id.token"}"#,
    r#"{"token_type":"bearer","access_token":"shown-access","refresh_token":"never-print-refresh"}"#,
    r#"{"error":"invalid_grant","error_description":"AADSTS70000: never-print","error_codes":[1],"trace_id":"never-print"}"#,
    r#"{"error":"invalid_client","error_description":"never-print-secret"}"#,
    r#"{"result":2000,"error":"Log in failed: never-print"}"#,
    r#"{"error":{"code":400,"message":"never-print"}}"#,
    "<html><title>Log in</title>never-print</html>",
];

/// So many of them are tokens.
const GOOD_BODIES: usize = 3;

const STATUSES: [&str; 14] = [
    "200 OK",
    "400 Bad Request",
    "401 Unauthorized",
    "403 Forbidden",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "507 Insufficient Storage",
    "302 Found",
    "204 No Content",
    "304 Not Modified",
    "101 Switching Protocols",
    "200 never-print",
    "999 X",
    "200",
];

const HEADERS: [&str; 8] = [
    "Content-Type: application/json; charset=utf-8",
    "Content-Encoding: gzip",
    "Location: https://evil.example/never-print",
    "Set-Cookie: never-print=1",
    "Retry-After: 99999999999999999999",
    "WWW-Authenticate: Bearer error=\"never-print\"",
    "Connection: keep-alive",
    "X-Reason: never-print",
];

/// One answer.
#[derive(Clone, Debug)]
pub struct Made {
    status: usize,
    headers: Vec<Recipe>,
    body: Body,
    framing: Framing,
    /// Made to the whole, framing included.
    damage: Vec<Edit>,
}

#[derive(Clone, Debug)]
enum Body {
    Json(Recipe),
    Members(Vec<(&'static str, &'static str)>),
    /// So deep that reading it by recursion overflows a stack.
    Deep(&'static str, usize),
    /// A good answer with this much of a byte in it.
    Flood(u8, usize),
}

/// Where a body ends.
#[derive(Clone, Debug)]
enum Framing {
    Length(i64),
    Chunks(Vec<usize>),
    Close,
    Both,
}

pub fn answers() -> impl Strategy<Value = Made> {
    let status = prop_oneof![6 => Just(0usize), 2 => Just(1), 1 => Just(2), 3 => 0..STATUSES.len()];
    let framing = prop_oneof![
        6 => Just(Framing::Length(0)),
        1 => (-50..50_000_000i64).prop_map(Framing::Length),
        2 => vec(1..40usize, 1..5).prop_map(Framing::Chunks),
        1 => Just(Framing::Close),
        1 => Just(Framing::Both),
    ];
    let damage = prop_oneof![5 => Just(Vec::new()), 1 => edits(WORDS)];
    let header = prop_oneof![
        2 => (0..HEADERS.len()).prop_map(Recipe::untouched),
        1 => recipes(WORDS),
    ];
    (status, vec(header, 0..3), body(), framing, damage).prop_map(
        |(status, headers, body, framing, damage)| Made {
            status,
            headers,
            body,
            framing,
            damage,
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    const NAMES: &[&str] = &[
        "access_token",
        "expires_in",
        "refresh_token",
        "token_type",
        "error",
        "error_description",
        "error_uri",
        "result",
        "scope",
        "access_token",
    ];
    const VALUES: &[&str] = &[
        "\"shown\"",
        "\"never-print\"",
        "\"\"",
        "null",
        "true",
        "7",
        "-1",
        "1e999999",
        "184467440737095516160",
        "3600.5",
        "\"3600\"",
        "[]",
        "[[\"never-print\"]]",
        "{\"a\":{}}",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"a b\"",
        "\"invalid_grant\"",
        "\"invalid_client\"",
        "\"slow_down\"",
        "\"AADSTS1 never-print\"",
    ];
    let member = (prop::sample::select(NAMES), prop::sample::select(VALUES));
    let opening = prop::sample::select(vec![
        "[",
        "{\"a\":",
        "{\"access_token\":[",
        "{\"expires_in\":[",
    ]);
    let flooded = prop::sample::select(b" a0[\0\"".to_vec());
    let flood = prop_oneof![0..400_000usize, Just(10_000_000)];
    prop_oneof![
        4 => (0..GOOD_BODIES).prop_map(|body| Body::Json(Recipe::untouched(body))),
        6 => recipes(WORDS).prop_map(Body::Json),
        6 => vec(member, 0..6).prop_map(Body::Members),
        1 => (opening, 1..15_000usize).prop_map(|(opening, depth)| Body::Deep(opening, depth)),
        1 => (flooded, flood).prop_map(|(byte, count)| Body::Flood(byte, count)),
    ]
}

impl Made {
    /// Whether it says of itself that it holds tokens, as far as that can be told.
    pub fn may_be_tokens(&self) -> bool {
        STATUSES[self.status].starts_with("200") || !self.damage.is_empty()
    }

    pub fn to_answer(&self) -> Answer {
        let (body, flood, rest) = match &self.body {
            Body::Json(recipe) => (recipe.make(&BODIES), (0, 0), ""),
            Body::Members(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"));
                let members: Vec<String> = members.collect();
                (
                    format!("{{{}}}", members.join(",")).into_bytes(),
                    (0, 0),
                    "",
                )
            }
            Body::Deep(opening, depth) => (opening.repeat(*depth).into_bytes(), (0, 0), ""),
            Body::Flood(byte, count) => (
                b"{\"access_token\":\"shown-access\",\"x\":\"".to_vec(),
                (*byte, *count),
                "\"}",
            ),
        };
        let length = body.len() + flood.1 + rest.len();
        let mut bytes = format!("HTTP/1.1 {}\r\n", STATUSES[self.status]).into_bytes();
        for header in &self.headers {
            bytes.extend(header.make(&HEADERS));
            bytes.extend(b"\r\n");
        }
        bytes.extend(self.framing.lines(length).bytes());
        bytes.extend(b"\r\n");
        match &self.framing {
            Framing::Chunks(sizes) if flood.1 == 0 => bytes.extend(chunked(&body, sizes)),
            _ => bytes.extend(body),
        }
        Answer {
            bytes: edited(&bytes, &self.damage),
            flood,
            rest: rest.into(),
        }
    }
}

impl Framing {
    fn lines(&self, length: usize) -> String {
        let chunked = "Transfer-Encoding: chunked\r\n";
        match self {
            Self::Length(lie) => {
                let length = (length as i64 + lie).max(-1);
                format!("Content-Length: {length}\r\n")
            }
            Self::Chunks(_) => chunked.into(),
            Self::Close => "Connection: close\r\n".into(),
            Self::Both => format!("Content-Length: {length}\r\n{chunked}"),
        }
    }
}

fn chunked(body: &[u8], sizes: &[usize]) -> Vec<u8> {
    let (mut rest, mut sizes) = (body, sizes.iter().cycle());
    let mut bytes = Vec::new();
    // At most a hundred, however long it is.
    let least = body.len() / 100;
    while !rest.is_empty() {
        let size = *sizes.next().unwrap().max(&least);
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        bytes.extend(format!("{:x};never=print\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
        rest = after;
    }
    bytes.extend(b"0\r\nX-Trailer: never-print\r\n\r\n");
    bytes
}
