//! config.json of Duplicati's own server: its services, over the built-in ones.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::settings::check;
use authseal::{config::Config, environment::Environment};

const CREDENTIALS: [(&str, &str); 6] = [
    ("GD_CLIENT_ID", "google-id"),
    ("GD_CLIENT_SECRET", "never-print-gd"),
    ("BOX_CLIENT_ID", "box-id"),
    ("BOX_CLIENT_SECRET", "never-print-box"),
    ("MINE_CLIENT_ID", "my-id"),
    ("MINE_CLIENT_SECRET", "never-print-mine"),
];

/// What comes of these entries.
fn load(entries: &Value, more: &[(&str, &str)]) -> Config {
    let keys = tempfile::tempdir().unwrap();
    let config_file = format!("base64:{}", STANDARD.encode(entries.to_string()));
    let mut environment = vec![
        ("REDIRECT_HOSTNAME", "oauth.example.com"),
        ("CONFIGFILE", &config_file),
        ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
    ];
    environment.extend(CREDENTIALS);
    environment.extend(more);
    Config::load(Environment::new(environment)).unwrap()
}

#[test]
fn an_entry_changes_the_built_in_service_of_its_id() {
    let config = load(
        &json!([{
            "ID": "googledrive", "ServiceId": "GD", "NAME": "Drive of ours", "Hidden": true,
            "Scope": "a b", "serviceLINK": "https://drive.example", "deAuthLink": "https://off.example",
            "noStateForTokenRequest": true, "preferV2": false, "notes": "n", "brandImage": "x",
        }]),
        &[],
    );
    let service = config.offer.catalog.by_id("googledrive").unwrap();
    assert_eq!(
        (service.name.as_str(), service.scope.as_str()),
        ("Drive of ours", "a b")
    );
    assert!(service.hidden);
    assert_eq!(
        service.link.as_ref().unwrap().as_str(),
        "https://drive.example/"
    );
    assert_eq!(
        service.manage_url.as_ref().unwrap().as_str(),
        "https://off.example/"
    );
    assert_eq!(service.provider.id, "google");
    // The others are what they were.
    let docs = config.offer.catalog.by_id("googledocs").unwrap();
    assert!(docs.scope.ends_with("auth/drive"));
}

#[test]
fn a_new_id_takes_its_provider_from_its_credentials() {
    let config = load(
        &json!([
            {"id": "gd-team", "serviceId": "GD", "name": "Team", "scope": "c",
             "clientId": "team-id", "clientSecret": "%TEAM_SECRET%"},
            {"id": "box-two", "serviceId": "BOX"},
            {"id": "googledocs", "serviceId": "GD"},
        ]),
        &[("TEAM_SECRET", "never-print-team")],
    );
    let team = config.offer.catalog.by_id("gd-team").unwrap();
    assert_eq!(team.provider.id, "google");
    assert_eq!(team.credentials.client_id, "team-id");
    let secret = team.credentials.client_secret.as_ref().unwrap();
    assert_eq!(secret.expose(), "never-print-team");
    assert!(!config.offer.catalog.by_id("googledocs").unwrap().hidden);
    let box_two = config.offer.catalog.by_id("box-two").unwrap();
    assert_eq!(box_two.provider.id, "box");
    assert_eq!(box_two.credentials.client_id, "box-id");
    assert_eq!(box_two.scope, "root_readwrite");
    assert!(config.offer.catalog.find("box").unwrap().id == "box.com");
}

#[test]
fn its_own_addresses_make_a_provider_of_its_own() {
    let config = load(
        &json!([
            {"id": "mine", "serviceId": "MINE", "name": "Mine", "scope": "s",
             "authUrl": "https://id.mine.example/token", "loginUrl": "https://id.mine.example/auth",
             "extraUrl": "&access_type=offline&prompt=consent", "redirectUri": "%OAUTH_CALLBACK_URI%"},
            {"id": "box.com", "serviceId": "BOX", "authUrl": "https://box.mine.example/token",
             "redirectUri": "https://elsewhere.example/logged-in"},
            {"id": "forever", "serviceId": "MINE", "accessTokenOnly": true, "additionalElements": "a, b",
             "authUrl": "https://id.mine.example/token", "loginUrl": "https://id.mine.example/auth"},
        ]),
        &[],
    );
    let mine = config.offer.catalog.by_id("mine").unwrap();
    let token_url = mine.provider.token_url.at(None).unwrap();
    assert_eq!(token_url.as_str(), "https://id.mine.example/token");
    let authseal::provider::LoginMethod::Code { params, .. } = &mine.provider.login else {
        panic!("{:?}", mine.provider.login)
    };
    assert_eq!(params["access_type"], "offline");
    assert_eq!(params["prompt"], "consent");
    // As it is registered there since that server.
    for service in config.offer.catalog.iter() {
        let path = service.provider.redirect_path();
        assert!(path.is_none_or(|path| path.is_shared()), "{service:?}");
    }
    let of_box = config.offer.catalog.by_id("box.com").unwrap();
    let token_url = of_box.provider.token_url.at(None).unwrap();
    assert_eq!(token_url.as_str(), "https://box.mine.example/token");
    // Still what Box's are, but revoked nowhere: tokens must not go elsewhere.
    assert_eq!(
        of_box.provider.refresh_tokens,
        authseal::provider::RefreshTokens::SingleUse
    );
    assert!(of_box.provider.revocation.is_none());
    let forever = config.offer.catalog.by_id("forever").unwrap();
    assert_eq!(
        forever.provider.refresh_tokens,
        authseal::provider::RefreshTokens::None
    );
    let notes = config.notes.join("\n");
    assert!(
        notes.contains("box.com: redirectUri is not used"),
        "{notes}"
    );
    assert!(!notes.contains("mine: redirectUri"), "{notes}");
}

#[test]
fn no_entry_leads_the_services_of_a_built_in_provider_elsewhere() {
    let elsewhere = |id: &str| {
        json!({"id": id, "serviceId": "MINE", "name": "Mine", "loginUrl": "https://mine.example/a",
            "authUrl": "https://mine.example/t"})
    };
    let config = load(&json!([elsewhere("google"), elsewhere("dropbox")]), &[]);
    for id in ["google", "dropbox"] {
        let mine = config.offer.catalog.by_id(id).unwrap();
        let token_url = mine.provider.token_url.at(None).unwrap();
        assert_eq!(token_url.as_str(), "https://mine.example/t");
        assert!(mine.provider.revocation.is_none(), "{id}");
    }
    let drive = config.offer.catalog.by_id("googledrive").unwrap();
    assert_eq!(drive.credentials.client_id, "google-id");
    let token_url = drive.provider.token_url.at(None).unwrap();
    assert_eq!(token_url.host_str(), Some("oauth2.googleapis.com"));
}

#[test]
fn more_of_the_query_leaves_the_rest_of_the_provider_as_it_is() {
    let entry = json!([{"id": "box.com", "serviceId": "BOX", "extraUrl": "&box_login=a%40b"}]);
    let config = load(&entry, &[]);
    let of_box = config.offer.catalog.by_id("box.com").unwrap();
    assert!(of_box.provider.revocation.is_some());
}

#[test]
fn services_finds_an_entry_by_its_service_id_and_the_first_of_two_counts() {
    let config = load(
        &json!([
            {"id": "mine", "serviceId": "GD", "name": "First", "clientId": "a", "clientSecret": "b"},
            {"id": "mine", "serviceId": "GD", "name": "Second"},
        ]),
        &[("SERVICES", "gd")],
    );
    let mine = config.offer.catalog.by_id("mine").unwrap();
    assert_eq!(
        (mine.name.as_str(), mine.credentials.client_id.as_str()),
        ("First", "a")
    );
    let notes = config.notes.join("\n");
    assert!(notes.contains("mine: stands there twice"), "{notes}");
}

#[tokio::test]
async fn what_is_wrong_with_an_entry_is_said_and_nothing_starts() {
    for (entries, says) in [
        (json!({}), "must be a JSON array of objects"),
        (
            json!([{"id": "x"}]),
            "has an entry (1, \"x\") that lacks id or serviceId",
        ),
        (
            json!([{"id": "x", "serviceId": "GD", "hidden": "never-print"}]),
            "(1, \"x\")",
        ),
        (
            json!([{"id": "x", "serviceId": "NEW"}]),
            "CONFIGFILE: x: authUrl and loginUrl are missing",
        ),
        (
            json!([{"id": "x", "serviceId": "GD", "clientId": "of-its-own"}]),
            "CONFIGFILE: x: of clientId and clientSecret only one has a value",
        ),
        (
            json!([{"id": "x", "serviceId": "NEW", "useHostnameFromCallback": true,
                "authUrl": "https://a.example/", "loginUrl": "https://a.example/"}]),
            "CONFIGFILE: x: useHostnameFromCallback",
        ),
        (
            json!([{"id": "x", "serviceId": "NEW", "authUrl": "http://a.example/",
                "loginUrl": "https://a.example/"}]),
            "[provider.x]: token_url must be https",
        ),
    ] {
        let config_file = format!("base64:{}", STANDARD.encode(entries.to_string()));
        let printed = check(&[("CONFIGFILE", &config_file)]).await;
        assert_eq!(printed.code, Some(1), "{says}: {}", printed.text);
        printed.assert_says(&[says]);
    }
}
