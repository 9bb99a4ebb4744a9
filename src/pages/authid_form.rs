//! The forms that take an AuthID, and the page that confirms a revocation.

use askama::Template;

use super::{FAVICON_PATH, Frame, Markup, STYLE_PATH};

/// A form for an AuthID, to revoke, renew or inspect it.
#[derive(Debug, Template)]
#[template(path = "authid_form.html")]
pub struct AuthIdForm<'a> {
    frame: Frame<'a>,
    title: Markup,
    lead: Markup,
    action: &'static str,
    button: Markup,
    is_dangerous: bool,
    afterwards: Markup,
}

impl<'a> AuthIdForm<'a> {
    /// Builds the form that revokes an AuthID.
    pub fn revoke(frame: Frame<'a>) -> Self {
        let t = frame.t();
        Self {
            title: t.revoke_an_authid(),
            lead: t.revoke_lead(),
            action: "/revoked",
            button: t.revoke_it(),
            is_dangerous: true,
            afterwards: t.revoke_afterwards(frame.app_name),
            frame,
        }
    }

    /// Builds the form that inspects an AuthID.
    pub fn inspect(frame: Frame<'a>) -> Self {
        let t = frame.t();
        Self {
            title: t.inspect_an_authid(),
            lead: t.inspect_lead(),
            action: "/inspected",
            button: t.inspect_it(),
            is_dangerous: false,
            afterwards: t.inspect_afterwards(),
            frame,
        }
    }

    /// Builds the form that renews an AuthID.
    pub fn renew(frame: Frame<'a>) -> Self {
        let t = frame.t();
        Self {
            title: t.renew_an_authid(),
            lead: t.renew_lead(),
            action: "/renewed",
            button: t.renew_it(),
            is_dangerous: false,
            afterwards: t.renew_afterwards(frame.app_name),
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
