//! Error pages of one-time codes.

use http::StatusCode;

use super::error_page::Explanation;
use crate::{
    limit::TooOften,
    login::NoCode,
    server::{Reply, exchange::Exchange, reply},
};

impl Exchange<'_> {
    /// Returns the page for a form that another site sent. The text suits every form.
    pub(in crate::server) fn sent_by_another_site(&self) -> Reply {
        let t = self.texts();
        self.error_page_with_start(Explanation::new(
            StatusCode::BAD_REQUEST,
            t.sent_by_another_site(),
            t.sent_by_another_site_happened(),
            t.sent_by_another_site_advice(),
        ))
    }

    /// Returns the page for a form that made no code.
    pub(in crate::server) fn no_code(&self, why: &NoCode) -> Reply {
        let t = self.texts();
        match why {
            NoCode::NotOurForm => self.error_page_with_start(
                Explanation::new(
                    StatusCode::BAD_REQUEST,
                    t.no_code(),
                    t.no_code_old_page(),
                    t.no_code_old_page_advice(),
                )
                .link(t.renew_an_authid(), self.server.path("/renew")),
            ),
            NoCode::TooOften(TooOften { retry_after }) => {
                let page = self.error_page(Explanation::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    t.too_many_codes(),
                    t.too_many_codes_happened(),
                    t.too_many_codes_advice(&retry_after.as_secs().max(1)),
                ));
                reply::set_retry_after(page, Some(*retry_after))
            }
            NoCode::Used => self.error_page_with_start(
                Explanation::new(
                    StatusCode::GONE,
                    t.fetched_already(),
                    t.fetched_already_happened(),
                    t.fetched_already_advice(),
                )
                .link(t.revoke_an_authid(), self.server.path("/revoke")),
            ),
            NoCode::NoSealingKey(error) => self.login_failed(&(*error).into(), None),
            NoCode::Store(_) => self.error_page(Explanation::new(
                StatusCode::SERVICE_UNAVAILABLE,
                t.no_code(),
                t.no_code_not_stored(),
                t.no_code_not_stored_advice(),
            )),
        }
    }
}
