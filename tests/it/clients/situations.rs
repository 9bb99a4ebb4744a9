//! Every situation in which there is no token, and the answers that are wanted.

use super::causes::Cause;

/// Answer wanted at `/refresh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// 401: a new login cures it.
    NewLogin,
    /// 503 with a reason, at which clients stop: the administrator or time cures it.
    Stop,
    /// 502 with a reason and `Retry-After`, after which clients ask again: the next second
    /// cures it.
    AskAgain,
}

impl Wanted {
    pub fn status(self) -> u16 {
        match self {
            Self::NewLogin => 401,
            Self::Stop => 503,
            Self::AskAgain => 502,
        }
    }
}

/// A situation, its cause, the answer wanted at `/refresh`, and the status at `/token`.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    pub name: &'static str,
    pub cause: Cause,
    pub wanted: Wanted,
    pub token_status: u16,
}

impl Situation {
    /// Seconds after which the server answers: the whole deadline of a provider that is
    /// too slow, and else nothing that counts.
    pub fn seconds(&self) -> u64 {
        match self.cause {
            Cause::TooSlow => 20,
            _ => 0,
        }
    }
}

const fn situation(
    name: &'static str,
    cause: Cause,
    wanted: Wanted,
    token_status: u16,
) -> Situation {
    Situation {
        name,
        cause,
        wanted,
        token_status,
    }
}

const fn provider(
    name: &'static str,
    status: &'static str,
    body: &'static str,
    wanted: Wanted,
    token_status: u16,
) -> Situation {
    situation(name, Cause::Provider(status, body), wanted, token_status)
}

const BAD: &str = "400 Bad Request";

pub const SITUATIONS: [Situation; 32] = [
    situation("no AuthID", Cause::NoAuthId, Wanted::NewLogin, 400),
    situation("not an AuthID", Cause::NotAnAuthId, Wanted::NewLogin, 400),
    situation("tampered", Cause::Tampered, Wanted::NewLogin, 400),
    situation("wrong service", Cause::WrongService, Wanted::NewLogin, 400),
    situation("unknown key", Cause::UnknownKey, Wanted::NewLogin, 400),
    situation("retired key", Cause::RetiredKey, Wanted::NewLogin, 400),
    situation("revoked", Cause::Revoked, Wanted::NewLogin, 400),
    situation("time over", Cause::Expired, Wanted::NewLogin, 400),
    situation(
        "outside its networks",
        Cause::OutsideNetworks,
        Wanted::NewLogin,
        400,
    ),
    situation(
        "key of the newest token retired",
        Cause::NewestRetired,
        Wanted::NewLogin,
        400,
    ),
    provider(
        "`invalid_grant`",
        BAD,
        r#"{"error":"invalid_grant"}"#,
        Wanted::NewLogin,
        400,
    ),
    provider(
        "client secret wrong",
        "401 Unauthorized",
        r#"{"error":"invalid_client"}"#,
        Wanted::Stop,
        500,
    ),
    provider(
        "request refused",
        BAD,
        r#"{"error":"invalid_scope"}"#,
        Wanted::Stop,
        500,
    ),
    situation("unknown region", Cause::UnknownRegion, Wanted::Stop, 500),
    situation(
        "service no longer offered",
        Cause::NotOffered,
        Wanted::Stop,
        500,
    ),
    situation("sealed by a newer version", Cause::Newer, Wanted::Stop, 500),
    situation(
        "file of an old AuthID unreadable",
        Cause::OldUnreadable,
        Wanted::Stop,
        500,
    ),
    situation("missing key", Cause::MissingKey, Wanted::Stop, 503),
    situation("keys awaited", Cause::KeysAwaited, Wanted::Stop, 503),
    situation("store away", Cause::StoreAway, Wanted::Stop, 503),
    situation(
        "provider unreachable",
        Cause::Unreachable,
        Wanted::Stop,
        503,
    ),
    provider(
        "provider fails (5xx)",
        "500 Internal Server Error",
        "{}",
        Wanted::Stop,
        503,
    ),
    provider(
        "provider's limit (429)",
        "429 Too Many Requests",
        "{}",
        Wanted::Stop,
        503,
    ),
    provider(
        "provider sends nonsense",
        "200 OK",
        "<html>",
        Wanted::Stop,
        503,
    ),
    situation("provider left alone", Cause::BreakerOpen, Wanted::Stop, 503),
    situation("RATE_LIMIT", Cause::RateLimit, Wanted::Stop, 503),
    situation("used too often", Cause::UsedTooOften, Wanted::Stop, 503),
    situation("too many old AuthIDs", Cause::TooManyOld, Wanted::Stop, 503),
    situation("provider too slow", Cause::TooSlow, Wanted::Stop, 503),
    situation("too many calls", Cause::Overload, Wanted::AskAgain, 503),
    situation("old AuthIDs busy", Cause::OldBusy, Wanted::AskAgain, 503),
    situation("draining", Cause::Draining, Wanted::AskAgain, 503),
];
