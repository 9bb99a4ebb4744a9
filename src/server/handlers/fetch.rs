//! `GET /fetch` and `GET /token-state`: the program that opened the page with a token
//! gets the AuthID, as JSON, or as JSONP for Duplicati's old web UI.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    login::{Fetcher, HandOverToken, Progress},
    server::{Reply, exchange::Exchange, reply},
};

const LONGEST_CALLBACK: usize = 128;

/// Returns the AuthID, once.
pub(in crate::server) async fn fetch(exchange: &Exchange<'_>) -> Reply {
    let poll = match Poll::read(exchange) {
        Ok(poll) => poll,
        Err(refusal) => return *refusal,
    };
    let hand_overs = &exchange.server.login.hand_overs;
    let fetched = hand_overs.fetch(&poll.token, Fetcher::Program).await;
    poll.answer(&match fetched {
        // Limits are not checked: it is often the browser that asks, on another machine than the
        // one that will use the AuthID, and its page shows the AuthID as well.
        Ok(Progress::Ready(authid)) => json!({"authid": authid.expose()}),
        // The program polls again: by then the person may have clicked, or the store may
        // answer.
        Ok(Progress::Nothing) | Err(_) => wait(),
        Ok(Progress::Fetched) => unknown(),
    })
}

/// Returns the state of the hand-over: ready, fetched, or not ready.
pub(in crate::server) async fn token_state(exchange: &Exchange<'_>) -> Reply {
    let poll = match Poll::read(exchange) {
        Ok(poll) => poll,
        Err(refusal) => return *refusal,
    };
    let hand_overs = &exchange.server.login.hand_overs;
    let progress = hand_overs.progress(&poll.token, Fetcher::Program).await;
    poll.answer(&match progress {
        Ok(Progress::Ready(_)) => json!({"success": false}),
        Ok(Progress::Fetched) => json!({"success": true}),
        Ok(Progress::Nothing) | Err(_) => wait(),
    })
}

fn wait() -> Value {
    json!({"wait": "Not ready"})
}

fn unknown() -> Value {
    json!({"error": "No such entry"})
}

/// A request of the polling program.
struct Poll {
    token: HandOverToken,
    callback: Option<String>,
}

impl Poll {
    fn read(exchange: &Exchange<'_>) -> Result<Self, Box<Reply>> {
        let callback = exchange.query("callback");
        let callback = callback.or_else(|| exchange.query("jsonp"));
        let callback = callback.filter(|name| !name.is_empty());
        if callback.as_deref().is_some_and(|name| !is_callback(name)) {
            let error = json!({"error": "callback must be a plain JavaScript name"});
            return Err(Box::new(reply::json(StatusCode::BAD_REQUEST, &error)));
        }
        let error = match exchange.query("token") {
            Some(text) => match HandOverToken::parse(&text) {
                Some(token) => return Ok(Self { token, callback }),
                None => unknown(),
            },
            None => json!({"error": "Missing token"}),
        };
        Err(Box::new(answer(callback.as_deref(), &error)))
    }

    fn answer(&self, body: &Value) -> Reply {
        answer(self.callback.as_deref(), body)
    }
}

/// Returns 200 for every well-formed request: a browser does not run a script that comes
/// with another status, so the program would not see the error.
fn answer(callback: Option<&str>, body: &Value) -> Reply {
    match callback {
        Some(name) => reply::jsonp(name, body),
        None => reply::json(StatusCode::OK, body),
    }
}

/// True for names with dots between them, such as `angular.callbacks._0`. Nothing else is
/// allowed, because the response runs as a script on the program's page.
fn is_callback(text: &str) -> bool {
    let is_start = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$';
    text.len() <= LONGEST_CALLBACK
        && text.split('.').all(|name| {
            name.bytes().next().is_some_and(is_start)
                && name
                    .bytes()
                    .all(|byte| is_start(byte) || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_a_plain_name() {
        for good in ["F", "angular.callbacks._0", "jQuery123_$x", "_"] {
            assert!(is_callback(good), "{good}");
        }
        let long = "a".repeat(129);
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "1a",
            "a b",
            "a;b",
            "a(b",
            "a[0]",
            "alert(1)//",
            "a\n",
            "<script>",
            "a%28",
            "ä",
            &long,
        ] {
            assert!(!is_callback(bad), "{bad}");
        }
    }
}
