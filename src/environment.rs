//! Environment variables, each of which may be given as `<name>_FILE`, a path to its value.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::{Component, Path},
};

use crate::regular_file;

/// Variables as they are set, before anything is checked.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names of variables whose value is not UTF-8. They are set, and cannot be read.
    unreadable: BTreeSet<String>,
    /// Values that only [`Environment::expand`] uses.
    placeholders: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's own environment.
    pub fn of_process() -> Self {
        Self::of_texts(std::env::vars_os())
    }

    fn of_texts(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            // No setting has such a name.
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => environment.set(&name, value),
                Err(_) => {
                    environment.unreadable.insert(name);
                }
            }
        }
        environment
    }

    /// Builds an environment that holds exactly these variables.
    pub fn new<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            ..Self::default()
        }
    }

    /// Returns the environment with one more variable.
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable in this copy of the environment.
    pub fn set(&mut self, name: &str, value: String) {
        self.unreadable.remove(name);
        self.variables.insert(name.to_owned(), value);
    }

    /// Sets the value of a placeholder for [`Environment::expand`]; a variable of the
    /// same name wins.
    pub fn define(&mut self, name: &str, value: &str) {
        self.placeholders.insert(name.to_owned(), value.to_owned());
    }

    /// Replaces every `%NAME%` whose variable or placeholder is known; the others stay as
    /// they are.
    pub fn expand(&self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            expanded.push_str(before);
            let value = behind.split_once('%').and_then(|(name, behind)| {
                let variable = self.get(name, &mut Vec::new());
                let known = variable.or_else(|| self.placeholders.get(name).cloned())?;
                Some((known, behind))
            });
            match value {
                Some((value, behind)) => {
                    expanded.push_str(&value);
                    rest = behind;
                }
                None => {
                    expanded.push('%');
                    rest = behind;
                }
            }
        }
        expanded + rest
    }

    /// Returns a variable, or the content of the file that `<name>_FILE` names, without
    /// the line end and the byte order mark that editors leave. An empty value counts as not
    /// set. Adds to `problems` if both are set, if the value stands in quotes or is not UTF-8,
    /// or if the file cannot be read or is empty.
    pub fn get(&self, name: &str, problems: &mut Vec<String>) -> Option<String> {
        let file_name = format!("{name}_FILE");
        match (self.has(name), self.has(&file_name)) {
            (true, true) => {
                problems.push(format!("{name} and {file_name} are both set; keep one"));
                None
            }
            (true, false) => self.bare(name, problems),
            (false, true) => {
                let path = self.bare(&file_name, problems)?;
                read(name, &path, problems)
            }
            (false, false) => None,
        }
    }

    /// Returns the value of a variable that is set. `docker --env-file` keeps quotes that a
    /// shell removes, so a value in quotes is refused, whatever it is for.
    fn bare(&self, name: &str, problems: &mut Vec<String>) -> Option<String> {
        let Some(value) = self.variables.get(name) else {
            problems.push(format!(
                "{name} holds bytes that are not UTF-8; save the file that sets it as UTF-8"
            ));
            return None;
        };
        if is_quoted(value) {
            problems.push(format!("{name} {QUOTED}"));
            return None;
        }
        Some(value.clone())
    }

    /// True if the variable itself is set and not empty.
    pub fn has(&self, name: &str) -> bool {
        let value = self.variables.get(name);
        value.is_some_and(|value| !value.is_empty()) || self.unreadable.contains(name)
    }

    /// True if the variable, or its `_FILE`, is set.
    pub fn is_set(&self, name: &str) -> bool {
        self.has(name) || self.has(&format!("{name}_FILE"))
    }

    /// Returns the names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.variables.keys().chain(&self.unreadable);
        names.map(String::as_str)
    }
}

fn read(name: &str, path: &str, problems: &mut Vec<String>) -> Option<String> {
    let shown = is_path(path);
    let text = regular_file::read_to_string(path.as_ref()).map_err(|error| {
        problems.push(match shown {
            true => format!("{name}_FILE names {path}, which cannot be read: {error}"),
            false => format!(
                "{name}_FILE names no file that can be read: {error}. It must be a path, such as \
                 /run/secrets/name; a value itself belongs in {name}"
            ),
        });
    });
    let text = text.ok()?;
    let value = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value = value.trim_end_matches(['\r', '\n']);
    if value.is_empty() {
        problems.push(match shown {
            true => format!("{name}_FILE names {path}, which is empty"),
            false => format!("{name}_FILE names a file that is empty"),
        });
        return None;
    }
    Some(value.to_owned())
}

/// Number of letters and digits in a row from which they are no usual word of a path.
const LONGEST_WORD: usize = 20;

/// True if the text can be shown as a path. A secret that was put in the place of its path
/// must not be, because it would be in the log; base64, too, may begin with a slash.
fn is_path(text: &str) -> bool {
    let is_rooted = ["/", "./", "../", "~/"]
        .iter()
        .any(|root| text.starts_with(root));
    if !is_rooted || text.contains(char::is_control) {
        return false;
    }
    let mut components = Path::new(text).components();
    if let Some(Component::RootDir) = components.next()
        && let Some(Component::Normal(top)) = components.next()
        && Path::new("/").join(top).is_dir()
    {
        return true;
    }
    let is_usual = |char: char| char.is_ascii_alphanumeric() || "/._-~@".contains(char);
    let mut words = text.split(|char: char| !char.is_ascii_alphanumeric());
    text.chars().all(is_usual) && words.all(is_word)
}

/// True for letters and digits that people choose: short, and not of all kinds at once.
fn is_word(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|char| is(&char));
    let is_mixed =
        has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit);
    text.len() <= LONGEST_WORD && !is_mixed
}

/// Complaint about a value for which [`is_quoted`] is true; continues its name.
pub const QUOTED: &str = "stands in quotes, which are kept as a part of it; write it without them";

/// True if the text begins and ends with a pair of quotes, straight or typographic.
pub fn is_quoted(text: &str) -> bool {
    const PAIRS: [(char, char); 5] = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
    ];
    let mut chars = text.trim().chars();
    let ends = chars.next().zip(chars.next_back());
    ends.is_some_and(|ends| PAIRS.contains(&ends))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_secret_in_the_place_of_a_path_is_never_shown() {
        for (value, is_shown) in [
            ("/no/such/secret", true),
            (
                "/etc/authseal/gd client secret/0123456789abcdefABCDEF",
                true,
            ),
            ("./secrets/google-secret", true),
            ("../gd", true),
            ("~/gd", true),
            ("GOCSPX-verysecretverysecret", false),
            ("four random words here", false),
            ("redis://:password@host:6379/0", false),
            ("hunter2", false),
            ("~Qx8Q~aaa.bbb_ccc-ddd", false),
            ("/9j/4AAQSkZJRgABAQAAAQABAAD", false),
            ("/hunter2 and more words", false),
            ("/a+b=", false),
            ("/abc\ndef", false),
            ("/q83vEjRWeJCrze8SNFZ4kKvN", false),
        ] {
            let mut problems = Vec::new();
            let environment = Environment::new([("A_FILE", value)]);
            assert_eq!(environment.get("A", &mut problems), None, "{value}");
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].contains(value), is_shown, "{problems:?}");
            assert!(problems[0].starts_with("A_FILE names "), "{problems:?}");
        }
    }

    #[test]
    fn a_file_gives_the_value_without_its_line_end() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "secret\r\n").unwrap();
        let path = file.path().to_str().unwrap();
        let mut problems = Vec::new();
        let environment = Environment::new([("A_FILE", path)]);
        assert_eq!(
            environment.get("A", &mut problems).as_deref(),
            Some("secret")
        );
        assert!(problems.is_empty());

        let both = Environment::new([("A_FILE", path), ("A", "x")]);
        assert_eq!(both.get("A", &mut problems), None);
        fs::write(file.path(), "\u{feff}from Windows\r\n").unwrap();
        let value = environment.get("A", &mut Vec::new());
        assert_eq!(value.as_deref(), Some("from Windows"));
        let missing = Environment::new([("A_FILE", "/no/such/file")]);
        assert_eq!(missing.get("A", &mut problems), None);
        assert!(problems[0].contains("both set"), "{problems:?}");
        assert!(problems[1].contains("/no/such/file"), "{problems:?}");
    }

    #[test]
    fn a_value_in_quotes_or_not_in_utf_8_is_refused_and_not_taken_for_unset() {
        use std::os::unix::ffi::OsStringExt;
        for quoted in [
            "\"a\"",
            "'a'",
            " \"a\" ",
            "\u{201c}a\u{201d}",
            "\"\"",
            "`a`",
        ] {
            let mut problems = Vec::new();
            let environment = Environment::new([("A", quoted)]);
            assert_eq!(environment.get("A", &mut problems), None, "{quoted}");
            assert!(problems[0].contains("stands in quotes"), "{problems:?}");
        }
        for bare in ["\"", "a\"b\"", "it's", "{\"a\":\"b\"}"] {
            let environment = Environment::new([("A", bare)]);
            let value = environment.get("A", &mut Vec::new());
            assert_eq!(value.as_deref(), Some(bare));
        }
        let latin_1 = OsString::from_vec(b"http://user:p\xe4ss@proxy:3128".to_vec());
        let environment = Environment::of_texts([("HTTPS_PROXY".into(), latin_1)]);
        let mut problems = Vec::new();
        assert!(environment.is_set("HTTPS_PROXY"));
        assert_eq!(environment.get("HTTPS_PROXY", &mut problems), None);
        assert!(problems[0].contains("not UTF-8"), "{problems:?}");
    }
}
