//! Appending to a log whose end may not be what was written last.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

use super::{
    AuditEvent,
    chain::{ChainMembers, LineHash, Link},
};

/// Bytes of the file in which the last line is looked for. Lines are far shorter.
const TAIL_BYTES: u64 = 64 * 1024;
/// The same where those have none: after a power cut a file may end in many zeros.
const LONG_TAIL_BYTES: u64 = 16 * 1024 * 1024;
/// Beginning of every line.
const BEGINNING: &[u8] = b"{\"n\":";

/// The link that new lines follow, and the lines that say what was found.
#[derive(Debug)]
pub(super) struct Appending {
    length: u64,
    link: Link,
    /// True if the last line of the file has no line break.
    is_cut: bool,
    found: Vec<AuditEvent>,
}

/// The end of a file.
struct Tail {
    /// The last whole line.
    last: Option<Link>,
    /// All bytes behind it.
    rest: Vec<u8>,
    /// True if `rest` may begin before the bytes that were read.
    is_long: bool,
    lacks_line_break: bool,
}

impl Appending {
    /// Looks at the end of the log. `known` is the last line that was written, if that is known.
    pub(super) fn after(log: &File, known: Option<Link>) -> io::Result<Self> {
        let length = log.metadata()?.len();
        let mut tail = Tail::read(log, length, TAIL_BYTES)?;
        if tail.is_long {
            tail = Tail::read(log, length, LONG_TAIL_BYTES)?;
        }
        let is_beginning =
            tail.rest.starts_with(BEGINNING) || BEGINNING.starts_with(tail.rest.as_slice());
        let is_ours = known.is_some() || is_beginning;
        if tail.last.is_none() && length > 0 && (tail.is_long || !is_ours) {
            return Err(io::Error::other(
                "it has another content than an audit log: name another file, or move this one away",
            ));
        }
        let mut found = Vec::new();
        let link = match (tail.last, known) {
            // A crash came between the line and the note of it.
            (Some(last), Some(known)) if last.number > known.number => last,
            (Some(last), Some(known)) => {
                if last != known {
                    let missing = AuditEvent::now("lines_missing")
                        .with("found", last.number)
                        .with("expected", known.number);
                    found.push(missing);
                }
                known
            }
            (Some(last), None) => last,
            (None, Some(known)) => {
                found.push(AuditEvent::now("file_begun"));
                known
            }
            (None, None) => {
                found.push(AuditEvent::begun());
                Link::NONE
            }
        };
        if !tail.rest.is_empty() {
            let fragment = tail.rest.strip_suffix(b"\n").unwrap_or(&tail.rest);
            let torn = AuditEvent::now("torn_line")
                .with("bytes", fragment.len())
                .with("torn", LineHash::of(fragment).to_string());
            found.insert(0, torn);
        }
        Ok(Self {
            length,
            link,
            is_cut: tail.lacks_line_break,
            found,
        })
    }

    /// Appends the lines in one write, and returns the last one's link. After an error the file
    /// is as it was.
    pub(super) fn write(self, mut log: &File, events: &[AuditEvent]) -> io::Result<Link> {
        let mut link = self.link;
        let mut text = String::from(if self.is_cut { "\n" } else { "" });
        for event in self.found.iter().chain(events) {
            link = event.append_to(&mut text, link);
        }
        let written = log
            .write_all(text.as_bytes())
            .and_then(|()| log.sync_data());
        if written.is_err() {
            // Half a line that stays is told by the next one.
            let _ = log.set_len(self.length);
        }
        written.map(|()| link)
    }
}

impl Tail {
    fn read(log: &File, length: u64, most: u64) -> io::Result<Self> {
        let start = length.saturating_sub(most);
        let mut bytes = vec![0; usize::try_from(length - start).map_err(io::Error::other)?];
        log.read_exact_at(&mut bytes, start)?;
        let lacks_line_break = !bytes.is_empty() && !bytes.ends_with(b"\n");
        // From the last line to the first; the last one that is a line of a log counts. It may
        // lack its line break alone.
        let mut end = bytes.len();
        loop {
            let content = bytes[..end].strip_suffix(b"\n").unwrap_or(&bytes[..end]);
            let before = memchr::memrchr(b'\n', content).map_or(0, |at| at + 1);
            let line = &content[before..];
            if let Some(members) = ChainMembers::of(line) {
                let last = Link {
                    number: members.n,
                    hash: LineHash::of(line),
                };
                return Ok(Self {
                    last: Some(last),
                    rest: bytes[end..].to_vec(),
                    is_long: false,
                    lacks_line_break,
                });
            }
            if before == 0 {
                return Ok(Self {
                    last: None,
                    rest: bytes,
                    is_long: start > 0,
                    lacks_line_break,
                });
            }
            end = before;
        }
    }
}
