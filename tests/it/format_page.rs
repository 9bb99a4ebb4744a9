//! docs/format.md: its worked example is read from the page, and opened.

use std::{fs, os::unix::fs::PermissionsExt};

use authseal::{
    seal::{ClientMark, Purpose, open_envelope, seal_envelope},
    store::Name,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use josekit::jwe::{Dir, deserialize_compact};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest::{SHA256, digest},
    hmac,
};
use serde_json::{Value, json};

use crate::support::{TestApp, get};

const PAGE: &str = include_str!("../../docs/format.md");
const KID: &str = "page2kid";
const TOKEN: &str = "4k9x2m7q1z8w5v3t6y0u";

/// The only line of the first block behind these words.
fn block(words: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(words).expect(words);
    let mut lines = rest.lines().skip_while(|line| !line.starts_with("```"));
    let line = lines.nth(1).expect(words);
    assert_eq!(lines.next(), Some("```"), "{words}");
    line
}

/// A server that has the page's key besides its own.
async fn app_with_the_key() -> TestApp {
    let app = TestApp::start().await;
    let path = app.keys_dir.join(format!("{KID}.jwk"));
    fs::write(&path, block("The key, as it stands in")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    app.app.keyring.reload().unwrap();
    app
}

/// What an envelope of the page holds.
fn opened(app: &TestApp, purpose: Purpose, context: &[u8], envelope: &str) -> String {
    let keys = app.app.keyring.current();
    let content = open_envelope(&keys, app.clock.now(), purpose, context, envelope);
    String::from_utf8(content.unwrap().to_vec()).unwrap()
}

/// A name of the store, worked out as the page says.
fn name(kind: &str, key: &[u8]) -> String {
    let hash = digest(&SHA256, &[kind.as_bytes(), b"\0", key].concat());
    let ours = format!("{:?}", Name::new(kind, key));
    assert_eq!(ours, format!("Name({:?})", hash.as_ref()), "{kind}");
    URL_SAFE_NO_PAD.encode(hash)
}

/// The bits of the example's lineage.
fn bits() -> [u8; 16] {
    let content: Value = serde_json::from_str(block("The content, decrypted:")).unwrap();
    let bits = URL_SAFE_NO_PAD.decode(content["lin"].as_str().unwrap());
    bits.unwrap().try_into().unwrap()
}

#[tokio::test]
async fn the_authid_on_the_page_opens_and_holds_what_the_page_says() {
    let app = app_with_the_key().await;
    let authid = block("The AuthID of a login (");
    assert!(PAGE.contains(&format!("({} characters)", authid.len())));
    let grant = app.open(authid);
    let content: Value = serde_json::from_str(block("The content, decrypted:")).unwrap();
    let opened = json!({
        "svc": grant.service, "rt": grant.refresh_token.expose(), "iat": grant.issued_at,
        "lin": grant.lineage, "gen": grant.generation, "cid": grant.client,
    });
    assert_eq!(opened, content);
    assert_eq!(grant.client, Some(ClientMark::of("example-client-id")));
    for said in [
        format!("Logs call this login `{}`", grant.lineage.short_hash()),
        format!("the bytes `{:032x}`", u128::from_be_bytes(bits())),
        "the client id `example-client-id`".to_owned(),
    ] {
        assert!(PAGE.contains(&said), "{said}");
    }
}

#[tokio::test]
async fn the_limited_authid_on_the_page_opens_to_the_limits_and_names_beside_it() {
    let app = app_with_the_key().await;
    let authid = block("An AuthID of the same login with limits");
    assert!(PAGE.contains(&format!("a user and a label ({} characters)", authid.len())));
    let key: Value = serde_json::from_str(block("The key, as it stands in")).unwrap();
    let key = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
    let jwe = authid.splitn(3, ':').last().unwrap();
    let (content, _) = deserialize_compact(jwe, &Dir.decrypter_from_bytes(&key).unwrap()).unwrap();
    assert_eq!(content, block("Its content:").as_bytes());

    let grant = app.open(authid);
    let terms = grant.terms.unwrap();
    let limits = &terms.limits;
    let hex: String = limits
        .to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hex, block("The limits, in hex:"));
    let networks: Vec<String> = limits.networks().iter().map(ToString::to_string).collect();
    let said = format!(
        "until {}, from {}, {} times in an hour",
        limits.until().unwrap(),
        networks.join(" and "),
        limits.per_hour().unwrap(),
    );
    assert!(PAGE.contains(&said), "{said}");
    let content: Value = serde_json::from_slice(&content).unwrap();
    assert_eq!(content["usr"], terms.user.as_ref().unwrap().as_str());
    assert_eq!(content["lbl"], terms.label.as_ref().unwrap().as_str());
}

#[test]
fn the_jwk_alone_opens_the_authid_part_by_part() {
    let key: Value = serde_json::from_str(block("The key, as it stands in")).unwrap();
    let key = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
    let authid = block("The AuthID of a login (");
    let jwe = authid.splitn(3, ':').last().unwrap();
    let decrypter = Dir.decrypter_from_bytes(&key).unwrap();
    let (content, header) = deserialize_compact(jwe, &decrypter).unwrap();
    assert_eq!(content, block("The content, decrypted:").as_bytes());
    let said: Value = serde_json::from_str(block("The protected header, decoded:")).unwrap();
    assert_eq!(json!(header.claims_set()), said);

    let parts: Vec<&str> = jwe.split('.').collect();
    assert_eq!((parts.len(), parts[1]), (5, ""));
    for (part, length) in [(0, 62), (2, 16), (4, 22)] {
        assert_eq!(parts[part].len(), length, "part {part}");
        assert!(PAGE.contains(&format!("| `{}`", parts[part])));
    }
    let ciphertext = format!("| `{}…`, {} characters", &parts[3][..16], parts[3].len());
    assert!(PAGE.contains(&ciphertext));
}

#[tokio::test]
async fn the_stored_values_on_the_page_are_named_and_open_as_it_says() {
    let app = app_with_the_key().await;
    let bits = bits();
    assert_eq!(block("lineage, the name is"), name("lineage", &bits));
    let value = block("and the value, after one rotation");
    let newest = opened(&app, Purpose::Lineage, &bits, value);
    let content: Value = serde_json::from_str(block("of generation 1, whose content is")).unwrap();
    let grant = app.open(&newest);
    assert_eq!(json!(grant.lineage), content["lin"]);
    assert_eq!(json!(grant.generation), content["gen"]);
    assert_eq!(json!(grant.client), content["cid"]);
    assert_eq!(json!(grant.refresh_token.expose()), content["rt"]);

    let ready = block("the name of kind `hand-over ready` is");
    assert_eq!(ready, name("hand-over ready", TOKEN.as_bytes()));
    let value = block("and its value, with the AuthID above in it");
    let authid = opened(&app, Purpose::HandOver, TOKEN.as_bytes(), value);
    assert_eq!(authid, block("The AuthID of a login ("));
}

#[tokio::test]
async fn the_cookie_on_the_page_opens_and_has_the_members_of_a_real_one() {
    let app = app_with_the_key().await;
    let nonce = block("With the example's key, the nonce");
    let cookie = block("the cookie `authseal-");
    let sealed = opened(&app, Purpose::Login, nonce.as_bytes(), cookie);
    assert_eq!(sealed, block("and the content\n"));

    let begun = get(&format!("{}/login?id=stable", app.url), &[]).await;
    let cookie = begun.header("set-cookie").split(';').next().unwrap();
    let (name, value) = cookie.split_once('=').unwrap();
    let real = opened(
        &app,
        Purpose::Login,
        &name.as_bytes()["authseal-".len()..],
        value,
    );
    let members = |text: &str, path: &str| {
        let json: Value = serde_json::from_str(text).unwrap();
        let members = json.pointer(path).and_then(Value::as_object).unwrap();
        members.keys().cloned().collect::<Vec<_>>()
    };
    for path in ["", "/content"] {
        assert_eq!(members(&real, path), members(&sealed, path), "{path}");
    }
}

#[tokio::test]
async fn each_purpose_has_a_key_that_is_derived_as_the_page_says() {
    let app = app_with_the_key().await;
    let keys = app.app.keyring.current();
    let now = app.clock.now();
    let page_key = keys.opening(KID, now).unwrap().bytes();
    let derived = derive(page_key, "lineage", &bits());
    let hex: String = derived.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, block("the derived key of purpose `lineage` is"));

    let sealing_key = keys.sealing(now).unwrap();
    for (purpose, label) in [
        (Purpose::Login, "login cookie"),
        (Purpose::Visit, "visit cookie"),
        (Purpose::Session, "session cookie"),
        (Purpose::KnownBrowser, "known browser cookie"),
        (Purpose::HandOverForm, "hand-over form"),
        (Purpose::HandOverCookie, "hand-over cookie"),
        (Purpose::HandOver, "hand-over"),
        (Purpose::Lineage, "lineage"),
    ] {
        assert!(PAGE.contains(&format!("| `{label}` |")), "{label}");
        let sealed = seal_envelope(&keys, now, purpose, b"context", b"content").unwrap();
        let (kid, sealed) = sealed.expose().split_once('.').unwrap();
        assert_eq!(kid, sealing_key.kid);
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed).unwrap();
        let (nonce, content) = sealed.split_at_mut(NONCE_LEN);
        let key = derive(sealing_key.bytes(), label, b"context");
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
        let content = key.open_in_place(nonce, Aad::empty(), content);
        assert_eq!(content.as_deref(), Ok(b"content".as_slice()), "{label}");
    }
}

/// HKDF-SHA256 (RFC 5869) for one block of output.
fn derive(key: &[u8], purpose: &str, context: &[u8]) -> Vec<u8> {
    let sign = |key: &[u8], parts: &[&[u8]]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, &parts.concat())
    };
    let extracted = sign(b"authseal", &[key]);
    let info = [purpose.as_bytes(), b"\0", context, b"\x01"];
    sign(extracted.as_ref(), &info).as_ref().to_vec()
}
