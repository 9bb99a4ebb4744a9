//! Reads the JWE of an AuthID letter by letter, over gaps.

use zeroize::Zeroizing;

use super::{
    flaw::{CharacterKind, Flaw},
    tidy::GAP,
};
use crate::{
    seal::jwe::{IV_CHARACTERS, TAG_CHARACTERS},
    secret::Secret,
};

/// Signs that end an AuthID in a text: quotes, brackets, and what separates parameters.
const ENDS: &str = "\"'`&,;<>()[]{}|\\*\u{2018}\u{2019}\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}";

/// A JWE that is read, and the AuthID up to there.
pub(super) struct Letters<'t> {
    rest: &'t str,
    authid: Zeroizing<String>,
    /// Length of the AuthID in front of the JWE.
    head: usize,
}

/// An AuthID that is not whole: what is wrong, and how far it is right.
pub(super) struct Broken {
    pub(super) flaw: Flaw,
    at: usize,
}

impl Broken {
    /// Returns how many characters are right.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

pub(super) fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

impl<'t> Letters<'t> {
    /// Reads from `rest`, behind `head`, which is `v2:<service>:`.
    pub(super) fn new(rest: &'t str, head: String) -> Self {
        Self {
            rest,
            head: head.len(),
            authid: Zeroizing::new(head),
        }
    }

    pub(super) fn authid(&self) -> Secret {
        Secret::new(self.authid.as_str())
    }

    pub(super) fn broken(&self, flaw: Flaw) -> Broken {
        Broken {
            flaw,
            at: self.authid.len(),
        }
    }

    /// True if what was read is, or was going to be, a JWE. Anything else behind
    /// `v2:<service>:` is a refresh token in clear.
    pub(super) fn look_sealed(&self) -> bool {
        let jwe = &self.authid[self.head..];
        let is_cut_at_once = "eyJ".starts_with(jwe) && self.is_at_end();
        jwe.starts_with("eyJ") || jwe.contains("..") || is_cut_at_once
    }

    /// Reads the five parts. A tag has a fixed length, so it says where the AuthID ends.
    pub(super) fn read_jwe(&mut self, has_colon_behind: bool) -> Result<(), Flaw> {
        self.part(usize::MAX)?;
        self.dots(2)?;
        let iv = self.part(IV_CHARACTERS)?;
        self.dots(1)?;
        self.part(usize::MAX)?;
        self.dots(1)?;
        if self.part(TAG_CHARACTERS)? < TAG_CHARACTERS {
            return Err(self.flaw());
        }
        if iv < IV_CHARACTERS {
            return Err(Flaw::Middle);
        }
        let more = self.rest.bytes().take_while(|byte| is_base64url(*byte));
        let is_next_authid = has_colon_behind && (self.rest == "v2" || self.rest == "V2");
        match more.count() {
            0 => Ok(()),
            _ if is_next_authid => Ok(()),
            more => Err(Flaw::TooMuchAtEnd(more)),
        }
    }

    /// Reads base64url characters, at most so many. Returns how many there were.
    fn run(&mut self, limit: usize) -> usize {
        let start = self.authid.len();
        loop {
            let most = limit - (self.authid.len() - start);
            let letters = self.rest.bytes().take_while(|byte| is_base64url(*byte));
            let (run, rest) = self.rest.split_at(letters.take(most).count());
            self.authid.push_str(run);
            self.rest = rest;
            let is_full = self.authid.len() - start == limit;
            // What stands behind the last character says if it is the last.
            match self.rest.strip_prefix(GAP) {
                Some(behind) if !is_full => self.rest = behind,
                _ => break,
            }
        }
        self.authid.len() - start
    }

    /// Reads a part, which may not be empty.
    fn part(&mut self, limit: usize) -> Result<usize, Flaw> {
        match self.run(limit) {
            0 => Err(self.flaw()),
            count => Ok(count),
        }
    }

    fn dots(&mut self, count: usize) -> Result<(), Flaw> {
        for _ in 0..count {
            let rest = self.rest.trim_start_matches(GAP);
            self.rest = rest.strip_prefix('.').ok_or_else(|| self.flaw())?;
            self.authid.push('.');
        }
        Ok(())
    }

    fn is_at_end(&self) -> bool {
        !self.rest.bytes().any(is_base64url)
    }

    /// Returns what is wrong here, where something else should stand.
    fn flaw(&self) -> Flaw {
        let dots = |text: &str| text.bytes().take_while(|byte| *byte == b'.').count();
        let dots_before = self.authid.bytes().rev().take_while(|byte| *byte == b'.');
        let behind = self.rest.trim_start_matches([GAP, '[', '(', '<']);
        if behind.starts_with('\u{2026}') || dots_before.count() + dots(self.rest) >= 3 {
            return Flaw::Shortened;
        }
        if dots(behind) >= 3 {
            return Flaw::Shortened;
        }
        let Some(next) = behind.chars().next() else {
            return Flaw::CutAtEnd;
        };
        let next_here = self.rest.trim_start_matches(GAP).chars().next();
        if self.is_at_end() || next_here.is_some_and(|char| ENDS.contains(char)) {
            return Flaw::CutAtEnd;
        }
        match next {
            '.' => Flaw::Middle,
            _ if next.is_ascii() && is_base64url(next as u8) => Flaw::Middle,
            _ => Flaw::Character {
                kind: CharacterKind::of(next),
                position: self.authid.len() + 1,
            },
        }
    }
}
