//! Changes to what is real. Most of what they make is nearly right, which is what
//! gets furthest into a parser.

mod made_up;

use std::fmt;

pub use made_up::{edits, recipes};

/// Repetitions stop here: what is longer is refused for its length everywhere.
const LONGEST: usize = 300_000;
/// So that a text that is all separators takes no more memory than its length.
const MOST_PARTS: usize = 100;

/// One change. A place is counted modulo the text's length, so each change fits
/// each text.
#[derive(Clone, Debug)]
pub enum Edit {
    Flip {
        at: usize,
        bit: u8,
    },
    Insert {
        at: usize,
        what: Filler,
    },
    Replace {
        at: usize,
        length: usize,
        what: Filler,
    },
    Remove {
        at: usize,
        length: usize,
    },
    Cut {
        at: usize,
    },
    Repeat {
        at: usize,
        length: usize,
        times: usize,
    },
    Swap {
        between: u8,
        one: usize,
        other: usize,
    },
    Respell {
        at: usize,
        length: usize,
        how: Spelling,
    },
}

/// What is put in.
#[derive(Clone)]
pub enum Filler {
    Bytes(Vec<u8>),
    Many(u8, usize),
}

/// Another way to write the same.
#[derive(Clone, Copy, Debug)]
pub enum Spelling {
    Percent,
    OtherCase,
    StandardBase64,
}

/// A text of some kind, told by what was done to a real one.
#[derive(Clone, Debug)]
pub enum Recipe {
    Real(usize, Vec<Edit>),
    Noise(Filler),
}

impl fmt::Debug for Filler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::Many(byte, times) => write!(f, "'{}' x {times}", byte.escape_ascii()),
        }
    }
}

impl Filler {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Many(byte, times) => vec![*byte; *times],
        }
    }
}

impl Recipe {
    /// A real one as it is.
    pub fn untouched(which: usize) -> Self {
        Self::Real(which, Vec::new())
    }

    /// The text, made from one of `real`.
    pub fn make<T: AsRef<[u8]>>(&self, real: &[T]) -> Vec<u8> {
        match self {
            Self::Real(which, edits) => edited(real[which % real.len()].as_ref(), edits),
            Self::Noise(filler) => filler.bytes(),
        }
    }
}

/// The text after these changes.
pub fn edited(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut text = text.to_vec();
    for edit in edits {
        edit.apply(&mut text);
        text.truncate(LONGEST);
    }
    text
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>) {
        let end = text.len();
        let span = |at: usize, length: usize| {
            let start = at % (end + 1);
            start..(start + length).min(end)
        };
        match self {
            Self::Flip { at, bit } => {
                if let Some(byte) = text.get_mut(at % end.max(1)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Insert { at, what } => drop(text.splice(span(*at, 0), what.bytes())),
            Self::Replace { at, length, what } => {
                text.splice(span(*at, *length), what.bytes());
            }
            Self::Remove { at, length } => drop(text.drain(span(*at, *length))),
            Self::Cut { at } => text.truncate(span(*at, 0).start),
            Self::Repeat { at, length, times } => {
                let span = span(*at, *length);
                let copies = text[span.clone()].repeat(*times);
                text.splice(span.end..span.end, copies);
            }
            Self::Swap {
                between,
                one,
                other,
            } => {
                let parts = text.splitn(MOST_PARTS, |byte| byte == between);
                let mut parts: Vec<&[u8]> = parts.collect();
                let count = parts.len();
                parts.swap(one % count, other % count);
                *text = parts.join(between);
            }
            Self::Respell { at, length, how } => {
                let span = span(*at, *length);
                let respelt = how.respell(&text[span.clone()]);
                text.splice(span, respelt);
            }
        }
    }
}

impl Spelling {
    fn respell(self, text: &[u8]) -> Vec<u8> {
        let each = |change: fn(u8) -> u8| text.iter().map(|byte| change(*byte)).collect();
        match self {
            Self::Percent => {
                let encoded = text.iter().map(|byte| format!("%{byte:02x}"));
                encoded.collect::<String>().into_bytes()
            }
            Self::OtherCase => each(|byte| match byte.is_ascii_alphabetic() {
                true => byte ^ 0x20,
                false => byte,
            }),
            Self::StandardBase64 => each(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                _ => byte,
            }),
        }
    }
}
