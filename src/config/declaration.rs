//! The `settings!` macro: from the declarations in `settings.rs` it makes typed structs that
//! read themselves, and the list of all settings.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
};

use crate::environment::{Environment, QUOTED, is_quoted};

/// Prefix of every setting's variable.
pub(super) const PREFIX: &str = "AUTHSEAL_";

/// The declaration of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Declared {
    /// Name of the variable, without `AUTHSEAL_`.
    pub name: &'static str,
    /// Text of the doc comment, for the table in README.md.
    pub meaning: &'static str,
    /// Name of the kind, which is a function of [`Reader`].
    pub kind: &'static str,
    /// Text about the setting if it is not set; its meaning depends on the kind.
    pub text: &'static str,
}

/// Parses settings, and adds a problem that names the variable for each that is wrong.
pub(super) struct Reader<'a> {
    /// The texts of the settings that are set, by their names in small letters, which is
    /// the form that `envy` gives them.
    texts: HashMap<String, String>,
    /// Names of the settings that are set, also those whose text could not be taken.
    given: HashSet<&'a str>,
    problems: &'a mut Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads the texts of these settings from variables or their `_FILE`.
    pub(super) fn new(
        environment: &Environment,
        names: &[&'a str],
        problems: &'a mut Vec<String>,
    ) -> Self {
        let (mut set, mut given) = (Vec::new(), HashSet::new());
        for name in names {
            let variable = format!("{PREFIX}{name}");
            if environment.is_set(&variable) {
                given.insert(*name);
            }
            if let Some(text) = environment.get(&variable, problems) {
                set.push((variable, text));
            }
        }
        let texts = envy::prefixed(PREFIX).from_iter(set);
        Self {
            texts: texts.expect("any texts make a map of texts"),
            given,
            problems,
        }
    }

    /// Parses a setting without which the server does not start. `example` shows the form.
    pub(super) fn required<T, E: Display>(
        &mut self,
        name: &str,
        example: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.given.contains(name) {
            let problem = format!("{PREFIX}{name} is not set; write it like {example}");
            self.problems.push(problem);
        }
        self.optional(name, "", parse)
    }

    /// Parses a setting that has a default. A wrong value is a problem, and the default is
    /// returned.
    pub(super) fn default<T, E: Display>(
        &mut self,
        name: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> T {
        let given = self.optional(name, "", &parse);
        given.unwrap_or_else(|| match parse(default) {
            Ok(value) => value,
            // A test in settings.rs parses every default.
            Err(error) => panic!("the declared default of {name} {error}"),
        })
    }

    /// Parses a setting that may be left out. Blanks around the value are removed.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        name: &str,
        words: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.password(name, words, |text| match text.trim() {
            // Not the same as an empty value, which counts as not set: a list of networks
            // that holds nothing must not open a gate.
            "" => Err("holds only blanks; give it a value, or remove it".to_owned()),
            // Only a file can hold it: quotes in a variable are refused for all settings.
            quoted if is_quoted(quoted) => Err(QUOTED.to_owned()),
            text => parse(text).map_err(|error| error.to_string()),
        })
    }

    /// Parses a password that may be left out. Blanks at its ends are part of it.
    pub(super) fn password<T, E: Display>(
        &mut self,
        name: &str,
        _words: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.texts.remove(&name.to_lowercase())?;
        let parsed = parse(&text);
        let parsed = parsed.map_err(|error| self.problems.push(format!("{PREFIX}{name} {error}")));
        parsed.ok()
    }
}

/// Makes a struct with a function `read` of each group, the struct `Settings` of all
/// groups, and the list `DECLARED` of all settings.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $group:ident: $Group:ident {
            $(
                $(#[doc = $meaning:literal])+
                $field:ident: $Type:ty = $kind:ident($name:literal, $text:literal, $parse:expr),
            )+
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug)]
            pub struct $Group {
                $(
                    $(#[doc = $meaning])+
                    pub $field: $Type,
                )+
            }

            impl $Group {
                /// Reads the settings of this group only.
                pub(super) fn read(environment: &Environment, problems: &mut Vec<String>) -> Self {
                    let mut reader = Reader::new(environment, &[$($name),+], problems);
                    Self {
                        $($field: reader.$kind($name, $text, $parse),)+
                    }
                }
            }
        )+

        /// All settings, by group.
        pub(super) struct Settings {
            $(pub(super) $group: $Group,)+
        }

        impl Settings {
            /// Reads all settings. If that adds a problem, a setting has its default, or
            /// `None`, instead of a wrong value.
            pub(super) fn read(environment: &Environment, problems: &mut Vec<String>) -> Self {
                Self {
                    $($group: $Group::read(environment, problems),)+
                }
            }
        }

        /// The declarations of all settings.
        pub const DECLARED: &[Declared] = &[
            $($(
                Declared {
                    name: $name,
                    meaning: concat!($($meaning),+).trim_ascii(),
                    kind: stringify!($kind),
                    text: $text,
                },
            )+)+
        ];
    };
}
pub(super) use settings;
