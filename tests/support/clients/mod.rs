//! Models of the programs that ask for access tokens: how often each one asks, how long it
//! waits, and the message that a person reads in the end. They need tokio's paused clock, on
//! which half a minute of waiting takes no time.
//!
//! The real programs were watched; `tests/it/clients/watched.rs` has what they did, and
//! holds the models to it.

mod duplicati;
mod exchange;
mod messages;
mod rclone;

use std::{fmt, time::Duration};

use super::header;

pub use duplicati::{Backend, Duplicati, Generation};
pub use exchange::{Outcome, Request, Token};
pub use messages::AUTHORIZATION_FAILED;
pub use rclone::Rclone;

/// Response to one request, as a client receives it.
#[derive(Clone, Debug)]
pub enum Response {
    Http {
        status: u16,
        /// `X-Reason`, if the header is there.
        reason: Option<String>,
        /// Target of a redirect.
        location: Option<String>,
        body: String,
    },
    /// The connection was closed without a response.
    Closed,
}

impl Response {
    /// A response without `X-Reason`.
    pub fn new(status: u16, body: &str) -> Self {
        Self::Http {
            status,
            reason: None,
            location: None,
            body: body.into(),
        }
    }

    /// The same with `X-Reason`.
    pub fn with_reason(status: u16, text: &str, body: &str) -> Self {
        Self::Http {
            status,
            reason: Some(text.into()),
            location: None,
            body: body.into(),
        }
    }

    pub fn redirect(status: u16, location: &str) -> Self {
        Self::Http {
            status,
            reason: None,
            location: Some(location.into()),
            body: String::new(),
        }
    }
}

impl From<&super::Answer> for Response {
    fn from(answer: &super::Answer) -> Self {
        // .NET reads header values as Latin-1.
        let reason = answer.headers.get("x-reason").map(|value| {
            let bytes = value.as_bytes().iter();
            bytes.map(|byte| char::from(*byte)).collect()
        });
        let location = header(&answer.headers, "location");
        Self::Http {
            status: answer.status.as_u16(),
            reason,
            location: (!location.is_empty()).then(|| location.into()),
            body: answer.body.clone(),
        }
    }
}

/// A client that asks for an access token.
#[derive(Clone, Debug)]
pub enum Client {
    Duplicati(Duplicati),
    Rclone(Rclone),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicati(client) => write!(f, "{:?} in {:?}", client.backend, client.generation),
            Self::Rclone(rclone) => write!(f, "rclone {rclone:?}"),
        }
    }
}

impl Client {
    /// Every model, with this server's address.
    pub fn all(server: &str) -> Vec<Self> {
        let oauth_url = format!("{server}/refresh");
        let duplicati = Generation::ALL.into_iter().flat_map(|generation| {
            let oauth_url = oauth_url.clone();
            Backend::ALL.map(move |backend| {
                Self::Duplicati(Duplicati {
                    generation,
                    backend,
                    oauth_url: oauth_url.clone(),
                })
            })
        });
        let rclone = Rclone::ALL.map(Self::Rclone);
        duplicati.chain(rclone).collect()
    }

    /// Asks for an access token until there is one or the client gives up. `answer` says
    /// what each request gets, and after how long.
    pub async fn ask(
        &self,
        authid: &str,
        answer: impl FnMut(&Request) -> (Duration, Response),
    ) -> Outcome {
        match self {
            Self::Duplicati(duplicati) => duplicati.ask(authid, answer).await,
            Self::Rclone(rclone) => rclone.ask(authid, answer).await,
        }
    }
}
