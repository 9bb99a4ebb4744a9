//! What cookies and the store hold: envelopes, changed, and presented where they
//! don't belong. And what else a person or a page hands in.

use authseal::{
    login::{LoginToken, NotALoginToken, Origin, TrustedOpeners},
    public_url::PublicUrl,
    seal::{self, Lineage, Purpose, open_envelope, seal_envelope},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    mutation::recipes,
    property::{MB, Property, ensure},
    sealing::{NOW, grant, keys},
};

const PURPOSES: [Purpose; 5] = [
    Purpose::Login,
    Purpose::Visit,
    Purpose::Session,
    Purpose::HandOver,
    Purpose::Lineage,
];
const CONTEXTS: [&str; 4] = ["", "nonce", "nonce2", "0123456789abcdef"];

#[test]
fn an_envelope_opens_as_what_it_was_sealed_for_and_as_nothing_else() {
    let property = Property::alone("envelopes", 1, 4 * MB);
    let keys = keys();
    let places: Vec<_> = PURPOSES
        .iter()
        .flat_map(|purpose| CONTEXTS.map(|context| (*purpose, context.as_bytes())))
        .collect();
    let mut real: Vec<String> = places
        .iter()
        .map(|(purpose, context)| {
            let sealed = seal_envelope(&keys, NOW, *purpose, context, b"content");
            sealed.unwrap().expose().to_owned()
        })
        .collect();
    let authid = seal::seal(&keys, NOW, &grant("rt")).unwrap();
    real.push(authid.expose().to_owned());
    property.holds(
        (recipes(&["key1", ".", "key1."]), 0..places.len()),
        |(recipe, place)| {
            let text = String::from_utf8_lossy(&recipe.make(&real)).into_owned();
            let (purpose, context) = places[place];
            let opened = open_envelope(&keys, NOW, purpose, context, &text);
            property.count(if opened.is_ok() { "opened" } else { "refused" });
            ensure(opened.is_ok() == (text == real[place]), || {
                format!("{text:?} as {purpose:?}")
            })?;
            ensure(
                text == real[real.len() - 1] || seal::open(&keys, NOW, &text).is_err(),
                || format!("an AuthID: {text:?}"),
            )
        },
    );
    assert!(property.counted(|outcome| outcome == "opened") > 0);
}

#[test]
fn a_login_token_is_read_or_refused_without_a_word_of_it() {
    let property = Property::alone("login_tokens", 1, 4 * MB);
    let json = r#"{"username":"never-print","realm":"jottacloud",
        "well_known_link":"https://id.jottacloud.com/x","auth_token":"never-print"}"#;
    let deep = format!(r#"{{"username":"never-print","x":{}"#, "[".repeat(10_000));
    let real = [json, &deep].map(|json| URL_SAFE_NO_PAD.encode(json));
    let words = ["v2:", "=", "==", "\r\n", "eyJ", "fQ"];
    property.holds(recipes(words.to_vec().leak()), |recipe| {
        let pasted = String::from_utf8_lossy(&recipe.make(&real)).into_owned();
        let token = LoginToken::parse(&pasted);
        let said = match &token {
            Ok(token) => format!("{:?}", token.auth_token),
            Err(why) => format!("{why} {why:?}"),
        };
        property.count(said.clone());
        ensure(!said.contains("never-print"), || said.clone())?;
        let is_empty = pasted.trim().is_empty();
        ensure(
            is_empty == (token.err() == Some(NotALoginToken::Empty)),
            || said,
        )
    });
}

#[test]
fn an_origin_is_scheme_host_and_port_and_reads_back_as_itself() {
    let property = Property::alone("origins", 1, 8 * MB);
    let public_url = PublicUrl::parse("https://auth.example.com").unwrap();
    let openers = TrustedOpeners::default();
    let real = [
        "http://localhost:8200/ngclient/",
        "https://duplicati.example.com/?a=b#c",
        "http://user:word@[fd00::5]:8200",
        "http://192.168.1.5",
        "https://evil.net",
        "about:blank",
    ];
    const WORDS: &[&str] = &[
        "http://",
        "https://",
        "javascript:",
        "blob:",
        "localhost",
        ".local",
        "evil.net",
        "@",
        "[::1]",
        ":65536",
        "xn--",
        "auth.example.com",
        "0x7f.1",
    ];
    property.holds(recipes(WORDS), |recipe| {
        let text = String::from_utf8_lossy(&recipe.make(&real)).into_owned();
        let Ok(origin) = Origin::of(&text) else {
            property.count("refused");
            return Ok(());
        };
        let is_trusted = openers.include(&origin, &public_url);
        property.count(if is_trusted { "trusted" } else { "a stranger" });
        let again = Origin::of(origin.as_str());
        ensure(again.as_ref() == Ok(&origin), || {
            format!("{origin:?}: {again:?}")
        })?;
        let written = origin.as_str();
        let is_plain = written.bytes().all(|byte| byte.is_ascii_graphic())
            && written.split('/').count() == 3
            && !written.contains('@');
        ensure(is_plain, || format!("{origin:?} of {text:?}"))?;
        let host = url::Url::parse(written)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned));
        let is_evil = host.is_some_and(|host| host.ends_with(".evil.net") || host == "evil.net");
        ensure(!(is_evil && is_trusted), || {
            format!("{origin:?} is trusted")
        })
    });
}

#[test]
fn a_lineage_is_written_in_one_way_only() {
    let property = Property::alone("lineages", 1, 4 * MB);
    let real = ["AAAAAAAAAAAAAAAAAAAAAA", "_____________________w"];
    property.holds(recipes(&["=", "A", "w"]), |recipe| {
        let text = String::from_utf8_lossy(&recipe.make(&real)).into_owned();
        let lineage = Lineage::parse(&text);
        property.count(if lineage.is_some() { "read" } else { "refused" });
        ensure(
            lineage.is_none_or(|lineage| lineage.to_string() == text),
            || text,
        )
    });
    assert!(property.counted(|outcome| outcome == "read") > 0);
}
