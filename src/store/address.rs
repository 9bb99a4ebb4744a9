//! The address of the store (STORE_URL): a Redis, or a folder on this machine.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use url::Url;

use super::{StoreUrl, url::NotAStore};
use crate::percent;

/// Address of a store.
#[derive(Clone, Debug)]
pub enum StoreAddress {
    /// A Redis or Valkey that several servers may share.
    Redis(StoreUrl),
    /// A folder of this machine, for one server: `file:/var/lib/authseal`.
    Folder(PathBuf),
}

impl StoreAddress {
    /// Parses a STORE_URL.
    pub fn parse(text: &str) -> Result<Self, NotAStore> {
        if !percent::is_encoded(text) {
            return Err(NotAStore::Percent);
        }
        match text.starts_with("file:") {
            true => folder(text).map(Self::Folder).ok_or(NotAStore::Folder),
            false => StoreUrl::parse(text).map(Self::Redis),
        }
    }

    /// True if the address names a user of Redis and no password.
    pub fn has_user_without_password(&self) -> bool {
        match self {
            Self::Redis(url) => url.has_user_without_password(),
            Self::Folder(_) => false,
        }
    }

    /// True if both addresses lead to the same logins.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Redis(one), Self::Redis(other)) => one.is_same(other),
            (Self::Folder(one), Self::Folder(other)) => one == other || is_same_folder(one, other),
            _ => false,
        }
    }

    /// Returns the folder, if the address is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Redis(_) => None,
            Self::Folder(path) => Some(path),
        }
    }
}

/// Shows the address for logs, without any secret.
impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(url) => write!(f, "at {}", url.hosts()),
            Self::Folder(path) => write!(f, "in {}", path.display()),
        }
    }
}

/// True if both paths lead to one folder, perhaps by a symbolic link.
fn is_same_folder(one: &Path, other: &Path) -> bool {
    let found = (fs::canonicalize(one), fs::canonicalize(other));
    matches!(found, (Ok(one), Ok(other)) if one == other)
}

/// A relative path is refused: commands run in other folders than the server. So are a
/// query and a fragment, which `to_file_path` would drop.
fn folder(text: &str) -> Option<PathBuf> {
    let path = text.strip_prefix("file:")?;
    let url = Url::parse(text).ok()?;
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let path = (path.starts_with('/') && is_plain).then(|| url.to_file_path().ok())??;
    (path != Path::new("/")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_an_absolute_path() {
        let check = |text: &str, expected: Option<&str>| {
            let found = StoreAddress::parse(text).ok();
            let found = found.as_ref().and_then(StoreAddress::folder);
            assert_eq!(found, expected.map(Path::new), "{text}");
        };
        check("file:/var/lib/authseal", Some("/var/lib/authseal"));
        check("file:///var/lib/authseal", Some("/var/lib/authseal"));
        check("file:/my%20nas", Some("/my nas"));
        check("file:store", None);
        check("file://host/store", None);
        check("file:/", None);
        check("file:", None);
        check("file:/store?prefix=x", None);
        check("redis://localhost", None);
    }

    #[test]
    fn a_percent_sign_that_encodes_nothing_is_refused() {
        for text in [
            "redis://:100%@host",
            "redis://:%zz@host",
            "rediss://me%:a@host?prefix=b",
            "redis://:%ff@host",
            "file:/my%nas",
        ] {
            let error = StoreAddress::parse(text).unwrap_err();
            assert_eq!(error, NotAStore::Percent, "{text}");
        }
    }

    #[test]
    fn another_database_or_prefix_is_another_store() {
        let check = |one: &str, other: &str, expected: bool| {
            let [one, other] = [one, other].map(|text| StoreAddress::parse(text).unwrap());
            assert_eq!(one.is_same(&other), expected, "{one} {other}");
        };
        check("redis://host", "redis://:password@host:6379/0", true);
        check("redis://host", "redis://host/3", false);
        check("redis://host", "redis://host?prefix=b", false);
        check("redis://host", "redis://other", false);
        check("redis://a,b?sentinel=c", "redis://a,b?cluster=true", false);
        check("file:/var/lib/authseal", "file:///var/lib/authseal", true);
        check("file:/var/lib/authseal", "file:/var/lib/b", false);
        check("file:/var/lib/authseal", "redis://host", false);
    }

    #[test]
    fn a_password_in_the_place_of_the_user_is_noticed() {
        let check = |text: &str, expected: bool| {
            let address = StoreAddress::parse(text).unwrap();
            assert_eq!(address.has_user_without_password(), expected, "{text}");
        };
        check("redis://password@host", true);
        check("rediss://password@a,b?cluster=true", true);
        check("redis://password:@host", true);
        check("redis://:password@host", false);
        check("redis://user:password@host", false);
        check("redis://host", false);
        check("file:/var/lib/authseal", false);
    }
}
