//! The answers that a foreign page runs as a script.

use crate::support::{
    Browser, TestApp, get,
    hand_over::{TOKEN, log_in_and_confirm, open},
};

const ADDRESSES: [&str; 2] = ["/fetch", "/token-state"];

#[tokio::test]
async fn a_callback_that_is_no_plain_name_is_refused_and_never_repeated() {
    let app = TestApp::start().await;
    for callback in [
        "alert(1)//",
        "a;b",
        "a b",
        "a[0]",
        "a..b",
        ".a",
        "1a",
        "f\n",
        "f\u{2028}",
        "<script>alert(1)</script>",
        "*/alert(1)/*",
        "caf\u{e9}",
        "CWSMIKI0hCD0Up0IZUnnnnnnnn,",
        &"a".repeat(129),
    ] {
        let encoded: String = form_urlencoded::byte_serialize(callback.as_bytes()).collect();
        for address in ADDRESSES {
            for name in ["callback", "jsonp"] {
                let url = format!("{}{address}?token={TOKEN}&{name}={encoded}", app.url);
                let answer = get(&url, &[]).await;
                assert_eq!(answer.status, 400, "{callback:?}: {answer:?}");
                assert_eq!(answer.header("content-type"), "application/json");
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
                let expected = "callback must be a plain JavaScript name";
                assert_eq!(answer.json()["error"], expected, "{callback:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_callback_leaves_the_authid_where_it_is() {
    let app = TestApp::start().await;
    log_in_and_confirm(&app, TOKEN).await;
    let fetch = format!("{}/fetch?token={TOKEN}", app.url);
    let refused = get(&format!("{fetch}&callback=a(b"), &[]).await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(!refused.body.contains("v2:"), "{refused:?}");
    assert!(get(&fetch, &[]).await.json()["authid"].is_string());
}

#[tokio::test]
async fn an_answer_is_a_script_or_json_kept_by_nobody() {
    let app = TestApp::start().await;
    open(&app, &mut Browser::default(), TOKEN).await;
    for address in ADDRESSES {
        for token in [TOKEN, "an-unknown-token", "short", ""] {
            for (callback, content_type) in [
                ("", "application/json"),
                ("&callback=", "application/json"),
                ("&callback=jQuery_1.$f", "text/javascript; charset=utf-8"),
                ("&jsonp=F", "text/javascript; charset=utf-8"),
            ] {
                let url = format!("{}{address}?token={token}{callback}", app.url);
                let answer = get(&url, &[]).await.good();
                assert_eq!(answer.header("content-type"), content_type, "{url}");
                assert_eq!(answer.header("x-content-type-options"), "nosniff");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert_eq!(answer.header("access-control-allow-origin"), "");
                let is_script = content_type.starts_with("text/javascript");
                assert_eq!(answer.body.starts_with("/**/"), is_script, "{answer:?}");
            }
        }
    }
}
