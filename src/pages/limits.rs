//! Limits of an AuthID, on pages.

use super::{Markup, PageTexts};

/// Limits of an AuthID.
#[derive(Clone, Debug)]
pub struct ShownLimits {
    /// Time from which it is refused.
    pub until: Option<String>,
    /// Networks from which it may be used; none means from anywhere.
    pub networks: Vec<String>,
    /// Number of uses in an hour.
    pub per_hour: Option<u16>,
}

impl ShownLimits {
    /// Returns the limits as the end of a sentence that says until when or from where an AuthID
    /// is good.
    pub(super) fn words(&self, t: &PageTexts) -> Markup {
        let until = self.until.as_deref().map(|until| t.limited_until(until));
        let networks = (!self.networks.is_empty()).then(|| self.networks.join(", "));
        let networks = networks.map(|networks| t.limited_to_networks(&networks));
        let per_hour = self.per_hour.map(|times| t.limited_per_hour(&times.into()));
        Markup::listed([until, networks, per_hour].into_iter().flatten())
    }
}

/// Form of the start page that limits the AuthID of the login that follows. `restrict.html` has it.
#[derive(Clone, Debug)]
pub struct RestrictForm<'a> {
    /// The chosen service.
    pub id: Option<&'a str>,
    /// Value of `visit` in links.
    pub visit: Option<&'a str>,
    /// Network of the visitor, if it is known.
    pub own_network: Option<String>,
    /// Limits that every new AuthID has here.
    pub widest: Option<ShownLimits>,
    /// Limits that are set already.
    pub set: Option<ShownLimits>,
}
