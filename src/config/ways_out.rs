//! Variables that look like those of the way out to the providers, and that nothing reads.

use std::collections::BTreeMap;

use strsim::damerau_levenshtein;

use super::{
    misspelt::{not_used, squashed},
    unknown::without_prefix,
};
use crate::environment::Environment;

/// Variables of the way out that are read in capital and in small letters, those that are
/// read in capital letters only, and others of the same form that other programs have.
const IN_EITHER_CASE: [&str; 3] = ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"];
const IN_CAPITALS: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
const OF_OTHERS: [&str; 4] = ["HTTP_PROXY", "FTP_PROXY", "FTPS_PROXY", "WS_PROXY"];
/// Names that other programs have for them.
const WAYS: [(&str, &str); 9] = [
    ("PROXY", "HTTPS_PROXY"),
    ("PROXY_URL", "HTTPS_PROXY"),
    ("HTTPS_PROXY_URL", "HTTPS_PROXY"),
    ("OUTBOUND_PROXY", "HTTPS_PROXY"),
    ("CA_FILE", "SSL_CERT_FILE"),
    ("CA_BUNDLE", "SSL_CERT_FILE"),
    ("CURL_CA_BUNDLE", "SSL_CERT_FILE"),
    ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"),
];

/// Returns a sentence for each variable that is one of the way out in other letters, with
/// another letter or behind `AUTHSEAL_`, unless that one is set.
pub(super) fn misspelt(environment: &Environment) -> BTreeMap<String, String> {
    let names = environment.names().filter_map(|variable| {
        let meant = meant_way_out(variable)?;
        let is_set = environment.is_set(meant) || environment.is_set(&meant.to_lowercase());
        (!is_set).then(|| not_used(variable, meant))
    });
    names.collect()
}

fn meant_way_out(variable: &str) -> Option<&'static str> {
    let known = || IN_EITHER_CASE.into_iter().chain(IN_CAPITALS);
    let is_read = |name: &str| {
        let small = |known: &str| name == known.to_lowercase();
        known().any(|known| known == name) || IN_EITHER_CASE.into_iter().any(small)
    };
    // SSL_CERT_FILE is a name, and SSL_CERT_FILE_FILE names its file.
    let mut names = [variable, variable.strip_suffix("_FILE").unwrap_or(variable)].into_iter();
    if names.clone().any(is_read) {
        return None;
    }
    names.find_map(|name| {
        let bare = without_prefix(name).unwrap_or(name).to_uppercase();
        if OF_OTHERS.contains(&bare.as_str()) {
            return None;
        }
        let is_near = |known: &&str| {
            squashed(known) == squashed(&bare) || damerau_levenshtein(known, &bare) == 1
        };
        let way = WAYS.iter().find(|(name, _)| *name == bare);
        way.map(|(_, meant)| *meant)
            .or_else(|| known().find(is_near))
    })
}
