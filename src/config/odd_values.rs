//! Values that were put into a variable by mistake: placeholders, paths, whole lines. Each
//! reason continues the name of the variable.

use std::path::{Component, Path};

/// Texts that stand for a value in examples, in small letters and without separators.
const PLACEHOLDERS: [&str; 16] = [
    "changeme",
    "changethis",
    "replaceme",
    "replacethis",
    "placeholder",
    "fixme",
    "todo",
    "tbd",
    "null",
    "none",
    "undefined",
    "clientid",
    "clientsecret",
    "appkey",
    "appsecret",
    "secretvalue",
];
/// Beginnings of such texts, in small letters.
const BEGINNINGS: [&str; 8] = [
    "your-", "your_", "your ", "insert-", "insert_", "enter-", "enter_", "put_your",
];
/// Names in front of a value, in small letters and without separators.
const NAMES: [&str; 6] = ["id", "secret", "key", "tenant", "password", "value"];

/// Returns the reason for which a client id or secret is none.
pub(super) fn of_credential(text: &str) -> Option<&'static str> {
    if let Some(reason) = of_password(text) {
        return Some(reason);
    }
    Some(match () {
        () if text.starts_with(['{', '[']) => {
            "holds JSON, or a value in braces; give the value alone"
        }
        () if text.contains(" #") => {
            "has a comment behind the value, which an env file keeps; put it on a line of its own"
        }
        () if text.contains(char::is_whitespace) => {
            "has a blank in it, which no credential has; copy the value again"
        }
        () if is_assignment(text) => "holds a whole line with a name; give the value alone",
        () if has_escape(text) => "has an escape such as %2B in it; write the character itself",
        () if text.ends_with("\\n") || text.ends_with("\\r") => {
            "ends in a backslash and a letter, which stand for a line end; give the value alone"
        }
        () if text.ends_with([',', ';']) => "ends in a comma or a semicolon; give the value alone",
        () if is_cut_short(text) => {
            "holds a part of the value only, as pages show it; copy all of it, or make a new one"
        }
        () if !text.is_ascii() => {
            "has a letter that no credential has; copy the value again from the provider's console"
        }
        () => return None,
    })
}

/// Returns the reason for which a password or passphrase is none. Those may hold anything,
/// so this knows only what nobody means.
pub(super) fn of_password(text: &str) -> Option<&'static str> {
    match () {
        () if is_placeholder(text) => {
            Some("holds a placeholder, which nothing replaces here; put the value in its place")
        }
        () if is_path(text) => Some(
            "holds the path of a file, not what is in it; put _FILE behind the variable's name to \
             have the file read",
        ),
        () => None,
    }
}

fn is_placeholder(text: &str) -> bool {
    const BRACKETS: [(&str, &str); 4] = [("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];
    let is_within = |(start, end): (&str, &str)| text.starts_with(start) && text.ends_with(end);
    let is_name = |name: &str| {
        let is_usual =
            |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.len() > 1 && name.bytes().all(is_usual)
    };
    let percent = text
        .strip_prefix('%')
        .and_then(|rest| rest.strip_suffix('%'));
    let small = text.to_ascii_lowercase();
    let word: String = small.split(['-', '_', ' ']).collect();
    BRACKETS.into_iter().any(is_within)
        || text.strip_prefix('$').or(percent).is_some_and(is_name)
        || PLACEHOLDERS.contains(&word.as_str())
        || BEGINNINGS.iter().any(|start| small.starts_with(start))
}

/// True for a path of this machine: a secret may begin with a slash, too.
fn is_path(text: &str) -> bool {
    let mut components = Path::new(text).components();
    let is_rooted = components.next() == Some(Component::RootDir);
    let (top, below) = (components.next(), components.next());
    let (true, Some(Component::Normal(top)), Some(_)) = (is_rooted, top, below) else {
        return false;
    };
    text.starts_with("/run/secrets/") || Path::new("/").join(top).is_dir()
}

/// True for `GD_CLIENT_SECRET=value` and `client_secret: value`.
fn is_assignment(text: &str) -> bool {
    text.split_once(['=', ':']).is_some_and(|(name, value)| {
        let name: String = name.to_ascii_lowercase().split(['-', '_']).collect();
        let is_word = name.bytes().all(|byte| byte.is_ascii_lowercase());
        // Base64 may end in =.
        let has_value = !value.trim_matches('=').is_empty();
        is_word && has_value && NAMES.iter().any(|known| name.ends_with(known))
    })
}

fn has_escape(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|three| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit))
}

fn is_cut_short(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next();
    let is_one_letter = text.len() > 2 && chars.all(|char| Some(char) == first);
    let dots = text.starts_with("...") || text.ends_with("...");
    is_one_letter || dots || text.contains("***") || text.contains(['\u{2026}', '\u{2022}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_credential_is_told_with_its_reason() {
        for (text, reason) in [
            ("${DROPBOX_SECRET}", "a placeholder"),
            ("$BOX_SECRET", "a placeholder"),
            ("$(cat /run/secrets/box)", "a placeholder"),
            ("{{ vault.secret }}", "a placeholder"),
            ("%CLIENT_SECRET%", "a placeholder"),
            ("<client secret>", "a placeholder"),
            ("Change-Me", "a placeholder"),
            ("YOUR_CLIENT_ID.apps.googleusercontent.com", "a placeholder"),
            ("/run/secrets/dropbox_secret", "the path of a file"),
            ("/etc/authseal/box", "the path of a file"),
            ("{01234567-89ab-cdef-0123-456789abcdef}", "in braces"),
            ("{\"installed\":{\"client_id\":\"1\"}}", "JSON"),
            ("abc8Q~def # until May", "a comment"),
            ("abc def", "a blank"),
            ("BOX_CLIENT_SECRET=abcdef", "a whole line"),
            ("client_id: abcdef", "a blank"),
            ("client-secret:abcdef", "a whole line"),
            ("abc%7Edef", "an escape"),
            ("abcdef\\n", "a line end"),
            ("abcdef,", "a comma"),
            ("abc8Q*******", "a part of the value"),
            ("GOCSPX-ab...", "a part of the value"),
            ("\u{2022}\u{2022}\u{2022}\u{2022}", "a part of the value"),
            ("xxxxxxxx", "a part of the value"),
            ("аbcdef", "a letter that no credential has"),
        ] {
            let found = of_credential(text).unwrap_or_else(|| panic!("{text} is taken"));
            assert!(found.contains(reason), "{text}: {found}");
        }
    }

    #[test]
    fn credentials_of_every_usual_form_are_taken() {
        for text in [
            "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",
            "A1b2C3d4E5f6G7h8I9j0K1l2",
            "123456789012-abc0def1ghi2jkl3.apps.googleusercontent.com",
            "abc8Q~Xy.Z_w-v~u.t_s-r~q.p_o-n~m.l_k-j~i",
            "~.8Q~-_abcdefghijklmnopqrstuvwxyz0123456",
            "01234567-89ab-cdef-0123-456789abcdef",
            "k1l2m3n4o5p6q7r",
            "AbCdEf0123456789AbCdEf0123456789",
            "1000.ABCDEF0123456789ABCDEF0123456789AB",
            "0123456789abcdef0123456789abcdef0123456789",
            "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ+q8/EjRWeJA=",
            "/q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ+q8A==",
            "https://client.example/metadata.json",
            "urn:example:client",
            "the-client-id",
            "secret",
            "id",
            "x",
        ] {
            assert_eq!(of_credential(text), None, "{text}");
        }
    }

    #[test]
    fn a_password_may_be_anything_but_a_placeholder_or_a_path() {
        for text in [
            "correct horse battery staple",
            "a # b = c, %20 { } ...",
            "//slashes and more",
            "/correct horse battery",
            "${",
            "price in $ and %",
        ] {
            assert_eq!(of_password(text), None, "{text}");
        }
        for text in ["/run/secrets/login", "${LOGIN_PASSWORD}", "change-me"] {
            assert!(of_password(text).is_some(), "{text}");
        }
    }
}
