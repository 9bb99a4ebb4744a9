//! Variables that look like settings and are none.

use std::collections::BTreeMap;

use strsim::damerau_levenshtein;

use super::{declaration::PREFIX, fields::nearest, misspelt::squashed, settings::DECLARED};
use crate::environment::Environment;

/// Settings whose name without `AUTHSEAL_` is also that of another program's variable.
const COMMON: [&str; 6] = [
    "APP_NAME",
    "DISPLAY_NAME",
    "FIRST_KEY",
    "LOG_FORMAT",
    "PRIVACY_POLICY_URL",
    "V1_STORAGE",
];

/// Words that other programs have for a setting, without `AUTHSEAL_`.
const WORDS: [(&str, &str); 26] = [
    ("PASSWORD", "LOGIN_PASSWORD"),
    ("AUTH_PASSWORD", "LOGIN_PASSWORD"),
    ("ALLOWED_NETWORKS", "LOGIN_NETWORKS"),
    ("ALLOWED_IPS", "LOGIN_NETWORKS"),
    ("NETWORKS", "LOGIN_NETWORKS"),
    ("USER_HEADER", "LOGIN_HEADER"),
    ("AUTH_HEADER", "LOGIN_HEADER"),
    ("REDIS", "STORE_URL"),
    ("REDIS_URL", "STORE_URL"),
    ("VALKEY_URL", "STORE_URL"),
    ("STORE", "STORE_URL"),
    ("URL", "PUBLIC_URL"),
    ("BASE_URL", "PUBLIC_URL"),
    ("EXTERNAL_URL", "PUBLIC_URL"),
    ("ROOT_URL", "PUBLIC_URL"),
    ("HOSTNAME", "PUBLIC_URL"),
    ("DOMAIN", "PUBLIC_URL"),
    ("HOST", "LISTEN"),
    ("PORT", "LISTEN"),
    ("BIND", "LISTEN"),
    ("ADDRESS", "LISTEN"),
    ("ADMIN_PORT", "ADMIN_LISTEN"),
    ("METRICS_LISTEN", "ADMIN_LISTEN"),
    ("LOG_LEVEL", "LOG"),
    ("CERT_FILE", "TLS_CERT"),
    ("PROXIES", "TRUSTED_PROXIES"),
];

/// Words in a name that stand for a word in that of a setting, and some that stand for
/// nothing.
const SYNONYMS: [(&str, &str); 22] = [
    ("CERTIFICATE", "CERT"),
    ("CRT", "CERT"),
    ("SSL", "TLS"),
    ("PASSWORD", "PASSPHRASE"),
    ("KEY", "KEYS"),
    ("DATA", "KEYS"),
    ("DIRECTORY", "DIR"),
    ("FOLDER", "DIR"),
    ("PORT", "LISTEN"),
    ("HOST", "LISTEN"),
    ("ADDR", "LISTEN"),
    ("ADDRESS", "LISTEN"),
    ("ORIGIN", "ORIGINS"),
    ("CORS", "ORIGINS"),
    ("PROXY", "PROXIES"),
    ("TRUST", "TRUSTED"),
    ("SERVICE", "SERVICES"),
    ("SITE", "PUBLIC"),
    ("URI", "URL"),
    ("ALLOWED", ""),
    ("SERVER", ""),
    ("REMOTE", ""),
];

/// Returns a sentence for each `AUTHSEAL_` variable that nothing reads, by its name, and for
/// each setting without `AUTHSEAL_`. Those that a container's platform sets for a service
/// named authseal are left out.
pub(super) fn unknown_settings(environment: &Environment) -> BTreeMap<String, String> {
    let names = environment.names().filter_map(|variable| {
        let name = variable.strip_suffix("_FILE").unwrap_or(variable);
        let meant = match without_prefix(name) {
            Some(rest)
                if is_setting(variable) || is_setting(name) || is_link(rest, environment) =>
            {
                return None;
            }
            Some(rest) => meant_setting(&rest.to_uppercase()),
            None => {
                let meant = forgotten_prefix(name).or_else(|| misspelt_prefix(name))?;
                Some((!environment.is_set(&format!("{PREFIX}{meant}"))).then_some(meant)?)
            }
        };
        let sentence = match meant {
            Some(meant) => {
                format!("{variable} is not a setting; did you mean {PREFIX}{meant}?")
            }
            None => {
                format!(
                    "{variable} is not a setting, so it has no effect: README.md lists them all"
                )
            }
        };
        Some((variable.to_owned(), sentence))
    });
    names.collect()
}

/// Returns the name without `AUTHSEAL_`, however that is written.
pub(super) fn without_prefix(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(PREFIX.len())?;
    start.eq_ignore_ascii_case(PREFIX).then_some(rest)
}

fn is_setting(variable: &str) -> bool {
    let name = variable.strip_prefix(PREFIX);
    name.is_some_and(|name| DECLARED.iter().any(|declared| declared.name == name))
}

fn meant_setting(name: &str) -> Option<&'static str> {
    let word = WORDS.iter().find(|(word, _)| *word == name);
    let names = DECLARED.iter().map(|declared| declared.name);
    word.map(|(_, meant)| *meant)
        .or_else(|| nearest(name, names))
        .or_else(|| by_words(name))
}

/// Returns the setting that has every word of the name, or a synonym of it; `None` if two are
/// equally short.
fn by_words(name: &str) -> Option<&'static str> {
    let means = |word: &str| {
        let same = SYNONYMS.iter().filter(move |(known, _)| *known == word);
        same.map(|(_, meant)| *meant).next()
    };
    let words: Vec<&str> = name.split('_').collect();
    let has = |declared: &str| {
        let mut ours = declared.split('_');
        let mut named = 0;
        let all = words.iter().all(|word| {
            let meant = means(word).unwrap_or(word);
            named += usize::from(!meant.is_empty());
            meant.is_empty() || ours.clone().any(|own| own == meant || own == *word)
        });
        all && named > 0 && ours.next().is_some()
    };
    let count = |name: &str| name.split('_').count();
    let mut fitting: Vec<&str> = DECLARED
        .iter()
        .map(|declared| declared.name)
        .filter(|name| has(name))
        .collect();
    fitting.sort_by_key(|name| count(name));
    match fitting[..] {
        [one] => Some(one),
        [one, other, ..] if count(one) < count(other) => Some(one),
        _ => None,
    }
}

/// True for a variable that Kubernetes sets for the service authseal, or for one such as
/// authseal-redis, and Docker for a link of that name. Without the prefix they are
/// `SERVICE_HOST`, `SERVICE_PORT`, `SERVICE_PORT_HTTP`, `PORT` and `PORT_8080_TCP_ADDR`;
/// Docker also has `NAME` and `ENV_PATH`.
fn is_link(name: &str, environment: &Environment) -> bool {
    let holds = |part: &str, text: &str| {
        let value = environment.get(&format!("{PREFIX}{part}"), &mut Vec::new());
        value.is_some_and(|value| value.contains(text))
    };
    let ends = ["SERVICE_HOST", "SERVICE_PORT"];
    if ends.iter().any(|end| ends_in(name, end)) || ends_in_numbered(name, "SERVICE_PORT_") {
        return true;
    }
    if is_port_of_link(name) {
        return true;
    }
    // A person would write a number; the platforms write tcp://10.0.0.1:8080.
    if ends_in(name, "PORT") {
        return holds(name, "://");
    }
    // Docker writes /this/authseal.
    (name == "NAME" || name.starts_with("ENV_")) && holds("NAME", "/")
}

fn ends_in(name: &str, end: &str) -> bool {
    let before = name.strip_suffix(end);
    before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
}

/// True for a name with this part and at least one letter behind it.
fn ends_in_numbered(name: &str, part: &str) -> bool {
    let halves = name.split_once(part);
    halves.is_some_and(|(before, behind)| {
        (before.is_empty() || before.ends_with('_')) && !behind.is_empty()
    })
}

/// True for `PORT_8080_TCP`, and the same with `_ADDR`, `_PORT` or `_PROTO`.
fn is_port_of_link(name: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let at = parts
        .iter()
        .rposition(|part| ["TCP", "UDP", "SCTP"].contains(part));
    let Some(at) = at.filter(|at| *at >= 2) else {
        return false;
    };
    let is_number = parts[at - 1].parse::<u16>().is_ok();
    let is_end = matches!(parts[at + 1..], [] | ["ADDR" | "PORT" | "PROTO"]);
    parts[at - 2] == "PORT" && is_number && is_end
}

/// Returns the setting that is named exactly, but without its prefix.
fn forgotten_prefix(name: &str) -> Option<&'static str> {
    let mut names = DECLARED.iter().map(|declared| declared.name);
    names.find(|known| *known == name && known.contains('_') && !COMMON.contains(known))
}

/// Returns the setting that is named exactly, behind `AUTHSEAL` in another form: without its
/// `_`, with one more, or with another letter.
fn misspelt_prefix(name: &str) -> Option<&'static str> {
    const MOST_EDITS: usize = 2;
    let prefix = squashed(PREFIX);
    let mut names = DECLARED.iter().map(|declared| declared.name);
    let all = squashed(name);
    if let Some(rest) = all.strip_prefix(&prefix) {
        return names.find(|known| squashed(known) == rest);
    }
    let (start, rest) = name.split_once(['_', '-'])?;
    let is_near = damerau_levenshtein(&squashed(start), &prefix) <= MOST_EDITS;
    let rest = squashed(rest);
    names.find(|known| is_near && squashed(known) == rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variable: &str, value: &str, meant: Option<&str>) {
        let found = unknown_settings(&Environment::new([(variable, value)]));
        let expected = match meant {
            Some("") => {
                format!(
                    "{variable} is not a setting, so it has no effect: README.md lists them all"
                )
            }
            Some(meant) => {
                format!("{variable} is not a setting; did you mean AUTHSEAL_{meant}?")
            }
            None => return assert!(found.is_empty(), "{found:?}"),
        };
        assert_eq!(found.get(variable), Some(&expected), "{variable}");
    }

    #[test]
    fn a_variable_that_nothing_reads_is_named_with_the_right_one() {
        for (variable, meant) in [
            ("AUTHSEAL_PUBLC_URL", "PUBLIC_URL"),
            ("authseal_keys_dir", "KEYS_DIR"),
            ("Authseal_Log", "LOG"),
            ("LOGIN_PASSWORD_FILE", "LOGIN_PASSWORD"),
            ("AUTHSEAL_PASSWORD", "LOGIN_PASSWORD"),
            ("AUTHSEAL_PASSWORD_FILE", "LOGIN_PASSWORD"),
            ("AUTHSEAL_ALLOWED_NETWORKS", "LOGIN_NETWORKS"),
            ("AUTHSEAL_REDIS_URL", "STORE_URL"),
            ("AUTHSEAL_BASE_URL", "PUBLIC_URL"),
            ("AUTHSEAL_PORT", "LISTEN"),
            ("AUTHSEAL_WEATHER", ""),
            ("authseal_weather", ""),
            ("AUTHSEAL_NAME", ""),
            ("AUTHSEAL_USER", "AUTHID_USER"),
            ("AUTHSEAL_CACHE", "CACHE_MB"),
            ("AUTHSEAL_PASSPHRASE_FILE", "KEYS_PASSPHRASE"),
            ("AUTHSEAL_KEY_PASSWORD", "KEYS_PASSPHRASE"),
            ("AUTHSEAL_CORS_ORIGINS", "OPENER_ORIGINS"),
            ("AUTHSEAL_ALLOWED_ORIGINS", "OPENER_ORIGINS"),
            ("AUTHSEAL_SSL_CERTIFICATE", "TLS_CERT"),
            ("AUTHSEAL_SSL_KEY", "TLS_KEY"),
            ("AUTHSEAL_DATA_FOLDER", "KEYS_DIR"),
            ("AUTHSEAL_LISTEN_ADDR", "LISTEN"),
            ("AUTHSEAL_SITE_URI", "PUBLIC_URL"),
            ("AUTHSEALKEYS_DIR", "KEYS_DIR"),
            ("AUTH_SEAL_TRUSTED_PROXIES", "TRUSTED_PROXIES"),
            ("AUTHSEL_STORE_URL", "STORE_URL"),
            ("AUTHSEAL-LOG-FORMAT", "LOG_FORMAT"),
        ] {
            check(variable, "8080", Some(meant));
        }
    }

    #[test]
    fn each_word_of_others_is_none_of_ours_and_stands_for_a_setting() {
        for (word, meant) in WORDS {
            let names: Vec<&str> = DECLARED.iter().map(|declared| declared.name).collect();
            assert!(names.contains(&meant) && !names.contains(&word), "{word}");
        }
    }

    #[test]
    fn settings_and_the_variables_of_platforms_are_left_alone() {
        for (variable, value) in [
            ("AUTHSEAL_LOG", "info"),
            ("AUTHSEAL_LOG_FILE", "/log"),
            ("AUTHSEAL_PORT", "tcp://10.0.0.1:8080"),
            ("AUTHSEAL_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("AUTHSEAL_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("AUTHSEAL_PORT_53_UDP_PROTO", "udp"),
            ("AUTHSEAL_SERVICE_HOST", "10.0.0.1"),
            ("AUTHSEAL_SERVICE_PORT", "8080"),
            ("AUTHSEAL_SERVICE_PORT_HTTP", "8080"),
            ("AUTHSEAL_REDIS_PORT", "tcp://10.0.0.2:6379"),
            ("AUTHSEAL_REDIS_PORT_6379_TCP_PORT", "6379"),
            ("AUTHSEAL_REDIS_SERVICE_HOST", "10.0.0.2"),
            ("AUTHSEAL_REDIS_SERVICE_PORT_DB", "6379"),
            ("AUTHSEAL_NAME", "/web/authseal"),
            ("APP_NAME", "x"),
            ("SERVICES", "x"),
            ("AUTH_URL", "x"),
            ("AUTH_LOG", "x"),
            ("AUTHELIA_LOG", "x"),
            ("AUTH_SEAL_SERVICE_HOST", "10.0.0.1"),
            ("AUTH_SEAL_PORT", "tcp://10.0.0.1:8080"),
        ] {
            check(variable, value, None);
        }
    }
}
