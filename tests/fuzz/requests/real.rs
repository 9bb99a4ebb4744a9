//! Servers, and what real browsers and clients have sent them.

use url::Url;

use crate::{
    provider::{Answer, RawProvider},
    support::{Browser, TestApp, get, post_form},
};

pub const HEADERS: usize = 12;
const PASSWORD: &str = "correct horse battery";
/// What Duplicati's old UI makes up.
const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// A server, and what means something to it.
pub struct Server {
    pub app: TestApp,
    pub public_url: Url,
    pub provider: Url,
    pub headers: Vec<(&'static str, Vec<String>)>,
    pub cookies: String,
    /// Each with the path that it is for.
    queries: Vec<(&'static str, String)>,
    forms: Vec<(&'static str, String)>,
    authid: String,
}

impl Server {
    /// Behind gates it has a password, a RATE_LIMIT and an address of https.
    pub async fn start(is_gated: bool) -> Self {
        let refusing = RawProvider::start().await;
        refusing.answer(Answer {
            bytes: REFUSAL.into(),
            ..Answer::default()
        });
        let builder = TestApp::builder()
            .env("AUTHSEAL_TRUSTED_PROXIES", "127.0.0.1")
            .env("TEST_PASTED_CLIENT_ID", "pasted")
            .env(
                "TEST_PASTED_CLIENT_SECRET",
                "the-client-secret-of-the-tests",
            )
            .tables(&PASTED.replace("TOKEN_URL", &refusing.url("/token")));
        let builder = match is_gated {
            false => builder,
            true => builder
                .env("AUTHSEAL_PUBLIC_URL", "https://auth.example/seal")
                .env("AUTHSEAL_LOGIN_PASSWORD", PASSWORD)
                .env("AUTHSEAL_RATE_LIMIT", "60"),
        };
        let app = builder.start().await;
        let public_url = match is_gated {
            true => "https://auth.example/seal/",
            false => &app.url,
        };
        let refresh_token = app.provider.issue_refresh_token("stable").unwrap();
        let authid = app.seal("stable", &refresh_token);
        let seen = Seen::by_a_browser(&app).await;
        Self {
            public_url: public_url.parse().unwrap(),
            provider: app.provider.url("/authorize").parse().unwrap(),
            queries: queries(&authid, &seen),
            forms: forms(&authid, &seen),
            headers: headers(&authid, &seen),
            cookies: seen.cookies,
            authid,
            app,
        }
    }

    /// Those that are for this path, and one that is for another.
    pub fn queries(&self, path: &str) -> Vec<&str> {
        of_path(&self.queries, path)
    }

    /// The same of forms.
    pub fn forms(&self, path: &str) -> Vec<&str> {
        of_path(&self.forms, path)
    }

    /// After all that, a client is served as ever.
    pub async fn still_works(self) {
        // A RATE_LIMIT counts by address too, and this one has been seen.
        let headers = [
            ("x-authid", self.authid.as_str()),
            ("x-forwarded-for", "192.0.2.1"),
        ];
        let answer = get(&format!("{}/refresh", self.app.url), &headers).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.app.stop().await;
    }
}

/// What a browser has been given.
struct Seen {
    state: String,
    pasted_state: String,
    visit: String,
    cookies: String,
}

impl Seen {
    async fn by_a_browser(app: &TestApp) -> Self {
        let mut browser = Browser::default();
        let gate = format!("{}/password", app.url);
        let entered = post_form(&gate, &[("password", PASSWORD)]).await;
        let session = entered.header("set-cookie");
        if let Some((name, rest)) = session.split_once('=') {
            let value = rest.split(';').next().unwrap();
            browser.cookies.insert(name.into(), value.into());
        }
        let start = format!("{}/?type=stable&token={TOKEN}", app.url);
        browser.get_from("http://localhost:8200/", &start).await;
        let visit = nonce_of(&browser, "visit-");
        let begun = browser
            .get(&format!("{}/login?id=stable&visit={visit}", app.url))
            .await;
        let location: Url = begun.header("location").parse().unwrap();
        let (_, state) = location
            .query_pairs()
            .find(|(name, _)| name == "state")
            .unwrap();
        let pasted = browser.get(&format!("{}/login?id=pasted", app.url)).await;
        let (_, rest) = pasted.body.split_once("name=\"state\" value=\"").unwrap();
        let cookies = browser.cookies.iter();
        let cookies = cookies.map(|(name, value)| format!("{name}={value}"));
        Self {
            state: state.into_owned(),
            pasted_state: rest.split('"').next().unwrap().to_owned(),
            visit,
            cookies: cookies.collect::<Vec<_>>().join("; "),
        }
    }
}

/// What a cookie's name ends with.
fn nonce_of(browser: &Browser, kind: &str) -> String {
    let mut names = browser.cookies.keys();
    names
        .find_map(|name| Some(name.split_once(kind)?.1.to_owned()))
        .unwrap()
}

fn of_path<'t>(texts: &'t [(&'static str, String)], path: &str) -> Vec<&'t str> {
    let of_path = |wanted: bool| {
        let texts = texts.iter().filter(move |(of, _)| (*of == path) == wanted);
        texts.map(|(_, text)| text.as_str())
    };
    of_path(true).chain(of_path(false).take(1)).collect()
}

fn queries(authid: &str, seen: &Seen) -> Vec<(&'static str, String)> {
    let Seen { state, visit, .. } = seen;
    vec![
        ("/login", "id=stable".into()),
        ("/login", format!("id=single-use&visit={visit}")),
        ("/cli-token", format!("id=pasted&visit={visit}")),
        ("/", "type=stable".into()),
        ("/", format!("type=single-use&token={TOKEN}&visit={visit}")),
        ("/", "type=nope".into()),
        ("/logged-in", format!("state={state}&code=abc")),
        (
            "/logged-in",
            format!("state={state}&error=access_denied&error_description=no+thanks"),
        ),
        ("/logged-in/own", format!("state={state}&code=abc")),
        (
            "/logged-in",
            format!("state={state}&code=abc&iss=https://accounts.google.com"),
        ),
        ("/fetch", format!("token={TOKEN}&callback=jQuery_1.cb")),
        ("/fetch", format!("token={TOKEN}")),
        ("/token-state", format!("token={TOKEN}&jsonp=cb")),
        ("/", format!("authid={authid}")),
        ("/Refresh/", format!("authid={authid}")),
        ("/refresh", format!("authid={authid}")),
        ("/refresh", format!("authid={authid}&type=stable")),
        ("/refresh", "type=stable".into()),
    ]
}

fn forms(authid: &str, seen: &Seen) -> Vec<(&'static str, String)> {
    let state = &seen.pasted_state;
    let pasted = "eyJ1c2VybmFtZSI6ImFubiIsImF1dGhfdG9rZW4iOiJvbmNlIiwicmVhbG0iOiJwYXN0ZWQiLCJ3ZWxsX2tub3duX2xpbmsiOiJodHRwczovL2lkLmV4YW1wbGUveCJ9";
    let password = PASSWORD.replace(' ', "+");
    vec![
        ("/refresh", format!("authid={authid}")),
        ("/renewed", format!("authid={authid}")),
        ("/revoked", format!("authid={authid}")),
        (
            "/token",
            format!("grant_type=refresh_token&refresh_token={authid}&scope=files"),
        ),
        ("/token", format!("grant_type=password&authid={authid}")),
        ("/oauth2/revoke", format!("token={authid}")),
        ("/cli-token-login", format!("state={state}&token={pasted}")),
        ("/cli-token-login", format!("state={state}&token=")),
        ("/hand-over", format!("nonce={state}&sealed=kid.AAAA")),
        (
            "/password",
            format!("password={password}&next=/login%3Fid%3Dstable"),
        ),
        ("/password", "password=wrong&next=//evil.example/".into()),
    ]
}

fn headers(authid: &str, seen: &Seen) -> Vec<(&'static str, Vec<String>)> {
    let list = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    let headers = vec![
        ("Cookie", list(&[&seen.cookies])),
        (
            "Cookie",
            list(&[&seen.cookies, "a=b", "authseal-session=x.y"]),
        ),
        ("X-AuthID", list(&[authid, "v2:stable:x"])),
        (
            "X-Forwarded-For",
            list(&["203.0.113.7, 10.0.0.1", "[2001:db8::1]:443"]),
        ),
        (
            "Forwarded",
            list(&["for=203.0.113.7;proto=https;host=\"a\", for=\"[::1]:80\""]),
        ),
        (
            "X-Request-Id",
            list(&["0123456789abcdef", "never-reflect_1"]),
        ),
        (
            "Referer",
            list(&[
                "http://localhost:8200/ngclient/",
                "https://evil.example/x?y",
            ]),
        ),
        (
            "Content-Type",
            list(&[
                "application/x-www-form-urlencoded; charset=utf-8",
                "text/html",
            ]),
        ),
        ("Host", list(&["evil.example:80"])),
        ("User-Agent", list(&["Duplicati/2.1"])),
        ("Accept-Encoding", list(&["gzip, br"])),
        ("Origin", list(&["https://evil.example"])),
    ];
    assert_eq!(headers.len(), HEADERS);
    headers
}

/// A service whose login token is pasted; each is refused.
const PASTED: &str = r#"
[provider.pasted]
name = "Pasted"
credentials = ["TEST_PASTED"]
login = "login-token"
login_token_realm = "pasted"
login_token_host = "id.example"
token_url = "TOKEN_URL"
refresh_tokens = "single-use"
[service.pasted]
provider = "pasted"
name = "Pasted"
"#;
const REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\nConnection: close\r\n\r\n\
    {\"error\":\"invalid_grant\"}";
