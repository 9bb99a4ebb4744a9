//! AuthIDs that were pasted with what surrounded them on their way, through every way in.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::authid::{app, in_form, in_header, in_query};
use crate::support::{Client, Installation, TestApp, form_request};

/// The AuthID in lines of 64 characters.
fn in_lines(authid: &str, between: &str) -> String {
    let lines: Vec<&str> = (0..authid.len())
        .step_by(64)
        .map(|start| &authid[start..(start + 64).min(authid.len())])
        .collect();
    lines.join(between)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Each kind of surroundings, and its name.
fn kinds(authid: &str) -> Vec<(&'static str, String)> {
    let url = format!("scripted://folder?authid={}&x=y", encoded(authid));
    vec![
        ("quotes", format!("\"{authid}\"")),
        ("typographic quotes", format!("\u{201c}{authid}\u{201d}")),
        ("a byte order mark", format!("\u{feff}{authid}")),
        ("a blank without a width", format!("{authid}\u{200b}")),
        ("an option", format!("--authid={authid}")),
        ("a header", format!("X-AuthID: {authid}")),
        (
            "JSON",
            format!("{{\"authid\":\"{authid}\",\"type\":\"scripted\"}}"),
        ),
        ("a target URL", url.clone()),
        ("a target URL, encoded again", encoded(&url)),
        ("a phone's capital", authid.replacen("v2", "V2", 1)),
        ("a full stop", format!("{authid}.")),
        ("a sentence", format!("My AuthID: {authid}, is it right?")),
        ("line breaks", in_lines(authid, "\r\n")),
        ("blanks", in_lines(authid, " ")),
        ("escaped line breaks", in_lines(authid, "\\n")),
        (
            "continued lines",
            format!("--authid={}", in_lines(authid, " \\\n  ")),
        ),
        ("a quoted mail", format!("> {}", in_lines(authid, "\n> "))),
        ("twice the same", format!("{authid} {authid}")),
    ]
}

/// Texts that are nearly an AuthID, and what the reason says of each.
fn flawed(authid: &str) -> Vec<(String, &'static str)> {
    let half = authid.len() / 2;
    let (start, end) = authid.split_at(half);
    let other = authid.replacen("eyJ", "eyK", 1);
    vec![
        (start.to_owned(), "cut off"),
        (end.to_owned(), "beginning of the AuthID is missing"),
        (
            format!("{}...{}", &start[..half - 9], &end[9..]),
            "shortened",
        ),
        (
            format!("{}\u{2013}{}", &start[..half - 1], end),
            "a typographic dash",
        ),
        (format!("{authid}xyz"), "3 more than it was made with"),
        (format!("{authid} {other}"), "different AuthIDs were sent"),
        (
            "ya29.never-print-token".to_owned(),
            "an access token of Google",
        ),
        (
            "https://auth.example.com/refresh".to_owned(),
            "no AuthID in it",
        ),
        (
            "v2:scripted:never-print-token".to_owned(),
            "AUTHSEAL_ACCEPT_V2_PLAIN",
        ),
        (
            format!("{}:never-print-token", "0".repeat(32)),
            "AUTHSEAL_V1_STORAGE",
        ),
        ("nonsense".to_owned(), "not an AuthID"),
    ]
}

type Requested = Request<Full<Bytes>>;

/// The text in each place of a request that takes an AuthID, with the name of the place.
fn requests(app: &TestApp, text: &str) -> Vec<(&'static str, Requested)> {
    let at = |path: &str| format!("{}{path}", app.url);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", text)];
    let header = in_header(&at("/refresh"), text.as_bytes());
    let renewed = in_header(&at("/renewed"), text.as_bytes()).map(|mut request| {
        *request.method_mut() = http::Method::POST;
        request
    });
    let mut requests = vec![
        ("query", in_query(&at("/refresh"), text.as_bytes()).unwrap()),
        ("form", in_form(&at("/refresh"), text.as_bytes())),
        ("/token", form_request(&at("/token"), &grant)),
        ("/inspected", in_form(&at("/inspected"), text.as_bytes())),
        ("/renewed", in_form(&at("/renewed"), text.as_bytes())),
    ];
    // No header has a line break.
    requests.extend(header.map(|request| ("header", request)));
    requests.extend(renewed.map(|request| ("/renewed, header", request)));
    requests
}

#[tokio::test]
async fn what_surrounds_an_authid_is_taken_off_wherever_a_request_has_it() {
    let (app, _provider) = app().await;
    let client = Client::new();
    let authid = app.seal("scripted", "never-print-short");
    for (kind, text) in kinds(&authid) {
        for (place, request) in requests(&app, &text) {
            let answer = client.send(request).await;
            assert_eq!(answer.status, 200, "{kind}, {place}: {answer:?}");
            // The client gets the AuthID without its surroundings.
            match place {
                "header" | "query" | "form" => assert_eq!(answer.json()["v2_authid"], authid),
                "/token" => assert_eq!(answer.json()["refresh_token"], authid),
                _ => {}
            }
        }
    }
    let answer = app.refresh(&authid).await;
    assert!(answer.json()["v2_authid"].is_null(), "{answer:?}");
}

#[tokio::test]
async fn the_reason_names_what_is_wrong_and_repeats_nothing() {
    let (app, provider) = app().await;
    let client = Client::new();
    let authid = app.seal("scripted", "never-print-short");
    for (text, says) in flawed(&authid) {
        for (place, request) in requests(&app, &text) {
            let answer = client.send(request).await;
            let status = if place == "/token" { 400 } else { 401 };
            assert_eq!(answer.status, status, "{answer:?}");
            let said = format!("{} {}", answer.header("x-reason"), answer.body);
            assert!(said.contains(says), "{says}, {place}: {answer:?}");
            let secrets = ["never-print", &authid[20..40], &authid[authid.len() - 12..]];
            for secret in secrets {
                assert!(
                    !format!("{answer:?}").contains(secret),
                    "{says}: {answer:?}"
                );
            }
        }
    }
    assert!(provider.asked().is_empty());
}

#[tokio::test]
async fn a_revocation_takes_what_a_refresh_takes() {
    let emulated = crate::support::emulators::Emulated::start(&["google"]).await;
    let app = &emulated.app;
    for by in ["form", "header", "RFC 7009"] {
        let authid = emulated.credential("googledrive").await;
        let text = format!("\"--authid={authid}\",");
        let revoked = format!("{}/revoked", app.url);
        let request = match by {
            "form" => in_form(&revoked, text.as_bytes()),
            "header" => {
                let mut request = in_header(&revoked, text.as_bytes()).unwrap();
                *request.method_mut() = http::Method::POST;
                request
            }
            _ => form_request(&format!("{}/oauth2/revoke", app.url), &[("token", &text)]),
        };
        let answer = Client::new().send(request).await;
        assert_eq!(answer.status, 200, "{by}: {answer:?}");
        assert_eq!(emulated.at("google").books().live_grants(), 0, "{by}");
    }
}

#[tokio::test]
async fn commands_take_off_what_surrounds_an_authid_and_name_what_is_wrong() {
    let (installation, _) = Installation::with_key().await;
    let authid = installation.log_in("stable");
    let lineage = installation.lineage(&authid);
    let file = installation.keys_dir.with_extension("pasted");
    for (kind, text) in kinds(&authid) {
        std::fs::write(&file, &text).unwrap();
        let path = file.to_str().unwrap();
        for command in [
            vec!["authid", "show", "--json", &text],
            vec!["authid", "show", "--json", "--file", path],
        ] {
            let shown = installation.run(&command).await;
            assert_eq!(shown.json()["lineage"], lineage, "{kind}: {shown:?}");
            assert_eq!(shown.json()["length"], authid.len(), "{kind}");
        }
        let revoked = installation.run(&["revoke", &text]).await;
        assert!(revoked.good().contains(&lineage), "{kind}: {revoked:?}");
        if !text.contains('\n') {
            let imported = installation.run_with_input(&["import"], &text).await;
            let line: serde_json::Value = serde_json::from_str(&imported.stdout).unwrap();
            assert_eq!(line["authid"], authid, "{kind}");
        }
    }
    for (text, says) in flawed(&authid.replacen("stable", "scripted", 1)) {
        if says.contains("AUTHSEAL") {
            continue;
        }
        let shown = installation
            .run_with_input(&["authid", "show"], &text)
            .await;
        assert!(shown.bad().contains(says), "{says}: {shown:?}");
    }
}
