//! Variables that look like credentials of a provider, or like those of the way out, and
//! that nothing reads.

use std::collections::{BTreeMap, BTreeSet};

use strsim::{damerau_levenshtein, normalized_damerau_levenshtein};

use super::{declaration::PREFIX, tables::Tables};
use crate::environment::Environment;

/// The parts of a variable behind the name of the credentials.
const CLIENT_ID: &str = "CLIENT_ID";
const CLIENT_SECRET: &str = "CLIENT_SECRET";
const TENANT: &str = "TENANT";

/// Words for the same, as consoles of providers and other programs call them, squashed.
const WORDS: [(&str, &str); 13] = [
    ("CLIENTID", CLIENT_ID),
    ("APPID", CLIENT_ID),
    ("APPKEY", CLIENT_ID),
    ("APPLICATIONID", CLIENT_ID),
    ("CLIENTKEY", CLIENT_ID),
    ("CLIENTSECRET", CLIENT_SECRET),
    ("CLIENTSECRETVALUE", CLIENT_SECRET),
    ("APPSECRET", CLIENT_SECRET),
    ("SECRET", CLIENT_SECRET),
    ("TENANT", TENANT),
    ("TENANTID", TENANT),
    ("TENANTNAME", TENANT),
    ("DIRECTORYID", TENANT),
];
/// Likeness above which two squashed words count as the same.
const ALIKE: f64 = 0.75;
/// Length below which a squashed word must be exact: `FOX` is not a misspelt `BOX`.
const SHORT: usize = 4;

/// The names of credentials, and all words that people take for them.
struct Known<'t> {
    /// From a squashed word to the name of the credentials.
    by_word: BTreeMap<String, &'t str>,
    /// The variables that are read.
    variables: BTreeSet<String>,
}

/// Returns a sentence for each variable that looks like a credential or a tenant, unless
/// the one that it resembles is set.
pub(super) fn credentials(environment: &Environment, tables: &Tables) -> Vec<String> {
    let known = Known::of(tables);
    let names = environment.names().filter_map(|variable| {
        let name = variable.strip_suffix("_FILE").unwrap_or(variable);
        let meant = known.meant(name)?;
        (!environment.is_set(&meant))
            .then(|| format!("{variable} is not used; did you mean {meant}?"))
    });
    names.collect()
}

impl<'t> Known<'t> {
    fn of(tables: &'t Tables) -> Self {
        let mut known = Self {
            by_word: BTreeMap::new(),
            variables: BTreeSet::new(),
        };
        // Services with a button first: MICROSOFT_CLIENT_ID means theirs.
        let (hidden, shown): (Vec<_>, Vec<_>) =
            tables.services.iter().partition(|table| table.hidden);
        for service in shown.into_iter().chain(hidden) {
            let Some(owner) = tables.providers.get(&service.provider) else {
                continue;
            };
            let names = service.credentials.as_ref().unwrap_or(&owner.credentials);
            for name in names {
                for part in [CLIENT_ID, CLIENT_SECRET] {
                    known.variables.insert(format!("{name}_{part}"));
                }
                if owner.has_tenant {
                    known.variables.insert(format!("{name}_{TENANT}"));
                }
            }
            // An entry of CONFIGFILE has credentials of its own, with an @ in their name.
            let Some(name) = names.first().filter(|name| !name.contains('@')) else {
                continue;
            };
            let title = service.name.split(" (").next().unwrap_or_default();
            let words = [
                name,
                &owner.provider.id,
                &owner.provider.name,
                &service.id,
                title,
            ];
            for word in words
                .into_iter()
                .chain(service.aliases.iter().map(String::as_str))
            {
                known.by_word.entry(squashed(word)).or_insert(name);
            }
        }
        known
    }

    /// Returns the variable that this name was meant for, unless it is one.
    fn meant(&self, name: &str) -> Option<String> {
        if self.variables.contains(name) {
            return None;
        }
        let whole = squashed(name.strip_prefix(PREFIX).unwrap_or(name));
        let mut variables = self.variables.iter();
        if let Some(same) = variables.find(|known| squashed(known) == whole) {
            return Some(same.clone());
        }
        name.match_indices('_').find_map(|(at, _)| {
            let credentials = self.credentials(&squashed(&name[..at]))?;
            let variable = format!("{credentials}_{}", part(&squashed(&name[at..]))?);
            self.variables.contains(&variable).then_some(variable)
        })
    }

    fn credentials(&self, word: &str) -> Option<&'t str> {
        let exact = self.by_word.get(word).copied();
        exact.or_else(|| {
            let long = self.by_word.iter().filter(|_| word.len() >= SHORT);
            let likeness =
                long.map(|(known, name)| (normalized_damerau_levenshtein(word, known), *name));
            likeness
                .filter(|(likeness, _)| *likeness >= ALIKE)
                .max_by(|(a, _), (b, _)| a.total_cmp(b))
                .map(|(_, name)| name)
        })
    }
}

/// Returns the part of a variable that a squashed word stands for.
fn part(word: &str) -> Option<&'static str> {
    let exact = WORDS.iter().find(|(known, _)| *known == word);
    let alike = || {
        let is_alike = |known: &str| normalized_damerau_levenshtein(word, known) >= ALIKE;
        WORDS.iter().find(|(known, _)| is_alike(known))
    };
    exact.or_else(alike).map(|(_, part)| *part)
}

/// Returns the letters and digits alone, in capital letters.
fn squashed(text: &str) -> String {
    let letters = text.chars().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect()
}

/// Variables of the way out, and others of the same form that other programs have.
const WAYS_OUT: [&str; 5] = [
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
const OF_OTHERS: [&str; 4] = ["HTTP_PROXY", "FTP_PROXY", "FTPS_PROXY", "WS_PROXY"];

/// Returns a sentence for each variable whose name differs from one of the way out by one
/// letter, unless that one is set.
pub(super) fn ways_out(environment: &Environment) -> Vec<String> {
    let names = environment.names().filter_map(|variable| {
        let name = variable.strip_suffix("_FILE").unwrap_or(variable);
        let name = match WAYS_OUT.contains(&variable) {
            true => variable,
            false => name,
        };
        let capital = name.to_uppercase();
        if WAYS_OUT.contains(&capital.as_str()) || OF_OTHERS.contains(&capital.as_str()) {
            return None;
        }
        let is_near = |known: &&str| {
            squashed(known) == squashed(name) || damerau_levenshtein(known, &capital) == 1
        };
        let meant = WAYS_OUT.into_iter().find(|known| is_near(known))?;
        let is_set = environment.is_set(meant) || environment.is_set(&meant.to_lowercase());
        (!is_set).then(|| format!("{variable} is not used; did you mean {meant}?"))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table_layers::{built_in, layers};

    fn found(variables: &[&str]) -> Vec<String> {
        let environment = Environment::new(variables.iter().map(|name| (*name, "x")));
        let mut problems = Vec::new();
        let layers = layers(
            built_in(&mut problems),
            toml::Table::new(),
            None,
            &mut problems,
        );
        let tables = Tables::read(layers, &environment, &mut problems);
        let mut found = credentials(&environment, &tables);
        found.extend(ways_out(&environment));
        found
    }

    #[test]
    fn a_misspelt_variable_of_a_provider_is_named_with_the_right_one() {
        for (variable, meant) in [
            ("GOOGLE_CLIENT_ID", "GD_CLIENT_ID"),
            ("GOOGLE_DRIVE_CLIENT_SECRET_FILE", "GD_CLIENT_SECRET"),
            ("GD_CLIENTID", "GD_CLIENT_ID"),
            ("GDCLIENT_ID", "GD_CLIENT_ID"),
            ("gd_client_id", "GD_CLIENT_ID"),
            ("GD_SECRET", "GD_CLIENT_SECRET"),
            ("GD_CLIENT_IDD", "GD_CLIENT_ID"),
            ("AUTHSEAL_GD_CLIENT_ID", "GD_CLIENT_ID"),
            ("MSGRAPH_TENANT_ID", "MSGRAPH_TENANT"),
            ("MS_GRAPH_CLIENT_ID", "MSGRAPH_CLIENT_ID"),
            ("MSGRAHP_CLIENT_ID", "MSGRAPH_CLIENT_ID"),
            ("MICROSOFT_CLIENT_ID", "MSGRAPH_CLIENT_ID"),
            ("ONEDRIVE_CLIENT_SECRET", "MSGRAPH_CLIENT_SECRET"),
            ("DROPBOX_APP_KEY", "DROPBOX_CLIENT_ID"),
            ("DROPBX_CLIENT_ID", "DROPBOX_CLIENT_ID"),
            ("BOX_COM_CLIENT_ID", "BOX_CLIENT_ID"),
            ("JOTTACLOUD_CLIENT_ID", "JOTTA_CLIENT_ID"),
            ("HTTPS_PORXY", "HTTPS_PROXY"),
            ("HTTPSPROXY", "HTTPS_PROXY"),
            ("SSL_CERTFILE", "SSL_CERT_FILE"),
        ] {
            let expected = format!("{variable} is not used; did you mean {meant}?");
            assert_eq!(found(&[variable]), [expected]);
        }
    }

    #[test]
    fn other_programs_variables_and_the_right_ones_are_left_alone() {
        let none: [String; 0] = [];
        for variables in [
            &["GD_CLIENT_ID", "GCS_CLIENT_SECRET_FILE", "MSGRAPH_TENANT"][..],
            &["GD_CLIENT_ID", "GOOGLE_CLIENT_ID"],
            &[
                "MY_CLIENT_ID",
                "FOX_CLIENT_ID",
                "AZURE_CLIENT_ID",
                "CLIENT_ID",
            ],
            &["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"],
            &[
                "HTTP_PROXY",
                "http_proxy",
                "https_proxy",
                "FTP_PROXY",
                "NO_PROXY",
            ],
            &["SSL_CERT_FILE", "SSL_CERT_DIR", "PATH", "HOME", "SECRETS"],
        ] {
            assert_eq!(found(variables), none, "{variables:?}");
        }
    }
}
