//! The text of a request's log line. It looks like the lines that `tracing-subscriber`
//! writes.

use std::{
    io::Write,
    net::Ipv4Addr,
    time::{Duration, UNIX_EPOCH},
};

use tracing::Level;

/// Target of these lines in AUTHSEAL_LOG, and in JSON.
pub(super) const TARGET: &str = "authseal::access";

/// Longer than nearly every line.
const LINE_BYTES: usize = 512;
/// Of RFC 3339 without a fraction: `2026-11-27T12:00:00`.
const SECOND_BYTES: usize = 19;

/// The looks of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// With the colours of a terminal.
    Coloured,
    Json,
}

/// The name of a field with all that stands before its value, in each style.
pub(crate) struct FieldName {
    pub(crate) plain: &'static str,
    pub(crate) coloured: &'static str,
    pub(crate) json: &'static str,
}

/// Makes a [`FieldName`].
macro_rules! field {
    ($name:literal) => {
        $crate::telemetry::FieldName {
            plain: concat!(" ", $name, "="),
            coloured: concat!(" \x1b[3m", $name, "\x1b[0m\x1b[2m=\x1b[0m"),
            json: concat!(",\"", $name, "\":"),
        }
    };
}
pub(crate) use field;

/// The second of the last line, formatted.
pub(super) struct Second {
    since_epoch: u64,
    text: [u8; SECOND_BYTES],
}

impl Second {
    /// Before the first line.
    pub(super) const NEVER: Self = Self {
        since_epoch: u64::MAX,
        text: [0; SECOND_BYTES],
    };

    fn text(&mut self, since_epoch: u64) -> &[u8; SECOND_BYTES] {
        if self.since_epoch != since_epoch {
            let time = UNIX_EPOCH + Duration::from_secs(since_epoch);
            let text = humantime::format_rfc3339_seconds(time).to_string();
            self.text.copy_from_slice(&text.as_bytes()[..SECOND_BYTES]);
            self.since_epoch = since_epoch;
        }
        &self.text
    }
}

/// A line that is being written.
pub(crate) struct AccessLine<'b> {
    line: &'b mut Vec<u8>,
    style: Style,
}

impl<'b> AccessLine<'b> {
    /// Begins a line in an empty buffer. `at` is the time since the Unix epoch, and `second`
    /// that of an earlier line.
    pub(super) fn begin(
        line: &'b mut Vec<u8>,
        style: Style,
        second: &mut Second,
        at: Duration,
        level: Level,
        message: &'static str,
    ) -> Self {
        line.reserve(LINE_BYTES);
        let mut line = Self { line, style };
        line.head(
            second.text(at.as_secs()),
            at.subsec_micros(),
            level,
            message,
        );
        line
    }

    /// Adds a field of text. Text with special characters is escaped, so that it can't end
    /// the field or the line, or control a terminal.
    pub(crate) fn text(&mut self, name: &FieldName, value: &str) {
        if is_harmless(value) {
            return self.quoted(name, |line| line.extend_from_slice(value.as_bytes()));
        }
        self.name(name);
        // Writing text into memory cannot fail.
        match self.style {
            Style::Json => drop(serde_json::to_writer(&mut *self.line, value)),
            Style::Plain | Style::Coloured => drop(write!(self.line, "{value:?}")),
        }
    }

    /// Adds a field whose value is a word of this program, without special characters.
    pub(crate) fn word(&mut self, name: &FieldName, value: &'static str) {
        debug_assert!(is_harmless(value), "{value:?}");
        self.quoted(name, |line| line.extend_from_slice(value.as_bytes()));
    }

    /// Adds a field that is a number.
    pub(crate) fn number(&mut self, name: &FieldName, value: u64) {
        self.name(name);
        self.put(itoa::Buffer::new().format(value));
    }

    /// Adds a field that is true.
    pub(crate) fn flag(&mut self, name: &FieldName) {
        self.name(name);
        self.put("true");
    }

    /// Adds a field of hexadecimal digits.
    pub(crate) fn hex(&mut self, name: &FieldName, value: [u8; 4]) {
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        let digits = value.map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        self.quoted(name, |line| line.extend_from_slice(digits.as_flattened()));
    }

    /// Adds a field that is an IPv4 address.
    pub(crate) fn ipv4(&mut self, name: &FieldName, address: Ipv4Addr) {
        let [first, others @ ..] = address.octets();
        self.quoted(name, |line| {
            line.extend_from_slice(itoa::Buffer::new().format(first).as_bytes());
            for octet in others {
                line.push(b'.');
                line.extend_from_slice(itoa::Buffer::new().format(octet).as_bytes());
            }
        });
    }

    /// As `tracing-subscriber` writes it.
    fn head(
        &mut self,
        second: &[u8; SECOND_BYTES],
        micros: u32,
        level: Level,
        message: &'static str,
    ) {
        let is_warning = level == Level::WARN;
        let [before, level, after] = match (self.style, is_warning) {
            (Style::Plain, false) => ["", "Z  INFO ", ""],
            (Style::Plain, true) => ["", "Z  WARN ", ""],
            (Style::Coloured, false) => ["\x1b[2m", "Z\x1b[0m \x1b[32m INFO\x1b[0m ", ""],
            (Style::Coloured, true) => ["\x1b[2m", "Z\x1b[0m \x1b[33m WARN\x1b[0m ", ""],
            (Style::Json, false) => [
                r#"{"timestamp":""#,
                r#"Z","level":"INFO","message":""#,
                r#"""#,
            ],
            (Style::Json, true) => [
                r#"{"timestamp":""#,
                r#"Z","level":"WARN","message":""#,
                r#"""#,
            ],
        };
        self.put(before);
        self.line.extend_from_slice(second);
        let mut fraction = *b".000000";
        let mut rest = micros;
        for digit in fraction[1..].iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        self.line.extend_from_slice(&fraction);
        self.put(level);
        self.put(message);
        self.put(after);
    }

    fn name(&mut self, name: &FieldName) {
        self.put(match self.style {
            Style::Plain => name.plain,
            Style::Coloured => name.coloured,
            Style::Json => name.json,
        });
    }

    fn quoted(&mut self, name: &FieldName, value: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        let is_json = self.style == Style::Json;
        if is_json {
            self.line.push(b'"');
        }
        value(self.line);
        if is_json {
            self.line.push(b'"');
        }
    }

    pub(super) fn end(mut self) {
        if self.style == Style::Json {
            self.word(&field!("target"), TARGET);
            self.put("}");
        }
        self.line.push(b'\n');
    }

    fn put(&mut self, text: &str) {
        self.line.extend_from_slice(text.as_bytes());
    }
}

/// True if the text is printable ASCII that JSON does not escape.
fn is_harmless(text: &str) -> bool {
    let is_harmless = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    text.as_bytes().iter().all(is_harmless)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use proptest::prelude::*;
    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    /// 2026-11-27T12:00:00.000042Z
    const AT: Duration = Duration::from_micros(1_795_780_800_000_042);

    fn line(style: Style, level: Level, fill: impl FnOnce(&mut AccessLine<'_>)) -> String {
        let (mut bytes, mut second) = (Vec::new(), Second::NEVER);
        let mut line = AccessLine::begin(&mut bytes, style, &mut second, AT, level, "answered");
        fill(&mut line);
        line.end();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Written {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    /// The same line by `tracing-subscriber`, with its time replaced.
    fn by_tracing(style: Style, is_warning: bool) -> String {
        let written = Written::default();
        crate::telemetry::log::with_log(style, written.clone(), || match is_warning {
            true => tracing::warn!(
                target: TARGET, method = %"GET", status = 401_u16, client = %"::1", "answered"
            ),
            false => tracing::info!(
                target: TARGET, method = %"GET", status = 200_u16, client = %"::1", "answered"
            ),
        });
        let line = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let at = line.find("20").unwrap();
        let time = "2026-11-27T12:00:00.000042Z";
        format!("{}{time}{}", &line[..at], &line[at + time.len()..])
    }

    #[test]
    fn a_line_looks_as_if_tracing_had_written_it() {
        for style in [Style::Plain, Style::Coloured, Style::Json] {
            for (level, status) in [(Level::INFO, 200), (Level::WARN, 401)] {
                let line = line(style, level, |line| {
                    line.text(&field!("method"), "GET");
                    line.number(&field!("status"), status);
                    line.text(&field!("client"), "::1");
                });
                assert_eq!(line, by_tracing(style, level == Level::WARN), "{style:?}");
            }
        }
    }

    #[test]
    fn the_second_is_formatted_anew_when_it_changes() {
        let mut second = Second::NEVER;
        assert_eq!(second.text(AT.as_secs()), b"2026-11-27T12:00:00");
        assert_eq!(second.text(AT.as_secs()), b"2026-11-27T12:00:00");
        assert_eq!(second.text(AT.as_secs() + 61), b"2026-11-27T12:01:01");
    }

    proptest! {
        #[test]
        fn any_value_makes_one_line_and_valid_json(
            value in proptest::collection::vec(any::<char>(), 0..80),
            number in any::<u64>(),
            address in any::<Ipv4Addr>(),
        ) {
            let value = String::from_iter(value);
            let fill = |line: &mut AccessLine<'_>| {
                line.text(&field!("request_id"), &value);
                line.number(&field!("ms"), number);
                line.flag(&field!("new_authid"));
                line.ipv4(&field!("client"), address);
                line.hex(&field!("lineage"), address.octets());
            };
            let json = line(Style::Json, Level::INFO, fill);
            let read: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["request_id"].as_str(), Some(value.as_str()));
            prop_assert_eq!(read["ms"].as_u64(), Some(number));
            prop_assert_eq!(&read["client"], &Value::from(address.to_string()));
            let digits = address.octets().map(|byte| format!("{byte:02x}")).concat();
            prop_assert_eq!(&read["lineage"], &Value::from(digits));
            prop_assert_eq!(read["target"].as_str(), Some(TARGET));
            for style in [Style::Plain, Style::Coloured, Style::Json] {
                let line = line(style, Level::INFO, fill);
                prop_assert_eq!(line.find('\n'), Some(line.len() - 1), "{:?}", line);
            }
            let plain = line(Style::Plain, Level::INFO, fill);
            prop_assert!(!plain.trim_end().contains(char::is_control), "{:?}", plain);
        }
    }
}
