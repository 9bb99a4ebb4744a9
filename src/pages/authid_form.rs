//! The pages that take an AuthID, and the page that says one is revoked.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// Asks for an AuthID to do something with.
#[derive(Debug, Template)]
#[template(path = "authid_form.html")]
pub struct AuthIdForm<'a> {
    frame: Frame<'a>,
    title: &'static str,
    lead: &'static str,
    action: &'static str,
    button: &'static str,
    is_dangerous: bool,
    afterwards: String,
}

impl<'a> AuthIdForm<'a> {
    /// To revoke it.
    pub fn revoke(frame: Frame<'a>) -> Self {
        Self {
            title: "Revoke an AuthID",
            lead: "The provider is asked to end the login behind it. Every AuthID of that login \
                   stops working.",
            action: "/revoked",
            button: "Revoke it",
            is_dangerous: true,
            afterwards: format!(
                "Backups that use it can’t reach their files afterwards. Log in again to give {} \
                 a new one.",
                frame.app_name
            ),
            frame,
        }
    }

    /// To get a newer one for it.
    pub fn renew(frame: Frame<'a>) -> Self {
        Self {
            title: "Renew an AuthID",
            lead: "The provider is asked whether the login behind it is still good. You get the \
                   newest AuthID of that login, without logging in again.",
            action: "/renewed",
            button: "Renew it",
            is_dangerous: false,
            afterwards: format!(
                "Put the new one into {}. The old one works until this server’s administrator \
                 retires the key that sealed it.",
                frame.app_name
            ),
            frame,
        }
    }
}

/// Says that the provider has confirmed.
#[derive(Debug, Template)]
#[template(path = "revoked.html")]
pub struct RevokedPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// Name of the service.
    pub service_name: &'a str,
    /// Name of its provider.
    pub provider_name: &'a str,
}
