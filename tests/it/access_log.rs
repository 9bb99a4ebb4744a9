//! One line a request, which tells an administrator what happened and a thief nothing.

use serde_json::Value;

use crate::support::{Answer, Installation, ServerProcess, get, hand_over_form, post_form};

async fn serve(format: &str) -> (Installation, ServerProcess) {
    serve_with(format, "info").await
}

async fn serve_with(format: &str, filter: &str) -> (Installation, ServerProcess) {
    let (installation, _) = Installation::with_key().await;
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_LOG", filter));
    environment.push(("AUTHSEAL_LOG_FORMAT", format));
    environment.push(("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1"));
    let server = ServerProcess::start(&environment).await;
    (installation, server)
}

/// The line of the request with this id.
async fn line(server: &ServerProcess, id: &str) -> String {
    server.program.says(id).await;
    let said = server.program.so_far();
    let line = said.lines().find(|line| line.contains(id)).unwrap();
    line.to_owned()
}

async fn id_of(answer: &Answer) -> String {
    answer.header("x-request-id").to_owned()
}

#[tokio::test]
async fn a_request_is_told_by_route_status_login_and_client() {
    let (installation, server) = serve("json").await;
    let authid = installation.log_in("stable");
    let headers = [
        ("X-AuthID", authid.as_str()),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    let answer = get(&format!("{}/refresh", server.url), &headers).await;
    let id = id_of(&answer).await;
    let line: Value = serde_json::from_str(&line(&server, &id).await).unwrap();
    let lineage = installation.open(&authid).grant.lineage.short_hash();
    for (field, value) in [
        ("message", "answered"),
        ("method", "GET"),
        ("route", "/refresh"),
        ("service", "stable"),
        ("lineage", lineage.as_str()),
        ("client", "203.0.113.7"),
        ("request_id", id.as_str()),
        ("level", "INFO"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert_eq!(line["status"], 200);
    assert!(line["ms"].is_u64(), "{line}");
    assert!(line["timestamp"].is_string(), "{line}");
}

#[tokio::test]
async fn nothing_that_could_be_a_secret_stands_in_it() {
    let (installation, server) = serve("text").await;
    let authid = installation.log_in("stable");
    let secret = "never-print-4k9x2m7q1z8w5v3t6y0u";
    for path in [
        &format!("/refresh?authid={authid}"),
        &format!("/{authid}"),
        &format!("/fetch?token={secret}"),
        &format!("/?type={secret}"),
        &format!("/login?id={secret}"),
        &format!("/logged-in?code={secret}&state={secret}"),
        &format!("/{secret}"),
    ] {
        let headers = [
            ("Referer", secret),
            ("User-Agent", secret),
            ("X-Forwarded-For", secret),
            ("X-Request-Id", &format!("{secret}:")),
            ("Cookie", &format!("authseal-session={secret}")),
        ];
        let answer = get(&format!("{}{path}", server.url), &headers).await;
        let line = line(&server, &id_of(&answer).await).await;
        assert!(line.contains("client=unknown@127.0.0.1"), "{line}");
    }
    post_form(&format!("{}/password", server.url), &[("password", secret)]).await;
    let said = server.program.so_far();
    assert!(!said.contains("never-print"), "{said}");
    assert!(!said.contains(&authid), "{said}");
    // Not on a terminal.
    assert!(!said.contains('\u{1b}'), "{said}");
    assert!(
        said.contains(" method=GET route=other status=404 ms="),
        "{said}"
    );
}

#[tokio::test]
async fn a_request_id_that_can_be_one_is_kept_and_any_other_is_replaced() {
    let (_installation, server) = serve("text").await;
    let url = format!("{}/privacy-policy", server.url);
    let given = "7f3b1c9e-2a44-4f0e-9d55-0123456789ab";
    let answer = get(&url, &[("X-Request-Id", given)]).await;
    assert_eq!(answer.header("x-request-id"), given);
    line(&server, given).await;
    for odd in [
        "short",
        "has blanks in it",
        "has:colons:in:it",
        &"x".repeat(65),
    ] {
        let answer = get(&url, &[("X-Request-Id", odd)]).await;
        let id = answer.header("x-request-id");
        assert!(id != odd && id.len() > 16, "{id}");
    }
    let (one, other) = (get(&url, &[]).await, get(&url, &[]).await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

/// The lines of all requests, in JSON, once the server has ended.
async fn lines_to_the_end(server: ServerProcess) -> Vec<Value> {
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
    let lines = output.lines().filter(|line| line.contains("answered"));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn an_authid_that_goes_out_by_a_code_is_told_by_service_and_login() {
    let (installation, server) = serve("json").await;
    let authid = installation.log_in("stable");
    let post = async |path: &str, form: &[(&str, &str)]| {
        post_form(&format!("{}{path}", server.url), form)
            .await
            .good()
    };
    let renewed = post("/renewed", &[("authid", &authid)]).await;
    let made = post("/elsewhere", &hand_over_form(&renewed.body)).await;
    let (_, code) = made.body.split_once("-d code=").unwrap();
    let collected = post("/collect", &[("code", &code[..19])]).await;
    let id = id_of(&collected).await;
    let line: Value = serde_json::from_str(&line(&server, &id).await).unwrap();
    let lineage = installation.open(&authid).grant.lineage.short_hash();
    assert_eq!(line["service"], "stable", "{line}");
    assert_eq!(line["lineage"], lineage.as_str(), "{line}");
}

#[tokio::test]
async fn a_refresh_writes_one_line_that_says_all() {
    let (installation, server) = serve("json").await;
    let authid = installation.log_in("stable");
    let rotating = installation.log_in("single-use");
    for authid in [&authid, &authid, &rotating] {
        server.refresh(authid).await.good();
    }
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", authid.as_str()),
    ];
    post_form(&format!("{}/token", server.url), &form)
        .await
        .good();
    let lineage = |authid| installation.open(authid).grant.lineage.short_hash();
    let (stable, single_use) = (lineage(&authid), lineage(&rotating));
    server.program.terminate().await;
    let (_, output) = server.program.end().await;
    let lines = output.lines().filter(|line| line.contains("lineage"));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let expected = [
        ("/refresh", &stable, "refreshed", 0, Value::Null),
        ("/refresh", &stable, "cached", 0, Value::Null),
        ("/refresh", &single_use, "refreshed", 1, Value::Bool(true)),
        ("/token", &stable, "cached", 0, Value::Null),
    ];
    assert_eq!(lines.len(), expected.len(), "{output}");
    for (line, (route, lineage, outcome, generation, new_authid)) in lines.iter().zip(expected) {
        assert_eq!(line["route"], route, "{line}");
        assert_eq!(line["lineage"], lineage.as_str(), "{line}");
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line["generation"], generation, "{line}");
        assert_eq!(line["new_authid"], new_authid, "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
        assert_eq!(line["target"], "authseal::access", "{line}");
    }
}

#[tokio::test]
async fn an_old_authid_is_told_in_the_line_of_its_request() {
    let (installation, _) = Installation::with_key().await;
    let mut environment = installation.environment();
    environment.push(("AUTHSEAL_ACCEPT_V2_PLAIN", "true"));
    let server = ServerProcess::start(&environment).await;
    let token = installation.provider.issue_refresh_token("stable").unwrap();
    server.refresh(&format!("v2:stable:{token}")).await.good();
    let said = server.program.says("answered").await;
    assert!(said.contains(" old_authid=v2 outcome=refreshed "), "{said}");
    assert!(!said.contains(&token), "{said}");
}

#[tokio::test]
async fn a_failed_request_is_a_warning_and_an_unknown_address_is_not() {
    let (_installation, server) = serve("json").await;
    server.refresh("no-authid").await;
    get(&format!("{}/refresh", server.url), &[]).await;
    get(&format!("{}/wp-login.php", server.url), &[]).await;
    let lines = lines_to_the_end(server).await;
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (&line["level"], &line["status"], &line["outcome"]))
        .collect();
    let (not_one, warn) = (&Value::from("not_an_authid"), &Value::from("WARN"));
    let expected = [
        (warn, &Value::from(401), not_one),
        (warn, &Value::from(401), not_one),
        (&Value::from("INFO"), &Value::from(404), &Value::Null),
    ];
    assert_eq!(seen, expected, "{lines:?}");
}

#[tokio::test]
async fn the_filter_leaves_out_all_requests_or_those_that_did_not_fail() {
    for (filter, statuses) in [
        ("info,authseal::access=off", vec![]),
        ("off", vec![]),
        ("error", vec![]),
        ("info,authseal::access=warn", vec![401]),
        ("warn", vec![401]),
        ("warn,authseal::access=info", vec![200, 401]),
    ] {
        // A log that is off does not tell the address.
        let filter_of_start = format!("{filter},authseal::cli::serve=info");
        let (installation, server) = serve_with("json", &filter_of_start).await;
        server.refresh(&installation.log_in("stable")).await.good();
        server.refresh("no-authid").await;
        let lines = lines_to_the_end(server).await;
        let seen: Vec<_> = lines.iter().map(|line| line["status"].as_u64()).collect();
        let expected: Vec<_> = statuses.into_iter().map(Some).collect();
        assert_eq!(seen, expected, "{filter}: {lines:?}");
    }
}

#[tokio::test]
async fn the_lines_of_all_requests_before_a_stop_are_written() {
    const REQUESTS: usize = 500;
    let (_installation, server) = serve("json").await;
    for _ in 0..REQUESTS {
        get(&format!("{}/favicon.svg", server.url), &[])
            .await
            .good();
    }
    assert_eq!(lines_to_the_end(server).await.len(), REQUESTS);
}
