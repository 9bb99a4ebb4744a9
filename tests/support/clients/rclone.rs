//! rclone at `/token`, as two versions of it were watched.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use super::{Outcome, Request, Response, Token, exchange::Exchange};

const TRIES: usize = 5;
const WAIT: Duration = Duration::from_secs(1);

/// A version, with the remote of Google Drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rclone {
    /// Debian's.
    V1_60,
    V1_75,
}

impl Rclone {
    pub const ALL: [Self; 2] = [Self::V1_60, Self::V1_75];

    pub(super) async fn ask(
        self,
        authid: &str,
        answer: impl FnMut(&Request) -> (Duration, Response),
    ) -> Outcome {
        let mut exchange = Exchange::new(authid, answer);
        let mut message = String::new();
        for _ in 0..TRIES {
            match self.attempt(&mut exchange).await {
                Response::Http {
                    status: 200, body, ..
                } if Token::of_token_endpoint(&body).is_some() => {
                    let token = Token::of_token_endpoint(&body);
                    return exchange.ended(Ok(token.unwrap()));
                }
                Response::Http { status, body, .. } => {
                    message = self.message(status, &body);
                    if self.stops_at(status) {
                        break;
                    }
                }
                Response::Closed => message = "couldn't fetch token: EOF".into(),
            }
            sleep(WAIT).await;
        }
        exchange.ended(Err(message))
    }

    async fn attempt<F>(self, exchange: &mut Exchange<F>) -> Response
    where
        F: FnMut(&Request) -> (Duration, Response),
    {
        let response = exchange.send("/token").await;
        match (self, &response) {
            // The client's credentials stood in the header; now they are in the body.
            (Self::V1_75, Response::Http { status, .. }) if *status != 200 => {
                exchange.send("/token").await
            }
            _ => response,
        }
    }

    fn stops_at(self, status: u16) -> bool {
        self == Self::V1_75 && [400, 401].contains(&status)
    }

    fn message(self, status: u16, body: &str) -> String {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |name: &str| json[name].as_str().unwrap_or_default();
        match self {
            Self::V1_75 if self.stops_at(status) => format!(
                "couldn't fetch token: {}: maybe token expired? - try refreshing with \"rclone \
                 config reconnect\"",
                text("error")
            ),
            Self::V1_75 if !text("error").is_empty() => format!(
                "couldn't fetch token: oauth2: {:?} {:?}",
                text("error"),
                text("error_description")
            ),
            Self::V1_60 | Self::V1_75 => format!(
                "couldn't fetch token: oauth2: cannot fetch token: {status}\nResponse: {body}"
            ),
        }
    }
}
