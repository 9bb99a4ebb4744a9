//! Login tokens of Jottacloud's brands: each is good at its own realm, once, so none is sent
//! to another.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::{JOTTACLOUD, start};
use crate::{
    settings::check,
    support::{
        Answer,
        emulators::{Emulated, credential_on, escaped, jottacloud::REALMS},
    },
};

/// Pastes a token at the page of a service.
async fn paste_at(emulated: &Emulated, service: &str, token: &str) -> Answer {
    let (state, cookie) = emulated.open_form(service).await;
    emulated.paste(&state, &cookie, token).await
}

fn table_on(page: &str) -> Option<&str> {
    let (_, rest) = page.split_once("<textarea id=\"table\"")?;
    let (_, rest) = rest.split_once('>')?;
    Some(rest.split_once("</textarea>")?.0)
}

#[tokio::test]
async fn a_token_that_names_another_place_is_not_sent() {
    let emulated = start().await;
    let jottacloud = emulated.at(JOTTACLOUD);
    let path = "/auth/realms/jottacloud/.well-known/openid-configuration";
    let (realm, link) = ("realm", "well_known_link");
    let (elsewhere, nowhere) = (
        "This token is not of Jottacloud",
        "It does not say at which",
    );
    let mut cases: Vec<(&str, Value, &str)> = vec![
        (realm, json!("telia"), elsewhere),
        (realm, json!("Jottacloud"), elsewhere),
        (realm, json!("jottacloud2"), elsewhere),
        (realm, json!(""), nowhere),
        (realm, json!("a\"b"), nowhere),
        (realm, json!("jottacloud "), nowhere),
        (realm, Value::Null, nowhere),
        (link, Value::Null, nowhere),
        (link, json!("id.jottacloud.com"), nowhere),
        (realm, json!(5), "only a part of one"),
        (link, json!([]), "only a part of one"),
    ];
    for (host, words) in [
        ("https://id.jottacloud.com:8443", elsewhere),
        ("https://id.jottacloud.com.", elsewhere),
        ("https://id.jottacloud.com.evil.example", elsewhere),
        ("https://id.jottacloud.com@evil.example", elsewhere),
        ("https://evil.example/id.jottacloud.com", elsewhere),
        ("https://id-jottacloud.com", elsewhere),
        ("https://www.jottacloud.com", elsewhere),
        // Its o is a Cyrillic letter.
        ("https://id.j\u{43e}ttacloud.com", elsewhere),
        ("http://id.jottacloud.com", nowhere),
        ("ftp://id.jottacloud.com", nowhere),
        ("https://id.jott\"acloud.com", nowhere),
        ("javascript://id.jottacloud.com", nowhere),
    ] {
        cases.push((link, json!(format!("{host}{path}")), words));
    }
    let (state, cookie) = emulated.open_form(JOTTACLOUD).await;
    for (member, value, words) in cases {
        let name = format!("{member} {value}");
        let token = jottacloud
            .books()
            .new_login_token_with(|json| json[member] = value);
        let page = emulated.paste(&state, &cookie, &token).await;
        assert_eq!(page.status, 400, "{name}: {page:?}");
        assert!(page.body.contains(&escaped(words)), "{name}: {page:?}");
        assert_eq!(table_on(&page.body).is_some(), words == elsewhere, "{name}");
    }
    assert!(jottacloud.calls("/token").is_empty(), "nothing was sent");

    let token = jottacloud.books().new_login_token();
    let page = emulated.paste(&state, &cookie, &token).await;
    assert_eq!(page.status, 200, "the same form takes another: {page:?}");
}

#[tokio::test]
async fn a_host_is_the_same_in_capitals_and_with_its_usual_port() {
    let emulated = start().await;
    for link in [
        "HTTPS://ID.JottaCloud.COM/auth/realms/jottacloud",
        "https://id.jottacloud.com:443/",
        "https://id.jottacloud.com",
    ] {
        let books = emulated.at(JOTTACLOUD).books();
        let token = books.new_login_token_with(|json| json["well_known_link"] = link.into());
        let page = paste_at(&emulated, JOTTACLOUD, &token).await;
        assert_eq!(page.status, 200, "{link}: {page:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_offered_brand_is_sent_to_its_button() {
    let brands = REALMS.map(|(provider, ..)| provider);
    let emulated = Emulated::start(&brands).await;
    for (brand, realm, host) in REALMS {
        // So many login tokens from one network are not sent at once.
        emulated.app.clock.advance(Duration::from_secs(60));
        let token = emulated.at(brand).books().new_login_token_of(brand);
        let other = if brand == JOTTACLOUD {
            "telia-se"
        } else {
            JOTTACLOUD
        };
        let page = paste_at(&emulated, other, &token).await;
        assert_eq!(page.status, 400, "{brand}: {page:?}");
        for words in [&format!("(realm {realm} at {host})"), "on the start page"] {
            assert!(page.body.contains(words), "{brand}: {page:?}");
        }
        assert_eq!(table_on(&page.body), None, "{brand}");
        let page = paste_at(&emulated, brand, &token).await;
        assert_eq!(page.status, 200, "{brand}, still good: {page:?}");
        let authid = credential_on(&page.body);
        assert!(authid.starts_with(&format!("v2:{brand}:")), "{authid}");
    }
}

#[tokio::test]
async fn a_token_of_a_brand_that_is_not_offered_says_how_to_offer_it() {
    let emulated = start().await;
    let token = emulated
        .at(JOTTACLOUD)
        .books()
        .new_login_token_of("telia-no");
    let page = paste_at(&emulated, JOTTACLOUD, &token).await;
    assert_eq!(page.status, 400, "{page:?}");
    for words in ["Telia Sky (Norway)", "JOTTA_TELIA_NO_CLIENT_ID=jottacli"] {
        assert!(page.body.contains(words), "{page:?}");
    }
    assert_eq!(table_on(&page.body), None);
    assert!(emulated.at(JOTTACLOUD).calls("/token").is_empty());
}

#[tokio::test]
async fn the_table_for_an_unknown_brand_is_the_one_in_the_docs() {
    let emulated = start().await;
    let token = emulated
        .at(JOTTACLOUD)
        .books()
        .new_login_token_with(|json| {
            json["realm"] = "newbrand".into();
            json["well_known_link"] = "https://id.newbrand.example/x".into();
        });
    let page = paste_at(&emulated, JOTTACLOUD, &token).await;
    let documented = include_str!("../../../docs/providers/jottacloud.md");
    let (_, documented) = documented.split_once("```toml\n").unwrap();
    let (documented, _) = documented.split_once("```").unwrap();
    let table = table_on(&page.body).unwrap().replace("&#34;", "\"");
    assert!(table.starts_with(documented), "{table}");
}

#[tokio::test]
async fn the_table_for_an_unknown_brand_offers_it() {
    let emulated = start().await;
    for (realm, host) in [
        ("New.Brand_wl", "id.new-brand.example:8443"),
        (&"r".repeat(64), "id.example"),
    ] {
        let token = emulated
            .at(JOTTACLOUD)
            .books()
            .new_login_token_with(|json| {
                json["realm"] = realm.into();
                json["well_known_link"] = format!("https://{host}/auth/realms/{realm}").into();
            });
        let page = paste_at(&emulated, JOTTACLOUD, &token).await;
        assert!(
            page.body.contains(&format!("realm {realm} at {host}")),
            "{page:?}"
        );
        let table = table_on(&page.body).unwrap().replace("&#34;", "\"");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &table).unwrap();
        let (_, variable) = table.split_once("# Then set ").unwrap();
        let (variable, client_id) = variable.trim().split_once('=').unwrap();
        let printed = check(&[
            ("AUTHSEAL_PROVIDERS", file.path().to_str().unwrap()),
            (variable, client_id),
        ])
        .await;
        assert_eq!(printed.code, Some(0), "{table} {}", printed.text);
        let credentials = variable.strip_suffix("_CLIENT_ID").unwrap();
        printed.assert_says(&[&format!("(credentials {credentials})")]);
    }
}
