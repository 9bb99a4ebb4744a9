//! Limits and names that are sealed into an AuthID besides its grant.

use super::{AuthIdName, UseLimits};

/// Limits of an AuthID, and the names in it. Every later AuthID that replaces it has the same
/// ones. Two AuthIDs of one login can have different limits: those of the presented one count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Limits of its use.
    pub limits: UseLimits,
    /// The person who logged in, as the proxy in front of the server named them.
    pub user: Option<AuthIdName>,
    /// The name that the person gave the AuthID.
    pub label: Option<AuthIdName>,
}

impl Terms {
    /// Returns the name of the person.
    pub fn user(&self) -> Option<&str> {
        self.user.as_ref().map(AuthIdName::as_str)
    }

    /// Returns the name of the AuthID.
    pub fn label(&self) -> Option<&str> {
        self.label.as_ref().map(AuthIdName::as_str)
    }

    /// True if there are neither limits nor names.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }
}
