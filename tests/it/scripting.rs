//! Cross-site scripting, tried in everything that a request carries.

use crate::support::{
    Answer, Browser, ScriptedProvider, TestApp, begin, callback, emulators::Emulated, get,
    login_link, post_form, tokens,
};

/// Would leave a text, an attribute in either quotes, a textarea and a title.
const ATTACK: &str =
    r#"</textarea></title>"'><script>alert(1)</script><img src=x onerror=alert(1)>"#;
/// What is left of it where it is shown as it is written.
const ESCAPED: &str = "&#60;script&#62;alert(1)&#60;/script&#62;";
/// Good in a host name to the letter of the URL standard.
const ATTACKING_HOST: &str = r#"http://a"onload=alert(1)'&b.example"#;

fn attack() -> String {
    form_urlencoded::byte_serialize(ATTACK.as_bytes()).collect()
}

/// Whatever it is, no browser makes a script of what was sent.
fn assert_harmless(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    match answer.header("content-type") {
        "application/json" | "text/plain" => {
            return assert!(!format!("{answer:?}").contains("alert"), "{answer:?}");
        }
        content_type => assert_eq!(content_type, "text/html; charset=utf-8", "{answer:?}"),
    }
    for live in [
        "<script>alert",
        "<img",
        "\"'>",
        "'><",
        "\"onload",
        "href=\"javascript:",
    ] {
        assert!(!answer.body.contains(live), "{live}: {answer:?}");
    }
    assert_eq!(answer.body.matches("</title>").count(), 1, "{answer:?}");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("script-src 'self'"), "{answer:?}");
    assert!(!policy.contains("unsafe"), "{answer:?}");
}

#[tokio::test]
async fn no_query_parameter_becomes_a_script() {
    let app = TestApp::start().await;
    let attack = attack();
    let mut shown = 0;
    for path in [
        "/?type=A",
        "/?type=A&token=4k9x2m7q1z8w5v3t6y0u",
        "/?type=javascript:alert(1)",
        "/?token=A",
        "/?type=stable&token=A",
        "/?type=stable&visit=A&error=A&id=A&authid=A",
        "/login?id=A",
        "/login?id=A&visit=A",
        "/cli-token?id=A",
        "/logged-in?state=A&code=A",
        "/logged-in?state=A&error=A&error_description=A&hostname=A&locationid=A",
        "/fetch?token=A",
        "/fetch?token=A&callback=A",
        "/fetch?jsonp=A",
        "/token-state?token=A&callback=A",
        "/refresh?authid=A",
        "/?authid=A&type=A",
        "/refresh?authid=v2:A:A&type=A",
        "/revoke?authid=A",
        "/privacy-policy?A=A",
        "/no/such/A?A",
    ] {
        let url = format!("{}{}", app.url, path.replace('A', &attack));
        let answer = get(&url, &[("referer", &url)]).await;
        assert_harmless(&answer);
        shown += answer.body.matches(ESCAPED).count();
    }
    assert!(shown >= 2, "an unknown type is shown: {shown}");
}

#[tokio::test]
async fn a_redirect_carries_it_only_encoded() {
    let app = TestApp::start().await;
    for path in [
        "/refresh?type=A",
        "/login?id=stable&visit=A",
        "/login?id=stable&x=A",
    ] {
        let url = format!("{}{}", app.url, path.replace('A', &attack()));
        let answer = get(&url, &[]).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let headers = format!("{:?}", answer.headers);
        assert!(!headers.contains("<script>"), "{headers}");
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn no_form_field_becomes_a_script() {
    let emulated = Emulated::start(&["jottacloud"]).await;
    let post = async |path: &str, fields: &[(&str, &str)]| {
        let answer = post_form(&format!("{}{path}", emulated.app.url), fields).await;
        assert_harmless(&answer);
        answer
    };
    let [in_service, in_secret] = [format!("v2:{ATTACK}:x"), format!("v2:stable:{ATTACK}")];
    for authid in [ATTACK, &in_service, &in_secret] {
        let page = post("/revoked", &[("authid", authid)]).await;
        assert!(page.body.contains("The login is not revoked"), "{page:?}");
        post("/refresh", &[("authid", authid)]).await;
    }
    post("/cli-token-login", &[("state", ATTACK), ("token", ATTACK)]).await;

    let (state, cookie) = emulated.open_form("jottacloud").await;
    let page = emulated.paste(&state, &cookie, ATTACK).await;
    assert_harmless(&page);
    assert!(page.body.contains("It did not work."), "{page:?}");
}

#[tokio::test]
async fn no_opener_becomes_a_script() {
    let app = TestApp::start().await;
    let path = "/?type=stable&token=4k9x2m7q1z8w5v3t6y0u";
    for referer in [
        ATTACK,
        ATTACKING_HOST,
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)",
    ] {
        let mut browser = Browser::default();
        let start = browser
            .get_from(referer, &format!("{}{path}", app.url))
            .await;
        assert_harmless(&start);
        let page = app.log_in_by(&mut browser, &login_link(&start.body)).await;
        assert_harmless(&page);
        let is_named = referer == ATTACKING_HOST;
        for page in [start, page] {
            let named = page
                .body
                .contains("http://a&#34;onload=alert(1)&#39;&#38;b.example");
            assert_eq!(named, is_named, "{referer}: {page:?}");
        }
    }
}

#[tokio::test]
async fn what_the_provider_sends_back_becomes_no_script() {
    // With a blank it would be no token at all.
    let provider = ScriptedProvider::start(|_| tokens(&ATTACK.replace(' ', "/"), None));
    let app = TestApp::builder()
        .tables(&CALLBACK_SHOWN.replace("TOKEN_URL", &provider.url("/token")))
        .env("FACTS_CLIENT_ID", "id")
        .env("FACTS_CLIENT_SECRET", "secret")
        .start()
        .await;
    for query in [
        "error=A&error_description=A",
        "code=A&hostname=A&locationid=A&other=A",
    ] {
        let mut browser = Browser::default();
        let request = begin(&app, &mut browser, "facts").await;
        let query = query.replace('A', &attack());
        let page = browser.get(&callback(&app, &request, &query)).await;
        assert_harmless(&page);
        // Code and description; or hostname, locationid and the token.
        let shown = if query.starts_with("error") { 2 } else { 3 };
        assert_eq!(page.body.matches(ESCAPED).count(), shown, "{page:?}");
    }
}

const CALLBACK_SHOWN: &str = r#"
[provider.facts]
name = "Facts"
credentials = ["FACTS"]
authorize_url = "https://provider.example/authorize"
token_url = "TOKEN_URL"
refresh_tokens = "none"
callback_shown = ["hostname", "locationid"]
[service.facts]
provider = "facts"
name = "Facts"
"#;
