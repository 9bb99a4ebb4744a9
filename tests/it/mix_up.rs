//! Mix-up attacks (RFC 9700 section 4.4): a provider of the table sends the browser on to
//! another one, whose code it wants to be given.

use url::Url;

use super::own_provider::own_service;
use crate::support::{
    Answer, Browser,
    emulators::{CLIENT_ID, CLIENT_SECRET, Emulated, escaped},
    get, parameter,
};

/// The attacker's service, which people have been told to log in to.
const ATTACKERS: &str = "ourcloud";
const GOOGLES_ISSUER: &str = "https://accounts.google.com";

/// Two honest providers, of which only one sends `iss`, and a malicious one in the table
/// with these lines more.
async fn with_attacker(more: &str) -> Emulated {
    let tables = |tables: String| match tables.contains("nextcloud") {
        true => own_service(&format!("{more}\n{}", tables.split_once('\n').unwrap().1)),
        false => tables,
    };
    Emulated::with(&["google", "box", "nextcloud"], tables, |app| {
        app.env("NEXTCLOUD_CLIENT_ID", CLIENT_ID)
            .env("NEXTCLOUD_CLIENT_SECRET", CLIENT_SECRET)
    })
    .await
}

/// The honest provider's authorization request as the attacker writes it: with the client
/// id that is public, and with the state and challenge that it was sent itself.
fn sent_on(to_attacker: &str, honest: &str) -> String {
    let mut url = Url::parse(honest).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut query = url.query_pairs_mut();
    query.clear();
    for (name, value) in pairs {
        match name.as_str() {
            "state" | "code_challenge" => query.append_pair(&name, &parameter(to_attacker, &name)),
            _ => query.append_pair(&name, &value),
        };
    }
    drop(query);
    url.into()
}

/// A victim begins a login at the attacker's service and ends up at the honest one:
/// where that sends the browser, and the page that the victim then sees.
async fn mix_up(emulated: &Emulated, honest: &str) -> (String, Answer) {
    let (attackers_own, _) = emulated.begin(honest).await;
    let mut victim = Browser::default();
    let login = format!("{}/login?id={ATTACKERS}", emulated.app.url);
    let begun = victim.get(&login).await;
    let decided = get(&sent_on(begun.header("location"), &attackers_own), &[]).await;
    let callback = decided.header("location").to_owned();
    assert!(callback.contains("code="), "{decided:?}");
    let page = victim.get(&callback).await;
    (callback, page)
}

fn assert_refused(emulated: &Emulated, page: &Answer, provider: &str) {
    assert_eq!(page.status, 400, "{page:?}");
    let heading = format!("This answer is not from {provider}");
    assert!(page.body.contains(&heading), "{page:?}");
    for provider in ["google", "box", "nextcloud"] {
        let calls = emulated.at(provider).calls("token");
        assert!(calls.is_empty(), "{provider}: {calls:?}");
    }
}

#[tokio::test]
async fn a_code_that_comes_to_anothers_redirect_uri_is_sent_to_nobody() {
    let emulated = with_attacker("").await;
    for honest in ["box", "googledrive"] {
        let (callback, page) = mix_up(&emulated, honest).await;
        let shared = format!("{}/logged-in?", emulated.app.url);
        assert!(callback.starts_with(&shared), "{callback}");
        assert_refused(&emulated, &page, "Our Nextcloud");
        assert!(page.body.contains("the address of another"), "{page:?}");
    }
    // The same people log in to both all the same.
    for service in ["box", "googledrive", ATTACKERS] {
        emulated.credential(service).await;
    }
}

#[tokio::test]
async fn a_code_with_anothers_iss_is_sent_to_nobody_at_a_shared_redirect_uri_either() {
    let emulated = with_attacker("redirect_path = \"/logged-in\"").await;
    let (callback, page) = mix_up(&emulated, "googledrive").await;
    assert_eq!(parameter(&callback, "iss"), GOOGLES_ISSUER);
    assert_refused(&emulated, &page, "Our Nextcloud");
    assert!(page.body.contains(GOOGLES_ISSUER), "{page:?}");
    emulated.credential("googledrive").await;
}

#[tokio::test]
async fn a_built_in_provider_may_have_a_redirect_uri_of_its_own() {
    let own = "redirect_path = \"/logged-in/google\"";
    let change = |tables: String| match tables.contains("[provider.google]") {
        true => tables.replacen('\n', &format!("\n{own}\n"), 1),
        false => tables,
    };
    let emulated = Emulated::with(&["google", "box"], change, |app| app).await;
    let (request, _) = emulated.begin("googledrive").await;
    let redirect_uri = parameter(&request, "redirect_uri");
    let expected = format!("{}/logged-in/google", emulated.app.url);
    assert_eq!(redirect_uri, expected);
    for (service, path, provider) in [
        ("googledrive", "/logged-in", "Google"),
        ("googledrive", "/logged-in/googl", "Google"),
        ("box", "/logged-in/google", "Box"),
        ("box", "/logged-in/box", "Box"),
    ] {
        let mut browser = Browser::default();
        let login = format!("{}/login?id={service}", emulated.app.url);
        let begun = browser.get(&login).await;
        let state = parameter(begun.header("location"), "state");
        let callback = format!("{}{path}?code=c&state={state}", emulated.app.url);
        let page = browser.get(&callback).await;
        let heading = format!("This answer is not from {provider}");
        assert!(page.body.contains(&heading), "{service} {path}: {page:?}");
        assert!(browser.cookies.is_empty(), "it has served");
    }
    assert!(emulated.at("google").calls("/token").is_empty());
    assert!(emulated.at("box").calls("/token").is_empty());
    let at_no_provider = get(&format!("{}/logged-in/a/b", emulated.app.url), &[]).await;
    assert_eq!(at_no_provider.status, 404);
}

/// What becomes of the callback of a login at `service`, with `query` besides a good code.
async fn with_query(emulated: &Emulated, service: &str, query: &str) -> Answer {
    let (request, cookie) = emulated.begin(service).await;
    let decided = get(&request, &[]).await;
    let mut callback = Url::parse(decided.header("location")).unwrap();
    let kept: Vec<(String, String)> = callback
        .query_pairs()
        .filter(|(name, _)| name != "iss")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    callback.query_pairs_mut().clear().extend_pairs(kept);
    get(&format!("{callback}{query}"), &[("cookie", &cookie)]).await
}

#[tokio::test]
async fn an_iss_that_differs_is_refused_and_none_is_not() {
    let emulated = with_attacker("issuer = \"https://cloud.example\"").await;
    let google = format!("&iss={GOOGLES_ISSUER}");
    for (service, query, issuer) in [
        ("googledrive", "", None),
        ("googledrive", google.as_str(), None),
        ("googledrive", "&iss=", Some("")),
        (
            "googledrive",
            "&iss=https://cloud.example",
            Some("https://cloud.example"),
        ),
        (
            "googledrive",
            "&iss=https://accounts.google.com/",
            Some("https://accounts.google.com/"),
        ),
        (
            "googledrive",
            "&iss=https://accounts.google.com&iss=https://evil.example",
            Some("https://evil.example"),
        ),
        (
            "googledrive",
            "&iss=%3Cb%3E%22'&iss=https://accounts.google.com",
            Some("<b>\"'"),
        ),
        (ATTACKERS, "&iss=https://cloud.example", None),
        (ATTACKERS, google.as_str(), Some(GOOGLES_ISSUER)),
        // Its table names none: any will do that is no other table's.
        ("box", "&iss=https://box.example", None),
        ("box", google.as_str(), Some(GOOGLES_ISSUER)),
        (
            "box",
            "&iss=https://cloud.example",
            Some("https://cloud.example"),
        ),
    ] {
        let page = with_query(&emulated, service, query).await;
        let Some(issuer) = issuer else {
            assert_eq!(page.status, 200, "{service} {query}: {page:?}");
            continue;
        };
        assert_eq!(page.status, 400, "{service} {query}: {page:?}");
        let shown = format!("<code>iss</code> {}", escaped(issuer));
        assert!(page.body.contains(&shown), "{service} {query}: {page:?}");
    }
}

#[tokio::test]
async fn an_error_with_anothers_iss_is_not_the_providers_either() {
    let emulated = Emulated::start(&["google"]).await;
    let (request, cookie) = emulated.begin("googledrive").await;
    let state = parameter(&request, "state");
    let callback = format!(
        "{}/logged-in?error=access_denied&state={state}&iss=https://evil.example",
        emulated.app.url
    );
    let page = get(&callback, &[("cookie", &cookie)]).await;
    assert_refused_by_iss(&page);
}

/// Also where that provider is not on offer: nobody has its credentials here.
#[tokio::test]
async fn the_issuer_of_a_table_that_is_not_on_offer_is_anothers_too() {
    let emulated = Emulated::start(&["box"]).await;
    let page = with_query(&emulated, "box", &format!("&iss={GOOGLES_ISSUER}")).await;
    assert_refused_by_iss(&page);
}

fn assert_refused_by_iss(page: &Answer) {
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.body.contains("<code>iss</code>"), "{page:?}");
}

/// Another application at Google needs no `issuer` of its own.
#[tokio::test]
async fn two_tables_of_one_authorization_endpoint_have_one_issuer() {
    let emulated = Emulated::with(&["google"], two_applications, |app| {
        app.env("SECOND_CLIENT_ID", CLIENT_ID)
            .env("SECOND_CLIENT_SECRET", CLIENT_SECRET)
    })
    .await;
    for service in ["googledrive", "second"] {
        emulated.credential(service).await;
        let page = with_query(&emulated, service, "&iss=https://evil.example").await;
        assert_refused_by_iss(&page);
    }
}

fn two_applications(tables: String) -> String {
    let (_, endpoints) = tables.split_once('\n').unwrap();
    format!(
        "{tables}\n[provider.second]\n{endpoints}\nname = \"Second\"\ncredentials = [\"SECOND\"]\n\
         refresh_tokens = \"stable\"\npkce = true\nredirect_path = \"/logged-in\"\n\
         authorize_params = {{ access_type = \"offline\", prompt = \"consent\" }}\n\
         [service.second]\nprovider = \"second\"\nname = \"Second\"\nscope = \"files\"\n"
    )
}
