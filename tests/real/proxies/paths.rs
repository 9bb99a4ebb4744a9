//! At the root of a host, and under a path that the proxy strips or keeps.

use super::{Kind, Proxy, caddy, front::Front, nginx};
use crate::{
    browser::Browser,
    opener::{HOME_NAME, Opener, Popup, log_in_and_be_closed},
    support::{get, post_form},
};

const PREFIX: &str = "/seal";

/// What authseal is asked for when a browser asks for `/seal/refresh`.
#[derive(Clone, Copy, Debug)]
enum Paths {
    /// Nothing: browsers ask for `/refresh`.
    Root,
    /// `/refresh`.
    Stripped,
    /// `/seal/refresh`.
    Kept,
}

impl Paths {
    fn prefix(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Stripped | Self::Kept => PREFIX,
        }
    }
}

/// The root leads to authseal in any case: Duplicati's own links drop the path.
async fn proxy(kind: Kind, paths: Paths, authseal: &str) -> Proxy {
    match kind {
        Kind::Nginx => {
            let at = |path: &str, to: &str| format!("location {path} {{ {} }}", nginx::pass(to));
            let prefix = match paths {
                Paths::Root => String::new(),
                // Its path takes the place of the location's.
                Paths::Stripped => at("/seal/", &format!("{authseal}/")),
                Paths::Kept => at("/seal/", authseal),
            };
            nginx::serve(&format!("{} {prefix}", at("/", authseal))).await
        }
        Kind::Caddy => {
            let prefix = match paths {
                Paths::Root => String::new(),
                Paths::Stripped => format!("handle_path /seal/* {{\nreverse_proxy {authseal}\n}}"),
                Paths::Kept => format!("handle /seal/* {{\nreverse_proxy {authseal}\n}}"),
            };
            let root = format!("handle {{\nreverse_proxy {authseal}\n}}");
            caddy::serve("http", &format!("{prefix}\n{root}")).await
        }
    }
}

/// Every address that a page names on its own server.
fn links(page: &str) -> Vec<String> {
    let attributes = page.split([' ', '>']).filter_map(|word| {
        let (name, rest) = word.split_once("=\"")?;
        let (value, _) = rest.split_once('"')?;
        let is_link = ["href", "src", "action"].contains(&name) && value.starts_with('/');
        is_link.then(|| value.replace("&#38;", "&"))
    });
    attributes.collect()
}

/// What every page of the server names is there, below the prefix.
async fn assert_links_lead_somewhere(front: &Front, base: &str, prefix: &str) {
    for path in ["/", "/?type=stable", "/revoke", "/renew", "/no/such/page"] {
        let page = get(&format!("{base}{path}"), &[]).await.body;
        let links = links(&page);
        let style = format!("{prefix}/style.css");
        assert!(links.contains(&style), "{base}{path}: {page}");
        for link in links {
            assert!(link.starts_with(&format!("{prefix}/")), "{path}: {link}");
            let answer = get(&format!("{}{link}", front.proxy.url("http")), &[]).await;
            // 405 is what a form's address says to a GET.
            let is_there = [200, 302, 405].contains(&answer.status.as_u16());
            assert!(is_there, "{path}: {link}: {answer:?}");
        }
    }
}

/// A whole login from the start page at `base`. Returns the AuthID.
async fn log_in(browser: &Browser, front: &Front, base: &str) -> String {
    browser.go(&format!("{base}/")).await;
    browser.see_heading("Choose your storage").await;
    let rules = browser.run("return document.styleSheets[0].cssRules.length");
    assert!(rules.await.as_u64() > Some(0), "{base}: no style");
    browser.click("a.service[href*='id=stable']").await;
    browser.click("#allow").await;
    browser.see_heading("Your AuthID is ready").await;
    let callback = format!("{}/logged-in?", front.public_url);
    let address = browser.address().await;
    assert!(address.starts_with(&callback), "{address}");
    // Only the script shows it.
    browser.find("button[data-copy]:not([hidden])").await;
    assert!(browser.complaints().await.is_empty());
    browser.value("#authid").await
}

/// The AuthID is good for what programs and people do with it.
async fn assert_is_of_use(base: &str, authid: &str) {
    let refreshed = get(&format!("{base}/refresh"), &[("X-AuthID", authid)]).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    let renewed = post_form(&format!("{base}/renewed"), &[("authid", authid)]).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    assert!(renewed.body.contains(">v2:stable:"), "{renewed:?}");
}

async fn check(kind: Kind, paths: Paths) {
    let prefix = paths.prefix();
    let proxy = async |authseal: &str| proxy(kind, paths, authseal).await;
    let front = Front::start(proxy, "http", prefix, |app| app).await;
    let browser = Browser::open().await;
    let opener = Opener::start();
    let mut bases = vec![front.public_url.clone(), front.proxy.url("http")];
    bases.dedup();
    for base in bases {
        assert_links_lead_somewhere(&front, &base, prefix).await;
        let authid = log_in(&browser, &front, &base).await;
        assert_is_of_use(&base, &authid).await;

        browser.go(&format!("{base}/refresh?type=stable")).await;
        browser.see_heading("Log in to Test storage").await;
        let start_page = format!("{}/?type=stable", front.public_url);
        assert_eq!(browser.address().await, start_page);

        let popup = Popup::open(&browser, &opener.current_ui(HOME_NAME, &base)).await;
        log_in_and_be_closed(&browser).await;
        let authid = popup.received_and_closed(&browser).await;
        assert_is_of_use(&base, &authid).await;
    }
    let bare = get(&front.public_url, &[]).await;
    assert!([200, 301].contains(&bare.status.as_u16()), "{bare:?}");
}

#[tokio::test]
async fn nginx_shows_authseal_at_its_root() {
    check(Kind::Nginx, Paths::Root).await;
}

#[tokio::test]
async fn nginx_shows_authseal_under_a_prefix_that_it_strips() {
    check(Kind::Nginx, Paths::Stripped).await;
}

#[tokio::test]
async fn nginx_shows_authseal_under_a_prefix_that_it_keeps() {
    check(Kind::Nginx, Paths::Kept).await;
}

#[tokio::test]
async fn caddy_shows_authseal_at_its_root() {
    check(Kind::Caddy, Paths::Root).await;
}

#[tokio::test]
async fn caddy_shows_authseal_under_a_prefix_that_it_strips() {
    check(Kind::Caddy, Paths::Stripped).await;
}

#[tokio::test]
async fn caddy_shows_authseal_under_a_prefix_that_it_keeps() {
    check(Kind::Caddy, Paths::Kept).await;
}
