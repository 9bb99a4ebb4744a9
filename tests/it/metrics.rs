//! What a collector finds at /metrics.

use std::collections::BTreeSet;

use authseal::{keyring::KeyFolder, seal::Lineage};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{Random, Scrape, ScriptedProvider, TestApp, get, json, post_form, tokens};

/// The kid of the only key.
fn kid(app: &TestApp) -> String {
    let keys = app.app.keyring.current();
    keys.iter().next().unwrap().kid.clone()
}

async fn refresh_sum(app: &TestApp, labels: &[(&str, &str)]) -> f64 {
    let scrape = Scrape::of(&app.admin_url).await;
    scrape.sum("authseal_refresh_total", labels)
}

#[tokio::test]
async fn traffic_is_told_by_service_key_and_outcome() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let app = TestApp::builder().scripted(&provider, "stable");
    let app = app.start().await;
    let kid = kid(&app);
    let authid = app.authid("stable").await;
    for _ in 0..3 {
        app.refresh(&authid).await;
    }
    let scripted = app.seal("scripted", "never-print-refresh");
    app.refresh(&scripted).await;
    let refusals = [
        ("grant_refused", "400 Bad Request", "invalid_grant"),
        ("client_rejected", "401 Unauthorized", "invalid_client"),
        ("provider_failed", "500 Oops", "never-print-error"),
    ];
    for (_, status, error) in refusals {
        let body = json!({ "error": error }).to_string();
        provider.script(move |_| json(status, &body));
        app.refresh(&app.seal("scripted", "never-print-refresh"))
            .await;
    }
    let revoked = app.seal("stable", "never-print-refresh");
    let lineage = app.open(&revoked).lineage.to_string();
    KeyFolder::new(&app.keys_dir)
        .revoke(&lineage, None)
        .unwrap();
    app.app.keyring.reload().unwrap();
    app.refresh(&revoked).await;
    app.refresh(&revoked).await;
    app.refresh("something").await;
    for path in ["/inspected", "/renewed", "/revoked"] {
        let url = format!("{}{path}", app.url);
        let failed = post_form(&url, &[("authid", "something")]).await;
        assert_eq!(failed.status, 401, "{path}");
    }

    let scrape = Scrape::of(&app.admin_url).await;
    let sum = |service, kid, outcome| {
        let labels = [("service", service), ("kid", kid), ("outcome", outcome)];
        scrape.sum("authseal_refresh_total", &labels)
    };
    assert_eq!(sum("stable", &kid, "refreshed"), 1.0, "{}", scrape.text);
    assert_eq!(sum("stable", &kid, "cached"), 2.0);
    assert_eq!(sum("stable", &kid, "revoked"), 2.0);
    assert_eq!(sum("", "", "not_an_authid"), 1.0);
    for (outcome, ..) in refusals {
        assert_eq!(sum("scripted", &kid, outcome), 1.0, "{outcome}");
    }
    assert_eq!(scrape.sum("authseal_revoked_hits_total", &[]), 2.0);
    assert_eq!(scrape.sum("authseal_cached_tokens", &[]), 2.0);
    assert_eq!(scrape.sum("authseal_flights", &[]), 0.0);
    let requests = "authseal_request_seconds_count";
    assert_eq!(scrape.sum(requests, &[("route", "/refresh")]), 10.0);
    let calls = "authseal_provider_call_seconds_count";
    assert_eq!(scrape.sum(calls, &[("provider", "stable")]), 1.0);
    // The one that failed was tried three times.
    assert_eq!(scrape.sum(calls, &[("provider", "scripted")]), 6.0);
    let retries = "authseal_provider_retries_total";
    assert_eq!(scrape.sum(retries, &[("provider", "scripted")]), 2.0);
    assert_eq!(scrape.key_state(&kid), "sealing");
    assert!(!scrape.text.contains("never-print"), "{}", scrape.text);
    for secret in [&authid, &lineage, &app.open(&authid).lineage.to_string()] {
        assert!(!scrape.text.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn the_names_are_what_the_documentation_says() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    app.refresh(&authid).await;
    let scrape = Scrape::of(&app.admin_url).await;
    let names: BTreeSet<String> = [
        "authseal_audit_lines_lost_total",
        "authseal_audit_lines_waiting",
        "authseal_build_info version",
        "authseal_cached_tokens",
        "authseal_certificate_reload_errors_total",
        "authseal_connections",
        "authseal_connections_displaced_total",
        "authseal_connections_timed_out_total",
        "authseal_files_hang files",
        "authseal_flights",
        "authseal_key_age_seconds kid,state",
        "authseal_key_reload_errors_total",
        "authseal_key_reloads_total",
        "authseal_keys_loaded",
        "authseal_keys_missing",
        "authseal_leases_taken_over_total",
        "authseal_log_lines_dropped_total",
        "authseal_provider_call_seconds_bucket le,provider",
        "authseal_provider_call_seconds_count provider",
        "authseal_provider_call_seconds_sum provider",
        "authseal_provider_calls_refused_total provider,reason",
        "authseal_provider_calls_under_way provider",
        "authseal_provider_calls_waiting provider",
        "authseal_provider_left_alone_total provider",
        "authseal_provider_retries_total provider",
        "authseal_refresh_total service,kid,outcome",
        "authseal_request_seconds_bucket le,route",
        "authseal_request_seconds_count route",
        "authseal_request_seconds_sum route",
        "authseal_requests_unserved_total",
        "authseal_revocations",
        "authseal_revocations_loaded",
        "authseal_revoked_hits_total",
        "authseal_store_command_seconds_bucket le",
        "authseal_store_command_seconds_count",
        "authseal_store_command_seconds_sum",
        "authseal_unsaved_authids",
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(scrape.names(), names);
    let documented = ["docs/keys.md", "docs/store.md", "docs/operations.md"].map(|page| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        std::fs::read_to_string(path).unwrap()
    });
    for name in names {
        let name = name.split(' ').next().unwrap();
        let name = ["_bucket", "_count", "_sum"]
            .iter()
            .fold(name, |name, suffix| name.trim_end_matches(suffix));
        assert!(
            documented.iter().any(|page| page.contains(name)),
            "{name} is not documented"
        );
    }
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    assert_eq!(scrape.sum("authseal_build_info", &version), 1.0);
}

/// An AuthID of the right form whose header and service are the asker's words.
fn forged(service: &str, kid: &str) -> String {
    let header = json!({"alg": "dir", "enc": "A256GCM", "kid": kid});
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let (iv, tag) = ("A".repeat(16), "A".repeat(22));
    format!("v2:{service}:{header}..{iv}.{}.{tag}", "A".repeat(300))
}

#[tokio::test]
async fn no_request_can_create_a_label_value() {
    let app = TestApp::start().await;
    let kid = kid(&app);
    let good = app.authid("stable").await;
    app.refresh(&good).await;
    // Once each, so that every outcome there is has its series.
    let not_offered = app.seal("never-print-service", "never-print-refresh");
    let mut hostile = vec![
        not_offered,
        forged("never-print", "never-print"),
        forged("never-print", &kid),
        "never-print".to_owned(),
        good.replace(":stable:", ":never-print:"),
    ];
    for authid in &hostile {
        assert_ne!(app.refresh(authid).await.status, 200);
    }
    let before = Scrape::of(&app.admin_url).await.series();
    let mut random = Random::seeded(5);
    for _ in 0..200 {
        let word = random.text(b"never-print\"{}\\,=", 12);
        hostile.push(forged(&word, &word));
        hostile.push(forged(&word, &kid));
        hostile.push(app.seal(&word, "never-print-refresh"));
    }
    for authid in &hostile {
        assert_ne!(app.refresh(authid).await.status, 200);
        let lineage = Lineage::random();
        get(&format!("{}/refresh?type={lineage}", app.url), &[]).await;
        get(&format!("{}/{lineage}", app.url), &[]).await;
    }
    let after = Scrape::of(&app.admin_url).await;
    assert_eq!(after.series(), before);
    assert!(!after.text.contains("never-print"), "{}", after.text);
    let unknown = [("route", "other")];
    assert_eq!(
        after.sum("authseal_request_seconds_count", &unknown),
        hostile.len() as f64
    );
    let unbelieved = refresh_sum(&app, &[("service", ""), ("kid", "")]).await;
    assert!(unbelieved >= 600.0, "{unbelieved}");
}

#[tokio::test]
async fn the_numbers_are_on_the_admin_address_alone() {
    let app = TestApp::start().await;
    assert_eq!(get(&format!("{}/metrics", app.url), &[]).await.status, 404);
}

#[tokio::test]
async fn a_server_is_ready_while_a_key_may_seal() {
    let app = TestApp::start().await;
    let kid = kid(&app);
    let ready = async || get(&format!("{}/readyz", app.admin_url), &[]).await;
    assert_eq!(ready().await.status, 200);
    let folder = KeyFolder::new(&app.keys_dir);
    folder.retire_key(&kid, Some(app.clock.now())).unwrap();
    app.app.keyring.reload().unwrap();
    let answer = ready().await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (503, "not ready: no key may seal now\n")
    );
    let scrape = Scrape::of(&app.admin_url).await;
    assert_eq!(scrape.key_state(&kid), "retired");
    let end = scrape.sum("authseal_key_end_timestamp_seconds", &[("kid", &kid)]);
    assert_eq!(end, app.clock.now().0 as f64);
}

#[tokio::test]
async fn a_collector_gets_the_format_that_it_asks_for() {
    let app = TestApp::start().await;
    let authid = app.authid("stable").await;
    app.refresh(&authid).await;
    let prometheus = "text/plain; version=0.0.4; charset=utf-8";
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    for (accept, content_type) in [
        ("*/*", prometheus),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", prometheus),
        ("application/json", prometheus),
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3",
            open_metrics,
        ),
    ] {
        let scrape = Scrape::accepting(&app.admin_url, accept).await;
        assert_eq!(scrape.content_type, content_type, "{accept}");
        let is_open = content_type == open_metrics;
        assert_eq!(scrape.text.ends_with("# EOF\n"), is_open, "{accept}");
        let counter = match is_open {
            true => "# TYPE authseal_refresh counter",
            false => "# TYPE authseal_refresh_total counter",
        };
        assert!(scrape.text.lines().any(|line| line == counter), "{accept}");
        assert_eq!(scrape.sum("authseal_refresh_total", &[]), 1.0);
    }
}
