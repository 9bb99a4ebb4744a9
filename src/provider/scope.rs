//! Compares the scopes that were granted with those that were asked for. RFC 6749 section 5.1
//! wants `scope` in the answer if they differ, for example because the user left a box
//! unticked. An AuthID of such a login would refresh, and the storage would refuse.

use std::collections::BTreeMap;

use super::{Service, Tokens};

/// The scopes of a provider that include others, by the included one.
type WiderScopes = BTreeMap<String, Vec<String>>;

/// Scopes that ask for a kind of token and that providers need not repeat.
const NOT_REPEATED: [&str; 4] = ["offline_access", "openid", "offline", "wl.offline_access"];

impl Service {
    /// Returns the scopes that were asked for and not granted. None are missing if the provider
    /// does not say, or if its table says that it can't be believed.
    pub fn missing_scopes(&self, tokens: &Tokens) -> Vec<String> {
        match &tokens.granted {
            Some(granted) if self.provider.compare_scope && *granted != self.scope => {
                missing(&self.scope, granted, &self.provider.wider_scopes)
            }
            _ => Vec::new(),
        }
    }
}

/// `wider` has the provider's scopes that include others, by the included one.
fn missing(asked: &str, granted: &str, wider: &WiderScopes) -> Vec<String> {
    let granted: Vec<String> = scopes(granted).map(normal).collect();
    // Some providers send an empty text for "as asked".
    if granted.is_empty() {
        return Vec::new();
    }
    let is_missing = |asked: &&str| {
        let asked = normal(asked);
        // Microsoft grants a list of scopes for `.default`.
        let is_compared = !NOT_REPEATED.contains(&asked.as_str()) && !asked.ends_with("/.default");
        let covering = wider
            .iter()
            .filter(|(one, _)| is_same(&normal(one), &asked));
        let mut enough: Vec<String> = covering.flat_map(|(_, more)| more).map(normal).collect();
        enough.push(asked);
        let is_enough = |granted: &String| enough.iter().any(|enough| covers(granted, enough));
        is_compared && !granted.iter().any(is_enough)
    };
    scopes(asked)
        .filter(is_missing)
        .map(str::to_owned)
        .collect()
}

/// Splits a list of scopes: by blanks in RFC 6749 section 3.3, by commas or plus signs at some
/// providers.
fn scopes(list: &str) -> impl Iterator<Item = &str> {
    let is_separator = |char: char| char.is_whitespace() || char == ',' || char == '+';
    list.split(is_separator).filter(|scope| !scope.is_empty())
}

/// Returns the scope in small letters, and without a slash at its end.
fn normal(scope: impl AsRef<str>) -> String {
    scope.as_ref().trim_end_matches('/').to_lowercase()
}

/// True if one scope is the other, or includes it by its name: at Microsoft `Files.Read.All`
/// and `Files.ReadWrite` include `Files.Read`, at Zoho `files.ALL` includes `files.READ`.
fn covers(granted: &str, asked: &str) -> bool {
    let with_writing = with_writing(asked);
    let mut enough = [Some(asked), with_writing.as_deref()].into_iter().flatten();
    let without_all = granted.strip_suffix(".all");
    let every_operation = asked.strip_suffix(".read");
    enough.any(|enough| {
        is_same(granted, enough) || without_all.is_some_and(|most| is_same(most, enough))
    }) || every_operation.is_some_and(|place| is_same(granted, &format!("{place}.all")))
}

/// Returns Microsoft's scope that reads and writes what this one reads.
fn with_writing(asked: &str) -> Option<String> {
    let mut parts: Vec<&str> = asked.split('.').collect();
    let read = parts.iter_mut().rev().find(|part| **part == "read")?;
    *read = "readwrite";
    Some(parts.join("."))
}

/// True for the same scope. Google and Microsoft name a scope with or without its address.
fn is_same(one: &str, other: &str) -> bool {
    let both = |has: fn(&str) -> bool| has(one) && has(other);
    match both(has_url) || both(has_id) {
        true => one == other,
        false => short(one) == short(other),
    }
}

fn has_url(scope: &str) -> bool {
    scope.contains("://")
}

/// True for a scope behind the id of its resource, as at Microsoft.
fn has_id(scope: &str) -> bool {
    let is_id = |(id, _): (&str, &str)| {
        id.len() == 36
            && id
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    scope.split_once('/').is_some_and(is_id)
}

/// Returns the scope without its address. Google has two names for these two.
fn short(scope: &str) -> &str {
    let name = match has_url(scope) || has_id(scope) {
        true => scope.rsplit('/').next().unwrap_or(scope),
        false => scope,
    };
    match name {
        "userinfo.email" => "email",
        "userinfo.profile" => "profile",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, granted: &str, expected: &[&str]) {
        let wider = BTreeMap::from([(
            FILE.to_owned(),
            vec!["https://www.googleapis.com/auth/drive".to_owned()],
        )]);
        let missing = missing(asked, granted, &wider);
        assert_eq!(missing, expected, "{asked} / {granted}");
    }

    const FILE: &str = "https://www.googleapis.com/auth/drive.file";

    #[test]
    fn every_form_of_the_same_scopes_is_the_same() {
        check("a b", "b a", &[]);
        check("rw,user", "user,rw", &[]);
        check("a b", "a+b", &[]);
        check("ZohoFiles.files.ALL,a", "a zohofiles.Files.all", &[]);
        check(
            "email profile openid",
            "https://www.googleapis.com/auth/userinfo.email \
             https://www.googleapis.com/auth/userinfo.profile",
            &[],
        );
        check(
            "offline_access Files.ReadWrite",
            "https://graph.microsoft.com/Files.ReadWrite https://graph.microsoft.com/User.Read",
            &[],
        );
        check(
            "https://graph.microsoft.com/Files.ReadWrite",
            "profile openid email Files.ReadWrite User.Read",
            &[],
        );
        check("Files.ReadWrite", "Files.ReadWrite.All", &[]);
        check("Files.Read", "Files.ReadWrite", &[]);
        check(
            "Files.Read",
            "https://graph.microsoft.com/Files.ReadWrite.All",
            &[],
        );
        check("Files.Read.All", "Files.ReadWrite.All", &[]);
        check(
            "Files.ReadWrite",
            "00000003-0000-0000-c000-000000000000/Files.ReadWrite",
            &[],
        );
        check("WorkDrive.files.READ", "WorkDrive.files.ALL", &[]);
        check(FILE, "https://www.googleapis.com/auth/drive", &[]);
        check("https://graph.microsoft.com/.default", "User.Read", &[]);
        check("https://mail.google.com/", "https://mail.google.com", &[]);
        // A superset, nothing asked, and nothing said.
        check("a", "a b c", &[]);
        check("", "a", &[]);
        check("a b", "", &[]);
        check("openid offline_access wl.offline_access", "email", &[]);
    }

    #[test]
    fn what_was_not_granted_is_named_as_it_was_asked_for() {
        // Google: the box of Drive was not ticked.
        check(
            &format!("openid email {FILE}"),
            "openid https://www.googleapis.com/auth/userinfo.email",
            &[FILE],
        );
        // Google Photos: one box of two.
        check(
            "https://www.googleapis.com/auth/photoslibrary.appendonly \
             https://www.googleapis.com/auth/photoslibrary.readonly.appcreateddata",
            "https://www.googleapis.com/auth/photoslibrary.appendonly",
            &["https://www.googleapis.com/auth/photoslibrary.readonly.appcreateddata"],
        );
        // Dropbox: a permission that the app lacks.
        check(
            "files.content.write files.content.read",
            "account_info.read files.content.read",
            &["files.content.write"],
        );
        // Microsoft: Group.Read.All waits for an administrator.
        check(
            "offline_access Files.ReadWrite.All Group.Read.All",
            "Files.ReadWrite.All profile openid email",
            &["Group.Read.All"],
        );
        // A narrower one, and one of another address.
        check("Files.ReadWrite", "Files.Read", &["Files.ReadWrite"]);
        check("Files.ReadWrite", "Files.Read.All", &["Files.ReadWrite"]);
        check(
            "WorkDrive.files.READ",
            "WorkDrive.team.ALL",
            &["WorkDrive.files.READ"],
        );
        check(
            "https://www.googleapis.com/auth/drive",
            FILE,
            &["https://www.googleapis.com/auth/drive"],
        );
        check(
            "Files.ReadWrite.All",
            "Files.ReadWrite",
            &["Files.ReadWrite.All"],
        );
        check(
            "https://a.example/read",
            "https://b.example/read",
            &["https://a.example/read"],
        );
        check(
            FILE,
            "https://www.googleapis.com/auth/drive.appdata",
            &[FILE],
        );
    }
}
