//! Variables that look like credentials of a provider, and that nothing reads.

use std::collections::{BTreeMap, BTreeSet};

use strsim::normalized_damerau_levenshtein;

use super::{tables::Tables, unknown::without_prefix};
use crate::environment::Environment;

/// The parts of a variable behind the name of the credentials.
const CLIENT_ID: &str = "CLIENT_ID";
const CLIENT_SECRET: &str = "CLIENT_SECRET";
const TENANT: &str = "TENANT";

/// Words for the same, as consoles of providers and other programs call them, squashed.
const WORDS: [(&str, &str); 15] = [
    ("CLIENTID", CLIENT_ID),
    ("APPID", CLIENT_ID),
    ("APPKEY", CLIENT_ID),
    ("APPLICATIONID", CLIENT_ID),
    ("CLIENTKEY", CLIENT_ID),
    ("CLIENTSECRET", CLIENT_SECRET),
    ("CLIENTSECRETVALUE", CLIENT_SECRET),
    ("SECRETVALUE", CLIENT_SECRET),
    ("SECRETKEY", CLIENT_SECRET),
    ("APPSECRET", CLIENT_SECRET),
    ("SECRET", CLIENT_SECRET),
    ("TENANT", TENANT),
    ("TENANTID", TENANT),
    ("TENANTNAME", TENANT),
    ("DIRECTORYID", TENANT),
];
/// The same that are too short to be sure: what stands before must be exact, and in the tables.
const SHORT_WORDS: [(&str, &str); 8] = [
    ("ID", CLIENT_ID),
    ("KEY", CLIENT_ID),
    ("CLIENT", CLIENT_ID),
    ("CLIENTPASSWORD", CLIENT_SECRET),
    ("CLIENTVALUE", CLIENT_SECRET),
    ("SECRETID", CLIENT_SECRET),
    ("DIRECTORY", TENANT),
    ("AUTHORITY", TENANT),
];
/// Names of providers that are in no table, squashed, with the name of the credentials.
const VENDORS: [(&str, &str); 18] = [
    ("AZURE", "MSGRAPH"),
    ("AZUREAD", "MSGRAPH"),
    ("AAD", "MSGRAPH"),
    ("ENTRA", "MSGRAPH"),
    ("ENTRAID", "MSGRAPH"),
    ("MS", "MSGRAPH"),
    ("MSFT", "MSGRAPH"),
    ("OD", "MSGRAPH"),
    ("ONEDRIVEBUSINESS", "MSGRAPH"),
    ("O365", "MSGRAPH"),
    ("M365", "MSGRAPH"),
    ("OFFICE365", "MSGRAPH"),
    ("MICROSOFT365", "MSGRAPH"),
    ("GRAPH", "MSGRAPH"),
    ("GCP", "GD"),
    ("DRIVE", "GD"),
    ("DBX", "DROPBOX"),
    ("YADISK", "YANDEX"),
];
/// Words of a name that say nothing of the provider: other programs begin with them.
const NOISE: [&str; 8] = [
    "AUTHSEAL",
    "AUTH",
    "SEAL",
    "OAUTH",
    "OAUTH2",
    "RCLONE",
    "CONFIG",
    "DUPLICATI",
];
/// Set where Azure itself gives a container the other variables that begin with `AZURE_`.
const OF_AZURE: &str = "AZURE_FEDERATED_TOKEN_FILE";
/// Likeness above which two squashed words count as the same.
const ALIKE: f64 = 0.75;
/// Length below which a squashed word must be exact: `FOX` is not a misspelt `BOX`.
const SHORT: usize = 4;

/// The names of credentials, and all words that people take for them.
struct Known<'t> {
    /// From a squashed word to the name of the credentials.
    by_word: BTreeMap<String, &'t str>,
    /// The same from short forms of a name: `GDRIVE` is Google Drive. They must be exact.
    by_short_form: BTreeMap<String, &'t str>,
    /// The variables that are read.
    variables: BTreeSet<String>,
}

/// Returns a sentence for each variable that looks like a credential or a tenant, unless
/// the one that it resembles is set.
pub(super) fn credentials(environment: &Environment, tables: &Tables) -> BTreeMap<String, String> {
    let known = Known::of(tables);
    let is_of_azure = |name: &str| name.starts_with("AZURE_") && environment.has(OF_AZURE);
    let names = environment.names().filter_map(|variable| {
        let name = variable.strip_suffix("_FILE").unwrap_or(variable);
        let meant = known.meant(name).filter(|_| !is_of_azure(name))?;
        (!environment.is_set(&meant)).then(|| not_used(variable, &meant))
    });
    names.collect()
}

pub(super) fn not_used(variable: &str, meant: &str) -> (String, String) {
    let sentence = format!("{variable} is not used; did you mean {meant}?");
    (variable.to_owned(), sentence)
}

impl<'t> Known<'t> {
    fn of(tables: &'t Tables) -> Self {
        let mut known = Self {
            by_word: BTreeMap::new(),
            by_short_form: BTreeMap::new(),
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
            if let Some(short) = short_form(title) {
                known.by_short_form.entry(short).or_insert(name);
            }
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
        let names: Vec<&str> = known.by_word.values().copied().collect();
        for (vendor, credentials) in VENDORS {
            if let Some(name) = names.iter().copied().find(|name| *name == credentials) {
                known.by_short_form.entry(vendor.to_owned()).or_insert(name);
            }
        }
        known
    }

    /// Returns the variable that this name was meant for, unless it is one.
    fn meant(&self, name: &str) -> Option<String> {
        if self.variables.contains(name) {
            return None;
        }
        let whole = squashed(without_prefix(name).unwrap_or(name));
        let mut variables = self.variables.iter();
        if let Some(same) = variables.find(|known| squashed(known) == whole) {
            return Some(same.clone());
        }
        let words = name.split(|char: char| !char.is_alphanumeric());
        let words: Vec<String> = words.map(squashed).collect();
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !word.is_empty() && !NOISE.contains(word))
            .collect();
        (1..words.len()).find_map(|at| {
            let (before, behind) = (words[..at].concat(), words[at..].concat());
            // CLIENT_ID_GOOGLE is the same as GOOGLE_CLIENT_ID.
            self.variable(&before, &behind)
                .or_else(|| self.variable(&behind, &squashed(part(&before)?)))
        })
    }

    /// Returns the variable of these credentials with this part, both squashed.
    fn variable(&self, credentials: &str, word: &str) -> Option<String> {
        let short = SHORT_WORDS.iter().find(|(known, _)| *known == word);
        let (credentials, part) = match short {
            Some((_, part)) => (*self.by_word.get(credentials)?, *part),
            None => (self.credentials(credentials)?, part(word)?),
        };
        let variable = format!("{credentials}_{part}");
        self.variables.contains(&variable).then_some(variable)
    }

    fn exact(&self, word: &str) -> Option<&'t str> {
        let exact = self.by_word.get(word).or(self.by_short_form.get(word));
        exact.copied()
    }

    fn credentials(&self, word: &str) -> Option<&'t str> {
        self.exact(word).or_else(|| {
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
    // Other programs of the same provider have it.
    if word == "APIKEY" {
        return None;
    }
    let exact = WORDS.iter().find(|(known, _)| *known == word);
    let alike = || {
        let is_alike = |known: &str| normalized_damerau_levenshtein(word, known) >= ALIKE;
        WORDS.iter().find(|(known, _)| is_alike(known))
    };
    exact.or_else(alike).map(|(_, part)| *part)
}

/// Returns the first letters of all words but the last, and the last: `GDRIVE` for Google
/// Drive. `None` for one word.
fn short_form(title: &str) -> Option<String> {
    let (before, last) = title.rsplit_once(' ')?;
    let letters: String = before
        .split(' ')
        .filter_map(|word| word.chars().next())
        .collect();
    Some(squashed(&format!("{letters}{last}")))
}

/// Returns the letters and digits alone, in capital letters.
pub(super) fn squashed(text: &str) -> String {
    let letters = text.chars().filter(|char| char.is_alphanumeric());
    letters.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        table_layers::{built_in, layers},
        ways_out::misspelt as ways_out,
    };

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
        found.into_values().collect()
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
            ("Https_Proxy", "HTTPS_PROXY"),
            ("No_proxy", "NO_PROXY"),
            ("AUTHSEAL_HTTPS_PROXY", "HTTPS_PROXY"),
            ("authseal_https_proxy", "HTTPS_PROXY"),
            ("AUTHSEAL_NO_PROXY", "NO_PROXY"),
            ("AUTHSEAL_SSL_CERT_FILE", "SSL_CERT_FILE"),
            ("AUTHSEAL_SSL_CERT_DIR", "SSL_CERT_DIR"),
            ("authseal_gd_client_id", "GD_CLIENT_ID"),
            ("AUTHSEAL_MSGRAPH_TENANT", "MSGRAPH_TENANT"),
            ("GDRIVE_CLIENT_ID", "GD_CLIENT_ID"),
            ("GOOGLE_OAUTH2_CLIENT_SECRET", "GD_CLIENT_SECRET"),
            ("OAUTH_GOOGLE_CLIENT_ID", "GD_CLIENT_ID"),
            ("AUTHSEAL_GOOGLE_SECRET_FILE", "GD_CLIENT_SECRET"),
            ("GOOGLE_KEY", "GD_CLIENT_ID"),
            ("GD_ID", "GD_CLIENT_ID"),
            ("CLIENT_ID_GOOGLE", "GD_CLIENT_ID"),
            ("GD-CLIENT-SECRET", "GD_CLIENT_SECRET"),
            ("AZURE_TENANT_ID", "MSGRAPH_TENANT"),
            ("AZURE_AD_CLIENT_SECRET", "MSGRAPH_CLIENT_SECRET"),
            ("ENTRA_APPLICATION_ID", "MSGRAPH_CLIENT_ID"),
            ("AAD_TENANT", "MSGRAPH_TENANT"),
            ("O365_SECRET_VALUE", "MSGRAPH_CLIENT_SECRET"),
            ("OFFICE_365_CLIENT_ID", "MSGRAPH_CLIENT_ID"),
            ("MS_APP_ID", "MSGRAPH_CLIENT_ID"),
            ("MSGRAPH_DIRECTORY_ID", "MSGRAPH_TENANT"),
            ("MSGRAPH_AUTHORITY", "MSGRAPH_TENANT"),
            ("DROPBOX_KEY", "DROPBOX_CLIENT_ID"),
            ("DBX_APP_SECRET", "DROPBOX_CLIENT_SECRET"),
            ("BOX_ID", "BOX_CLIENT_ID"),
            ("PROXY", "HTTPS_PROXY"),
            ("AUTHSEAL_CA_FILE", "SSL_CERT_FILE"),
            ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
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
            &["MY_CLIENT_ID", "FOX_CLIENT_ID", "CLIENT_ID", "CLIENT_KEY"],
            &["AZURE_CLIENT_ID", "AZURE_TENANT_ID", OF_AZURE],
            &[
                "GOOGLE_API_KEY",
                "GOOGLE_CLOUD_PROJECT_ID",
                "FOX_ID",
                "BOXES_KEY",
            ],
            &[
                "AWS_SECRET_ACCESS_KEY",
                "AZURE_STORAGE_KEY",
                "MACHINE_ID",
                "XDG_SESSION_ID",
            ],
            &[
                "NIX_SSL_CERT_FILE",
                "GRAPH_KEY",
                "MS_KEY",
                "DATABASE_CLIENT_ID",
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
