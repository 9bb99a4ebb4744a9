//! pCloud: the callback says where the account is, and where the client secret
//! would go.

use tokio::net::TcpListener;

use crate::support::{
    Browser,
    emulators::{Emulated, escaped},
    get, login_link,
};

#[tokio::test]
async fn the_page_shows_the_token_the_place_and_that_it_is_never_refreshed() {
    let emulated = Emulated::start(&["pcloud"]).await;
    let page = emulated.log_in("pcloud").await.good();
    let host = emulated.at("pcloud").address.to_string();
    for text in ["hostname", &host, "locationid", "<code>2</code>"] {
        assert!(page.body.contains(text), "{text}: {page:?}");
    }
    assert!(page.body.contains("never refreshes it"), "{page:?}");
    assert!(!page.body.contains(">v2:"), "{page:?}");
    let exchanges = emulated.at("pcloud").calls("/oauth2_token");
    assert_eq!(exchanges.len(), 1);
    assert!(!exchanges[0].form.contains_key("code_verifier"));
}

/// Duplicati's form asks for the server's name, and Duplicati closes the window as soon as
/// it has the token.
#[tokio::test]
async fn the_place_can_be_read_before_even_a_trusted_opener_gets_the_token() {
    let emulated = Emulated::start(&["pcloud", "premiumizeme"]).await;
    for (service, opener, is_sent_unasked) in [
        ("pcloud", Some("http://localhost:8200"), false),
        ("pcloud", Some("https://foreign.example"), false),
        ("pcloud", None, false),
        // Nothing to read here.
        ("premiumizeme", Some("http://localhost:8200"), true),
        ("premiumizeme", Some("https://foreign.example"), false),
    ] {
        let mut browser = Browser::default();
        let start = format!("{}/?type={service}", emulated.app.url);
        let start = match opener {
            Some(opener) => browser.get_from(opener, &start).await,
            None => browser.get(&start).await,
        };
        let link = login_link(&start.body);
        let page = emulated.log_in_by(&mut browser, &link).await.good();
        let is_trusted = page.body.contains("data-trusted");
        assert_eq!(is_trusted, is_sent_unasked, "{page:?}");
        let has_facts = service == "pcloud";
        let (before, sender) = page.body.split_once("data-post").unwrap();
        assert_eq!(before.contains("<dt>hostname</dt>"), has_facts, "{page:?}");
        let says = before.contains("First copy this: Duplicati asks for it too");
        assert_eq!(says, has_facts && opener.is_some(), "{page:?}");
        let says = before.contains("AuthID field in Duplicati, which asks for this too:");
        assert_eq!(says, has_facts && opener.is_none(), "{page:?}");
        if let Some(opener) = opener {
            let button = sender.contains(&format!(">Send it to {opener}</button>"));
            assert_eq!(button, !is_sent_unasked, "{page:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_host_outside_the_list() {
    let emulated = Emulated::start(&["pcloud"]).await;
    let pcloud = emulated.at("pcloud");
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let other = elsewhere.local_addr().unwrap();
    let own = pcloud.address.to_string();
    for hostname in [
        other.to_string(),
        format!("{own}.evil.example"),
        format!("{own}@{other}"),
        format!("{other}/{own}"),
        format!("{other}#{own}"),
        format!(" {own}"),
        "api.pcloud.com".into(),
        String::new(),
    ] {
        pcloud.books().lock().switch = Some(hostname.clone());
        let page = emulated.log_in("pcloud").await;
        assert_eq!(page.status, 400, "{hostname}: {page:?}");
        assert!(page.body.contains("unknown place"), "{page:?}");
        assert!(page.body.contains("nothing was sent there"), "{page:?}");
    }
    assert!(pcloud.calls("/oauth2_token").is_empty());
    // The answers have been read, so a connection would be waiting here.
    elsewhere
        .into_std()
        .map(|elsewhere| {
            let nobody = elsewhere.accept().map(|_| ());
            assert_eq!(
                nobody.unwrap_err().kind(),
                std::io::ErrorKind::WouldBlock,
                "somebody connected"
            );
        })
        .unwrap();
}

#[tokio::test]
async fn without_a_host_in_the_callback_it_is_the_default_or_nobody() {
    for (default, expected) in [(true, 200), (false, 400)] {
        let add_default = |tables: String| {
            let host = tables
                .split("://")
                .nth(1)
                .unwrap()
                .split('/')
                .next()
                .unwrap();
            let line = format!("parameter = \"hostname\"\ndefault = \"{host}\"");
            match default {
                true => tables.replace("parameter = \"hostname\"", &line),
                false => tables,
            }
        };
        let emulated = Emulated::with(&["pcloud"], add_default, |app| app).await;
        let (request, cookie) = emulated.begin("pcloud").await;
        let callback = get(&request, &[]).await.header("location").to_owned();
        let (callback, _) = callback.split_once("&hostname").unwrap();
        let state = request.split("state=").nth(1).unwrap();
        let state = state.split('&').next().unwrap();
        let url = format!("{callback}&state={state}");
        let page = get(&url, &[("cookie", &cookie)]).await;
        assert_eq!(page.status, expected, "{page:?}");
    }
}

#[tokio::test]
async fn what_the_callback_says_is_escaped_on_the_page() {
    const FOREIGN: &str = "\"'><script>alert(1)</script>&";
    let emulated = Emulated::start(&["pcloud"]).await;
    let (request, cookie) = emulated.begin("pcloud").await;
    let callback = get(&request, &[]).await.header("location").to_owned();
    let foreign: String = form_urlencoded::byte_serialize(FOREIGN.as_bytes()).collect();
    let callback = callback.replace("locationid=2", &format!("locationid={foreign}"));
    let page = get(&callback, &[("cookie", &cookie)]).await.good();
    assert!(page.body.contains(&escaped(FOREIGN)), "{page:?}");
    assert!(!page.body.contains("<script>alert"), "{page:?}");
}
