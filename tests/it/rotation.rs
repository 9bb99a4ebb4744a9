//! A provider whose table says "stable", and whose administrator switched rotation on.

use std::sync::{Arc, Mutex};

use crate::support::{Scrape, ScriptedProvider, TestApp, json, tokens};

/// It takes each token once, and a used one ends the grant.
fn rotating() -> ScriptedProvider {
    let good = Arc::new(Mutex::new((0, true)));
    ScriptedProvider::start(move |asked| {
        let (number, is_live) = &mut *good.lock().unwrap();
        *is_live &= asked.field("refresh_token") == format!("never-print-{number}");
        if !*is_live {
            return json("400 Bad Request", r#"{"error":"invalid_grant"}"#);
        }
        *number += 1;
        let refresh_token = format!("never-print-{number}");
        tokens("never-print-a", Some(&refresh_token))
    })
}

#[tokio::test]
async fn generation_0_goes_on_and_the_metric_tells_the_administrator() {
    let provider = rotating();
    let app = TestApp::builder()
        .scripted(&provider, "stable")
        .start()
        .await;
    let noticed = async || {
        let scrape = Scrape::of(&app.admin_url).await;
        let labels = [("provider", "scripted")];
        scrape.sum("authseal_provider_rotates_unexpectedly", &labels)
    };
    assert_eq!(noticed().await, 0.0);
    let authid = app.seal("scripted", "never-print-0");
    for generation in 1..=5 {
        let answer = app.refresh(&authid).await.good();
        let newest = answer.json()["v2_authid"].as_str().unwrap().to_owned();
        assert_eq!(app.open(&newest).generation, generation);
        app.clock.advance(std::time::Duration::from_secs(3600));
    }
    assert_eq!(noticed().await, 1.0);
}
