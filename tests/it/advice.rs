//! What a provider says went wrong becomes one line of advice, at the status
//! that Duplicati reads rightly (docs/endpoints.md).

use std::{collections::BTreeSet, time::Duration};

use serde_json::json;
use toml::Value;

use crate::support::{
    Answer,
    emulators::{Emulated, Fault, escaped, microsoft, shipped},
    get,
};

/// One line of advice in providers.toml.
struct Line {
    provider: String,
    word: String,
    text: Option<String>,
    login: Option<String>,
    refresh: Option<String>,
    cure: String,
}

/// Words that speak of a login's result, and are no code of a provider.
const OWN_WORDS: [&str; 2] = ["scope_missing", "no_refresh_token"];

/// Says nothing of a login that never was.
const NOT_OF_A_LOGIN: [&str; 6] = [
    "withdrawn",
    "used elsewhere",
    "no longer accepts",
    "ended this login",
    "was not renewed",
    "Log in again at",
];

impl Line {
    fn read(provider: &str, word: &str, value: &Value) -> Self {
        let part = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
        Self {
            provider: provider.to_owned(),
            word: word.to_owned(),
            text: value.as_str().map(str::to_owned).or_else(|| part("text")),
            login: part("login"),
            refresh: part("refresh"),
            // tests/it/messages.rs holds all others to a cure.
            cure: part("cure").unwrap_or_else(|| "login".to_owned()),
        }
    }

    fn at_login(&self) -> Option<&str> {
        self.login.as_deref().or(self.text.as_deref())
    }

    fn at_refresh(&self) -> Option<&str> {
        self.refresh.as_deref().or(self.text.as_deref())
    }

    /// The provider's answer, and the codes that are shown of it.
    fn answer(&self) -> (u16, String, String) {
        let word = self.word.as_str();
        let (status, body, shown) = match word {
            _ if word.starts_with("AADSTS") => {
                let (status, body) = microsoft::error(word);
                let code: serde_json::Value = serde_json::from_str(&body).unwrap();
                let shown = format!("{}, {word}", code["error"].as_str().unwrap());
                return (status, body, shown);
            }
            "invalid_rapt" | "rapt_required" => (
                400,
                json!({ "error": "invalid_grant", "error_subtype": word }),
                format!("invalid_grant, {word}"),
            ),
            _ if word.parse::<u32>().is_ok() => {
                let number: u32 = word.parse().unwrap();
                (
                    200,
                    json!({ "result": number, "error": "In its words." }),
                    word.to_owned(),
                )
            }
            _ if word.contains(' ') => (
                400,
                json!({ "error": "invalid_request", "error_description": format!("{word}.") }),
                "invalid_request".to_owned(),
            ),
            _ => (400, json!({ "error": word }), word.to_owned()),
        };
        (status, body.to_string(), shown)
    }
}

/// All advice that is shipped, and a service of each provider.
fn lines() -> Vec<(&'static str, Line)> {
    let mut lines = Vec::new();
    for (id, provider) in shipped()["provider"].as_table().unwrap() {
        let words = provider.get("advice").and_then(Value::as_table);
        for (word, value) in words.into_iter().flatten() {
            lines.push((service_of(id), Line::read(id, word, value)));
        }
    }
    assert!(lines.len() > 150, "{}", lines.len());
    lines
}

fn service_of(provider: &str) -> &'static str {
    match provider {
        "google" => "googledrive",
        "microsoft" => "onedrivev2",
        "dropbox" => "dropbox",
        "box" => "box.com",
        "jottacloud" => "jottacloud",
        "pcloud" => "pcloud",
        "zoho" => "zohoworkdrive",
        "yandex" => "yandex",
        "huawei" => "huaweidrive",
        other => panic!("{other} has advice: name a service of it here"),
    }
}

async fn emulated(lines: &[(&str, Line)]) -> Emulated {
    let providers: BTreeSet<&str> = lines.iter().map(|(_, line)| &*line.provider).collect();
    Emulated::start(&Vec::from_iter(providers)).await
}

#[tokio::test]
async fn each_line_of_advice_is_the_reason_of_a_refresh() {
    let mut lines = lines();
    // pCloud's tokens are not refreshed.
    lines.retain(|(_, line)| line.provider != "pcloud" && !OWN_WORDS.contains(&&*line.word));
    let emulated = emulated(&lines).await;
    let mut of_provider = (String::new(), String::new());
    for (service, line) in lines {
        let word = &line.word;
        let Some(text) = line.at_refresh() else {
            continue;
        };
        // Yandex's access tokens live for a year, and would be cached.
        if of_provider.0 != service || service == "yandex" {
            of_provider = (service.to_owned(), emulated.credential(service).await);
        }
        let authid = &of_provider.1;
        let (said, body, shown) = line.answer();
        let endpoint = emulated.at(&line.provider);
        endpoint.fault("/token", Fault::Answer(said, body));
        let answer = emulated.refresh(authid).await;
        endpoint.mend();

        let told = format!("{} ({shown})", text.trim_end_matches('.'));
        let (status, expected) = match line.cure.as_str() {
            "login" => {
                let url = &emulated.app.url;
                (
                    401,
                    format!("{told}. Log in again at {url}/?type={service}"),
                )
            }
            "wait" => (503, format!("{told}. Try again later")),
            // The variables' names follow where the client id or secret is wrong.
            "server" => (503, format!("{told}. Tell the administrator ")),
            "user" | "organisation" => (503, told),
            other => panic!("{other} is no cure"),
        };
        let reason = answer.header("x-reason");
        match line.cure.as_str() {
            "server" => assert!(reason.starts_with(&expected), "{word}: {answer:?}"),
            _ => assert_eq!(reason, expected, "{word}: {answer:?}"),
        }
        assert_eq!(answer.status, status, "{word}");
        assert_eq!(answer.body, reason);
        let longer = "https://auth.example.com".len() - "http://127.0.0.1:65535".len();
        assert!(reason.len() + longer <= 300, "{word}: {}", reason.len());
        // Nothing was kept of it: the next one is good.
        let next = emulated.refresh(authid).await.good();
        if let Some(newer) = next.json()["v2_authid"].as_str() {
            newer.clone_into(&mut of_provider.1);
        }
        // The access token in the cache would answer the next one.
        emulated.app.clock.advance(Duration::from_secs(24 * 3600));
    }
}

/// The page after a login whose token call is answered so.
async fn log_in_with(emulated: &Emulated, service: &str, answer: Fault) -> Answer {
    // So many logins at once are not passed on.
    emulated.app.clock.advance(Duration::from_secs(60));
    let provider = emulated.at(match service {
        "googledrive" => "google",
        "onedrivev2" => "microsoft",
        "box.com" => "box",
        "zohoworkdrive" => "zoho",
        "huaweidrive" => "huawei",
        other => other,
    });
    let page = match service {
        "jottacloud" => {
            let (state, cookie) = emulated.open_form(service).await;
            let token = provider.books().new_login_token();
            provider.fault("/token", answer);
            emulated.paste(&state, &cookie, &token).await
        }
        "pcloud" => {
            provider.fault("/oauth2_token", answer);
            emulated.log_in(service).await
        }
        _ => {
            provider.fault("/token", answer);
            emulated.log_in(service).await
        }
    };
    provider.mend();
    page
}

#[tokio::test]
async fn each_line_of_advice_fits_a_login_that_fails() {
    let mut lines = lines();
    lines.retain(|(_, line)| !OWN_WORDS.contains(&&*line.word));
    let emulated = emulated(&lines).await;
    for (service, line) in lines {
        let (said, body, shown) = line.answer();
        let page = log_in_with(&emulated, service, Fault::Answer(said, body)).await;
        let word = &line.word;
        // A login token is typed by its user.
        let expected = match (service, line.cure.as_str()) {
            ("jottacloud", "login") => 401,
            _ => 503,
        };
        assert_eq!(page.status, expected, "{word}: {page:?}");
        let told = match line.at_login() {
            Some(text) => escaped(text.trim_end_matches('.')),
            None => "did not accept the code of this login".to_owned(),
        };
        assert!(page.body.contains(&told), "{word}: {page:?}");
        assert!(
            page.body.contains(&format!("({shown})")),
            "{word}: {page:?}"
        );
        for wrong in NOT_OF_A_LOGIN {
            assert!(!page.body.contains(wrong), "{word}: {wrong}: {page:?}");
        }
        let asks_for_a_login = page.body.contains("No AuthID was made. Log in again.");
        assert_eq!(asks_for_a_login, line.cure == "login", "{word}: {page:?}");
        assert!(!page.body.contains("In its words"), "{page:?}");
    }
}

#[tokio::test]
async fn a_login_without_a_refresh_token_says_what_each_provider_wants() {
    let lines: Vec<_> = lines()
        .into_iter()
        .filter(|(_, line)| line.word == "no_refresh_token")
        .collect();
    let emulated = emulated(&lines).await;
    for (service, line) in lines {
        let body = json!({ "access_token": "never-print", "expires_in": 3600 }).to_string();
        let page = log_in_with(&emulated, service, Fault::Answer(200, body)).await;
        assert_eq!(page.status, 503, "{service}: {page:?}");
        let told = escaped(line.login.as_deref().unwrap());
        assert!(page.body.contains(&told), "{service}: {page:?}");
        assert!(!page.body.contains("never-print"), "{page:?}");
    }
}

/// An error answer of RFC 6749 section 5.2.
fn error(status: u16, code: &str, words: &str) -> (u16, String) {
    let body = json!({ "error": code, "error_description": words });
    (status, body.to_string())
}

/// The advice that providers.toml has for a word at a login.
fn advice(provider: &str, word: &str) -> String {
    let value = &shipped()["provider"][provider]["advice"][word];
    let line = Line::read(provider, word, value);
    line.at_login().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_provider_says_never_reaches_the_reason() {
    let emulated = Emulated::start(&["dropbox"]).await;
    let authid = emulated.credential("dropbox").await;
    for (status, code, answered) in [
        (400, "never-print-as-code", 503),
        (401, "NEVER-PRINT", 503),
        (403, "invalid_grant", 401),
    ] {
        let (status, body) = error(status, code, "never-print-as-words");
        emulated
            .at("dropbox")
            .fault("/token", Fault::Answer(status, body));
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, answered, "{answer:?}");
        assert!(!format!("{answer:?}").to_lowercase().contains("never-print"));
    }
}

#[tokio::test]
async fn what_goes_wrong_before_the_callback_has_its_advice_too() {
    let emulated = Emulated::start(&["microsoft", "dropbox"]).await;
    for (service, said, word) in [
        (
            "onedrivev2",
            ["invalid_request", "AADSTS50194: one tenant"],
            "AADSTS50194",
        ),
        (
            "onedrivev2",
            ["access_denied", "AADSTS65001: no consent"],
            "AADSTS65001",
        ),
        (
            "onedrivev2",
            ["access_denied", "AADSTS900941: a policy"],
            "AADSTS900941",
        ),
        (
            "onedrivev2",
            [
                "unauthorized_client",
                "The client is not enabled for consumers.",
            ],
            "not enabled for consumers",
        ),
        ("dropbox", ["access_denied", ""], ""),
    ] {
        let (request, cookie) = emulated.begin(service).await;
        let callback = get(&request, &[]).await.header("location").to_owned();
        let (callback, query) = callback.split_once('?').unwrap();
        let state = query
            .split('&')
            .find(|part| part.starts_with("state="))
            .unwrap();
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("error", said[0]), ("error_description", said[1])])
            .finish();
        let page = get(
            &format!("{callback}?{query}&{state}"),
            &[("cookie", &cookie)],
        )
        .await;
        assert_eq!(page.status, 400, "{page:?}");
        let expected = match word {
            "" => escaped(&advice("dropbox", said[0])),
            _ => escaped(&advice("microsoft", word)),
        };
        assert!(page.body.contains(&expected), "{page:?}");
        assert!(page.body.contains(said[1]), "{page:?}");
    }
}

#[tokio::test]
async fn an_application_of_one_tenant_works_with_msgraph_tenant_and_else_says_so() {
    const OWN: &str = "contoso.example";
    let common = Emulated::start(&["microsoft"]).await;
    let own = Emulated::with(
        &["microsoft"],
        |tables| tables,
        |app| app.env("MSGRAPH_TENANT", OWN),
    )
    .await;
    let authid = common.credential("onedrivev2").await;
    for emulated in [&common, &own] {
        let books = emulated.at("microsoft").books();
        books.lock().switch = Some(OWN.into());
    }
    let refused = common.refresh(&authid).await;
    assert!(
        refused.header("x-reason").contains("MSGRAPH_TENANT"),
        "{refused:?}"
    );
    let (authorization_request, _) = common.begin("onedrivev2").await;
    assert_eq!(get(&authorization_request, &[]).await.status, 400);

    let authid = own.credential("onedrivev2").await;
    assert_eq!(own.refresh(&authid).await.status, 200);
}

#[tokio::test]
async fn a_grant_that_has_run_out_says_how_it_did() {
    let emulated = Emulated::start(&["google", "microsoft", "box"]).await;
    for (service, days, words) in [
        ("googledrive", 183, "six months unused"),
        ("onedrivev2", 91, "has expired or was withdrawn"),
        ("box.com", 61, "for 60 days"),
    ] {
        let authid = emulated.credential(service).await;
        emulated
            .app
            .clock
            .advance(Duration::from_secs(days * 24 * 3600));
        let answer = emulated.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{service}: {answer:?}");
        assert!(answer.header("x-reason").contains(words), "{answer:?}");
    }
}
