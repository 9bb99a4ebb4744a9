//! AuthIDs that another program or machine fetches.

use crate::support::{
    Browser, TestApp, authid_on, get,
    hand_over::{TOKEN, fetch, log_in_and_confirm},
    hand_over_form, login_link, post_form,
};

async fn app(networks: &str) -> TestApp {
    let app = TestApp::builder().env("AUTHSEAL_AUTHID_NETWORKS", networks);
    app.start().await
}

/// The browser that logs in may be on another machine than the one that uses the AuthID.
#[tokio::test]
async fn a_browser_outside_the_networks_hands_over_an_authid_that_it_cannot_use() {
    let app = app("192.0.2.0/24").await;
    log_in_and_confirm(&app, TOKEN).await.good();
    let fetched = fetch(&app, TOKEN).await;
    let authid = fetched["authid"].as_str().unwrap();
    assert_eq!(app.refresh(authid).await.status, 401);
}

#[tokio::test]
async fn a_machine_outside_the_networks_gets_no_authid() {
    for (networks, status) in [("127.0.0.0/8", 200), ("192.0.2.0/24", 403)] {
        let app = app(networks).await;
        let mut browser = Browser::default();
        let start = get(&format!("{}/?type=stable", app.url), &[]).await;
        let result = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        // The page of the login itself shows it.
        authid_on(&result.body);
        assert!(
            result.body.contains(&format!("from {networks}")),
            "{result:?}"
        );
        let form = hand_over_form(&result.body);
        let made = post_form(&format!("{}/elsewhere", app.url), &form)
            .await
            .good();
        let (_, code) = made.body.split_once("-d code=").unwrap();
        let code = [("code", &code[..19])];
        let collected = post_form(&format!("{}/collect", app.url), &code).await;
        assert_eq!(collected.status, status, "{collected:?}");
        assert_eq!(
            collected.body.contains("v2:"),
            status == 200,
            "{collected:?}"
        );
    }
}
