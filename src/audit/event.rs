//! Events, and the lines that tell of them.

use std::{
    fmt::Write as _,
    time::{Duration, UNIX_EPOCH},
};

use ring::rand::{SecureRandom, SystemRandom};
use serde_json::Value;

use super::chain::{LineHash, Link};
use crate::clock;

/// Limit of a text in a line.
const MOST_CHARACTERS: usize = 500;

/// Something that happened. Its fields are written in the order in which they were added.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Time since the Unix epoch.
    at: Duration,
    name: &'static str,
    fields: Vec<(&'static str, Value)>,
}

impl AuditEvent {
    /// Makes an event that happens now.
    pub(crate) fn now(name: &'static str) -> Self {
        Self {
            at: clock::time_for_log(),
            name,
            fields: Vec::new(),
        }
    }

    /// Adds a field. A long text, such as that of `--reason`, is cut off: a line must stay short
    /// enough to be found at the end of the file.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let mut value = value.into();
        if let Value::String(text) = &mut value
            && let Some((end, _)) = text.char_indices().nth(MOST_CHARACTERS)
        {
            text.truncate(end);
            text.push('…');
        }
        self.fields.push((name, value));
        self
    }

    /// Adds a field if there is a value.
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Makes the event that says how often this one came again. `since` is the time of this one.
    pub(super) fn again(self, count: u64) -> Self {
        let since = self.time();
        Self {
            at: clock::time_for_log(),
            ..self
        }
        .with("count", count)
        .with("since", since)
    }

    /// Formats the time as RFC 3339, in UTC.
    fn time(&self) -> String {
        humantime::format_rfc3339_millis(UNIX_EPOCH + self.at).to_string()
    }

    /// Makes the event of the first line, which names the chain.
    pub(super) fn begun() -> Self {
        let mut name = [0; 8];
        SystemRandom::new()
            .fill(&mut name)
            .expect("the operating system gives random bytes");
        Self::now("chain_begun").with("chain", hex(&name))
    }

    /// Adds the line that follows `link` to a text, and returns its own link.
    pub(super) fn append_to(&self, text: &mut String, link: Link) -> Link {
        let line = self.line(&link);
        text.push_str(&line);
        text.push('\n');
        Link {
            number: link.number.saturating_add(1),
            hash: LineHash::of(line.as_bytes()),
        }
    }

    /// Returns the line that follows `link`, without its line break. It has no other line break,
    /// because JSON escapes them.
    fn line(&self, link: &Link) -> String {
        let time = self.time();
        let mut line = format!(
            r#"{{"n":{},"prev":"{}","time":"{time}","event":"{}""#,
            link.number.saturating_add(1),
            link.hash,
            self.name
        );
        for (name, value) in &self.fields {
            // Writing into a text cannot fail.
            let _ = write!(line, r#","{name}":{value}"#);
        }
        line.push('}');
        line
    }
}

/// Writes bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_stays_inside_its_field() {
        let event = AuditEvent::now("login").with("label", "a\"b\n\u{2028}\\,\"x\":1");
        let line = event.line(&Link::NONE);
        assert!(!line.contains('\n'), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["label"], "a\"b\n\u{2028}\\,\"x\":1");
        assert_eq!(read["n"], 1);
        assert_eq!(read.as_object().unwrap().len(), 5);
    }
}
