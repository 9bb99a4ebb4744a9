//! Compares the scopes that were granted with those that were asked for. RFC 6749 section 5.1
//! wants `scope` in the answer if they differ, for example because the user left a box
//! unticked. An AuthID of such a login would refresh, and the storage would refuse.

use super::{Service, Tokens};

/// Scopes that ask for a kind of token and that providers need not repeat.
const NOT_REPEATED: [&str; 4] = ["offline_access", "openid", "offline", "wl.offline_access"];

impl Service {
    /// Returns the scopes that were asked for and not granted. None are missing if the provider
    /// does not say, or if its table says that it can't be believed.
    pub fn missing_scopes(&self, tokens: &Tokens) -> Vec<String> {
        match &tokens.granted {
            Some(granted) if self.provider.compare_scope => missing(&self.scope, granted),
            _ => Vec::new(),
        }
    }
}

fn missing(asked: &str, granted: &str) -> Vec<String> {
    let granted: Vec<String> = scopes(granted).map(normal).collect();
    // Some providers send an empty text for "as asked".
    if granted.is_empty() {
        return Vec::new();
    }
    let is_missing = |asked: &&str| {
        let asked = normal(asked);
        // Microsoft grants a list of scopes for `.default`.
        let is_compared = !NOT_REPEATED.contains(&asked.as_str()) && !asked.ends_with("/.default");
        is_compared && !granted.iter().any(|granted| covers(granted, &asked))
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

/// True if one scope is the other, or Microsoft's wider one: `Files.Read.All` includes
/// `Files.Read`. Google and Microsoft name a scope with or without its address.
fn covers(granted: &str, asked: &str) -> bool {
    let (granted, asked) = match has_address(granted) && has_address(asked) {
        true => (granted, asked),
        false => (short(granted), short(asked)),
    };
    granted == asked || granted.strip_suffix(".all") == Some(asked)
}

fn has_address(scope: &str) -> bool {
    scope.contains("://")
}

/// Returns the scope without its address. Google has two names for these two.
fn short(scope: &str) -> &str {
    let name = match has_address(scope) {
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
        assert_eq!(missing(asked, granted), expected, "{asked} / {granted}");
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
