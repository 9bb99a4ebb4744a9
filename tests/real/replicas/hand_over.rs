//! The popup talks to one replica, the poller to another.

use serde_json::{Value, json};

use super::{fleet::Fleet, redis::Redis};
use crate::support::{
    Answer, Browser, authid_on, get,
    hand_over::{TOKEN, no_such_entry, not_ready},
    hand_over_form, login_link, post_form,
};

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_hands_over_what_was_logged_in_at_another() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let popup = fleet.replica(Some(&redis.url())).await.process;
    let poller = fleet.replica(Some(&redis.url())).await.process;
    let poll = async || -> Value {
        let url = format!("{}/fetch?token={TOKEN}", poller.url);
        get(&url, &[]).await.json()
    };
    assert_eq!(poll().await, not_ready());

    let mut browser = Browser::default();
    let start = format!("{}/?type=box.com&token={TOKEN}", popup.url);
    let page = log_in(&mut browser, &popup.url, &start).await;
    assert_eq!(poll().await, not_ready());
    // The click may come to any of them.
    let clicked = fleet.replica(Some(&redis.url())).await.process;
    let url = format!("{}/hand-over", clicked.url);
    browser.post(&url, &hand_over_form(&page.body)).await.good();

    let authid = authid_on(&page.body);
    assert_eq!(poll().await, json!({"authid": authid}));
    assert_eq!(poll().await, no_such_entry());
    poller.refresh(&authid).await.good();
}

async fn log_in(browser: &mut Browser, url: &str, start: &str) -> Answer {
    let start = browser.get(start).await;
    let login = format!("{url}{}", login_link(&start.body));
    let at_provider = browser.get(&login).await;
    let allowed = get(at_provider.header("location"), &[]).await;
    // The provider knows one address, behind which are all replicas.
    let callback = allowed.header("location");
    let callback = callback.replace("http://localhost", url);
    browser.get(&callback).await.good()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_serves_once_at_all_replicas_while_its_form_is_posted_again_and_again() {
    let fleet = Fleet::new(&["box"]).await;
    let redis = Redis::start().await;
    let one = fleet.replica(Some(&redis.url())).await.process;
    let other = fleet.replica(Some(&redis.url())).await.process;
    for _ in 0..3 {
        let start = format!("{}/?type=box.com", one.url);
        let page = log_in(&mut Browser::default(), &one.url, &start).await;
        let form = hand_over_form(&page.body);
        let make = async |url: &str| post_form(&format!("{url}/elsewhere"), &form).await;
        let made = make(&one.url).await.good();
        let (_, code) = made.body.split_once("-d code=").unwrap();
        let code = &code[..19];
        let collect = async |url: &str| {
            let form = [("code", code)];
            post_form(&format!("{url}/collect"), &form).await.status
        };
        let (_, first, _, second, _, third) = tokio::join!(
            make(&one.url),
            collect(&one.url),
            make(&other.url),
            collect(&other.url),
            make(&one.url),
            collect(&one.url),
        );
        let last = collect(&other.url).await;
        let mut statuses = [first, second, third, last];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404, 404, 404]);
        assert_eq!(make(&other.url).await.status, 410);
    }
}
