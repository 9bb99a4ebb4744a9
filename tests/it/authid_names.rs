//! Names that are sealed into AuthIDs: of the user, by the proxy's header, and of the AuthID.

use std::fs;

use authseal::{
    keyring::{KeyFolder, Revocation, Scope},
    seal::{AuthIdName, Terms},
};
use serde_json::Value;

use crate::support::{
    Answer, Installation, ServerProcess, TestApp, authid_on, form_request, get, post_form, send,
};

const ANNA: (&str, &str) = ("Remote-User", "anna");

/// An authseal behind a proxy that names the user, which asks for a name as well.
async fn naming() -> TestApp {
    let app = TestApp::builder()
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
        .env("AUTHSEAL_LOGIN_HEADER", "Remote-User")
        .env("AUTHSEAL_AUTHID_USER", "true")
        .env("AUTHSEAL_LOGIN_LABEL", "ask");
    app.start().await
}

fn names(app: &TestApp, authid: &str) -> (Option<String>, Option<String>) {
    let terms = app.open(authid).terms;
    let text = |name: &Option<AuthIdName>| name.as_ref().map(ToString::to_string);
    let both = terms.map(|terms: std::sync::Arc<Terms>| (text(&terms.user), text(&terms.label)));
    both.unwrap_or_default()
}

/// Posts the name of the AuthID as the page does.
async fn post_label(app: &TestApp, user: &str, label: &str) -> Answer {
    let url = format!("{}/login?id=stable", app.url);
    let mut request = form_request(&url, &[("label", label)]);
    // As an older proxy writes it, in ISO-8859-1.
    let bytes: Vec<u8> = user.chars().map(|char| char as u8).collect();
    let user = http::HeaderValue::from_bytes(&bytes).unwrap();
    request.headers_mut().insert("remote-user", user);
    send(request).await
}

/// Goes on with a login that has begun, and returns the AuthID.
async fn finish(app: &TestApp, begun: &Answer) -> String {
    assert_eq!(begun.status, 302, "{begun:?}");
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let callback = app.allow(begun.header("location")).await;
    // The proxy's gate is not asked for the callback.
    let page = get(&callback, &[("cookie", cookie)]).await.good();
    authid_on(&page.body)
}

#[tokio::test]
async fn the_names_of_a_login_stay_in_every_later_authid_and_stand_where_they_help() {
    let app = naming().await;
    let login = format!("{}/login?id=stable", app.url);
    let asked = get(&login, &[ANNA]).await.good();
    assert!(
        asked.body.contains("action=\"/login?id=stable\""),
        "{}",
        asked.body
    );
    assert!(asked.body.contains("Continue to "), "{}", asked.body);
    // Chromium would stop the redirect to the provider.
    assert!(
        !asked
            .header("content-security-policy")
            .contains("form-action")
    );
    let begun = post_label(&app, "anna", "  laptop of\tthe <accountant> ").await;
    let authid = finish(&app, &begun).await;
    let both = (
        Some("anna".to_owned()),
        Some("laptop of the <accountant>".to_owned()),
    );
    assert_eq!(names(&app, &authid), both);

    let headers = [
        ("X-AuthID", authid.as_str()),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    let url = format!("{}/renewed", app.url);
    let renewed = post_form(&url, &[("authid", &authid)]).await.good();
    assert_eq!(names(&app, &authid_on(&renewed.body)), both);
    let url = format!("{}/inspected", app.url);
    let page = post_form(&url, &[("authid", &authid)]).await.good();
    assert!(
        page.body.contains("<dt>User</dt><dd>anna</dd>"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("laptop of the &#60;accountant&#62;"),
        "{}",
        page.body
    );
    app.refresh(&authid).await.good();
    get(&format!("{}/refresh", app.url), &headers).await.good();
    let privacy = get(&format!("{}/privacy-policy", app.url), &[]).await;
    assert!(
        privacy.body.contains("Its names stand in the log"),
        "{}",
        privacy.body
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_asked_for_again_and_an_empty_one_is_none() {
    let app = naming().await;
    for (label, says) in [
        (
            "x".repeat(65).as_str(),
            "The name has more than 64 characters.",
        ),
        (
            "a\u{200b}b",
            "The name has a character that cannot be seen.",
        ),
    ] {
        let page = post_label(&app, "anna", label).await;
        assert_eq!(page.status, 400);
        assert!(page.body.contains(says), "{}", page.body);
        assert!(
            page.body.contains(&format!("value=\"{label}\"")),
            "{}",
            page.body
        );
    }
    let begun = post_label(&app, "anna", " ").await;
    let authid = finish(&app, &begun).await;
    assert_eq!(names(&app, &authid), (Some("anna".into()), None));
    // Of an older proxy, and too long.
    let begun = post_label(&app, "J\u{fc}rgen", "").await;
    let authid = finish(&app, &begun).await;
    assert_eq!(names(&app, &authid).0.as_deref(), Some("J\u{fc}rgen"));
    let refused = post_label(&app, &"x".repeat(65), "").await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("sent a name for you"),
        "{}",
        refused.body
    );
    let url = format!("{}/login?id=stable", app.url);
    let mut foreign = form_request(&url, &[("label", "theirs")]);
    foreign
        .headers_mut()
        .insert("remote-user", "anna".parse().unwrap());
    foreign
        .headers_mut()
        .insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(send(foreign).await.status, 400);
}

#[tokio::test]
async fn without_the_settings_nobody_is_named() {
    let app = TestApp::builder()
        .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
        .env("AUTHSEAL_LOGIN_HEADER", "Remote-User");
    let app = app.start().await;
    let begun = get(&format!("{}/login?id=stable", app.url), &[ANNA]).await;
    let authid = finish(&app, &begun).await;
    assert_eq!(app.open(&authid).terms, None);
    let privacy = get(&format!("{}/privacy-policy", app.url), &[]).await;
    assert!(
        privacy.body.contains("An AuthID contains no name"),
        "{}",
        privacy.body
    );
}

#[tokio::test]
async fn a_rule_on_a_name_revokes_all_authids_that_have_it_and_no_other() {
    let app = naming().await;
    let mut authids = Vec::new();
    for (user, label) in [
        ("anna", "laptop"),
        ("anna", "desk # 2"),
        ("bert", "laptop"),
        ("bert", ""),
    ] {
        let begun = post_label(&app, user, label).await;
        authids.push(finish(&app, &begun).await);
    }
    let statuses = async || {
        app.app.keyring.reload().unwrap();
        let mut statuses = Vec::new();
        for authid in &authids {
            statuses.push(app.refresh(authid).await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses().await, [200; 4]);
    let later = authseal::clock::UnixTime(app.clock.now().0 + 1);
    let keys = KeyFolder::new(&app.keys_dir);
    let rule = |scope| Revocation::Rule(scope, later);
    let of_desk = rule(Scope::Label("desk # 2".into()));
    keys.set_revoked(&of_desk, true, Some("sold")).unwrap();
    assert_eq!(statuses().await, [200, 401, 200, 200]);
    keys.set_revoked(&of_desk, false, None).unwrap();
    assert_eq!(statuses().await, [200; 4]);
    keys.set_revoked(&rule(Scope::User("anna".into())), true, None)
        .unwrap();
    assert_eq!(statuses().await, [401, 401, 200, 200]);
    // What was renewed before keeps the name, and a later login is another one.
    app.clock.advance(std::time::Duration::from_secs(2));
    let begun = post_label(&app, "anna", "new laptop").await;
    let new = finish(&app, &begun).await;
    assert_eq!(app.refresh(&new).await.status, 200);
}

#[tokio::test]
async fn names_stand_in_the_log_in_the_audit_log_and_in_commands() {
    let (mut installation, _) = Installation::with_key().await;
    let log = installation.keys_dir.parent().unwrap().join("audit.log");
    installation.set("AUTHSEAL_AUDIT_LOG", log.to_str().unwrap());
    installation.set("AUTHSEAL_LOG_FORMAT", "json");
    let name = |text| Some(AuthIdName::new(text).unwrap());
    let terms = Terms {
        user: name("anna"),
        label: name("desk \"2\""),
        ..Terms::default()
    };
    let authid = installation.log_in_named("stable", terms);
    let server = ServerProcess::start(&installation.environment()).await;
    server.refresh(&authid).await.good();
    let line = format!("{{{}", server.program.says("\"route\":\"/refresh\"").await);
    assert!(
        line.contains(r#""user":"anna","label":"desk \"2\"""#),
        "{line}"
    );

    let shown = installation
        .run_with_input(&["authid", "show"], &authid)
        .await;
    assert!(
        shown
            .good()
            .contains("User        anna\nLabel       desk \"2\"\n"),
        "{shown:?}"
    );
    let shown = installation
        .run_with_input(&["authid", "show", "--json"], &authid)
        .await;
    assert_eq!(shown.json()["label"], "desk \"2\"");

    let revoked = installation
        .run(&["revoke", "--label", " desk  \"2\""])
        .await;
    let said = revoked.good();
    assert!(
        said.contains(r#"Revoked label="desk \"2\"" before="#),
        "{said}"
    );
    assert!(
        said.contains("AuthIDs without a name in them are not revoked"),
        "{said}"
    );
    let refused = async || (server.refresh(&authid).await.status == 401).then_some(());
    crate::support::eventually("it is revoked", refused).await;
    let undone = installation
        .run(&["revoke", "--label", "desk \"2\"", "--undo", "--json"])
        .await;
    assert_eq!(undone.json()["revocations"].as_array().unwrap().len(), 1);
    let unknown = installation.run(&["revoke", "--user", "\u{200b}"]).await;
    assert!(
        unknown.bad().contains("the name has a character"),
        "{unknown:?}"
    );
    let text = fs::read_to_string(&log).unwrap();
    let refused = text
        .lines()
        .find(|line| line.contains("\"event\":\"refused\""))
        .unwrap();
    let refused: Value = serde_json::from_str(refused).unwrap();
    assert_eq!(
        (&refused["user"], &refused["label"]),
        (&"anna".into(), &"desk \"2\"".into())
    );
}
