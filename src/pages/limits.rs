//! Limits of an AuthID, on pages.

/// Limits of an AuthID. `limits.html` has the words.
#[derive(Clone, Debug)]
pub struct ShownLimits {
    /// Time from which it is refused.
    pub until: Option<String>,
    /// Networks from which it may be used; none means from anywhere.
    pub networks: Vec<String>,
    /// Number of uses in an hour.
    pub per_hour: Option<u16>,
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
