//! Verification of the chain.

use std::{collections::HashSet, fmt};

use super::chain::{ChainMembers, LineHash, Link};

/// The first place at which a chain is broken.
#[derive(Debug, PartialEq, Eq)]
pub struct BrokenPlace {
    /// Name of the file.
    pub(crate) file: String,
    /// Line of the file, from 1.
    pub(crate) line: u64,
    /// Description of the damage.
    pub(crate) what: String,
}

impl fmt::Display for BrokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file, self.line, self.what)
    }
}

/// One end of what was verified.
#[derive(Clone, Debug)]
pub struct ChainEnd {
    pub(crate) link: Link,
    pub(crate) time: String,
}

/// Result of a verification.
#[derive(Debug, Default)]
pub struct Verification {
    /// Number of whole lines, up to the broken place.
    pub(crate) lines: u64,
    /// First line, and the link that it follows.
    pub(crate) first: Option<(ChainEnd, Link)>,
    pub(crate) last: Option<ChainEnd>,
    pub(crate) broken: Option<BrokenPlace>,
    /// Facts that are no damage of the chain.
    pub(crate) notes: Vec<String>,
}

/// Reads files one after the other, the oldest first.
#[derive(Debug, Default)]
pub struct Verifier {
    found: Verification,
    file: String,
    line: u64,
    /// Bytes that are no line, and the number of their first line. The next line must tell of
    /// them.
    fragment: Option<(Vec<u8>, u64)>,
    hashes: HashSet<LineHash>,
}

impl Verifier {
    /// Reads the content of the next file. `file` is its name in messages.
    pub(crate) fn read(&mut self, file: &str, content: &[u8]) {
        self.end_file();
        file.clone_into(&mut self.file);
        self.line = 0;
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if self.found.broken.is_some() {
                return;
            }
            self.line += 1;
            self.take(line);
        }
    }

    /// Compares the last file with what authseal has noted beside it: the last line that was
    /// written then must be there, and be the same.
    pub(crate) fn compare_with_note(&mut self, known: Option<Link>) {
        let Some(known) = known else {
            return;
        };
        let (Some((first, _)), Some(last)) = (&self.found.first, &self.found.last) else {
            self.found.notes.push(format!(
                "{} has no line, and number {} was written: it is in an older file, or was taken out",
                self.file, known.number
            ));
            return;
        };
        let (first, last) = (first.link.number, last.link.number);
        if last < known.number {
            self.broken_at(format!(
                "the end is cut off: it ends with number {last}, and number {} was written",
                known.number
            ));
        } else if first <= known.number && !self.hashes.contains(&known.hash) {
            self.broken_at(format!(
                "number {} is not the line that was written",
                known.number
            ));
        }
    }

    /// Returns the result. `kept` are hashes of lines that must be there.
    pub(crate) fn finish(mut self, kept: &[LineHash]) -> Verification {
        self.end_file();
        if let Some(missing) = kept.iter().find(|hash| !self.hashes.contains(hash)) {
            self.broken_at(format!("no line has the hash {missing}, which was kept"));
        }
        self.found
    }

    fn take(&mut self, line: &[u8]) {
        let content = line.strip_suffix(b"\n");
        let members = content.and_then(ChainMembers::of);
        let Some((content, members)) = content.zip(members) else {
            let (fragment, _) = self.fragment.get_or_insert((Vec::new(), self.line));
            fragment.extend_from_slice(line);
            return;
        };
        if let Some((fragment, first_line)) = self.fragment.take() {
            let fragment = fragment.strip_suffix(b"\n").unwrap_or(&fragment);
            if members.torn() != Some(LineHash::of(fragment)) {
                self.line = first_line;
                self.broken_at("this is no line of an audit log".to_owned());
                return;
            }
            self.note(first_line, "a line that a crash cut short");
        } else if members.torn().is_some() {
            self.broken_at("what a crash had left before this line was taken out".to_owned());
            return;
        }
        if let Some(what) = self.break_before(&members) {
            self.broken_at(what);
            return;
        }
        if members.n == 1 && self.found.last.is_some() {
            self.note(
                self.line,
                "a new chain begins here, and names none before it",
            );
        }
        let begins_file =
            ["chain_begun", "file_begun", "torn_line"].contains(&members.event.as_str());
        if self.line == 1 && !begins_file && self.file != "-" {
            self.note(
                1,
                "the file does not begin with its first line, which was cut off",
            );
        }
        if matches!(members.event.as_str(), "lost" | "lines_missing") {
            let event = members.event.clone();
            self.note(
                self.line,
                &format!("the line says that others are missing ({event})"),
            );
        }
        let end = ChainEnd {
            link: Link {
                number: members.n,
                hash: LineHash::of(content),
            },
            time: members.time.clone(),
        };
        self.hashes.insert(end.link.hash);
        self.found.lines += 1;
        self.found.first.get_or_insert_with(|| {
            let before = Link {
                number: members.n - 1,
                hash: members.prev(),
            };
            (end.clone(), before)
        });
        self.found.last = Some(end);
    }

    /// Returns what is wrong between the last line and this one.
    fn break_before(&self, members: &ChainMembers) -> Option<String> {
        let number = members.n;
        let begins = number == 1;
        if begins {
            let is_first = members.prev() == Link::NONE.hash;
            return (!is_first).then(|| "number 1 names a line before it".to_owned());
        }
        let last = self.found.last.as_ref()?.link;
        let expected = last.number + 1;
        if number > expected {
            let missing = match number - 1 {
                last if last == expected => format!("number {expected} is"),
                last => format!("numbers {expected} to {last} are"),
            };
            return Some(format!("{missing} missing before this line"));
        }
        if number < expected {
            return Some(format!(
                "number {number} stands behind number {}: lines were moved, or stand here twice",
                last.number
            ));
        }
        (members.prev() != last.hash).then(|| {
            format!(
                "number {} before it was changed, or this line was",
                last.number
            )
        })
    }

    fn end_file(&mut self) {
        // A line that goes on in the next file cannot be.
        if let Some((fragment, line)) = self.fragment.take()
            && self.found.broken.is_none()
        {
            self.line = line;
            if fragment.contains(&b'\n') {
                self.broken_at("this is no line of an audit log".to_owned());
            } else {
                self.note(
                    line,
                    "the last line has no end: it is being written, or a crash cut it",
                );
            }
        }
    }

    fn note(&mut self, line: u64, what: &str) {
        self.found
            .notes
            .push(format!("{} line {line}: {what}", self.file));
    }

    fn broken_at(&mut self, what: String) {
        if self.found.broken.is_none() {
            self.found.broken = Some(BrokenPlace {
                file: self.file.clone(),
                line: self.line,
                what,
            });
        }
    }
}
