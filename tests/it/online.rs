//! `authseal check --online`: a line for each endpoint, in parallel, and an exit
//! code that a script can trust.

use std::time::{Duration, UNIX_EPOCH};

use crate::{
    settings::{Printed, check_with},
    support::{ScriptedProvider, answer, eventually, free_port, json},
};

fn tables(token_url: &str, authorize_url: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let tables = format!(
        "[provider.own]\nname = \"Own\"\ncredentials = [\"OWN\"]\nrefresh_tokens = \"stable\"\n\
         token_url = \"{token_url}\"\nauthorize_url = \"{authorize_url}\"\n\
         [service.own]\nprovider = \"own\"\nname = \"Own\"\n"
    );
    std::fs::write(file.path(), tables).unwrap();
    file
}

#[tokio::test]
async fn endpoints_that_answer_are_told_from_those_that_do_not() {
    let provider = ScriptedProvider::start(|_| json("404 Not Found", "{}"));
    let answering = provider.url("/token");
    let nobody = format!("http://127.0.0.1:{}/authorize", free_port());
    for (authorize_url, code, says) in [
        (&answering, Some(0), "Ready."),
        (&nobody, Some(1), "1 of 2 endpoints cannot be reached"),
    ] {
        let tables = tables(&answering, authorize_url);
        let printed = check_with(
            &["check", "--online"],
            &[
                ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
                ("AUTHSEAL_SERVICES", "own"),
                ("OWN_CLIENT_ID", "x"),
                ("OWN_CLIENT_SECRET", "never-print-secret"),
            ],
        )
        .await;
        assert_eq!(printed.code, code, "{}", printed.text);
        printed.assert_says(&[&format!("ok      {answering}  HTTP 404"), says]);
        if code == Some(1) {
            printed.assert_says(&[&format!("FAILED  {nobody}"), "refused"]);
        }
    }
}

/// Output of `check --online` with one provider at this address.
async fn online(arguments: &[&str], url: &str, more: &[(&str, &str)]) -> Printed {
    let tables = tables(url, url);
    let mut environment = vec![
        ("AUTHSEAL_PROVIDERS", tables.path().to_str().unwrap()),
        ("AUTHSEAL_SERVICES", "own"),
        ("OWN_CLIENT_ID", "x"),
        ("OWN_CLIENT_SECRET", "never-print-secret"),
    ];
    environment.extend(more);
    check_with(arguments, &environment).await
}

/// Output of `check --online` where the provider's clock is ahead by so many seconds.
async fn with_clock_ahead(seconds: i64) -> Printed {
    let provider = ScriptedProvider::start(move |_| {
        // Read when it is asked: the test itself may take seconds to come to that.
        let now = authseal::clock::Clock::system().now().0;
        let date = Duration::from_secs(now.saturating_add_signed(seconds));
        let date = httpdate::fmt_http_date(UNIX_EPOCH + date);
        answer("400 Bad Request", &format!("Date: {date}\r\n"), "")
    });
    let printed = online(&["check", "--online"], &provider.url("/token"), &[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    printed
}

#[tokio::test]
async fn a_clock_that_differs_from_the_providers_is_told() {
    const HOUR: i64 = 3600;
    for (seconds, says) in [
        (HOUR, " behind, by the time in the providers' answers"),
        (-HOUR, " ahead, by the time in the providers' answers"),
        ((24 * 400 + 12) * HOUR, " is 400 days behind, by"),
        (24 * 3700 * HOUR, " is 10 years behind, by"),
    ] {
        let printed = with_clock_ahead(seconds).await;
        printed.assert_says(&["Warning: this machine's clock is ", says]);
    }
    // A machine that stalls between the two clocks sees a difference.
    let printed = eventually("the clocks are the same", async || {
        let printed = with_clock_ahead(0).await;
        let is_same = printed
            .text
            .contains("Clock          as that of the providers\n");
        is_same.then_some(printed)
    })
    .await;
    assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
}

#[tokio::test]
async fn what_the_proxy_answered_is_told() {
    for (status, says) in [
        (
            "407 Proxy Authentication Required",
            "it does not accept the user and password in the variable",
        ),
        ("403 Forbidden", "its rules do not allow this host"),
        ("502 Bad Gateway", "it cannot reach the host"),
    ] {
        let proxy = ScriptedProvider::start(move |_| answer(status, "", ""));
        let url = proxy.url("").replace("http://", "http://user:never-print@");
        let printed = online(
            &["check", "--online"],
            "https://provider.invalid/token",
            &[("ALL_PROXY", &url)],
        )
        .await;
        assert_eq!(printed.code, Some(1), "{}", printed.text);
        let number = status.split(' ').next().unwrap();
        let answered = format!("through the proxy of ALL_PROXY: it answered HTTP {number}: {says}");
        printed.assert_says(&["1 of 1 endpoints cannot be reached", &answered]);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_of_the_provider_is_no_answer() {
    let leads = |to: &str| format!("Location: {to}\r\n");
    let (portal, sibling) = (
        leads("http://portal.example/login"),
        leads("/oauth2/token/"),
    );
    let (html, json) = (
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Type: application/json\r\n",
    );
    for (status, headers, says) in [
        (
            "511 Network Authentication Required",
            "",
            Some("HTTP 511: this network wants"),
        ),
        (
            "302 Found",
            &portal,
            Some("HTTP 302: it leads to portal.example"),
        ),
        (
            "307 Temporary Redirect",
            &portal,
            Some("HTTP 307: it leads to portal.example"),
        ),
        ("200 OK", html, Some("HTTP 200: it is a web page")),
        ("302 Found", &sibling, None),
        ("404 Not Found", html, None),
        ("405 Method Not Allowed", "", None),
        ("200 OK", json, None),
    ] {
        let headers = headers.to_owned();
        let provider = ScriptedProvider::start(move |_| answer(status, &headers, "{}"));
        let printed = online(&["check", "--online"], &provider.url("/token"), &[]).await;
        match says {
            Some(says) => {
                assert_eq!(printed.code, Some(1), "{status}: {}", printed.text);
                printed.assert_says(&["1 of 1 endpoints cannot be reached", says]);
            }
            None => assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text),
        }
    }
    // A provider may show people a page where this server posts a form.
    let provider = ScriptedProvider::start(move |asked| match asked.request_line.as_str() {
        get if get.starts_with("GET ") => answer("200 OK", html, "<p>Nothing to see"),
        _ => answer("400 Bad Request", json, "{}"),
    });
    let printed = online(&["check", "--online"], &provider.url("/token"), &[]).await;
    assert!(printed.text.starts_with("Ready.\n"), "{}", printed.text);
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_named() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap().to_string();
    let printed = online(
        &["check", "--online"],
        "https://provider.invalid/token",
        &[("https_proxy", &proxy)],
    )
    .await;
    drop(listener);
    printed.assert_says(&["no answer within 10 s through the proxy of https_proxy"]);
}

#[tokio::test]
async fn json_has_each_endpoint_and_the_clock() {
    let provider = ScriptedProvider::start(|_| json("404 Not Found", "{}"));
    let url = provider.url("/token");
    let printed = online(&["check", "--online", "--json"], &url, &[]).await;
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let json: serde_json::Value = serde_json::from_str(&printed.text).unwrap();
    let endpoint = &json["online"]["endpoints"][0];
    assert_eq!(endpoint["url"], url);
    assert_eq!(
        (&endpoint["ok"], &endpoint["status"]),
        (&true.into(), &404.into())
    );
    assert_eq!(
        json["online"]["clock_ahead_seconds"],
        serde_json::Value::Null
    );
    let page = include_str!("../../docs/operations.md");
    for part in [&json["online"], endpoint] {
        for field in part.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "{field}");
        }
    }
}
