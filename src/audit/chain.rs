//! The chain: the number and the hash of each line.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::event::hex;

/// SHA-256 hash of a line, in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineHash([u8; 32]);

impl LineHash {
    /// Returns the hash of a text without its last line break.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, text).as_ref());
        Self(bytes)
    }

    /// Parses 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[2 * index..2 * index + 2];
            // It would take a sign.
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            *byte = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// One line as the next one names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number of the line in its chain, from 1.
    pub(crate) number: u64,
    pub(crate) hash: LineHash,
}

impl Link {
    /// In front of the first line.
    pub(super) const NONE: Self = Self {
        number: 0,
        hash: LineHash([0; 32]),
    };

    /// Bytes of the text that [`Link::to_state`] makes.
    pub(super) const STATE_BYTES: usize = 20 + 1 + 64 + 1;

    /// Writes the link as the file beside the log holds it. The length never changes, so that
    /// it is written in place, also on a full disk.
    pub(super) fn to_state(self) -> String {
        format!("{:020} {}\n", self.number, self.hash)
    }

    /// Parses that text. `None` for anything else: the log itself has the last line too.
    pub(super) fn of_state(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
        let (number, hash) = text.split_once(' ')?;
        Some(Self {
            number: number.parse().ok()?,
            hash: LineHash::parse(hash)?,
        })
    }
}

/// The members by which a line stands in its chain.
#[derive(Debug, Deserialize)]
pub(super) struct ChainMembers {
    pub(super) n: u64,
    prev: String,
    pub(super) time: String,
    pub(super) event: String,
    /// Hash of the bytes that a crash had left before this line.
    torn: Option<String>,
}

impl ChainMembers {
    /// Reads a line without its line break. `None` if it is no line of an audit log.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        let members: Self = serde_json::from_slice(line).ok()?;
        (members.n > 0 && LineHash::parse(&members.prev).is_some()).then_some(members)
    }

    /// Returns the hash of the line before, as this line has it.
    pub(super) fn prev(&self) -> LineHash {
        LineHash::parse(&self.prev).unwrap_or(Link::NONE.hash)
    }

    /// Returns the hash of what stands between the line before and this one.
    pub(super) fn torn(&self) -> Option<LineHash> {
        LineHash::parse(self.torn.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_it_was_written() {
        let link = Link {
            number: 7,
            hash: LineHash::of(b"abc"),
        };
        let state = link.to_state();
        assert_eq!(state.len(), Link::STATE_BYTES);
        assert_eq!(Link::of_state(state.as_bytes()), Some(link));
        for length in 0..state.len() {
            assert_eq!(Link::of_state(&state.as_bytes()[..length]), None);
        }
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(link.hash.to_string(), known);
        assert_eq!(LineHash::parse(&format!("+a{}", &known[2..])), None);
    }
}
