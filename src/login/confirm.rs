//! Confirmation by which a person hands an AuthID over to the program that waits for it.
//!
//! The server keeps nothing between the page that asks and the click. The page's form
//! carries the AuthID, and a cookie carries the hand-over token and its time. Both are
//! sealed and bound to one nonce, so any server can handle the click, but only in the
//! browser that was asked. The cookie is `SameSite=Strict` and is removed with the click,
//! so sending the form again hands nothing over.

use serde::{Deserialize, Serialize};

use super::{
    Credential, Fetcher, Fetching, Finished, LIFETIME, Login, LoginError, Origin, Recipients,
    SealedCookie, Waiting,
    carried::{self, open_carried, seal_carried},
    hand_over::TOKEN_LIFETIME,
};
use crate::{
    seal::{NoSealingKey, Purpose},
    secret::Secret,
};

/// State of the hand-over to the program that opened the start page with a token.
#[derive(Debug)]
pub enum HandOver {
    /// No program waits.
    Nobody,
    /// The person chose on the start page that nobody else gets the AuthID.
    Declined,
    /// A program waits, but the browser lets its page fetch nothing from this server.
    Blocked,
    /// A program waits, and gets nothing before the person confirms.
    Asks(Question),
    /// The program can fetch the AuthID now.
    Done,
    /// The program has been handed an AuthID before, or has stopped waiting.
    TooLate,
}

/// Contents of the page that asks.
#[derive(Debug)]
pub struct Question {
    /// Nonce that comes back with the form.
    pub nonce: String,
    /// Sealed credential and page contents; they come back with the form.
    pub sealed: Secret,
    /// The complete `Set-Cookie` value; `None` if the browser has the cookie already.
    pub cookie: Option<String>,
}

/// The credential to hand over, and the contents of the page after the click.
#[derive(Debug, Deserialize, Serialize)]
struct Offered {
    service: String,
    credential: Credential,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<Secret>,
    facts: Vec<(String, String)>,
    opener: Option<Origin>,
}

/// Outcome of a click.
#[derive(Debug)]
pub struct Confirmed {
    /// The login whose AuthID was to be handed over.
    pub finished: Finished,
    /// The `Set-Cookie` value that removes the cookie; `None` if another click may help.
    pub cookie: Option<String>,
}

impl Login {
    /// Decides how the recipients get the result of a login: only a trusted opener gets
    /// it without another click.
    pub(super) fn offer(
        &self,
        mut finished: Finished,
        recipients: Recipients,
    ) -> Result<Finished, LoginError> {
        let is_blocked = self.is_blocked(&recipients);
        if !recipients.is_unknown() {
            finished.visit = Some(self.visit(recipients.clone())?);
        }
        finished.hand_over = match recipients.waiting {
            None if recipients.declined => HandOver::Declined,
            None => HandOver::Nobody,
            Some(_) if is_blocked => HandOver::Blocked,
            Some(waiting) if !self.still_waits(&waiting) => HandOver::TooLate,
            Some(waiting) => {
                let opener = recipients.opener.clone();
                HandOver::Asks(self.question(&finished, opener, waiting)?)
            }
        };
        finished.opener = recipients.opener.map(|origin| self.opener(origin));
        Ok(finished)
    }

    fn question(
        &self,
        finished: &Finished,
        opener: Option<Origin>,
        waiting: Waiting,
    ) -> Result<Question, NoSealingKey> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let nonce = carried::nonce();
        let offered = Offered {
            service: finished.service.id.clone(),
            credential: finished.credential.clone(),
            account: finished.account.clone(),
            facts: finished.facts.clone(),
            opener,
        };
        let cookie = SealedCookie::of_hand_over(&self.public_url, &nonce);
        let waiting = seal_carried(&keys, now, Purpose::HandOverCookie, &nonce, waiting)?;
        Ok(Question {
            cookie: Some(cookie.set(&waiting)),
            sealed: seal_carried(&keys, now, Purpose::HandOverForm, &nonce, offered)?,
            nonce,
        })
    }

    /// Handles the posted form with this nonce. Its content is shown again, even if the
    /// hand-over fails.
    pub async fn confirm<'a>(
        &self,
        nonce: &str,
        sealed: Secret,
        cookies: impl IntoIterator<Item = &'a str>,
    ) -> Result<Confirmed, LoginError> {
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let purpose = Purpose::HandOverForm;
        let offered: Option<Offered> =
            open_carried(&keys, now, LIFETIME, purpose, nonce, sealed.expose());
        let offered = offered.ok_or(LoginError::NotBegun)?;
        let cookie = SealedCookie::of_hand_over(&self.public_url, nonce);
        let purpose = Purpose::HandOverCookie;
        let waiting: Option<Waiting> = cookie
            .find(cookies)
            .and_then(|carried| open_carried(&keys, now, TOKEN_LIFETIME, purpose, nonce, &carried));
        let mut finished = Finished {
            service: self.find(&offered.service)?.clone(),
            credential: offered.credential,
            account: offered.account,
            visit: None,
            facts: offered.facts,
            opener: offered.opener.map(|origin| self.opener(origin)),
            hand_over: HandOver::TooLate,
        };
        let waiting = waiting.filter(|waiting| self.still_waits(waiting));
        if let Some(waiting) = waiting {
            let secret = finished.credential.secret();
            let service = &finished.service.id;
            finished.hand_over = match self
                .hand_overs
                .deliver(&waiting.token, secret, Fetcher::Program)
                .await?
            {
                Ok(_) => {
                    tracing::info!(%service, "handed over to the program that waits");
                    HandOver::Done
                }
                Err(error) => {
                    tracing::warn!(%service, "not handed over: the store {error}");
                    HandOver::Asks(Question {
                        nonce: nonce.to_owned(),
                        sealed,
                        cookie: None,
                    })
                }
            };
        }
        let can_be_repeated = matches!(finished.hand_over, HandOver::Asks(_));
        Ok(Confirmed {
            finished,
            cookie: (!can_be_repeated).then(|| cookie.remove()),
        })
    }

    /// True if a program waits whose page can't fetch from this server.
    pub fn is_blocked(&self, recipients: &Recipients) -> bool {
        let fetching = Fetching::by(recipients.opener.as_ref(), &self.public_url);
        recipients.waiting.is_some() && fetching == Fetching::Blocked
    }

    /// True if the program still polls: it does so for five minutes after it opened the
    /// start page.
    fn still_waits(&self, waiting: &Waiting) -> bool {
        self.clock.now().apart(waiting.since) < TOKEN_LIFETIME
    }
}
