//! One call of a refresh, and its answer.

use std::time::Duration;

use super::{
    ProviderError, Tokens,
    lane::{Caller, Try},
    salvage,
};
use crate::{outbound::Received, secret::Secret};

/// Time limit of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// The time for which the client waits.
    ForTheClient,
    /// Three times that, because the login is lost if the answer is not received.
    ForTheToken,
}

/// One of the calls that a refresh makes.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// The client, and the login of its AuthID.
    pub caller: Caller,
    /// Time limit of the whole refresh.
    pub patience: Patience,
    /// The first one, or one after a failure.
    pub number: Try,
    /// Time that the refresh has taken so far; the call may take what is left.
    pub after: Duration,
}

/// The outcome of a refresh.
#[derive(Debug)]
pub struct RefreshAnswer {
    /// The refresh token that replaces the one sent. It may be present without `tokens`,
    /// and must be kept before anything else is done.
    pub replaced: Option<Secret>,
    /// The access token, or the failure.
    pub tokens: Result<Tokens, ProviderError>,
}

impl RefreshAnswer {
    /// Returns the pause before the request may be sent again, at least `pause`. `None` after
    /// a success, and if a new refresh token came with a failure: the one sent is used up.
    pub fn pause_before_retry(&self, token_stays: bool, pause: Duration) -> Option<Duration> {
        let error = self.tokens.as_ref().err()?;
        match self.replaced {
            Some(_) => None,
            None => error.pause_before_retry(token_stays, pause),
        }
    }

    pub(super) fn none(error: ProviderError) -> Self {
        Self {
            replaced: None,
            tokens: Err(error),
        }
    }
}

/// Returns the refresh token that the provider issued in place of the one sent, also from
/// an answer that is otherwise unusable.
pub(super) fn replaced(
    tokens: &Result<Tokens, ProviderError>,
    received: &Received,
    sent: &Secret,
) -> Option<Secret> {
    let new = match tokens {
        Ok(tokens) => tokens.refresh_token.clone(),
        Err(_) => {
            let (status, body) = received.so_far()?;
            salvage::refresh_token(status, &body)
        }
    };
    new.filter(|new| new != sent)
}
