//! AuthIDs: real ones changed, and such as only somebody with the key could make.

use std::io::Write as _;

use authseal::seal::{self, Flaw, NotAnAuthId, OpenError, Pasted};
use flate2::{Compression, write::DeflateEncoder};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::{collection::vec, prelude::*};

use crate::{
    mutation::{Edit, Recipe, edited, edits, recipes},
    property::{MB, Property, ensure},
    sealing::{KID, NOW, SERVICE, authid, grant, grant_json, header, key, keys},
};

/// What means something in an AuthID, its header or its content.
const WORDS: &[&str] = &[
    "v2:",
    "v1:",
    "googledrive",
    "dropbox",
    "..",
    "A256GCM",
    "A128GCM",
    "dir",
    "A256KW",
    "DEF",
    "key1",
    "\"crit\":[\"x\"]",
    "\"zip\":\"DEF\"",
    "\"alg\":\"none\"",
    "\"alg\":\"dir\"",
    "null",
    "\"svc\":\"dropbox\"",
    "\"rt\":\"\"",
    "\"gen\":4294967295",
    "\"gen\":-1",
    "\"iat\":1e30",
    "\"lin\":\"AAAA\"",
    "\"reg\":null",
];

const LONGEST_CONTENT: usize = 64 * 1024;

/// Compressed where that makes it shorter.
const LONG_TOKEN: &str = "1//0g-never-print-1//0g-never-print-1//0g-never-print-1//0g-never-print-\
    1//0g-never-print-1//0g-never-print-1//0g-never-print-1//0g-never-print-1//0g-never-print-";

#[test]
fn nothing_but_the_untouched_authid_opens() {
    let property = Property::alone("authids", 1, 4 * MB);
    let keys = keys();
    let real = ["1//0gshort", &LONG_TOKEN.repeat(4), ""]
        .map(|token| seal::seal(&keys, NOW, &grant(token)).unwrap());
    let real = real.each_ref().map(|authid| authid.expose());
    property.holds(recipes(WORDS), |recipe| {
        let text = String::from_utf8_lossy(&recipe.make(&real)).into_owned();
        let is_untouched = real.contains(&text.as_str());
        let opened = seal::open(&keys, NOW, &text);
        property.count(outcome(opened.as_ref().err()));
        ensure(opened.is_ok() == is_untouched, || {
            format!("{:?} for {text:?}", opened.err())
        })?;
        // Whatever opens is an AuthID that was sealed, also out of its surroundings.
        let pasted = seal::open_pasted(&keys, NOW, &text);
        if let Ok(Pasted { authid, .. }) = &pasted {
            property.count(if is_untouched { "exact" } else { "pasted" });
            let authid = authid
                .as_ref()
                .map_or(text.as_str(), |authid| authid.expose());
            ensure(real.contains(&authid), || format!("{authid:?} in {text:?}"))?;
        }
        ensure(pasted.is_ok() || !is_untouched, || {
            format!("{:?} for {text:?}", pasted.err())
        })?;
        let hint = seal::named_service(&text);
        ensure(hint.is_some() || !is_untouched, || "no service".into())
    });
    assert!(property.counted(|outcome| outcome == "opened") > 0);
    assert!(property.counted(|outcome| outcome == "Tampered") > 0);
    assert!(property.counted(|outcome| outcome == "pasted") > 0);
}

/// Stand in front of an AuthID.
const BEFORE: &[&str] = &[
    "\"",
    "'",
    "\u{201c}",
    "<",
    "(",
    "\u{feff}",
    "\u{200b}",
    "--authid=",
    "authid:",
    "X-AuthID: ",
    " ",
    "\r\n",
    "\n> ",
    "\\n",
    "export X=",
    "{\"authid\":\"",
    "box://f?a=b&authid=",
    "See: ",
    "\u{e9}",
    "v2:",
    "v2:a:",
    "eyJ..",
    "100% ",
    "authid",
    ":",
    "a:b:",
];

/// Stand behind it. A letter would be one more of its own.
const BEHIND: &[&str] = &[
    "\"",
    "'",
    "\u{201d}",
    ">",
    ")",
    ".",
    ",",
    " ",
    "\r\n",
    "\\n",
    "\\",
    "&x=y",
    "\",\"type\":\"a\"}",
    "=",
    "...",
    "\u{2026}",
    "\u{e9}",
    "%",
    "\n-- \nA friend",
    ":",
];

/// Stand within it.
const GAPS: &[&str] = &[
    "",
    "",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\u{a0}",
    "\\n",
    "\\\\r\\\\n",
    " \\\n  ",
    "`\r\n",
    "=\r\n",
    "\n> ",
    "\n>> ",
    "\u{ad}",
    "\u{200b}",
];

#[test]
fn an_authid_is_found_in_whatever_surrounds_it_and_broken_by_one_flip() {
    let property = Property::alone("pasted", 2, 4 * MB);
    let keys = keys();
    let real = ["1//0gshort", &LONG_TOKEN.repeat(4)]
        .map(|token| seal::seal(&keys, NOW, &grant(token)).unwrap());
    let pieces = |from: &'static [&'static str]| vec(prop::sample::select(from), 0..5);
    let gaps = vec((prop::sample::select(GAPS), any::<usize>()), 0..8);
    let flip = (any::<usize>(), 0..8u8);
    let cases = (
        0..real.len(),
        pieces(BEFORE),
        gaps,
        pieces(BEHIND),
        0..4usize,
        flip,
    );
    property.holds(
        cases,
        |(which, before, gaps, behind, encodings, (at, bit))| {
            let authid = real[which].expose();
            let surrounded = |authid: &str| {
                // Before any of its characters but the first.
                let mut within: Vec<String> = authid.chars().map(String::from).collect();
                for (gap, place) in &gaps {
                    let place = 1 + place % (within.len() - 1);
                    within[place].insert_str(0, gap);
                }
                let within = within.concat();
                let text = format!("{}{within}{}", before.concat(), behind.concat());
                (0..encodings).fold(text, |text, _| {
                    utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string()
                })
            };
            let text = surrounded(authid);
            let pasted = seal::open_pasted(&keys, NOW, &text);
            let found = pasted.map(|pasted| pasted.authid.map(|authid| authid.expose().to_owned()));
            let is_found = match &found {
                Ok(Some(found)) => found == authid,
                Ok(None) => text == authid,
                Err(_) => false,
            };
            ensure(is_found, || format!("{found:?} in {text:?}"))?;

            let mut flipped = authid.as_bytes().to_vec();
            let at = at % flipped.len();
            flipped[at] ^= 1 << bit;
            let flipped = String::from_utf8_lossy(&flipped).into_owned();
            let pasted = seal::open_pasted(&keys, NOW, &surrounded(&flipped));
            property.count(outcome(pasted.as_ref().err()));
            let is_capital = flipped.starts_with("V2:");
            ensure(pasted.is_ok() == is_capital, || {
                format!("{flipped:?} opens")
            })
        },
    );
    assert!(property.counted(|outcome| outcome == "Tampered") > 0);
}

fn outcome(error: Option<&OpenError>) -> String {
    error.map_or_else(|| "opened".into(), |error| format!("{error:?}"))
}

/// What somebody could make who has the key.
#[derive(Clone, Debug)]
struct Forged {
    header: Recipe,
    more_members: Vec<(String, String)>,
    content: Recipe,
    is_deflated: bool,
    deflated: Vec<Edit>,
}

fn forged() -> impl Strategy<Value = Forged> {
    const NAMES: &[&str] = &[
        "alg",
        "enc",
        "kid",
        "zip",
        "crit",
        "typ",
        "p2c",
        "x5c",
        "jku",
        "cty",
        "\\u0061lg",
    ];
    const VALUES: &[&str] = &[
        "\"dir\"",
        "\"A256GCM\"",
        "\"key1\"",
        "\"DEF\"",
        "null",
        "[]",
        "[\"exp\"]",
        "{}",
        "7",
        "\"none\"",
        "\"A128CBC-HS256\"",
        "\"\\u0064ir\"",
        "\"GZIP\"",
        "1e999",
        "true",
    ];
    let member = (prop::sample::select(NAMES), prop::sample::select(VALUES))
        .prop_map(|(name, value)| (name.to_owned(), value.to_owned()));
    let header = prop_oneof![
        3 => Just(Recipe::untouched(0)),
        1 => Just(Recipe::untouched(1)),
        2 => recipes(WORDS),
    ];
    let content = prop_oneof![
        1 => Just(Recipe::untouched(0)),
        2 => recipes(WORDS),
    ];
    (
        header,
        vec(member, 0..3),
        content,
        any::<bool>(),
        edits(WORDS),
    )
        .prop_map(
            |(header, more_members, content, is_deflated, deflated)| Forged {
                header,
                more_members,
                content,
                is_deflated,
                deflated,
            },
        )
}

impl Forged {
    fn header(&self) -> Vec<u8> {
        let mut json = self.header.make(&[header(false), header(true)]);
        for (name, value) in &self.more_members {
            let member = format!(",\"{name}\":{value}}}");
            json.pop();
            json.extend_from_slice(member.as_bytes());
        }
        json
    }

    fn content(&self, contents: &[String]) -> Vec<u8> {
        let mut content = self.content.make(contents);
        // What inflates to more is in `bombs`.
        content.truncate(LONGEST_CONTENT);
        match self.is_deflated {
            true => edited(&deflate(&content), &self.deflated),
            false => content,
        }
    }
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// With the key anything can be sealed; but only one kind of JWE is an AuthID, and
/// nothing that it holds can do harm.
#[test]
fn of_what_is_sealed_under_the_key_only_an_authid_opens() {
    let property = Property::alone("forged", 2, 4 * MB);
    let keys = keys();
    let key = key();
    let deep = format!(r#"{{"svc":{}"#, "[".repeat(10_000));
    let contents = [
        grant_json("1//0gshort"),
        grant_json(LONG_TOKEN),
        deep,
        r#"{"svc":"googledrive","rt":"\ud800","iat":0,"lin":"AAAAAAAAAAAAAAAAAAAAAA","gen":0}"#
            .into(),
    ];
    property.holds(forged(), |forged| {
        let header = forged.header();
        let text = authid(&key, SERVICE, &header, &forged.content(&contents));
        let opened = seal::open(&keys, NOW, &text);
        property.count(outcome(opened.as_ref().err()));
        let Ok(opened) = opened else {
            return Ok(());
        };
        // A number that JSON can write (RFC 8259 section 6) and the witness not hold.
        let readable = String::from_utf8_lossy(&header).replace("1e999", "7");
        let json: serde_json::Value = serde_json::from_str(&readable).unwrap_or_default();
        let is_ours = json["alg"] == "dir"
            && json["enc"] == "A256GCM"
            && json["kid"] == KID
            && json.get("zip").is_none_or(|zip| zip == "DEF")
            && json.get("crit").is_none();
        let header = String::from_utf8_lossy(&header);
        ensure(is_ours, || format!("it opens with {header}"))?;
        ensure(opened.kid == KID && opened.grant.service == SERVICE, || {
            format!("{opened:?}")
        })
    });
    assert!(property.counted(|outcome| outcome == "opened") > 0);
    let refused = OpenError::NotAnAuthId(NotAnAuthId::Form(Flaw::Header));
    assert!(property.counted(|outcome| outcome == format!("{refused:?}")) > 0);
}
