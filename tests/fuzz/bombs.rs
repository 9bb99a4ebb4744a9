//! Zip bombs: a few KB that inflate to a hundred MB.

use std::io::Write;

use authseal::seal::{self, NotAnAuthId, OpenError};
use flate2::{Compression, write::DeflateEncoder};
use proptest::prelude::*;

use crate::{
    property::{MB, Property, ensure},
    sealing::{NOW, SERVICE, authid, grant_json, header, key, keys},
};

/// What a chunk inflates to.
const CHUNK: usize = 64 * 1024;
const LARGEST: usize = 128 * MB;

/// DEFLATE makes at best 1 of 1032 bytes, and an AuthID has 16 KiB: 13 MB. They are
/// there twice while a buffer grows, and once more as the grant's own text.
const MOST_FOR_ITS_OWNER: usize = 64 * MB;

/// DEFLATE of a text with one long run in it, whose chunks are the same: so the
/// bomb costs no more to make than a chunk.
struct Fuse {
    start: Vec<u8>,
    chunk: Vec<u8>,
    end: Vec<u8>,
}

impl Fuse {
    fn new(before: &str, run: u8, after: &str) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        let mut next = |text: &[u8]| {
            encoder.write_all(text).unwrap();
            encoder.flush().unwrap();
            std::mem::take(encoder.get_mut())
        };
        let run = [run; CHUNK];
        // From the second chunk on, all that can be referred to is the run.
        let start = [next(before.as_bytes()), next(&run)].concat();
        let chunk = next(&run);
        let end = [next(after.as_bytes()), encoder.finish().unwrap()].concat();
        Self { start, chunk, end }
    }

    fn bomb(&self, chunks: usize) -> Vec<u8> {
        [&self.start[..], &self.chunk.repeat(chunks), &self.end].concat()
    }
}

/// A grant that is whole, with a run where one may be: after it, in a string, and
/// in a member that nobody knows.
fn fuses() -> [Fuse; 4] {
    let grant = grant_json("rt");
    let open_ended = grant.strip_suffix('}').unwrap();
    let in_token = grant.split_once(r#""rt":"rt"#).unwrap();
    [
        Fuse::new(&grant, b' ', ""),
        Fuse::new(&format!("{}\"rt\":\"rt", in_token.0), b'a', in_token.1),
        Fuse::new(&format!(r#"{open_ended},"more":"#), b'[', ""),
        Fuse::new("", b'\0', ""),
    ]
}

/// Sizes of every order of magnitude, and more of those at which it just fits.
fn chunks() -> impl Strategy<Value = usize> {
    prop_oneof![0..20usize, 150..220usize, 0..LARGEST / CHUNK]
}

#[test]
fn a_bomb_under_the_right_key_is_refused_or_bounded() {
    let property = Property::alone("bombs", 20, MOST_FOR_ITS_OWNER);
    let (keys, key, fuses) = (keys(), key(), fuses());
    property.holds((0..fuses.len(), chunks()), |(fuse, chunks)| {
        let bomb = fuses[fuse].bomb(chunks);
        let text = authid(&key, SERVICE, header(true).as_bytes(), &bomb);
        let opened = seal::open(&keys, NOW, &text);
        property.count(format!("{:?}", opened.as_ref().err()));
        let is_too_long = text.len() > seal::MAX_AUTHID_BYTES;
        let refused = Some(OpenError::NotAnAuthId(NotAnAuthId::TooLong));
        ensure(is_too_long == (opened.err() == refused), || {
            format!("{} characters", text.len())
        })?;
        let is_large = chunks * CHUNK > 16 * MB;
        ensure(is_too_long || !is_large, || "100 MB in 16 KiB".into())
    });
    assert!(property.counted(|outcome| outcome == "None") > 0);
}

/// 1 MB is less than any of them inflates to.
#[test]
fn what_is_not_authenticated_is_never_inflated() {
    let property = Property::alone("duds", 4, MB);
    let (keys, fuses) = (keys(), fuses());
    let (right, wrong) = (key(), [7; 32]);
    let cases = (0..fuses.len(), 20..220usize, any::<bool>(), any::<usize>());
    property.holds(cases, |(fuse, chunks, is_forged, damage)| {
        let bomb = fuses[fuse].bomb(chunks);
        let key = if is_forged { &wrong } else { &right };
        let mut text = authid(key, SERVICE, header(true).as_bytes(), &bomb);
        if !is_forged {
            // Somewhere in what is sealed, or in its tag.
            let sealed = text.match_indices('.').nth(2).unwrap().0 + 1;
            let at = sealed + damage % (text.len() - sealed);
            let letter = if text[at..].starts_with('A') {
                "B"
            } else {
                "A"
            };
            text.replace_range(at..=at, letter);
        }
        let error = seal::open_pasted(&keys, NOW, &text).err();
        property.count(format!("{error:?}"));
        ensure(error.is_some(), || "it opens".into())
    });
    assert!(property.counted(|outcome| outcome.contains("Tampered")) > 0);
}

/// Pieces that a parser might read again and again.
const PIECES: &[&str] = &[
    "v2:",
    "v2:a:",
    "v2:a:eyJ..",
    "V2:a:eyJ",
    ":",
    ".",
    "..",
    "\\",
    "\\ ",
    "\\\\n",
    "= ",
    "` ",
    "> ",
    "\n>",
    "%25",
    "%",
    "\u{feff}",
    "\"",
    "'\"",
    "--authid=",
    "A",
    " ",
    "\u{2026}",
    "1//",
    "eyJ.",
];

/// 64 KiB are read in a moment, and copied a few times at most.
#[test]
fn a_text_without_an_authid_costs_no_more_than_its_length() {
    let property = Property::alone("pieces", 4, MB);
    let keys = keys();
    let pieces = proptest::collection::vec(prop::sample::select(PIECES), 1..6);
    property.holds((pieces, 0..70_000usize), |(pieces, length)| {
        let unit = pieces.concat();
        let text = unit.repeat(length / unit.len());
        let error = seal::open_pasted(&keys, NOW, &text).err();
        property.count(format!("{error:?}"));
        ensure(error.is_some(), || "it opens".into())
    });
    assert!(property.counted(|outcome| outcome.contains("TooLong")) > 0);
}
