//! AuthIDs of Duplicati's own server: taken where that is switched on, and turned into
//! sealed ones.

use std::{path::Path, time::Duration};

use serde_json::json;

use crate::support::{Answer, Scrape, TestApp, aes_crypt, get, post_form};

const ID: &str = "0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "never-print-this-password";

/// A folder as that server left it.
struct Storage(tempfile::TempDir);

impl Storage {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn keep(&self, service: &str, refresh_token: &str) {
        let content = json!({
            "ServiceId": service,
            "Expires": "2026-01-01T00:00:00Z",
            "AccessToken": "never-print-old-access",
            "RefreshToken": refresh_token,
            "Json": "{}",
        });
        self.write(ID, &aes_crypt(content.to_string().as_bytes(), PASSWORD));
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    async fn app(&self) -> TestApp {
        TestApp::builder()
            .env("AUTHSEAL_V1_STORAGE", self.path())
            .env("AUTHSEAL_ACCEPT_V2_PLAIN", "true")
            .start()
            .await
    }
}

fn v1() -> String {
    format!("{ID}:{PASSWORD}")
}

async fn renew(app: &TestApp, authid: &str) -> Answer {
    let request = http::Request::post(format!("{}/renewed", app.url)).header("x-authid", authid);
    crate::support::send(request.body(Default::default()).unwrap()).await
}

/// The sealed AuthID in an answer, which must be of this lineage's first or later ones.
fn sealed(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_old_form_refreshes_and_the_answer_carries_a_sealed_one() {
    let storage = Storage::new();
    let app = storage.app().await;
    let issue = || app.provider.issue_refresh_token("stable").unwrap();
    let (clear, stored) = (issue(), issue());
    storage.keep("stable", &stored);
    for (old, refresh_token) in [
        (format!("v2:stable:{clear}"), &clear),
        (v1(), &stored),
        (format!("\"v2:stable:{clear}\","), &clear),
        (
            format!("stable://f?authid=v2%3Astable%3A{clear}&x=y"),
            &clear,
        ),
        (format!("\u{feff}--authid='{}'", v1()), &stored),
        (
            v1().to_uppercase()
                .replace(&PASSWORD.to_uppercase(), PASSWORD),
            &stored,
        ),
    ] {
        let first = app.refresh(&old).await;
        let authid = sealed(&first, "v2_authid");
        let grant = app.open(&authid);
        assert_eq!(grant.refresh_token.expose(), refresh_token);
        assert_eq!((grant.service.as_str(), grant.generation), ("stable", 0));
        // The same login, whichever of the two comes: one cached access token.
        let again = app.refresh(&authid).await;
        assert_eq!(again.json()["access_token"], first.json()["access_token"]);
        assert!(again.json()["v2_authid"].is_null());
        let renewed = sealed(&renew(&app, &old).await, "authid");
        assert_eq!(app.open(&renewed).lineage, grant.lineage);
        let token = super::token::refresh(&app.url, &old, &[]).await;
        let newest = sealed(&token, "refresh_token");
        assert_eq!(app.open(&newest).lineage, grant.lineage);
    }
    let scrape = Scrape::of(&app.admin_url).await;
    let count = |form| scrape.sum("authseal_old_authids_total", &[("form", form)]);
    assert_eq!((count("v2"), count("v1")), (9.0, 9.0), "{}", scrape.text);
}

#[tokio::test]
async fn a_job_that_keeps_its_old_authid_survives_single_use_tokens() {
    let storage = Storage::new();
    let app = storage.app().await;
    storage.keep(
        "single-use",
        &app.provider.issue_refresh_token("single-use").unwrap(),
    );
    let clear = app.provider.issue_refresh_token("single-use").unwrap();
    for old in [v1(), format!("v2:single-use:{clear}")] {
        for generation in 1..=3 {
            let newest = sealed(&app.refresh(&old).await, "v2_authid");
            assert_eq!(app.open(&newest).generation, generation);
            app.clock.advance(Duration::from_secs(3600));
        }
        let renewed = sealed(&renew(&app, &old).await, "authid");
        assert_eq!(app.open(&renewed).generation, 4);
    }
    let seen = app.provider.seen();
    assert_eq!((seen.refreshes, seen.replays, seen.refusals), (8, 0, 0));
}

#[tokio::test]
async fn the_service_in_front_does_not_make_another_login_of_a_clear_one() {
    let app = Storage::new().app().await;
    let token = app.provider.issue_refresh_token("single-use").unwrap();
    let first = sealed(
        &app.refresh(&format!("v2:single-use:{token}")).await,
        "v2_authid",
    );
    let lineage = app.open(&first).lineage.to_string();
    let folder = authseal::keyring::KeyFolder::new(&app.keys_dir);
    folder.revoke(&lineage, None).unwrap();
    app.app.keyring.reload().unwrap();
    let other = app.refresh(&format!("v2:stable:{token}")).await;
    assert_eq!(other.status, 401, "{other:?}");
    assert_eq!(app.provider.seen().refreshes, 1);
}

#[tokio::test]
async fn what_is_not_switched_on_is_no_authid() {
    let app = TestApp::start().await;
    let clear = app.provider.issue_refresh_token("stable").unwrap();
    for (old, setting) in [
        (format!("v2:stable:{clear}"), "AUTHSEAL_ACCEPT_V2_PLAIN"),
        (v1(), "AUTHSEAL_V1_STORAGE"),
    ] {
        let answer = app.refresh(&old).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("x-reason").contains(setting), "{answer:?}");
        assert_eq!(renew(&app, &old).await.status, 401);
    }
    assert_eq!(app.provider.seen().refreshes, 0);
}

#[tokio::test]
async fn what_looks_sealed_is_never_sent_to_a_provider() {
    let app = Storage::new().app().await;
    let sealed = app.authid("stable").await;
    let elsewhere = TestApp::start().await.authid("stable").await;
    let cut = &sealed[..sealed.len() - 3];
    let flipped = sealed.replacen("eyJ", "fyJ", 1);
    let copy = "Copy the whole AuthID";
    for (authid, advice) in [
        (elsewhere.as_str(), "Log in again at"),
        (cut, copy),
        (&sealed[..60], copy),
        (&format!("{cut}."), copy),
        (&format!("\"{cut}\""), copy),
        (&format!("--authid={cut}"), copy),
        (&format!("{sealed}x"), copy),
        (&format!("{sealed}{elsewhere}"), copy),
        (&flipped, copy),
        ("v2:stable:eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", copy),
    ] {
        let answer = app.refresh(authid).await;
        assert_eq!(answer.status, 401, "{authid}: {answer:?}");
        assert!(answer.body.contains(advice), "{authid}: {answer:?}");
    }
    assert_eq!(
        app.provider.seen().refreshes + app.provider.seen().refusals,
        0
    );
}

#[tokio::test]
async fn an_old_authid_that_is_good_for_nothing_is_401_and_says_what_helps() {
    let storage = Storage::new();
    let app = storage.app().await;
    storage.keep("stable", "x");
    let other = |last: char| format!("{}{last}", &ID[..31]);
    let good = std::fs::read(Path::new(storage.path()).join(ID)).unwrap();
    storage.write(&other('1'), &good[..good.len() - 40]);
    let mut damaged = good.clone();
    damaged[130] ^= 1;
    storage.write(&other('2'), &damaged);
    storage.write(&other('3'), b"not at all");
    let no_token = json!({"ServiceId": "stable", "RefreshToken": null}).to_string();
    storage.write(&other('4'), &aes_crypt(no_token.as_bytes(), PASSWORD));
    std::fs::create_dir(Path::new(storage.path()).join(other('5'))).unwrap();
    let unknown_service = "v2:unheard-of:token".to_owned();
    let wrong = format!("{ID}:wrong");
    let mut all = vec![wrong, unknown_service];
    all.extend(
        "123459"
            .chars()
            .map(|last| format!("{}:{PASSWORD}", other(last))),
    );
    for authid in all {
        let answer = app.refresh(&authid).await;
        assert_eq!(answer.status, 401, "{authid}: {answer:?}");
        assert!(!answer.header("x-reason").is_empty());
        assert!(!format!("{answer:?}").contains(PASSWORD), "{answer:?}");
    }
    assert_eq!(app.provider.seen().refusals, 0);
}

/// Nothing but 32 hex digits is ever part of a path.
#[tokio::test]
async fn no_trick_leaves_the_folder() {
    let storage = Storage::new();
    let inside = storage.0.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    storage.keep("stable", "x");
    let app = TestApp::builder().env("AUTHSEAL_V1_STORAGE", inside.to_str().unwrap());
    let app = app.start().await;
    for id in [
        format!("../{ID}"),
        format!("..%2f{ID}"),
        format!("{}/{ID}", storage.path()),
        format!("../{}", &ID[..29]),
        format!("{}\u{0}", &ID[..31]),
        ID.to_owned(),
    ] {
        let url = format!("{}/revoked", app.url);
        let authid = format!("{id}:{PASSWORD}");
        let answer = post_form(&url, &[("authid", &authid)]).await;
        assert_eq!(answer.status, 401, "{id}: {answer:?}");
        let query: String = form_urlencoded::byte_serialize(authid.as_bytes()).collect();
        let answer = get(&format!("{}/refresh?authid={query}", app.url), &[]).await;
        assert_eq!(answer.status, 401, "{id}: {answer:?}");
    }
}

#[tokio::test]
async fn guessing_a_password_is_counted_before_it_is_tried() {
    let storage = Storage::new();
    storage.keep("stable", "x");
    let app = TestApp::builder()
        .env("AUTHSEAL_V1_STORAGE", storage.path())
        .env("AUTHSEAL_RATE_LIMIT", "3")
        .start()
        .await;
    for guess in 0..3 {
        let answer = app.refresh(&format!("{ID}:guess-{guess}")).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
    let answer = app.refresh(&v1()).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn an_old_login_is_revoked_as_any_other() {
    let storage = Storage::new();
    let app = storage.app().await;
    storage.keep(
        "stable",
        &app.provider.issue_refresh_token("stable").unwrap(),
    );
    let authid = sealed(&app.refresh(&v1()).await, "v2_authid");
    let lineage = app.open(&authid).lineage.to_string();
    let folder = authseal::keyring::KeyFolder::new(&app.keys_dir);
    folder.revoke(&lineage, None).unwrap();
    app.app.keyring.reload().unwrap();
    for authid in [&v1(), &authid] {
        assert_eq!(app.refresh(authid).await.status, 401);
    }
}
