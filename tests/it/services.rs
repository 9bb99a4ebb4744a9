//! Every service of providers.toml, from login to revocation, against the
//! emulator of its provider.

use std::{collections::BTreeSet, time::Duration};

use toml::Value;

use crate::support::{
    emulators::{Emulated, shipped},
    get,
};

/// What a row expects.
struct Row {
    /// What the link asks for: an id, or an alias.
    asked: &'static str,
    /// The id in front of the AuthID.
    service: &'static str,
    provider: &'static str,
    gives: Gives,
}

enum Gives {
    AuthId {
        /// Seconds in the answer to a refresh.
        expires: u64,
        replaces: Replaces,
        /// What `POST /revoked` answers.
        revoke_status: u16,
    },
    /// The access token itself.
    AccessToken,
}

/// What becomes of the refresh token.
#[derive(PartialEq)]
enum Replaces {
    Never,
    OldStaysGood,
    OldIsUsedUp,
}
use Replaces::{Never, OldIsUsedUp, OldStaysGood};

const fn row(asked: &'static str, provider: &'static str, gives: Gives) -> Row {
    Row {
        asked,
        service: asked,
        provider,
        gives,
    }
}

const fn authid(expires: u64, replaces: Replaces, revoke_status: u16) -> Gives {
    Gives::AuthId {
        expires,
        replaces,
        revoke_status,
    }
}

const ROWS: [Row; 39] = [
    row("googledrive", "google", authid(3599, Never, 200)),
    row("googledocs", "google", authid(3599, Never, 200)),
    row("googlephotos", "google", authid(3599, Never, 200)),
    row("googledrive-readonly", "google", authid(3599, Never, 200)),
    row("googledrive-appdata", "google", authid(3599, Never, 200)),
    row("gcs", "google", authid(3599, Never, 200)),
    row("gcs-readonly", "google", authid(3599, Never, 200)),
    row("onedrivev2", "microsoft", authid(3600, OldStaysGood, 501)),
    row(
        "onedrive-readonly",
        "microsoft",
        authid(3600, OldStaysGood, 501),
    ),
    row(
        "onedrive-appfolder",
        "microsoft",
        authid(3600, OldStaysGood, 501),
    ),
    row("sharepoint", "microsoft", authid(3600, OldStaysGood, 501)),
    row("msgroup", "microsoft", authid(3600, OldStaysGood, 501)),
    row("onedrive", "liveconnect", authid(3600, OldStaysGood, 501)),
    row("dropbox", "dropbox", authid(14400, Never, 200)),
    row("dropbox-readonly", "dropbox", authid(14400, Never, 200)),
    row("box-readonly", "box", authid(3900, OldIsUsedUp, 200)),
    row("box.com", "box", authid(3900, OldIsUsedUp, 200)),
    Row {
        asked: "box",
        service: "box.com",
        provider: "box",
        gives: authid(3900, OldIsUsedUp, 200),
    },
    row("jottacloud", "jottacloud", authid(3600, OldIsUsedUp, 200)),
    row("pcloud", "pcloud", Gives::AccessToken),
    row("yandex", "yandex", authid(31_536_000, OldStaysGood, 501)),
    // Its expires_in is a string.
    row("hidrive", "hidrive", authid(3600, Never, 501)),
    row("zohoworkdrive", "zoho", authid(3600, Never, 200)),
    row("premiumizeme", "premiumizeme", Gives::AccessToken),
    row("putio", "putio", Gives::AccessToken),
    row("huaweidrive", "huawei", authid(3600, OldStaysGood, 501)),
    row("sharefile", "sharefile", authid(28_800, OldStaysGood, 501)),
    row("elkjop", "elkjop", authid(3600, OldIsUsedUp, 200)),
    row(
        "elgiganten-dk",
        "elgiganten-dk",
        authid(3600, OldIsUsedUp, 200),
    ),
    row(
        "elgiganten-se",
        "elgiganten-se",
        authid(3600, OldIsUsedUp, 200),
    ),
    row("elko", "elko", authid(3600, OldIsUsedUp, 200)),
    row("gigantti", "gigantti", authid(3600, OldIsUsedUp, 200)),
    row("letsgo", "letsgo", authid(3600, OldIsUsedUp, 200)),
    row("mediamarkt", "mediamarkt", authid(3600, OldIsUsedUp, 200)),
    row("onlime", "onlime", authid(3600, OldIsUsedUp, 200)),
    row("phonero", "phonero", authid(3600, OldIsUsedUp, 200)),
    row("tele2", "tele2", authid(3600, OldIsUsedUp, 200)),
    row("telia-no", "telia-no", authid(3600, OldIsUsedUp, 200)),
    row("telia-se", "telia-se", authid(3600, OldIsUsedUp, 200)),
];

#[test]
fn every_service_and_alias_of_providers_toml_has_a_row() {
    let mut shipped_names = BTreeSet::new();
    for (id, service) in shipped()["service"].as_table().unwrap() {
        let aliases = service.get("aliases").and_then(Value::as_array);
        let aliases = aliases.into_iter().flatten().filter_map(Value::as_str);
        shipped_names.extend(aliases.map(str::to_owned));
        shipped_names.insert(id.clone());
    }
    let rows: BTreeSet<String> = ROWS.iter().map(|row| row.asked.to_owned()).collect();
    assert_eq!(rows, shipped_names);
}

#[test]
fn duplicatis_ids_are_all_there() {
    // docs/endpoints.md, "The start page".
    for id in [
        "googledrive",
        "gcs",
        "onedrivev2",
        "sharepoint",
        "msgroup",
        "box.com",
        "box",
        "dropbox",
        "jottacloud",
        "pcloud",
    ] {
        assert!(ROWS.iter().any(|row| row.asked == id), "{id}");
    }
}

#[tokio::test]
async fn every_service_can_be_logged_in_to_refreshed_and_revoked() {
    let providers: BTreeSet<&str> = ROWS.iter().map(|row| row.provider).collect();
    let providers: Vec<&str> = providers.into_iter().collect();
    let emulated = Emulated::start(&providers).await;
    for row in &ROWS {
        let page = get(&format!("{}/?type={}", emulated.app.url, row.asked), &[]).await;
        assert_eq!(page.status, 200, "{}: {page:?}", row.asked);
        assert!(page.body.contains(&format!("/login?id={}", row.service)));
        let credential = emulated.credential(row.asked).await;
        match &row.gives {
            Gives::AccessToken => check_access_token(&emulated, row, &credential).await,
            Gives::AuthId {
                expires,
                replaces,
                revoke_status,
            } => {
                let newest = check_refreshes(&emulated, row, &credential, *expires, replaces).await;
                check_revocation(&emulated, row, &credential, &newest, *revoke_status).await;
            }
        }
    }
}

/// Two provider calls; returns the newest AuthID.
async fn check_refreshes(
    emulated: &Emulated,
    row: &Row,
    authid: &str,
    expires: u64,
    replaces: &Replaces,
) -> String {
    let asked = row.asked;
    assert!(
        authid.starts_with(&format!("v2:{}:", row.service)),
        "{asked}"
    );
    let mut newest = authid.to_owned();
    let mut access_tokens = BTreeSet::new();
    for _ in 0..2 {
        let answer = emulated.refresh(&newest).await;
        assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["type"], row.service);
        assert_eq!(json["expires"], expires, "{asked}");
        let access_token = json["access_token"].as_str().unwrap();
        let books = emulated.at(row.provider).books();
        assert!(books.accepts(access_token), "{asked}");
        access_tokens.insert(access_token.to_owned());
        match json["v2_authid"].as_str() {
            Some(replaced) => replaced.clone_into(&mut newest),
            None => assert!(*replaces == Never, "{asked}"),
        }
        emulated.app.clock.advance(Duration::from_secs(expires));
    }
    assert_eq!(access_tokens.len(), 2, "{asked}");
    assert_eq!(newest == authid, *replaces == Never, "{asked}");
    if *replaces != OldIsUsedUp {
        // Stock Duplicati starts again from the AuthID of the login.
        assert_eq!(emulated.refresh(authid).await.status, 200, "{asked}");
    }
    newest
}

async fn check_revocation(
    emulated: &Emulated,
    row: &Row,
    at_login: &str,
    newest: &str,
    expected: u16,
) {
    let asked = row.asked;
    let provider = emulated.at(row.provider);
    let revoked = emulated.revoke_by_header(newest).await;
    assert_eq!(revoked.status, expected, "{asked}: {revoked:?}");
    if expected == 501 {
        assert_eq!(provider.books().live_grants(), 1, "{asked}");
        // So the person does it, and the cached token runs out.
        provider.books().remove_all();
        emulated.app.clock.advance(Duration::from_secs(40_000_000));
    }
    assert_eq!(provider.books().live_grants(), 0, "{asked}");
    for authid in [newest, at_login] {
        let refused = emulated.refresh(authid).await;
        assert_eq!(refused.status, 401, "{asked}: {refused:?}");
        assert!(!refused.header("x-reason").is_empty(), "{asked}");
    }
}

async fn check_access_token(emulated: &Emulated, row: &Row, token: &str) {
    let asked = row.asked;
    assert!(emulated.at(row.provider).books().accepts(token), "{asked}");
    // It is none of ours.
    assert_eq!(emulated.refresh(token).await.status, 401, "{asked}");
    let revoked = emulated.revoke_by_header(token).await;
    assert_eq!(revoked.status, 401, "{asked}");
}
