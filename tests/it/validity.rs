//! What pages say about how long an AuthID is good.

use crate::support::{CLIENT_SECRET, ScriptedProvider, TestApp, free_port, get, post_form, tokens};

const RESTART: &str = "log in again after this server is restarted.";

/// The start page, that of one service, and the page after `/renew` of an AuthID.
struct Pages {
    all: String,
    one: String,
    result: String,
}

async fn pages(app: &TestApp, service: &str, authid: &str) -> Pages {
    let start = async |query: String| get(&format!("{}/{query}", app.url), &[]).await.body;
    let url = format!("{}/renewed", app.url);
    let renewed = post_form(&url, &[("authid", authid)]).await;
    Pages {
        all: start(String::new()).await,
        one: start(format!("?type={service}")).await,
        result: renewed.body,
    }
}

#[tokio::test]
async fn without_a_store_a_single_use_login_ends_at_a_restart() {
    let app = TestApp::start().await;
    let authid = app.authid("single-use").await;
    let Pages { all, one, result } = pages(&app, "single-use", &authid).await;
    assert!(all.contains(RESTART) && one.contains(RESTART), "{one}");
    assert!(
        result.contains("Until this server is restarted."),
        "{result}"
    );
    let login = app.log_in("single-use").await.body;
    assert!(login.contains("Until this server is restarted."), "{login}");

    let authid = app.authid("stable").await;
    let Pages { one, result, .. } = pages(&app, "stable", &authid).await;
    assert!(!one.contains(RESTART), "{one}");
    assert!(result.contains("Until you or "), "{result}");
}

#[tokio::test]
async fn a_sliding_login_counts_from_its_last_use_only_with_a_store() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-a", Some("never-print-1")));
    let tables = format!(
        "[provider.microsoft]\ntoken_url = {:?}\n",
        provider.url("/token")
    );
    let builder = || {
        TestApp::builder()
            .tables(&tables)
            .env("MSGRAPH_CLIENT_ID", "id")
            .env("MSGRAPH_CLIENT_SECRET", CLIENT_SECRET)
    };
    let result = async |app: TestApp| {
        let authid = app.seal("onedrivev2", "never-print-0");
        pages(&app, "onedrivev2", &authid).await.result
    };
    let without = result(builder().start().await).await;
    assert!(
        without.contains("15 April 2027</time></strong>, 90 days"),
        "{without}"
    );
    let url = format!("redis://127.0.0.1:{}", free_port());
    let with = result(builder().env("AUTHSEAL_STORE_URL", &url).start().await).await;
    assert!(with.contains("For 90 days after its last use"), "{with}");
}

#[tokio::test]
async fn with_a_store_no_page_speaks_of_restarts() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let app = TestApp::builder()
        .env("AUTHSEAL_STORE_URL", &url)
        .start()
        .await;
    for query in ["", "?type=single-use"] {
        let page = get(&format!("{}/{query}", app.url), &[]).await;
        assert!(!page.body.contains("restarted"), "{page:?}");
    }
    let page = app.log_in("single-use").await;
    assert!(page.body.contains("Until you or "), "{page:?}");
}
