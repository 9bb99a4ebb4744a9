//! Distinguishes the callback of one provider from those of all others: by the path at
//! which it arrives, and by the issuer that it names. This prevents mix-up attacks, in
//! which one provider passes another's code off as its own (RFC 9700 section 4.4).

use std::fmt;

/// The path to which a provider sends the browser back, below PUBLIC_URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectPath(String);

impl RedirectPath {
    /// The path of all providers without a path of their own.
    pub const SHARED: &str = "/logged-in";

    /// Parses the shared path, or a provider's own path below it.
    pub fn parse(text: &str) -> Option<Self> {
        let own = text.strip_prefix(Self::SHARED)?;
        (own.is_empty() || Self::is_own(own)).then(|| Self(text.to_owned()))
    }

    /// Makes the path for the provider of this id alone.
    pub fn of(provider: &str) -> Option<Self> {
        Self::parse(&format!("{}/{provider}", Self::SHARED))
    }

    /// True if a request to `path` may be a callback.
    pub fn is_one(path: &str) -> bool {
        Self::parse(path).is_some()
    }

    /// True for the path that several providers use.
    pub fn is_shared(&self) -> bool {
        self.0 == Self::SHARED
    }

    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if no browser or proxy would change the path.
    fn is_own(text: &str) -> bool {
        text.strip_prefix('/').is_some_and(|name| {
            (1..=32).contains(&name.len())
                && !matches!(name, "." | "..")
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        })
    }
}

impl fmt::Display for RedirectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The issuer identifiers that a provider's callback may name (`iss`, RFC 9207), and
/// may not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issuers {
    /// The provider's own, if its table names it.
    pub own: Option<String>,
    /// Those of the other tables.
    pub others: Vec<String>,
}

impl Issuers {
    /// True if a callback of this provider may name `iss`. The comparison is exact
    /// (RFC 9207 section 2.4).
    pub fn allow(&self, iss: &str) -> bool {
        match &self.own {
            Some(own) => own == iss,
            None => self.others.iter().all(|other| other != iss),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_path_is_the_shared_one_or_one_name_below_it() {
        for path in [
            "/logged-in",
            "/logged-in/nextcloud",
            "/logged-in/A.b-c_9",
            "/logged-in/...",
        ] {
            assert_eq!(RedirectPath::parse(path).unwrap().as_str(), path);
        }
        let long = format!("/logged-in/{}", "a".repeat(33));
        for path in [
            "",
            "/",
            "logged-in",
            "/logged-in/",
            "/logged-in/.",
            "/logged-in/..",
            "/logged-in/a/b",
            "/logged-in/a/",
            "/logged-in/a%2e",
            "/logged-in/a?b",
            "/logged-in/\u{e9}",
            "/logged-inn",
            "/refresh",
            "https://a.example/logged-in",
            &long,
        ] {
            assert_eq!(RedirectPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn an_issuer_is_the_providers_own_or_at_least_nobody_elses() {
        let issuers = |own: Option<&str>| Issuers {
            own: own.map(str::to_owned),
            others: vec!["https://other.example".into()],
        };
        for (own, iss, allowed) in [
            (Some("https://own.example"), "https://own.example", true),
            (Some("https://own.example"), "https://own.example/", false),
            (Some("https://own.example"), "https://OWN.example", false),
            (Some("https://own.example"), "", false),
            (Some("https://other.example"), "https://other.example", true),
            (None, "https://unheard-of.example", true),
            (None, "https://other.example", false),
        ] {
            assert_eq!(issuers(own).allow(iss), allowed, "{own:?} {iss}");
        }
    }
}
