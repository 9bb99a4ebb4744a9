//! The forms that take an AuthID, and the page that confirms a revocation.

use askama::Template;

use super::{FAVICON_PATH, Frame, STYLE_PATH};

/// A form for an AuthID, to revoke, renew or inspect it.
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
    /// Builds the form that revokes an AuthID.
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

    /// Builds the form that inspects an AuthID.
    pub fn inspect(frame: Frame<'a>) -> Self {
        Self {
            title: "Inspect an AuthID",
            lead: "You see what this server knows of it: the service, the dates of login and \
                   AuthID, the key, and how long it is valid.",
            action: "/inspected",
            button: "Inspect it",
            is_dangerous: false,
            afterwards: "No token is shown, nothing is changed, and the provider is not asked."
                .to_owned(),
            frame,
        }
    }

    /// Builds the form that renews an AuthID.
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

/// The page after the provider has confirmed a revocation.
#[derive(Debug, Template)]
#[template(path = "revoked.html")]
pub struct RevokedPage<'a> {
    /// Text and links that all pages share.
    pub frame: Frame<'a>,
    /// Name of the service of the revoked login.
    pub service_name: &'a str,
    /// Name of the service's provider.
    pub provider_name: &'a str,
}
