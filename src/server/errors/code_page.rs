//! Error pages of one-time codes.

use http::StatusCode;

use super::error_page::Explanation;
use crate::{
    limit::TooOften,
    login::NoCode,
    server::{Reply, Server, reply},
};

impl Server {
    /// Returns the page for a form that another site sent. The text suits every form.
    pub(in crate::server) fn sent_by_another_site(&self) -> Reply {
        let explanation = Explanation::new(
            StatusCode::BAD_REQUEST,
            "Another site sent this",
            "Another site sent a form to this server in your name, so nothing was done.",
            "If you meant to do it, begin on a page of this server.",
        );
        self.error_page(explanation.link("To the start page", self.path("/")))
    }

    /// Returns the page for a form that made no code.
    pub(in crate::server) fn no_code(&self, why: &NoCode) -> Reply {
        match why {
            NoCode::NotOurForm => self.no_code_of(
                Explanation::new(
                    StatusCode::BAD_REQUEST,
                    "No code was made",
                    "The page with the button is older than 10 minutes, or is not of this server.",
                    "Renew the AuthID, or log in again: the new page has the button too.",
                )
                .link("Renew an AuthID", self.path("/renew")),
            ),
            NoCode::TooOften(TooOften { retry_after }) => {
                let page = self.error_page(Explanation::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many codes for your network",
                    "Your network has made more codes in the last minutes than this server allows.",
                    &format!(
                        "Wait {} seconds, then load this page again, or copy the AuthID from the \
                         page with the button.",
                        retry_after.as_secs().max(1)
                    ),
                ));
                reply::set_retry_after(page, Some(*retry_after))
            }
            NoCode::Used => self.no_code_of(
                Explanation::new(
                    StatusCode::GONE,
                    "It was fetched already",
                    "The AuthID of this page was fetched by its code, which works once.",
                    "If it was you and the AuthID got lost, log in again. If it was not you, revoke \
                     the AuthID first.",
                )
                .link("Revoke an AuthID", self.path("/revoke")),
            ),
            NoCode::NoSealingKey(error) => self.login_failed(&(*error).into(), None),
            NoCode::Store(_) => self.error_page(Explanation::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "No code was made",
                "This server could not store the AuthID for the other machine.",
                "Load this page again in a moment, or copy the AuthID from the page with the button.",
            )),
        }
    }

    fn no_code_of(&self, explanation: Explanation<'_>) -> Reply {
        self.error_page(explanation.link("To the start page", self.path("/")))
    }
}
