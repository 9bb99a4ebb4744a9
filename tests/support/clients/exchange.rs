//! Requests of a client and their responses, counted.

use std::{cell::Cell, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::Response;

/// .NET repeats a request whose connection was closed unanswered, this often in all.
const SENT_AGAIN: usize = 4;
/// .NET's default.
const MOST_REDIRECTS: usize = 50;

/// A request for an access token.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counts from 1.
    pub number: usize,
    pub url: String,
    pub authid: String,
}

/// An access token, as the client keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Empty if the response had none, which Duplicati does not notice.
    pub access_token: String,
    /// Seconds.
    pub expires: i64,
    /// AuthID that replaces the one of the settings, until the job ends.
    pub newer_authid: Option<String>,
}

/// The end of one request for an access token, with all its attempts.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub requests: usize,
    pub seconds: u64,
    /// The token, or the message that a person reads.
    pub result: Result<Token, String>,
}

impl Outcome {
    /// The message that a person reads; empty if there is a token.
    pub fn message(&self) -> &str {
        self.result.as_ref().err().map_or("", String::as_str)
    }
}

/// The way from a client to the server.
pub(super) struct Exchange<F> {
    pub(super) authid: String,
    answer: F,
    /// Shared with the client, whose limit may drop an attempt half-way.
    count: Cell<usize>,
    begun: Instant,
}

impl<F: FnMut(&Request) -> (Duration, Response)> Exchange<F> {
    pub(super) fn new(authid: &str, answer: F) -> Self {
        Self {
            authid: authid.into(),
            answer,
            count: Cell::new(0),
            begun: Instant::now(),
        }
    }

    /// Sends one request.
    pub(super) async fn send(&mut self, url: &str) -> Response {
        self.count.set(self.count.get() + 1);
        let request = Request {
            number: self.count.get(),
            url: url.into(),
            authid: self.authid.clone(),
        };
        let (after, response) = (self.answer)(&request);
        sleep(after).await;
        response
    }

    /// Sends a request as .NET does: again if the connection is closed, and wherever a
    /// redirect leads, with the same headers.
    pub(super) async fn send_by_dotnet(&mut self, url: &str) -> Response {
        let mut url = url.to_owned();
        let mut response = Response::Closed;
        for _ in 0..=MOST_REDIRECTS {
            response = self.send(&url).await;
            for _ in 1..SENT_AGAIN {
                if matches!(response, Response::Closed) {
                    response = self.send(&url).await;
                }
            }
            match &response {
                Response::Http {
                    status: 301 | 302 | 303 | 307 | 308,
                    location: Some(location),
                    ..
                } => {
                    let base = url::Url::parse(&url).unwrap();
                    url = base.join(location).unwrap().into();
                }
                _ => return response,
            }
        }
        response
    }

    pub(super) fn ended(&self, result: Result<Token, String>) -> Outcome {
        Outcome {
            requests: self.count.get(),
            seconds: self.begun.elapsed().as_secs(),
            result,
        }
    }
}

impl Token {
    /// Reads the JSON of `/refresh` as Duplicati does: a member that is absent is empty
    /// or 0, but `expires` must be a whole number of 32 bits.
    pub(super) fn of_refresh(body: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(body).ok()?;
        let members = json.as_object()?;
        let expires = match members.get("expires") {
            None => 0,
            Some(expires) => i32::try_from(expires.as_i64()?).ok()?,
        };
        let text = |name| members.get(name).and_then(Value::as_str);
        Some(Self {
            access_token: text("access_token").unwrap_or_default().into(),
            expires: expires.into(),
            newer_authid: text("v2_authid").map(Into::into),
        })
    }

    /// Reads the JSON of `/token` (RFC 6749 section 5.1).
    pub(super) fn of_token_endpoint(body: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(body).ok()?;
        let access_token = json["access_token"].as_str()?;
        (!access_token.is_empty()).then(|| Self {
            access_token: access_token.into(),
            expires: json["expires_in"].as_i64().unwrap_or_default(),
            newer_authid: json["refresh_token"].as_str().map(Into::into),
        })
    }
}
