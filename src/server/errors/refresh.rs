//! Errors of refreshes, renewals and revocations.

use std::time::Duration;

use super::{
    REMOVE_THERE,
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
        Self::without_keys("This server waits for its keys, which are not there")
    }

    /// Makes an error for AuthIDs that can't be opened because keys are missing on this
    /// server. A new login does not help.
    fn without_keys(happened: impl Into<String>) -> Self {
        Self::new(Fault::KeysMissing, happened).after(Duration::from_secs(5))
    }

    /// Makes the error for a client that presents an AuthID at an address for something
    /// else.
    pub(in crate::server) fn of_address(refresh_url: &str) -> Self {
        let happened = "This address of the OAuth server takes no AuthID";
        Self::new(Fault::Administrator, happened)
            .advise(format!("Set --oauth-url to {refresh_url}"))
    }

    /// Makes the error of a refresh.
    pub(in crate::server) fn of_refresh(error: &RefreshError) -> Self {
        let of = |fault| Self::new(fault, capitalised(error));
        match error {
            RefreshError::Open(OpenError::NotAnAuthId(why)) => not_an_authid(*why),
            RefreshError::Open(
                OpenError::Key(Unusable::Unknown | Unusable::Retired)
                | OpenError::Tampered
                | OpenError::WrongService,
            )
            | RefreshError::Old(OldAuthIdError::Unknown | OldAuthIdError::Useless)
            | RefreshError::Revoked => of(Fault::LoginOver),
            RefreshError::Open(OpenError::Key(Unusable::Missing)) => {
                Self::without_keys(capitalised(error))
            }
            RefreshError::Old(OldAuthIdError::Busy) => Self::overloaded(capitalised(error)),
            RefreshError::Open(OpenError::Unreadable)
            | RefreshError::ClockSetBack { .. }
            | RefreshError::Old(OldAuthIdError::Unreadable)
            | RefreshError::NotOffered { .. } => of(Fault::Administrator),
            RefreshError::Expired { .. } => of(Fault::LoginOver),
            RefreshError::OutsideNetworks { address: Some(_) } => of(Fault::OutsideNetworks),
            RefreshError::OutsideNetworks { address: None } => {
                of(Fault::OutsideNetworks).advise("Tell the administrator of this OAuth server")
            }
            RefreshError::TooOften(TooOften { retry_after })
            | RefreshError::UsedTooOften(TooOften { retry_after })
            | RefreshError::TooManyOld(TooOften { retry_after }) => of(Fault::Unavailable)
                .advise(format!("Wait {}", in_words(*retry_after)))
                .after(*retry_after),
            RefreshError::Client(fault) => Self::of_client_fault(fault),
            RefreshError::Provider { provider, error } => Self::of_provider(provider, error),
            RefreshError::NewestUnknown { provider, why } => newest_unknown(provider, why),
            RefreshError::Forgotten { provider, refusal } => Self::new(
                Fault::LoginOver,
                format!(
                    "{provider} no longer accepts this login. It takes each refresh token \
                     once, and without AUTHSEAL_STORE_URL this server forgets newer ones when \
                     it is restarted ({refusal})"
                ),
            ),
            RefreshError::AnswerLost { provider, refusal } => Self::new(
                Fault::LoginOver,
                format!(
                    "{provider} no longer accepts this login. It takes each refresh token \
                     once, and an earlier refresh brought no usable answer ({refusal})"
                ),
            ),
            RefreshError::Lost => Self::new(
                Fault::Unavailable,
                "The refresh was lost by a fault of this server",
            ),
        }
    }

    /// Makes the error of a revocation.
    pub(in crate::server) fn of_revocation(error: &RevokeError) -> Self {
        match error {
            RevokeError::Refresh(error) => match error {
                // A new login would leave this one as it is.
                RefreshError::Client(fault) if fault.may_have_newer() => Self::of_refresh(error)
                    .advise(format!(
                        "{REMOVE_THERE}, or ask the administrator to put the old client id back"
                    )),
                RefreshError::Forgotten { .. } | RefreshError::AnswerLost { .. } => {
                    Self::of_refresh(error).advise(REMOVE_THERE)
                }
                RefreshError::Provider { provider, error } => Self::of_revoking(provider, error),
                error => Self::of_refresh(error),
            },
            RevokeError::OnlyAtProvider { service } => Self::new(
                Fault::NoRevocation,
                format!("{} has no call that revokes", service.provider.name),
            ),
        }
    }
}

fn not_an_authid(why: NotAnAuthId) -> ApiError {
    let fault = match why {
        NotAnAuthId::Missing => Fault::NoAuthId,
        NotAnAuthId::TooLong | NotAnAuthId::Form(_) => Fault::NotAnAuthId,
    };
    ApiError::new(fault, capitalised(&why))
}

/// Makes the error of a login whose newest refresh token can't be read here. The older
/// token is not used, because sending it could end the login.
fn newest_unknown(provider: &str, why: &NewestUnknown) -> ApiError {
    let unavailable = |happened: String| ApiError::new(Fault::Unavailable, happened);
    match why {
        NewestUnknown::Sealed(OpenError::Key(Unusable::Retired)) => ApiError::new(
            Fault::LoginOver,
            format!("The key that sealed the newest {provider} token was retired"),
        ),
        NewestUnknown::Sealed(_) => ApiError::new(
            Fault::KeysMissing,
            format!(
                "The newest {provider} token of this login does not open with the keys of this \
                 server"
            ),
        ),
        NewestUnknown::Store(StoreError::Held) => unavailable(format!(
            "Another server takes long to refresh this {provider} login"
        )),
        NewestUnknown::Store(StoreError::Owed { free_in }) => unavailable(format!(
            "Another server that refreshed this {provider} login has not stored the new token. \
             Sending the old one could end the login"
        ))
        .advise(format!("Try again in {}", in_words(*free_in)))
        .after(*free_in),
        NewestUnknown::Store(StoreError::Lost) => unavailable(format!(
            "Another server has taken over the refresh of this {provider} login"
        )),
        NewestUnknown::Store(StoreError::File(_)) => unavailable(format!(
            "This server's store, which has the newest {provider} token of this login, cannot be \
             used. Its log says why"
        )),
        NewestUnknown::Store(_) => unavailable(format!(
            "This server's store, which has the newest {provider} token of this login, does not \
             answer"
        )),
    }
}

fn in_words(duration: Duration) -> String {
    match duration.as_secs().div_ceil(60) {
        0 | 1 => "a minute".into(),
        minutes => format!("{minutes} minutes"),
    }
}
