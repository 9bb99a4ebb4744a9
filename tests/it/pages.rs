//! The pages around a login, and addresses that lead nowhere.

use http::{Method, Request};
use http_body_util::Full;

use crate::support::{Answer, TestApp, get, send};

const HIDDEN: &str = r#"
[service.hidden]
provider = "stable"
name = "Hidden storage"
aliases = ["cellar"]
hidden = true
"#;

async fn page(app: &TestApp, path: &str) -> Answer {
    get(&format!("{}{path}", app.url), &[]).await
}

#[tokio::test]
async fn the_start_page_has_a_button_for_each_service_but_the_hidden_ones() {
    let app = TestApp::builder().tables(HIDDEN).start().await;
    let start = page(&app, "/").await;
    assert_eq!(start.status, 200);
    for service in ["stable", "single-use"] {
        let link = format!("href=\"/login?id={service}\"");
        assert!(start.body.contains(&link), "{start:?}");
    }
    assert!(!start.body.contains("Hidden storage"), "{start:?}");
    for id in ["hidden", "cellar"] {
        let one = page(&app, &format!("/?type={id}")).await;
        assert_eq!(one.status, 200, "{id}");
        assert!(one.body.contains("href=\"/login?id=hidden\""), "{one:?}");
        let login = page(&app, &format!("/login?id={id}")).await;
        assert_eq!(login.status, 302, "{id}");
    }
}

#[tokio::test]
async fn an_unknown_type_is_named_escaped_and_the_known_ones_are_shown() {
    let app = TestApp::start().await;
    let start = page(&app, "/?type=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(start.status, 404);
    assert!(start.body.contains("&#60;script&#62;alert(1)"), "{start:?}");
    assert!(!start.body.contains("<script>"), "{start:?}");
    assert!(
        start.body.contains("href=\"/login?id=stable\""),
        "{start:?}"
    );
    assert_eq!(page(&app, "/?type=").await.status, 200);
}

#[tokio::test]
async fn the_privacy_policy_is_ours_or_the_administrators() {
    let app = TestApp::start().await;
    let own = page(&app, "/privacy-policy").await;
    assert_eq!(own.status, 200);
    assert!(own.body.contains("<h1>Privacy</h1>"), "{own:?}");

    let theirs = "https://example.com/privacy?lang=en";
    let app = TestApp::builder().env("AUTHSEAL_PRIVACY_POLICY_URL", theirs);
    let app = app.start().await;
    let redirect = page(&app, "/privacy-policy").await;
    assert_eq!(redirect.status, 302);
    assert_eq!(redirect.header("location"), theirs);
    assert!(page(&app, "/").await.body.contains(theirs));
}

#[tokio::test]
async fn pages_say_the_names_that_the_administrator_chose() {
    let app = TestApp::builder()
        .env("AUTHSEAL_APP_NAME", "Backup <3>")
        .env("AUTHSEAL_DISPLAY_NAME", "Our & Co");
    let start = page(&app.start().await, "/").await;
    for text in ["Backup &#60;3&#62;", "Our &#38; Co"] {
        assert!(start.body.contains(text), "{start:?}");
    }
}

#[tokio::test]
async fn under_a_path_prefix_everything_works_with_and_without_it() {
    let app = TestApp::builder().env("AUTHSEAL_PUBLIC_URL", "https://a.example/seal");
    let app = app.start().await;
    for prefix in ["", "/seal"] {
        let start = page(&app, &format!("{prefix}/")).await;
        assert_eq!(start.status, 200, "{prefix}");
        for link in [
            "/seal/login?id=stable",
            "/seal/style.css",
            "/seal/privacy-policy",
        ] {
            assert!(
                start.body.contains(&format!("href=\"{link}\"")),
                "{link}: {start:?}"
            );
        }
        assert_eq!(page(&app, &format!("{prefix}/style.css")).await.status, 200);
        assert_eq!(page(&app, &format!("{prefix}/refresh")).await.status, 401);
    }
    assert_eq!(page(&app, "/seal").await.status, 200);
    let begun = page(&app, "/seal/login?id=stable").await;
    let redirect_uri = "redirect_uri=https%3A%2F%2Fa.example%2Fseal%2Flogged-in";
    assert!(begun.header("location").contains(redirect_uri), "{begun:?}");
}

#[tokio::test]
async fn a_page_needs_nothing_but_what_this_server_serves() {
    let app = TestApp::start().await;
    for (path, content_type) in [
        ("/style.css", "text/css"),
        ("/authseal.js", "text/javascript"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        let asset = page(&app, path).await;
        assert_eq!(asset.status, 200, "{path}");
        assert_eq!(asset.header("content-type"), content_type);
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
    }
    let pages = ["/", "/?type=stable", "/privacy-policy", "/no", "/logged-in"];
    for path in pages {
        let body = page(&app, path).await.body;
        for foreign in [
            " src=\"http",
            " style=",
            "<style",
            "onclick=",
            "<script>",
            "url(",
        ] {
            assert!(!body.contains(foreign), "{path}: {foreign}");
        }
        let stylesheets = body.matches("rel=\"stylesheet\" href=\"/style.css\"");
        assert_eq!(stylesheets.count(), 1, "{path}");
    }
}

#[tokio::test]
async fn every_page_has_the_strict_headers() {
    let app = TestApp::start().await;
    for path in [
        "/",
        "/?type=x",
        "/privacy-policy",
        "/no",
        "/logged-in",
        "/login?id=x",
    ] {
        let page = page(&app, path).await;
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_405_and_an_unknown_address_404() {
    let app = TestApp::start().await;
    for (path, allow) in [
        ("/", "GET"),
        ("/login?id=stable", "GET, POST"),
        ("/logged-in", "GET"),
        ("/fetch", "GET"),
        ("/token-state", "GET"),
        ("/cli-token", "GET, POST"),
        ("/logged-in/own", "GET"),
        ("/hand-over", "POST"),
        ("/cli-token-login", "POST"),
        ("/revoke", "GET"),
        ("/revoked", "POST"),
        ("/privacy-policy", "GET"),
        ("/style.css", "GET"),
        ("/refresh", "GET, POST"),
    ] {
        let request = Request::builder().method(Method::DELETE);
        let request = request.uri(format!("{}{path}", app.url));
        let answer = send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    for path in [
        "/no",
        "/Login",
        "//",
        "/healthz",
        "/../etc/passwd",
        "/logged-in/",
        "/logged-in/a/b",
        "/logged-in/%2e%2e",
        "/hand-over/x",
    ] {
        assert_eq!(page(&app, path).await.status, 404, "{path}");
    }
}

/// The copy button copies the value of the field. Duplicati never sends an AuthID with a
/// line break or a character beyond ASCII.
#[tokio::test]
async fn the_field_that_is_copied_holds_the_authid_and_nothing_else() {
    let app = TestApp::start().await;
    let shown = app.log_in("stable").await;
    let authid = crate::support::authid_on(&shown.body);
    let renewed = format!("{}/renewed", app.url);
    let renewed = crate::support::post_form(&renewed, &[("authid", &authid)]).await;
    for page in [shown, renewed] {
        let (_, rest) = page.body.split_once("<textarea id=\"authid\"").unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (value, _) = rest.split_once("</textarea>").unwrap();
        assert!(
            value.bytes().all(|byte| byte.is_ascii_graphic()),
            "{value:?}"
        );
        assert_eq!(authseal::seal::find(value).unwrap().expose(), value);
        assert_eq!(app.open(value).lineage, app.open(&authid).lineage);
        // In commands, too.
        let (_, commands) = page.body.split_once("<textarea id=\"script\"").unwrap();
        assert!(commands.contains(value), "{commands}");
    }
    let script = page(&app, "/authseal.js").await.body;
    assert!(script.contains("writeText(field.value)"), "{script}");
}

#[tokio::test]
async fn the_page_of_a_service_says_its_limits_and_has_the_administrators_link() {
    let app = TestApp::builder()
        .env("GD_CLIENT_ID", "google-id")
        .env("GD_CLIENT_SECRET", "never-print-1")
        .env("MSGRAPH_CLIENT_ID", "microsoft-id")
        .env("MSGRAPH_CLIENT_SECRET", "never-print-2")
        .env("MSGRAPH_TENANT", "contoso.example");
    let app = app.start().await;
    let google = page(&app, "/?type=googledrive").await.body;
    for page in [&google, &page(&app, "/").await.body] {
        assert!(
            page.contains("This login sees only files that were made"),
            "{page}"
        );
        assert!(page.contains("public one"), "{page}");
        let link = r#"<a href="/?type=googledocs">/?type=googledocs</a> on this server."#;
        assert!(page.contains(link), "{page}");
    }
    assert!(!google.contains("adminconsent"), "{google}");
    let microsoft = page(&app, "/?type=msgroup").await.body;
    let link = "https://login.microsoftonline.com/contoso.example/v2.0/adminconsent?client_id=\
                microsoft-id&amp;scope=offline_access+Files.ReadWrite.All+Group.Read.All&amp;redirect_uri=";
    // A template may write & as another reference to the same character.
    let microsoft = microsoft.replace("&#38;", "&amp;");
    assert!(microsoft.contains(link), "{microsoft}");
    assert!(!page(&app, "/").await.body.contains("adminconsent"));
}

#[tokio::test]
async fn a_tenant_of_personal_accounts_has_no_administrators_link() {
    for (tenant, shown) in [("consumers", false), ("common", true)] {
        let app = TestApp::builder()
            .env("MSGRAPH_CLIENT_ID", "microsoft-id")
            .env("MSGRAPH_CLIENT_SECRET", "never-print-2")
            .env("MSGRAPH_TENANT", tenant);
        let app = app.start().await;
        let one = page(&app, "/?type=onedrivev2").await.body;
        assert_eq!(
            one.contains("/organizations/v2.0/adminconsent"),
            shown,
            "{one}"
        );
        assert_eq!(one.contains("adminconsent"), shown, "{one}");
    }
}
