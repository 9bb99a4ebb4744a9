//! The emulators are as strict as they say: each rule refuses what breaks it, and
//! nothing else. Without this, a test against them would prove little.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use crate::support::{
    emulators::{CLIENT_ID, CLIENT_SECRET, Emulated, Emulator},
    get, post_form,
};

type Form = BTreeMap<&'static str, String>;

/// Service, provider, path of its token endpoint, whether it takes PKCE.
const CODE_FLOWS: [(&str, &str, &str, bool); 9] = [
    ("googledrive", "google", "/token", true),
    ("onedrivev2", "microsoft", "/common/oauth2/v2.0/token", true),
    ("onedrive", "liveconnect", "/oauth20_token.srf", false),
    ("dropbox", "dropbox", "/oauth2/token", true),
    ("box.com", "box", "/oauth2/token", false),
    ("pcloud", "pcloud", "/oauth2_token", false),
    ("hidrive", "hidrive", "/token", false),
    ("huaweidrive", "huawei", "/token", false),
    ("sharefile", "sharefile", "/token", false),
];

async fn all() -> Emulated {
    Emulated::start(&CODE_FLOWS.map(|(_, provider, ..)| provider)).await
}

/// authseal's own authorization request, with one parameter set, or taken away.
async fn authorization(emulated: &Emulated, service: &str, change: (&str, Option<&str>)) -> Url {
    let (request, _) = emulated.begin(service).await;
    let mut url = Url::parse(&request).unwrap();
    let (name, value) = change;
    let others: Vec<_> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(others.iter().filter(|(other, _)| other != name))
        .extend_pairs(value.map(|value| (name, value)));
    url
}

/// A code, and the form that exchanges it: the challenge is one of our own.
async fn code(emulated: &Emulated, service: &str, pkce: bool) -> Form {
    // RFC 7636 appendix B.
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let change = if pkce {
        ("code_challenge", Some(challenge))
    } else {
        ("", None)
    };
    let url = authorization(emulated, service, change).await;
    let callback = get(url.as_str(), &[]).await;
    assert_eq!(callback.status, 302, "{service}: {callback:?}");
    let callback = Url::parse(callback.header("location")).unwrap();
    let code = callback.query_pairs().find(|(name, _)| name == "code");
    let redirect_uri = url.query_pairs().find(|(name, _)| name == "redirect_uri");
    let mut form = Form::from([
        ("grant_type", "authorization_code".into()),
        ("client_id", CLIENT_ID.into()),
        ("client_secret", CLIENT_SECRET.into()),
        ("redirect_uri", redirect_uri.unwrap().1.into()),
        ("code", code.unwrap().1.into()),
    ]);
    if pkce {
        form.insert("code_verifier", verifier.into());
    }
    form
}

/// Whether a token came.
async fn takes(emulator: &Emulator, path: &str, form: &Form) -> bool {
    let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, &**value)).collect();
    let answer = post_form(&emulator.url(path), &fields).await;
    let json = answer.json();
    assert_eq!(json["access_token"].is_string(), json["error"].is_null());
    json["access_token"].is_string()
}

#[tokio::test]
async fn a_wrong_authorization_request_is_refused_by_everybody() {
    let emulated = all().await;
    let upper_case = format!("{}/LOGGED-IN", emulated.app.url);
    for (service, _, _, pkce) in CODE_FLOWS {
        let mut changes = vec![
            (("", None), 302),
            (("redirect_uri", Some(upper_case.as_str())), 400),
            (("redirect_uri", None), 400),
            (("client_id", Some("other")), 400),
            (("response_type", Some("token")), 400),
            (("state", None), 400),
        ];
        changes.extend(match pkce {
            true => [
                (("code_challenge_method", Some("plain")), 400),
                (("code_challenge", None), 400),
            ],
            false => [
                (("code_challenge_method", Some("S256")), 400),
                (("code_challenge", Some("x")), 400),
            ],
        });
        for (change, expected) in changes {
            let url = authorization(&emulated, service, change).await;
            let answer = get(url.as_str(), &[]).await;
            assert_eq!(answer.status, expected, "{service} {change:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_wrong_exchange_is_refused_by_everybody_and_a_code_works_once() {
    let emulated = all().await;
    for (service, provider, path, pkce) in CODE_FLOWS {
        let emulator = emulated.at(provider);
        let good = code(&emulated, service, pkce).await;
        let verifier = ("code_verifier", "another-verifier");
        for (name, value) in [
            ("redirect_uri", "http://127.0.0.1/other"),
            ("client_secret", "wrong"),
            ("client_id", "other"),
            ("code", "made-up"),
            verifier,
        ] {
            let mut wrong = good.clone();
            wrong.insert(name, value.into());
            assert!(!takes(emulator, path, &wrong).await, "{service} {name}");
        }
        assert!(takes(emulator, path, &good).await, "{service}");
        assert_eq!(emulator.books().live_grants(), 1, "{service}");
        assert!(!takes(emulator, path, &good).await, "{service}: replayed");
        assert_eq!(emulator.books().live_grants(), 0, "{service}");
    }
}

#[tokio::test]
async fn dropbox_refuses_what_only_dropbox_refuses() {
    let emulated = all().await;
    for (length, expected) in [(500, 302), (501, 400)] {
        let state = "s".repeat(length);
        let url = authorization(&emulated, "dropbox", ("state", Some(&state))).await;
        assert_eq!(get(url.as_str(), &[]).await.status, expected);
    }
    let dropbox = emulated.at("dropbox");
    let mut form = code(&emulated, "dropbox", true).await;
    form.insert("state", "s".into());
    assert!(!takes(dropbox, "/oauth2/token", &form).await);

    emulated.credential("dropbox").await;
    let mut refresh = Form::from([
        ("grant_type", "refresh_token".into()),
        ("client_id", CLIENT_ID.into()),
        ("client_secret", CLIENT_SECRET.into()),
        ("refresh_token", dropbox.books().new_refresh_token(1, 64, 1)),
    ]);
    assert!(takes(dropbox, "/oauth2/token", &refresh).await);
    refresh.insert("redirect_uri", form["redirect_uri"].clone());
    assert!(!takes(dropbox, "/oauth2/token", &refresh).await);
}

#[tokio::test]
async fn a_login_token_that_comes_to_another_realm_is_refused_and_spent() {
    let emulated = Emulated::start(&["jottacloud"]).await;
    let jottacloud = emulated.at("jottacloud");
    let path = "/auth/realms/jottacloud/protocol/openid-connect/token";
    for (brand, expected) in [("telia-se", false), ("jottacloud", true)] {
        let pasted = jottacloud.books().new_login_token_of(brand);
        let pasted = URL_SAFE_NO_PAD.decode(pasted).unwrap();
        let pasted: serde_json::Value = serde_json::from_slice(&pasted).unwrap();
        let form = Form::from([
            ("grant_type", "password".into()),
            ("client_id", "jottacli".into()),
            ("scope", "openid offline_access".into()),
            ("username", pasted["username"].as_str().unwrap().into()),
            ("password", pasted["auth_token"].as_str().unwrap().into()),
        ]);
        assert_eq!(takes(jottacloud, path, &form).await, expected, "{brand}");
        assert!(jottacloud.books().lock().switch.is_none(), "{brand}: spent");
        assert!(!takes(jottacloud, path, &form).await, "{brand}");
    }
}

/// And authseal says so, instead of sealing nothing.
#[tokio::test]
async fn without_what_a_provider_wants_for_it_no_refresh_token_comes() {
    for (provider, service, change) in [
        ("google", "googledrive", "authorize_params = {}"),
        (
            "google",
            "googledrive",
            "authorize_params = { access_type = \"offline\" }",
        ),
        ("dropbox", "dropbox", "authorize_params = {}"),
        (
            "microsoft",
            "onedrivev2",
            "[service.onedrivev2]\nscope = \"Files.ReadWrite\"",
        ),
        (
            "liveconnect",
            "onedrive",
            "[service.onedrive]\nscope = \"wl.skydrive\"",
        ),
    ] {
        let add = |tables: String| format!("{tables}{change}\n");
        let emulated = Emulated::with(&[provider], add, |app| app).await;
        let page = emulated.log_in(service).await;
        assert_eq!(page.status, 503, "{service}: {page:?}");
        assert!(page.body.contains("sent no refresh token"), "{page:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_does_what_it_does_at_its_provider() {
    const JOTTACLOUD: &str = "/auth/realms/jottacloud/protocol/openid-connect/token";
    let emulated = Emulated::start(&["google", "microsoft", "dropbox", "box", "jottacloud"]).await;
    for (provider, path, again, lives) in [
        ("google", "/token", true, 1),
        ("microsoft", "/common/oauth2/v2.0/token", true, 1),
        ("dropbox", "/oauth2/token", true, 1),
        ("box", "/oauth2/token", false, 1),
        ("jottacloud", JOTTACLOUD, false, 0),
    ] {
        let emulator = emulated.at(provider);
        let grant = emulator.books().new_grant();
        let refresh_token = emulator.books().new_refresh_token(grant, 64, 1);
        let mut form = Form::from([
            ("grant_type", "refresh_token".into()),
            ("refresh_token", refresh_token),
        ]);
        if provider == "jottacloud" {
            form.insert("client_id", "jottacli".into());
        } else {
            form.insert("client_id", CLIENT_ID.into());
            form.insert("client_secret", CLIENT_SECRET.into());
        }
        assert!(takes(emulator, path, &form).await, "{provider}");
        assert_eq!(takes(emulator, path, &form).await, again, "{provider}");
        assert_eq!(emulator.books().live_grants(), lives, "{provider}");
        emulator.books().remove_all();
        assert!(!takes(emulator, path, &form).await, "{provider}");
        form.insert("client_secret", "wrong".into());
        assert!(!takes(emulator, path, &form).await, "{provider}");
    }
}
