//! `GET /privacy-policy`.

use http::StatusCode;

use crate::{
    pages::PrivacyPage,
    server::{Reply, exchange::Exchange, reply},
};

/// Redirects to the administrator's privacy policy, or shows the built-in one.
pub(in crate::server) fn privacy_policy(exchange: &Exchange<'_>) -> Reply {
    let server = exchange.server;
    if let Some(url) = &server.site.privacy_policy_url {
        return reply::redirect(url);
    }
    let page = PrivacyPage {
        frame: exchange.frame(),
        keeps_logins: server.engine.outlives_the_process(),
        shares_hand_overs: server.login.hand_overs.are_shared(),
        seals_user: server.names.seals_user,
        asks_label: server.names.asks_label,
        has_audit_log: server.audit.is_on(),
    };
    exchange.page(StatusCode::OK, &page)
}
