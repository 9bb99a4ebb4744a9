//! Logging in, as a browser lives it.

use crate::support::TestApp;

#[tokio::test]
async fn a_login_gives_an_authid_that_refreshes() {
    let app = TestApp::start().await;
    for service in ["stable", "single-use"] {
        let authid = app.authid(service).await;
        assert!(authid.starts_with(&format!("v2:{service}:")), "{authid}");
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        assert_eq!(json["type"], service);
        assert_eq!(json["expires"], 3600);
        assert_eq!(json["v2_authid"].is_string(), service == "single-use");
    }
}
