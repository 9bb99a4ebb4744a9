//! The shipped providers.toml: what Google, Microsoft and Dropbox are sent, to
//! the letter.

mod shipped;

use std::collections::BTreeMap;

use shipped::SHIPPED;
use url::Url;

use crate::support::{
    Asked, Browser, ScriptedProvider, TestApp, TestAppBuilder, authid_on, begin, callback, tokens,
};

const SECRET: &str = "never-print-secret+/=&";
const CODE: &str = "never-print-code/4+=&";
const REFRESH_TOKEN: &str = "never-print-1//0g+=&";

/// The shipped tables with only the token endpoints moved to `provider`.
fn with_shipped_tables(provider: &ScriptedProvider) -> TestAppBuilder {
    let mut app = TestApp::builder();
    for id in ["google", "microsoft", "dropbox"] {
        let token_url = provider.url(&format!("/{id}/{{tenant}}/token"));
        let token_url = match id {
            "microsoft" => token_url,
            _ => token_url.replace("/{tenant}", ""),
        };
        app = app.tables(&format!("\n[provider.{id}]\ntoken_url = {token_url:?}\n"));
    }
    for name in ["GD", "GCS", "MSGRAPH", "DROPBOX"] {
        app = app
            .env(&format!("{name}_CLIENT_ID"), &format!("id of {name}"))
            .env(&format!("{name}_CLIENT_SECRET"), SECRET);
    }
    app
}

fn assert_form(asked: &Asked, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    expected.sort();
    assert_eq!(asked.form(), expected);
    let header = |name: &str| {
        let mut found = asked.headers.iter().filter(|(header, _)| header == name);
        found.next().map_or("", |(_, value)| value)
    };
    assert_eq!(header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(header("accept"), "application/json");
    assert_eq!(header("authorization"), "");
}

#[tokio::test]
async fn each_provider_is_sent_what_it_documents_and_nothing_else() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", Some(REFRESH_TOKEN)));
    let app = with_shipped_tables(&provider).start().await;
    let redirect_uri = format!("{}/logged-in", app.url);
    for expected in SHIPPED {
        provider.forget();
        let client_id = format!("id of {}", expected.credentials);
        let mut browser = Browser::default();
        let request = begin(&app, &mut browser, expected.service).await;
        let url = Url::parse(&request).unwrap();
        assert_eq!(request.split('?').next(), Some(expected.authorize_url));
        let mut parameters: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(parameters.len(), url.query_pairs().count(), "{url}");
        let state = parameters.remove("state").unwrap();
        let challenge = parameters.remove("code_challenge").unwrap();
        assert_eq!((state.len(), challenge.len()), (43, 43));
        let mut standard = BTreeMap::from([
            ("client_id", client_id.as_str()),
            ("code_challenge_method", "S256"),
            ("redirect_uri", &redirect_uri),
            ("response_type", "code"),
            ("scope", expected.scope),
        ]);
        standard.extend(expected.more.iter().copied());
        let parameters: BTreeMap<_, _> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(parameters, standard);

        let code: String = form_urlencoded::byte_serialize(CODE.as_bytes()).collect();
        let page = browser
            .get(&callback(&app, &request, &format!("code={code}")))
            .await;
        let authid = authid_on(&page.body);
        assert_eq!(app.refresh(&authid).await.status, 200);
        let [exchange, refresh] = &provider.asked()[..] else {
            panic!("{:?}", provider.asked());
        };
        let verifier = exchange.field("code_verifier");
        assert!((43..=128).contains(&verifier.len()), "{verifier}");
        assert_form(
            exchange,
            &[
                ("client_id", &client_id),
                ("client_secret", SECRET),
                ("code", CODE),
                ("code_verifier", &verifier),
                ("grant_type", "authorization_code"),
                ("redirect_uri", &redirect_uri),
            ],
        );
        assert_form(
            refresh,
            &[
                ("client_id", &client_id),
                ("client_secret", SECRET),
                ("grant_type", "refresh_token"),
                ("refresh_token", REFRESH_TOKEN),
            ],
        );
    }
}

#[tokio::test]
async fn the_tenant_of_microsoft_can_be_set() {
    for (tenant, expected) in [
        (None, "common"),
        (Some("contoso.example"), "contoso.example"),
    ] {
        let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
        let mut app = with_shipped_tables(&provider);
        if let Some(tenant) = tenant {
            app = app.env("MSGRAPH_TENANT", tenant);
        }
        let app = app.start().await;
        let request = begin(&app, &mut Browser::default(), "sharepoint").await;
        let authorize_url =
            format!("https://login.microsoftonline.com/{expected}/oauth2/v2.0/authorize?");
        assert!(request.starts_with(&authorize_url), "{request}");
        app.refresh(&app.seal("onedrivev2", REFRESH_TOKEN)).await;
        let asked = &provider.asked()[0].request_line;
        assert_eq!(*asked, format!("POST /microsoft/{expected}/token HTTP/1.1"));
    }
}

#[test]
fn the_shipped_endpoints_are_those_of_the_providers() {
    let shipped: toml::Table = include_str!("../../providers.toml").parse().unwrap();
    let endpoint = |provider: &str, name: &str| {
        let value = shipped["provider"][provider].get(name);
        value.map_or("", |url| url.as_str().unwrap()).to_owned()
    };
    let microsoft = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token";
    for (provider, token_url, revoke_url, refresh_tokens) in [
        (
            "google",
            "https://oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com/revoke",
            "stable",
        ),
        ("microsoft", microsoft, "", "sliding"),
        (
            "dropbox",
            "https://api.dropboxapi.com/oauth2/token",
            "https://api.dropboxapi.com/2/auth/token/revoke",
            "stable",
        ),
    ] {
        assert_eq!(endpoint(provider, "token_url"), token_url);
        assert_eq!(endpoint(provider, "revoke_url"), revoke_url);
        assert_eq!(endpoint(provider, "refresh_tokens"), refresh_tokens);
    }
}

#[tokio::test]
async fn a_provider_that_wants_basic_gets_the_secret_in_the_header_alone() {
    let provider = ScriptedProvider::start(|_| tokens("never-print-access", None));
    let app = with_shipped_tables(&provider)
        .tables("client_authentication = \"basic\"\n")
        .start()
        .await;
    app.refresh(&app.seal("dropbox", REFRESH_TOKEN)).await;
    let asked = provider.asked().remove(0);
    assert_eq!(asked.field("client_secret"), "");
    let basic = asked
        .headers
        .iter()
        .find(|(name, _)| name == "authorization");
    assert!(basic.unwrap().1.starts_with("Basic "), "{asked:?}");
}
