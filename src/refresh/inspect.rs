//! Facts about an AuthID that this server knows without asking the provider.

use std::time::Duration;

use super::{
    PresentedAuthId, RefreshEngine, RefreshError, client_fault::is_of_present_client,
    login_state::LoginState, newest_grant::NoGrant,
};
use crate::{clock::UnixTime, keyring::KeyState, seal::UseLimits};

/// Facts about an AuthID and its login. None of them is a token.
#[derive(Debug)]
pub struct AuthIdReport {
    /// Time at which the AuthID was sealed; `None` if it does not say.
    pub issued_at: Option<UnixTime>,
    /// Time of the login; `None` if the AuthID does not say.
    pub logged_in_at: Option<UnixTime>,
    /// Number of times that the provider had replaced the refresh token.
    pub generation: u32,
    /// A higher generation of the same login that this server or the store knows.
    pub newer_generation: Option<u32>,
    /// Region in which the provider keeps the account.
    pub region: Option<String>,
    /// Key that sealed the AuthID; `None` for an AuthID of oauth-server.
    pub key: Option<ReportedKey>,
    /// True if the refresh token was issued to another client id than the present one.
    pub is_of_another_client: bool,
    /// Limits of its use.
    pub limits: UseLimits,
    /// The limit for which it is refused to this client now. Too many uses in an hour are not
    /// told: an inspection is no use.
    pub refused: Option<RefreshError>,
    /// State of the login, as far as this server knows.
    pub standing: LoginStanding,
}

/// The key that sealed an AuthID.
#[derive(Debug)]
pub struct ReportedKey {
    /// Its id.
    pub kid: String,
    /// Time at which it was made.
    pub made_at: UnixTime,
    /// Time from which it opens nothing; `None` if no end is set.
    pub ends_at: Option<UnixTime>,
    /// True if new AuthIDs are sealed under it.
    pub is_newest: bool,
}

/// State of a login, as far as this server knows without asking the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginStanding {
    /// It was revoked here or at the provider.
    Revoked,
    /// The provider gave an access token lately, which is still good.
    Refreshed {
        /// Remaining lifetime of the access token.
        expires_in: Duration,
    },
    /// This server sent the refresh token and got no answer: it may be used up.
    Unanswered,
    /// The store does not answer, or its record does not open.
    StoreSilent,
    /// Nothing is known. Only a refresh can tell.
    Unknown,
}

impl RefreshEngine {
    /// Collects the facts about an AuthID. It never calls the provider: otherwise a thief, or
    /// a page that is left open, could use up a token, or another login's place in the lane.
    /// The request was counted when the AuthID was opened.
    pub async fn inspect(&self, presented: &PresentedAuthId) -> AuthIdReport {
        let grant = &presented.grant;
        let is_old = presented.kid.is_empty();
        let known = match presented.unproven {
            // It may be made up, so the store is not asked either.
            Some(_) => Ok(None),
            None => self.lineages.known(grant).await,
        };
        AuthIdReport {
            issued_at: (!is_old).then_some(grant.issued_at),
            logged_in_at: grant.known_login_time(),
            generation: grant.generation,
            newer_generation: match &known {
                Ok(Some(LoginState::Newest { grant: newest, .. })) => {
                    Some(newest.generation).filter(|newer| *newer > grant.generation)
                }
                _ => None,
            },
            region: grant.region.clone(),
            key: self.reported_key(presented),
            is_of_another_client: is_of_present_client(&presented.service, grant) == Some(false),
            limits: grant
                .terms
                .as_ref()
                .map_or_else(UseLimits::default, |terms| terms.limits.clone()),
            refused: self.limits.check_grant(grant, presented.address).err(),
            standing: self.standing(presented, &known),
        }
    }

    fn reported_key(&self, presented: &PresentedAuthId) -> Option<ReportedKey> {
        let keys = self.authids.keyring.current();
        let now = self.authids.clock.now();
        let key = keys.opening(&presented.kid, now).ok()?;
        Some(ReportedKey {
            kid: key.kid.clone(),
            made_at: key.iat,
            ends_at: key.end(),
            is_newest: keys.state(key, now) == KeyState::Sealing,
        })
    }

    fn standing(
        &self,
        presented: &PresentedAuthId,
        known: &Result<Option<LoginState>, NoGrant>,
    ) -> LoginStanding {
        let (lineage, memory) = (presented.lineage(), &self.lineages.memory);
        let moment = self.authids.clock.moment();
        let cached = self.cache.get(&lineage, moment, presented.keys_version);
        let is_revoked = presented.is_revoked
            || memory.is_marked_revoked(&lineage)
            || cached.as_ref().is_some_and(|token| token.is_revoked);
        match (known, cached) {
            _ if is_revoked => LoginStanding::Revoked,
            (Ok(Some(LoginState::Revoked)) | Err(NoGrant::Revoked), _) => LoginStanding::Revoked,
            (_, Some(token)) => LoginStanding::Refreshed {
                expires_in: token.expires_at.since(moment),
            },
            (Err(NoGrant::Unknown(_)), None) => LoginStanding::StoreSilent,
            (Ok(_), None) if memory.was_unanswered(&presented.grant) => LoginStanding::Unanswered,
            (Ok(_), None) => LoginStanding::Unknown,
        }
    }
}
