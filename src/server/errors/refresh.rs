//! Errors of refreshes, renewals and revocations.

use std::time::Duration;

use super::{
    LOG_IN_AGAIN, TELL_ADMINISTRATOR, TRY_LATER,
    api_error::{ApiError, Fault},
    capitalised,
};
use crate::{
    keyring::Unusable,
    limit::TooOften,
    oauth_server::OldAuthIdError,
    refresh::{NewestUnknown, RefreshError, RevokeError},
    seal::{NotAnAuthId, OpenError},
    store::StoreError,
};

impl ApiError {
    /// Makes the error of a server that waits for keys or revocations.
    pub(in crate::server) fn of_waiting() -> Self {
        Self::without_keys("This server waits for its keys, which are not there".into())
    }

    /// Makes an error for AuthIDs that can't be opened because keys are missing on this
    /// server. A new login does not help, and every client tries again.
    fn without_keys(happened: String) -> Self {
        let reason = format!("{happened}. {TELL_ADMINISTRATOR}");
        Self::new(Fault::Unavailable, reason).after(Duration::from_secs(5))
    }

    /// Makes the error of a refresh.
    pub(in crate::server) fn of_refresh(error: &RefreshError) -> Self {
        let with_advice = |fault, advice| {
            let reason = format!("{}. {advice}", capitalised(error));
            Self::new(fault, reason)
        };
        match error {
            RefreshError::Open(OpenError::NotAnAuthId(why)) => {
                Self::new(Fault::NotAnAuthId, not_an_authid(*why))
            }
            RefreshError::Open(
                OpenError::Key(Unusable::Unknown | Unusable::Retired)
                | OpenError::Tampered
                | OpenError::WrongService,
            )
            | RefreshError::Old(OldAuthIdError::Unknown | OldAuthIdError::Useless)
            | RefreshError::Revoked => with_advice(Fault::LoginOver, LOG_IN_AGAIN),
            RefreshError::Open(OpenError::Key(Unusable::Missing)) => {
                Self::without_keys(capitalised(error))
            }
            RefreshError::Old(OldAuthIdError::Busy) => {
                Self::overloaded(format!("{}.", capitalised(error)))
            }
            RefreshError::Old(OldAuthIdError::Unreadable) => {
                with_advice(Fault::Misconfigured, TELL_ADMINISTRATOR)
            }
            RefreshError::TooOften(TooOften { retry_after })
            | RefreshError::TooManyOld(TooOften { retry_after }) => {
                let minutes = retry_after.as_secs().div_ceil(60);
                let wait = format!("Wait {minutes} minutes.");
                with_advice(Fault::TooOften, &wait).after(*retry_after)
            }
            RefreshError::NotOffered { .. } => with_advice(Fault::NotOffered, TELL_ADMINISTRATOR),
            RefreshError::Provider { provider, error } => Self::of_provider(provider, error),
            RefreshError::NewestUnknown { provider, why } => newest_unknown(provider, why),
            RefreshError::Forgotten { provider, refusal } => Self::refused(
                Fault::LoginOver,
                refusal,
                format!(
                    "{provider} no longer accepts this login. It takes each refresh token \
                     once, and this server forgets newer ones when it is restarted, for it \
                     has no AUTHSEAL_STORE_URL. {LOG_IN_AGAIN}"
                ),
            ),
            RefreshError::AnswerLost { provider, refusal } => Self::refused(
                Fault::LoginOver,
                refusal,
                format!(
                    "{provider} no longer accepts this login. It takes each refresh token \
                     once, and an earlier refresh brought no usable answer. {LOG_IN_AGAIN}"
                ),
            ),
            RefreshError::Lost => Self::new(
                Fault::Failed,
                format!("The refresh was lost by a fault of this server. {TRY_LATER}"),
            ),
        }
    }

    /// Makes the error of a revocation.
    pub(in crate::server) fn of_revocation(error: &RevokeError) -> Self {
        match error {
            RevokeError::Refresh(error) => Self::of_refresh(error),
            RevokeError::OnlyAtProvider { service } => Self::new(
                Fault::NoRevocation,
                format!(
                    "{} has no call that revokes: remove the access in the settings of your \
                     account there.",
                    service.provider.name
                ),
            ),
        }
    }
}

fn not_an_authid(why: NotAnAuthId) -> String {
    let hint = match why {
        NotAnAuthId::Missing => "send it in the X-AuthID header",
        NotAnAuthId::TooLong | NotAnAuthId::Form => "copy the whole AuthID, or log in again",
    };
    format!("{}: {hint}.", capitalised(&why))
}

/// Makes the error of a login whose newest refresh token can't be read here. The older
/// token is not used, because sending it could end the login.
fn newest_unknown(provider: &str, why: &NewestUnknown) -> ApiError {
    let unavailable = |reason| ApiError::new(Fault::Unavailable, reason);
    match why {
        NewestUnknown::Sealed(OpenError::Key(Unusable::Retired)) => ApiError::new(
            Fault::LoginOver,
            format!("The key that sealed the newest {provider} token was retired. {LOG_IN_AGAIN}"),
        ),
        NewestUnknown::Sealed(_) => unavailable(format!(
            "The newest {provider} token of this login does not open with the keys of this \
             server. {TELL_ADMINISTRATOR}"
        )),
        NewestUnknown::Store(StoreError::Held) => unavailable(format!(
            "Another server takes long to refresh this {provider} login. {TRY_LATER}"
        )),
        NewestUnknown::Store(StoreError::Owed { free_in }) => unavailable(format!(
            "Another server that refreshed this {provider} login has not stored the new token. It \
             is waited for, {} more, because sending the old token could end the login. Try again \
             then.",
            in_words(*free_in)
        ))
        .after(*free_in),
        NewestUnknown::Store(StoreError::Lost) => unavailable(format!(
            "Another server has taken over the refresh of this {provider} login. {TRY_LATER}"
        )),
        NewestUnknown::Store(_) => unavailable(format!(
            "This server's store, which has the newest {provider} token of this login, does not \
             answer. {TRY_LATER}"
        )),
    }
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs().div_ceil(60) {
        0 | 1 => "a minute".into(),
        minutes => format!("{minutes} minutes"),
    }
}
