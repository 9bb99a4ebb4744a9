//! Which changes are made, and how often.

use proptest::{collection::vec, prelude::*};

use super::{Edit, Filler, Recipe, Spelling};

/// What is odd somewhere: to parsers of text, JSON, URLs, headers, TOML, base64.
const ODD: [&[u8]; 40] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"\x7f",
    b"\x1b[2J",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xae",
    b"\xc3\xa4",
    b"\xf0\x9f\x92\xa9",
    b"%00",
    b"%0d%0a",
    b"%",
    b"%zz",
    b"%c3%28",
    b"\\u0000",
    b"\\ud800",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"[",
    b"=",
    b"==",
    b"&",
    b";",
    b",",
    b":",
    b".",
    b"..",
    b"/",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"<script>",
];

/// Changes to one of the subject's real texts, or noise; `words` are what means
/// something there.
pub fn recipes(words: &'static [&'static str]) -> impl Strategy<Value = Recipe> {
    prop_oneof![
        9 => (any::<usize>(), edits(words)).prop_map(|(which, edits)| Recipe::Real(which, edits)),
        1 => noise(3_000).prop_map(Recipe::Noise),
    ]
}

/// None or one, mostly; or several, which leave less of what was right.
pub fn edits(words: &'static [&'static str]) -> impl Strategy<Value = Vec<Edit>> {
    prop_oneof![
        2 => vec(edit(words), 0..2),
        1 => vec(edit(words), 2..6),
    ]
}

fn edit(words: &'static [&'static str]) -> impl Strategy<Value = Edit> {
    let at = any::<usize>;
    let length = || prop_oneof![4 => 0..8usize, 1 => 0..500usize];
    let times = prop_oneof![8 => 1..4usize, 1 => 1..2_000usize];
    let between = prop::sample::select(b".:&;=,/\n \"".to_vec());
    let how = prop::sample::select(vec![
        Spelling::Percent,
        Spelling::OtherCase,
        Spelling::StandardBase64,
    ]);
    prop_oneof![
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Edit::Flip { at, bit }),
        4 => (at(), filler(words)).prop_map(|(at, what)| Edit::Insert { at, what }),
        3 => (at(), length(), filler(words))
            .prop_map(|(at, length, what)| Edit::Replace { at, length, what }),
        2 => (at(), length()).prop_map(|(at, length)| Edit::Remove { at, length }),
        1 => at().prop_map(|at| Edit::Cut { at }),
        2 => (at(), length(), times)
            .prop_map(|(at, length, times)| Edit::Repeat { at, length, times }),
        2 => (between, at(), at())
            .prop_map(|(between, one, other)| Edit::Swap { between, one, other }),
        2 => (at(), length(), how).prop_map(|(at, length, how)| Edit::Respell { at, length, how }),
    ]
}

fn filler(words: &'static [&'static str]) -> impl Strategy<Value = Filler> {
    let odd = prop::sample::select(ODD.to_vec()).prop_map(<[u8]>::to_vec);
    let word = prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    prop_oneof![
        4 => odd.prop_map(Filler::Bytes),
        4 => word.prop_map(Filler::Bytes),
        2 => noise(40),
    ]
}

/// Random bytes, or one byte again and again.
fn noise(longest: usize) -> impl Strategy<Value = Filler> {
    let odd = prop::sample::select(b"\0 A9\"[{=%\n,;\xff".to_vec());
    prop_oneof![
        2 => vec(any::<u8>(), 0..longest).prop_map(Filler::Bytes),
        2 => vec(32..127u8, 0..longest).prop_map(Filler::Bytes),
        1 => (odd, prop_oneof![0..200usize, 0..120_000usize])
            .prop_map(|(byte, times)| Filler::Many(byte, times)),
    ]
}
