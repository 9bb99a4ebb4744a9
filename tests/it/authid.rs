//! What is presented as an AuthID: the right string in any of three places, and
//! nothing else.

use bytes::Bytes;
use http::{HeaderValue, Request, header::ACCEPT};
use http_body_util::Full;
use tokio::task::JoinSet;

use crate::support::{Client, ScriptedProvider, TestApp, form_request, tokens};

pub async fn app() -> (TestApp, ScriptedProvider) {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let app = TestApp::builder().scripted(&provider, "stable");
    (app.start().await, provider)
}

pub fn in_header(url: &str, authid: &[u8]) -> Option<Request<Full<Bytes>>> {
    let value = HeaderValue::from_bytes(authid).ok()?;
    let request = Request::get(url).header("X-AuthID", value);
    Some(request.body(Full::default()).unwrap())
}

/// `None` where the address gets too long for HTTP libraries.
pub fn in_query(url: &str, authid: &[u8]) -> Option<Request<Full<Bytes>>> {
    let query: String = form_urlencoded::byte_serialize(authid).collect();
    let request = Request::get(format!("{url}?authid={query}"));
    request.body(Full::default()).ok()
}

pub fn in_form(url: &str, authid: &[u8]) -> Request<Full<Bytes>> {
    let form: String = form_urlencoded::byte_serialize(authid).collect();
    let request = Request::post(url).header("Content-Type", "application/x-www-form-urlencoded");
    request.body(Full::from(format!("authid={form}"))).unwrap()
}

#[tokio::test]
async fn an_authid_is_taken_from_header_query_and_form_in_that_order() {
    let (app, _provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let client = Client::new();
    let good = app.seal("scripted", "never-print-short");
    let (good, bad) = (good.as_bytes(), b"v2:scripted:bad".as_slice());
    let with = |header: Option<&[u8]>, query: Option<&[u8]>, form: Option<&[u8]>| {
        let url = query.map_or_else(
            || url.clone(),
            |query| in_query(&url, query).unwrap().uri().to_string(),
        );
        let mut request = in_form(&url, form.unwrap_or_default());
        if let Some(header) = header {
            let header = HeaderValue::from_bytes(header).unwrap();
            request.headers_mut().insert("x-authid", header);
        }
        request
    };
    for (header, query, form, status) in [
        (Some(good), None, None, 200),
        (None, Some(good), None, 200),
        (None, None, Some(good), 200),
        (Some(good), Some(bad), Some(bad), 200),
        (Some(bad), Some(good), Some(good), 401),
        (None, Some(good), Some(bad), 200),
        (None, Some(bad), Some(good), 401),
    ] {
        let answer = client.send(with(header, query, form)).await;
        assert_eq!(answer.status, status, "{header:?} {query:?} {form:?}");
    }
}

#[tokio::test]
async fn blanks_around_a_pasted_authid_are_forgiven() {
    let (app, _provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let authid = app.seal("scripted", "never-print-short");
    let request = form_request(&url, &[("authid", &format!(" {authid}\r\n"))]);
    assert_eq!(Client::new().send(request).await.status, 200);
}

#[tokio::test]
async fn a_request_without_an_authid_is_told_what_is_missing() {
    let (app, _provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let requests = [
        Request::get(&url).body(Full::default()).unwrap(),
        Request::post(&url).body(Full::default()).unwrap(),
        Request::post(&url).body(Full::from("authid=x")).unwrap(),
        in_header(&url, b"").unwrap(),
        in_query(&url, b"").unwrap(),
        in_form(&url, b""),
        form_request(&url, &[("other", "x")]),
    ];
    for mut request in requests {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(ACCEPT, json);
        let what = format!("{request:?}");
        let answer = Client::new().send(request).await;
        assert_eq!(answer.status, 401, "{what}");
        assert!(
            answer.header("x-reason").contains("No AuthID was sent"),
            "{what}"
        );
        assert_eq!(answer.json()["error"], "invalid_request", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_far_too_long_is_answered_and_not_cut_off() {
    let (app, _provider) = app().await;
    let url = format!("{}/refresh", app.url);
    let mut clients = JoinSet::new();
    for _ in 0..4 {
        let (client, url) = (Client::new(), url.clone());
        clients.spawn(async move {
            // On one connection, which survives each of them.
            for length in (100_000..300_000).step_by(5_000) {
                let form = vec![b'*'; length];
                let answer = client.send(in_form(&url, &form)).await;
                assert_eq!(answer.status, 401);
                assert!(answer.header("x-reason").contains("too long"), "{answer:?}");
            }
        });
    }
    clients.join_all().await;
}

#[tokio::test]
async fn what_only_looks_right_is_refused_with_what_to_do() {
    let (app, provider) = app().await;
    let authid = app.seal("scripted", "never-print-short");
    let other_server = TestApp::start().await;
    let check = async |authid: &str, status: u16, hint: &str| {
        let answer = app.refresh(authid).await;
        assert_eq!(answer.status, status, "{hint}: {answer:?}");
        let reason = answer.header("x-reason");
        assert!(reason.contains(hint), "{hint}: {reason}");
    };
    let log_in = format!("log in at {}/?type=scripted", app.url);
    check(&authid[..40], 401, "cut off").await;
    check(&authid[..40], 401, "Copy the whole AuthID").await;
    check(&authid[..40], 401, &log_in).await;
    check(&"x".repeat(20_000), 401, "too long").await;
    let other_service = authid.replace(":scripted:", ":stable:");
    check(&other_service, 401, "made for another service").await;
    let foreign = other_server.seal("stable", "never-print-short");
    check(&foreign, 401, "does not have the key").await;
    let unknown = app.seal("elsewhere", "never-print-short");
    check(&unknown, 503, "no longer offers elsewhere").await;
    assert!(provider.asked().is_empty());
}
