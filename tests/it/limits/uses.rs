//! The uses of an AuthID in an hour.

use std::time::Duration;

use super::{limits, post, token, with_limits};
use crate::support::TestApp;

#[tokio::test]
async fn an_authid_is_used_so_often_in_an_hour_whichever_way() {
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let authid = with_limits(&app, &login, limits(None, "", 4));
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(token(&app, &authid).await.status, 200);
    let renewed = super::authid_in(&post(&app, "/renewed", &authid).await, "authid");
    assert_eq!(app.refresh(&renewed).await.status, 200);

    let refused = app.refresh(&authid).await;
    // Not 401: a new login is not what helps, and Duplicati stops at 503 with the reason.
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), "900");
    let reason = "The AuthID has been used as often as it may be in an hour. Wait 15 minutes";
    assert_eq!(refused.header("x-reason"), reason);
    assert_eq!(token(&app, &authid).await.status, 503);
    assert_eq!(post(&app, "/renewed", &authid).await.status, 503);
    assert_eq!(post(&app, "/inspected", &authid).await.status, 200);
    assert_eq!(app.refresh(&login).await.status, 200, "one without limits");

    app.clock.advance(Duration::from_secs(900));
    assert_eq!(app.refresh(&authid).await.status, 200);
    assert_eq!(app.refresh(&authid).await.status, 503);
}

#[tokio::test]
async fn a_narrow_authid_uses_nothing_of_a_wide_one_up_and_a_copy_adds_nothing() {
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let [wide, copy] = [60, 60].map(|uses| with_limits(&app, &login, limits(None, "", uses)));
    let narrow = with_limits(&app, &login, limits(None, "", 1));
    assert_eq!(app.refresh(&narrow).await.status, 200);
    assert_eq!(app.refresh(&narrow).await.status, 503);
    let mut uses = 0;
    for authid in [&wide, &copy].into_iter().cycle().take(80) {
        uses += u32::from(app.refresh(authid).await.status == 200);
    }
    assert_eq!(uses, 60);
}

#[tokio::test]
async fn whoever_is_refused_for_the_network_uses_nothing_up() {
    let app = TestApp::start().await;
    let login = app.authid("stable").await;
    let elsewhere = with_limits(&app, &login, limits(None, "192.0.2.0/24", 1));
    for _ in 0..3 {
        assert_eq!(app.refresh(&elsewhere).await.status, 401);
    }
    let here = with_limits(&app, &login, limits(None, "127.0.0.0/8", 1));
    assert_eq!(app.refresh(&here).await.status, 200);
    assert_eq!(app.refresh(&here).await.status, 503);
}
