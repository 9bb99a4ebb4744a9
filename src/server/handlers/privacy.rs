//! `GET /privacy-policy`.

use http::StatusCode;

use crate::{
    pages::PrivacyPage,
    server::{Reply, Server, reply},
};

/// The administrator's own policy, or ours.
pub(in crate::server) fn privacy_policy(server: &Server) -> Reply {
    if let Some(url) = &server.site.privacy_policy_url {
        return reply::redirect(url);
    }
    let page = PrivacyPage {
        frame: server.frame(),
    };
    reply::page(StatusCode::OK, &page)
}
