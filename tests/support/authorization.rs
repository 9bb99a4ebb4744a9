//! An authorization request, and the callback that answers it.

use url::Url;

use super::{Answer, Browser, TestApp};

/// Goes to /login, and returns where it leads: the authorization request.
pub async fn begin(app: &TestApp, browser: &mut Browser, service: &str) -> String {
    let begun = browser
        .get(&format!("{}/login?id={service}", app.url))
        .await;
    assert_eq!(begun.status, 302, "{begun:?}");
    begun.header("location").to_owned()
}

/// Logs in at a scripted provider: the last page.
pub async fn log_in_by_script(app: &TestApp, browser: &mut Browser) -> Answer {
    let request = begin(app, browser, "scripted").await;
    browser.get(&callback(app, &request, "code=c")).await
}

/// A parameter of an address.
pub fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(key, _)| key == name);
    found.map_or_else(String::new, |(_, value)| value.into_owned())
}

/// The callback of a login whose provider is scripted.
pub fn callback(app: &TestApp, authorization_request: &str, query: &str) -> String {
    let [redirect_uri, state] =
        ["redirect_uri", "state"].map(|name| parameter(authorization_request, name));
    let path = Url::parse(&redirect_uri).unwrap().path().to_owned();
    format!("{}{path}?state={state}&{query}", app.url)
}
