//! `authseal keys list`: lists the keys, and the refreshes that the running server
//! counted for each.

use std::{collections::HashMap, time::Duration};

use serde_json::json;
use tokio::net::TcpStream;

use crate::{
    cli::{CliError, admin, output::say},
    clock::UnixTime,
    config::admin_address,
    environment::Environment,
    keyring::{Jwk, KeySet, Keyring},
};

/// Timeout for the metrics of the server on this machine, which responds at once or not
/// at all.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Number of refreshes that the running server counted, by key id. Empty if no server
/// responds.
type RefreshCounts = HashMap<String, u64>;

pub(super) async fn list(
    environment: &Environment,
    keyring: &Keyring,
    now: UnixTime,
    as_json: bool,
) -> Result<(), CliError> {
    let keys = keyring.current();
    let refreshes = refreshes(environment).await;
    if as_json {
        let all: Vec<_> = keys
            .iter()
            .map(|key| described(&keys, key, now, &refreshes))
            .collect();
        let missing: Vec<&str> = keys.missed(now).collect();
        say!("{}", json!({ "keys": all, "missing": missing }));
        return Ok(());
    }
    for kid in keys.missed(now) {
        say!(
            "MISSING: {kid}.jwk is not in {}, and nobody removed it. Put it back, or run authseal \
             keys remove {kid}.",
            keyring.source()
        );
    }
    if keys.is_empty() && keys.missed(now).next().is_some() {
        return Ok(());
    }
    let condition = keyring.condition();
    if keys.is_empty() && condition.is_waiting() {
        // There serve makes none.
        for trouble in condition.troubles(now) {
            say!("There is no key: {trouble}.");
        }
        return Ok(());
    }
    if keys.is_empty() {
        say!(
            "There is no key yet in {}. authseal keys new, or authseal serve, makes one.",
            keyring.source()
        );
        return Ok(());
    }
    say!(
        "{:<10} {:<8} {:>8}  {:<20}  {:<20}  {:<9} {:>9}",
        "kid",
        "state",
        "age",
        "activates",
        "ends",
        "protected",
        "refreshes"
    );
    for key in keys.iter() {
        say!(
            "{:<10} {:<8} {:>8}  {}  {:<20}  {:<9} {:>9}",
            key.kid,
            keys.state(key, now).as_str(),
            in_words(now.since(key.iat)),
            key.nbf,
            key.end().map_or("never".to_owned(), |end| end.to_string()),
            if keys.is_protected(&key.kid) {
                "yes"
            } else {
                "no"
            },
            refreshes
                .get(&key.kid)
                .map_or("-".to_owned(), u64::to_string)
        );
    }
    for key in keys.iter() {
        if let Some(replaced) = &key.replaced {
            say!("{} leaked, and was replaced by {}.", key.kid, replaced.by);
        }
    }
    Ok(())
}

fn described(
    keys: &KeySet,
    key: &Jwk,
    now: UnixTime,
    refreshes: &RefreshCounts,
) -> serde_json::Value {
    json!({
        "kid": key.kid,
        "state": keys.state(key, now).as_str(),
        "made": key.iat.to_string(),
        "activates": key.nbf.to_string(),
        "ends": key.end().map(|end| end.to_string()),
        "age_seconds": now.since(key.iat).as_secs(),
        "protected": keys.is_protected(&key.kid),
        "replaced_by": key.replaced.as_ref().map(|replaced| &replaced.by),
        "refreshes": refreshes.get(&key.kid),
    })
}

/// Formats the largest unit alone: "3d", "5h".
fn in_words(age: Duration) -> String {
    let words = humantime::format_duration(Duration::from_secs(age.as_secs())).to_string();
    words.split(' ').next().unwrap_or_default().to_owned()
}

async fn refreshes(environment: &Environment) -> RefreshCounts {
    let Ok(address) = admin_address(environment) else {
        return RefreshCounts::new();
    };
    let ask = async {
        // Connect first: without a server the HTTP client would retry after a pause.
        TcpStream::connect(address).await.ok()?;
        let answer = admin::ask(address, "/metrics").await.ok()?;
        let is_good = answer.status().is_success();
        is_good.then(|| counted(&String::from_utf8_lossy(answer.body())))
    };
    let answer = tokio::time::timeout(TIMEOUT, ask).await;
    answer.ok().flatten().unwrap_or_default()
}

/// Sums `authseal_refresh_total` by key. A key that the responding server does not have
/// is left out: it may be the server of another folder.
fn counted(metrics: &str) -> RefreshCounts {
    let samples = |name: &'static str| {
        metrics.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(name)?.rsplit_once("} ")?;
            let mut labels = labels.trim_start_matches('{').split(',');
            let kid = labels.find_map(|label| label.strip_prefix("kid=\"")?.strip_suffix('"'))?;
            Some((kid, value.parse::<f64>().ok()?))
        })
    };
    let ages = samples("authseal_key_age_seconds");
    let mut refreshes: RefreshCounts = ages.map(|(kid, _)| (kid.to_owned(), 0)).collect();
    for (kid, value) in samples("authseal_refresh_total") {
        if let Some(count) = refreshes.get_mut(kid) {
            *count += value as u64;
        }
    }
    refreshes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshes_are_added_up_by_key_and_those_of_unknown_keys_left_out() {
        let metrics = "# TYPE authseal_refresh counter\n\
            authseal_refresh_total{service=\"a\",kid=\"one\",outcome=\"refreshed\"} 3\n\
            authseal_refresh_total{service=\"b\",kid=\"one\",outcome=\"cached\"} 4\n\
            authseal_refresh_total{service=\"\",kid=\"\",outcome=\"tampered\"} 9\n\
            authseal_refresh_total{service=\"a\",kid=\"other\",outcome=\"cached\"} 5\n\
            authseal_key_age_seconds{kid=\"one\",state=\"opening\"} 12.0\n\
            authseal_key_age_seconds{kid=\"new\",state=\"sealing\"} 1.0\n";
        let expected = [("one".to_owned(), 7), ("new".to_owned(), 0)];
        assert_eq!(counted(metrics), expected.into());
    }
}
