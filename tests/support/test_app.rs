//! An authseal in this process, with the demo provider or one of the test's own.

use std::collections::HashMap;

use authseal::{
    app::App,
    clock::{Clock, UnixTime},
    demo::DemoProvider,
    keyring::Keyring,
    seal::{Grant, Lineage},
    secret::Secret,
};
use tokio_util::sync::CancellationToken;

use super::{Answer, Browser, TestAppBuilder, get, post_form};

/// A running authseal and its provider. Both end with it.
pub struct TestApp {
    pub app: App,
    pub url: String,
    pub admin_url: String,
    pub provider: DemoProvider,
    pub clock: Clock,
    pub keys_dir: std::path::PathBuf,
    pub(super) provider_shutdown: CancellationToken,
    pub(super) _folder: tempfile::TempDir,
}

impl TestApp {
    /// With the demo provider, and a clock that stands still.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    pub fn builder() -> TestAppBuilder {
        TestAppBuilder::default()
    }

    /// Logs in as a browser would, and returns the last page.
    pub async fn log_in(&self, service: &str) -> Answer {
        let begun = get(&format!("{}/login?id={service}", self.url), &[]).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let cookie = begun.header("set-cookie").split(';').next().unwrap();
        let callback = self.allow(begun.header("location")).await;
        get(&callback, &[("cookie", cookie)]).await
    }

    /// The same in this browser, from a link on one of our pages.
    pub async fn log_in_by(&self, browser: &mut Browser, link: &str) -> Answer {
        let begun = browser.get(&format!("{}{link}", self.url)).await;
        assert_eq!(begun.status, 302, "{begun:?}");
        let callback = self.allow(begun.header("location")).await;
        browser.get(&callback).await
    }

    /// Presses the button on a result page that asks who gets the AuthID.
    pub async fn hand_over(&self, browser: &mut Browser, page: &Answer) -> Answer {
        let url = format!("{}/hand-over", self.url);
        browser.post(&url, &hand_over_form(&page.body)).await
    }

    /// Presses "Allow" on the demo provider's consent page, and returns where it
    /// sends the browser.
    pub async fn allow(&self, authorization_request: &str) -> String {
        get(authorization_request, &[]).await.good();
        let (_, query) = authorization_request.split_once('?').unwrap();
        let query: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let mut fields = vec![("decision", "allow")];
        for name in ["client_id", "redirect_uri", "state", "code_challenge"] {
            fields.push((name, &query[name]));
        }
        let decided = post_form(&self.provider.url("/authorize"), &fields).await;
        assert_eq!(decided.status, 303, "{decided:?}");
        decided.header("location").to_owned()
    }

    /// Logs in and takes the AuthID from the page.
    pub async fn authid(&self, service: &str) -> String {
        let page = self.log_in(service).await.good();
        authid_on(&page.body)
    }

    /// `GET /refresh` as Duplicati sends it.
    pub async fn refresh(&self, authid: &str) -> Answer {
        get(&format!("{}/refresh", self.url), &[("X-AuthID", authid)]).await
    }

    /// An AuthID of a new login, made with the server's own keys.
    pub fn seal(&self, service: &str, refresh_token: &str) -> String {
        seal(&self.app.keyring, self.clock.now(), service, refresh_token)
    }

    /// The AuthID that holds `grant`.
    pub fn reseal(&self, grant: &Grant) -> String {
        let keys = self.app.keyring.current();
        let authid = authseal::seal::seal(&keys, self.clock.now(), grant).unwrap();
        authid.expose().to_owned()
    }

    /// What an AuthID holds.
    pub fn open(&self, authid: &str) -> Grant {
        let keys = self.app.keyring.current();
        authseal::seal::open(&keys, self.clock.now(), authid)
            .unwrap()
            .grant
    }

    /// Ends both, and returns when everything under way has finished.
    pub async fn stop(self) {
        self.provider_shutdown.cancel();
        self.app.stop().await;
    }
}

/// An AuthID of a new login.
pub fn seal(keyring: &Keyring, now: UnixTime, service: &str, refresh_token: &str) -> String {
    let grant = Grant {
        service: service.into(),
        refresh_token: Secret::new(refresh_token),
        issued_at: now,
        lineage: Lineage::random(),
        generation: 0,
        region: None,
        client: None,
        ancestry: Default::default(),
        terms: None,
    };
    let authid = authseal::seal::seal(&keyring.current(), now, &grant).unwrap();
    authid.expose().to_owned()
}

/// The AuthID that stands on a result page.
pub fn authid_on(page: &str) -> String {
    let start = page.find(">v2:").expect("no AuthID on the page") + 1;
    let length = page[start..].find('<').unwrap();
    page[start..start + length].to_owned()
}

/// What a result page's form carries that asks who gets the AuthID.
pub fn hand_over_form(page: &str) -> [(&'static str, &str); 2] {
    ["nonce", "sealed"].map(|name| {
        let start = format!("type=\"hidden\" name=\"{name}\" value=\"");
        let (_, rest) = page.split_once(&start).expect("no form on the page");
        (name, rest.split('"').next().unwrap())
    })
}

/// The first link to a login on a start page.
pub fn login_link(page: &str) -> String {
    login_links(page).next().expect("no link to a login")
}

/// All of them.
pub fn login_links(page: &str) -> impl Iterator<Item = String> {
    page.split("href=\"").skip(1).filter_map(|rest| {
        let (link, _) = rest.split_once('"')?;
        let link = link.replace("&#38;", "&");
        link.starts_with("/login?").then_some(link)
    })
}
