//! Duplicati's backends, of 2.0.8 and later.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{
    Outcome, Request, Response, Token,
    exchange::Exchange,
    messages::{self, Failure},
};

/// Limit of one attempt.
const ATTEMPT: Duration = Duration::from_secs(25);
/// Limit of Google Drive's token call as a whole.
const WHOLE_CALL: Duration = Duration::from_secs(30);
/// Attempts after the first one.
const RETRIES: u32 = 5;
/// The same after a status 4xx.
const RETRIES_OF_CLIENT_ERRORS: u32 = 1;

/// Versions that behave alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// 2.0.8, which ran on mono.
    V2_0_8,
    /// 2.1.0.
    V2_1_0,
    /// 2.2 and later.
    V2_2,
}

impl Generation {
    pub const ALL: [Self; 3] = [Self::V2_0_8, Self::V2_1_0, Self::V2_2];
}

/// Backends that trade an AuthID. pCloud's does not: its AuthID is the access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Dropbox,
    Box,
    GoogleDrive,
    CloudStorage,
    OneDrive,
    Jottacloud,
}

impl Backend {
    pub const ALL: [Self; 6] = [
        Self::Dropbox,
        Self::Box,
        Self::GoogleDrive,
        Self::CloudStorage,
        Self::OneDrive,
        Self::Jottacloud,
    ];

    /// Service id in the login link.
    pub fn service(self) -> &'static str {
        match self {
            Self::Dropbox => "dropbox",
            Self::Box => "box.com",
            Self::GoogleDrive => "googledrive",
            Self::CloudStorage => "gcs",
            Self::OneDrive => "onedrivev2",
            Self::Jottacloud => "jottacloud",
        }
    }
}

/// One installation.
#[derive(Clone, Debug)]
pub struct Duplicati {
    pub generation: Generation,
    pub backend: Backend,
    /// Value of `--oauth-url`.
    pub oauth_url: String,
}

impl Duplicati {
    pub(super) async fn ask(
        &self,
        authid: &str,
        answer: impl FnMut(&Request) -> (Duration, Response),
    ) -> Outcome {
        let mut exchange = Exchange::new(authid.trim(), answer);
        let result = if self.backend == Backend::Dropbox && !exchange.authid.contains(':') {
            // It is used as a bare access token, and nobody is asked.
            Ok(Token {
                access_token: exchange.authid.clone(),
                expires: 0,
                newer_authid: None,
            })
        } else if self.backend == Backend::GoogleDrive {
            let attempts = timeout(WHOLE_CALL, self.attempts(&mut exchange)).await;
            attempts.unwrap_or_else(|_| Err(messages::TIMED_OUT.into()))
        } else {
            self.attempts(&mut exchange).await
        };
        exchange.ended(result)
    }

    async fn attempts<F>(&self, exchange: &mut Exchange<F>) -> Result<Token, String>
    where
        F: FnMut(&Request) -> (Duration, Response),
    {
        let mut retries = 0;
        loop {
            let failure = match self.attempt(exchange).await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            let most = match failure.is_client_error() && !self.tries_everything() {
                true => RETRIES_OF_CLIENT_ERRORS,
                false => RETRIES,
            };
            if retries >= most || self.stops_at(&failure) {
                return Err(messages::message(self, &failure));
            }
            sleep(Duration::from_secs(1 << retries)).await;
            retries += 1;
        }
    }

    async fn attempt<F>(&self, exchange: &mut Exchange<F>) -> Result<Token, Failure>
    where
        F: FnMut(&Request) -> (Duration, Response),
    {
        let can_be_sent = exchange
            .authid
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~'));
        if !can_be_sent {
            return Err(Failure::NotSent);
        }
        let response = timeout(ATTEMPT, exchange.send_by_dotnet(&self.oauth_url)).await;
        match response.map_err(|_| Failure::TimedOut)? {
            Response::Closed => Err(Failure::Closed),
            Response::Http {
                status: 200, body, ..
            } => match Token::of_refresh(&body) {
                Some(token) if self.backend == Backend::Jottacloud => Ok(Token {
                    newer_authid: None,
                    ..token
                }),
                Some(token) => Ok(token),
                None => Err(Failure::NoToken { body }),
            },
            Response::Http {
                status,
                reason,
                body,
                ..
            } => Err(Failure::Status {
                status,
                reason,
                body,
            }),
        }
    }

    /// Box before 2.2 turns every status into an error without one, so it never stops
    /// early, and shows the body.
    pub(super) fn tries_everything(&self) -> bool {
        self.backend == Backend::Box && self.generation != Generation::V2_2
    }

    /// True for a 503 after which it does not try again: before 2.2 any, since then one
    /// with `X-Reason`, even if that is empty.
    fn stops_at(&self, failure: &Failure) -> bool {
        match failure {
            Failure::Status {
                status: 503,
                reason,
                ..
            } => {
                !self.tries_everything()
                    && (reason.is_some() || self.generation != Generation::V2_2)
            }
            _ => false,
        }
    }
}
