//! Environment variables, each of which may be given as `<name>_FILE`, a path to its value.

use std::{collections::BTreeMap, ffi::OsString, fs};

/// Variables as they are set, before anything is checked.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Values that only [`Environment::expand`] uses.
    placeholders: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's own environment, without variables that are not Unicode.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value): (OsString, OsString)| {
                Some((name.into_string().ok()?, value.into_string().ok()?))
            }),
        )
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
            placeholders: BTreeMap::new(),
        }
    }

    /// Returns the environment with one more variable.
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable in this copy of the environment.
    pub fn set(&mut self, name: &str, value: String) {
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
    /// the line end that editors leave. An empty value counts as not set. Adds to
    /// `problems` if both are set, or if the file cannot be read or is empty.
    pub fn get(&self, name: &str, problems: &mut Vec<String>) -> Option<String> {
        let set = |name: &str| self.variables.get(name).filter(|value| !value.is_empty());
        let file_name = format!("{name}_FILE");
        match (set(name), set(&file_name)) {
            (Some(_), Some(_)) => {
                problems.push(format!("{name} and {file_name} are both set; keep one"));
                None
            }
            (Some(value), None) => Some(value.clone()),
            (None, Some(path)) => match fs::read_to_string(path) {
                Ok(text) => {
                    let value = text.trim_end_matches(['\r', '\n']);
                    if value.is_empty() {
                        problems.push(format!("{file_name} names {path}, which is empty"));
                        return None;
                    }
                    Some(value.to_owned())
                }
                Err(error) => {
                    problems.push(format!(
                        "{file_name} names {path}, which cannot be read: {error}"
                    ));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// True if the variable itself is set and not empty.
    pub fn has(&self, name: &str) -> bool {
        let value = self.variables.get(name);
        value.is_some_and(|value| !value.is_empty())
    }

    /// True if the variable, or its `_FILE`, is set.
    pub fn is_set(&self, name: &str) -> bool {
        self.has(name) || self.has(&format!("{name}_FILE"))
    }

    /// Returns the names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let missing = Environment::new([("A_FILE", "/no/such/file")]);
        assert_eq!(missing.get("A", &mut problems), None);
        assert!(problems[0].contains("both set"), "{problems:?}");
        assert!(problems[1].contains("/no/such/file"), "{problems:?}");
    }
}
