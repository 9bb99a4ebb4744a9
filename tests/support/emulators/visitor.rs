//! An authseal whose providers are emulators, and the person who uses it.

use std::sync::LazyLock;

use toml::{Table, Value};

use super::{CLIENT_ID, CLIENT_SECRET, Emulator};
use crate::support::{Answer, Browser, TestApp, TestAppBuilder, get, post_form, send};

/// authseal, and its providers.
pub struct Emulated {
    pub app: TestApp,
    emulators: Vec<Emulator>,
}

/// The shipped providers.toml, read once: it is long.
pub fn shipped() -> &'static Table {
    static SHIPPED: LazyLock<Table> =
        LazyLock::new(|| include_str!("../../../providers.toml").parse().unwrap());
    &SHIPPED
}

impl Emulated {
    /// With these providers of the shipped providers.toml.
    pub async fn start(providers: &[&str]) -> Self {
        Self::with(providers, |tables| tables, |app| app).await
    }

    /// The same, with the tables that lead to the emulators changed, and with what
    /// else a test wants to set.
    pub async fn with(
        providers: &[&str],
        change: impl Fn(String) -> String,
        configure: impl FnOnce(TestAppBuilder) -> TestAppBuilder,
    ) -> Self {
        let mut emulators = Vec::new();
        for provider in providers {
            emulators.push(Emulator::start(provider).await);
        }
        let mut app = TestApp::builder();
        for emulator in &emulators {
            app = app.tables(&change(emulator.tables()));
            for (name, value) in credentials(emulator.family.provider) {
                app = app.env(&name, &value);
            }
        }
        let app = configure(app).start().await;
        let tables: Table = emulators
            .iter()
            .map(|one| change(one.tables()))
            .collect::<String>()
            .parse()
            .unwrap();
        for emulator in &emulators {
            let redirect_uri = format!("{}{}", app.url, redirect_path(emulator, &tables));
            emulator.register(&redirect_uri, &app.clock);
        }
        Self { app, emulators }
    }

    /// The emulator of a provider.
    pub fn at(&self, provider: &str) -> &Emulator {
        let mut emulators = self.emulators.iter();
        let found = emulators.find(|emulator| emulator.family.provider == provider);
        found.expect("it was started")
    }

    /// The only one.
    pub fn only(&self) -> &Emulator {
        let [emulator] = &self.emulators[..] else {
            panic!("there are several");
        };
        emulator
    }

    /// Begins a login: where authseal sends the browser, and its cookie.
    pub async fn begin(&self, id: &str) -> (String, String) {
        let begun = get(&format!("{}/login?id={id}", self.app.url), &[]).await;
        assert_eq!(begun.status, 302, "{id}: {begun:?}");
        (begun.header("location").to_owned(), cookie(&begun))
    }

    /// Logs in by redirection: the last page.
    pub async fn log_in(&self, id: &str) -> Answer {
        let (authorization_request, cookie) = self.begin(id).await;
        let decided = get(&authorization_request, &[]).await;
        assert_eq!(decided.status, 302, "{id}: {decided:?}");
        get(decided.header("location"), &[("cookie", &cookie)]).await
    }

    /// The same in this browser, from a link on one of our pages.
    pub async fn log_in_by(&self, browser: &mut Browser, link: &str) -> Answer {
        let begun = browser.get(&format!("{}{link}", self.app.url)).await;
        let decided = get(begun.header("location"), &[]).await;
        assert_eq!(decided.status, 302, "{link}: {decided:?}");
        browser.get(decided.header("location")).await
    }

    /// Opens the form for a login token: what is hidden in it, and its cookie.
    pub async fn open_form(&self, id: &str) -> (String, String) {
        let form = get(&format!("{}/cli-token?id={id}", self.app.url), &[]).await;
        assert_eq!(form.status, 200, "{form:?}");
        (hidden_state(&form.body), cookie(&form))
    }

    /// Posts that form with what was pasted.
    pub async fn paste(&self, state: &str, cookie: &str, token: &str) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("state", state), ("token", token)])
            .finish();
        let request = http::Request::post(format!("{}/cli-token-login", self.app.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", cookie)
            .body(form.into());
        send(request.unwrap()).await
    }

    /// Logs in, however the service is logged in to, and takes the credential
    /// from the page.
    pub async fn credential(&self, id: &str) -> String {
        let is_brand = |(provider, ..): &(&str, &str, &str)| *provider == id;
        let page = if super::jottacloud::REALMS.iter().any(is_brand) {
            let token = self.at(id).books().new_login_token_of(id);
            let (state, cookie) = self.open_form(id).await;
            self.paste(&state, &cookie, &token).await
        } else {
            self.log_in(id).await
        };
        assert_eq!(page.status, 200, "{id}: {page:?}");
        credential_on(&page.body)
    }

    /// `GET /refresh` as Duplicati sends it.
    pub async fn refresh(&self, authid: &str) -> Answer {
        self.app.refresh(authid).await
    }

    /// `POST /revoked` as the page sends it.
    pub async fn revoke(&self, authid: &str) -> Answer {
        let url = format!("{}/revoked", self.app.url);
        post_form(&url, &[("authid", authid)]).await
    }

    /// `POST /revoked` as a script sends it.
    pub async fn revoke_by_header(&self, authid: &str) -> Answer {
        revoke_by_header(&self.app.url, authid).await
    }
}

/// What docs/providers/own.md says of `redirect_path`.
fn redirect_path(emulator: &Emulator, tables: &Table) -> String {
    let provider = emulator.family.provider;
    let shipped = shipped();
    let built_in = shipped["provider"].get(provider);
    let own = tables["provider"][provider].get("redirect_path");
    let path = own.or_else(|| built_in?.get("redirect_path"));
    let is_built_in = built_in.is_some();
    match path.and_then(Value::as_str) {
        Some(path) => path.to_owned(),
        None if is_built_in => "/logged-in".to_owned(),
        None => format!("/logged-in/{provider}"),
    }
}

/// `POST /revoked` as a script sends it.
pub async fn revoke_by_header(url: &str, authid: &str) -> Answer {
    let request = http::Request::post(format!("{url}/revoked"))
        .header("x-authid", authid)
        .body(Default::default());
    send(request.unwrap()).await
}

/// The variables that offer a provider's services.
pub fn credentials(provider: &str) -> Vec<(String, String)> {
    let shipped = shipped();
    let Some(table) = shipped["provider"].get(provider) else {
        return Vec::new();
    };
    let names = table["credentials"].as_array().unwrap();
    let names = names.iter().filter_map(Value::as_str);
    match table.get("client_id").and_then(Value::as_str) {
        Some(client_id) => names
            .map(|name| (format!("{name}_CLIENT_ID"), client_id.to_owned()))
            .collect(),
        None => names
            .flat_map(|name| {
                [("ID", CLIENT_ID), ("SECRET", CLIENT_SECRET)]
                    .map(|(part, value)| (format!("{name}_CLIENT_{part}"), value.to_owned()))
            })
            .collect(),
    }
}

/// The credential that stands on a result page.
pub fn credential_on(page: &str) -> String {
    between(page, "<textarea id=\"authid\"", "</textarea>")
        .split_once('>')
        .map(|(_, credential)| credential.to_owned())
        .unwrap()
}

/// What a form for a login token carries.
pub fn hidden_state(page: &str) -> String {
    between(page, "name=\"state\" value=\"", "\"").to_owned()
}

/// A text as it stands on a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&#38;")
        .replace('<', "&#60;")
        .replace('>', "&#62;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}

fn between<'p>(page: &'p str, start: &str, end: &str) -> &'p str {
    let (_, rest) = page
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {page}"));
    rest.split_once(end).unwrap().0
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie").split(';').next();
    cookie.unwrap().to_owned()
}
