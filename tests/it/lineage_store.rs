//! What the refresh engine keeps of a login, seen in the store itself.

use std::{sync::Arc, time::Duration};

use authseal::{
    clock::{Clock, UnixTime},
    config::Config,
    environment::Environment,
    keyring::Jwk,
    outbound::{Outbound, WayOut},
    provider::{ProviderClient, RetryPauses},
    refresh::{AuthIdReader, RefreshEngine},
    secret::Secret,
    store::{Memory, Name},
    telemetry::Metrics,
};

use super::lineages::numbering;
use crate::support::{CLIENT_SECRET, ScriptedProvider, json, seal};

const HOUR: Duration = Duration::from_secs(3600);

/// The engine alone, over a store that the test can look into.
async fn remembered(refresh_tokens: &str, provider: ScriptedProvider) -> Option<Secret> {
    let tables = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[provider.dropbox]\ntoken_url = {:?}\nrefresh_tokens = \"{refresh_tokens}\"\n",
        provider.url("/token")
    );
    std::fs::write(tables.path(), text).unwrap();
    let clock = Clock::manual(UnixTime(1_800_000_000));
    let key = Jwk::generate(clock.now(), Duration::ZERO);
    let config = Config::load(Environment::new([
        ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
        (
            "AUTHSEAL_KEYS",
            &format!("{{\"keys\":[{}]}}", key.to_json().expose()),
        ),
        ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
        ("DROPBOX_CLIENT_ID", "id"),
        ("DROPBOX_CLIENT_SECRET", CLIENT_SECRET),
    ]));
    let config = config.unwrap();
    let keyring = Arc::new(config.keyring);
    let memory = Memory::new(clock.clone(), 1 << 20);
    let metrics = Arc::new(Metrics::new());
    let outbound = Outbound::new(WayOut::default());
    let provider = ProviderClient::new(
        outbound,
        HOUR,
        RetryPauses::default(),
        Duration::from_secs(5),
        &config.offer.catalog,
        &metrics,
    );
    let authids = AuthIdReader {
        catalog: Arc::new(config.offer.catalog),
        old_authids: authseal::oauth_server::OldAuthIds::new(false, None, clock.clone()),
        keyring: keyring.clone(),
        limit: None,
        new_limits: Default::default(),
        clock: clock.clone(),
        metrics,
    };
    let engine = RefreshEngine::new(authids, provider, 1 << 20, memory.clone(), None);
    let authid = seal(&keyring, clock.now(), "dropbox", "never-print-0");
    let opened = authseal::seal::open(&keyring.current(), clock.now(), &authid).unwrap();
    let presented = engine.open(&authid, None).await.unwrap();
    engine.refresh(&presented).await.unwrap();
    memory.get(&Name::new("lineage", opened.grant.lineage.as_bytes()))
}

#[tokio::test]
async fn whatever_a_provider_replaces_is_kept_and_nothing_else_is() {
    for refresh_tokens in ["stable", "sliding", "single-use"] {
        let replacing = ScriptedProvider::start(numbering());
        let sealed = remembered(refresh_tokens, replacing).await.unwrap();
        assert!(!sealed.expose().contains("never-print"));
        assert!(!sealed.expose().starts_with("v2:"));
        let keeping = ScriptedProvider::start(|_| json("200 OK", r#"{"access_token":"a"}"#));
        let remembered = remembered(refresh_tokens, keeping).await;
        assert!(remembered.is_none(), "{refresh_tokens}");
    }
}
