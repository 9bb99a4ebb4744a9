//! The log line of a request, written without `tracing`: with it, the line took almost as
//! many instructions as the rest of a cached refresh. It looks like every other line.

use std::{
    cell::RefCell,
    io::Write,
    net::Ipv4Addr,
    sync::OnceLock,
    time::{Duration, UNIX_EPOCH},
};

use tracing::{Level, level_filters::LevelFilter};
use tracing_appender::non_blocking::NonBlocking;

/// Target of these lines in AUTHSEAL_LOG, and in JSON.
pub(super) const TARGET: &str = "authseal::access";

/// Longer than nearly every line.
const LINE_BYTES: usize = 512;
/// Of RFC 3339 without a fraction: `2026-11-27T12:00:00`.
const SECOND_BYTES: usize = 19;

static ACCESS_LOG: OnceLock<AccessLog> = OnceLock::new();

/// The looks of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// With the colours of a terminal.
    Coloured,
    Json,
}

#[derive(Debug)]
struct AccessLog {
    style: Style,
    level: LevelFilter,
    queue: NonBlocking,
}

/// Starts these lines. `level` is the least important one that is written.
pub(super) fn start(style: Style, level: LevelFilter, queue: NonBlocking) {
    // The queue is opened once in a process, so this is called once.
    let _ = ACCESS_LOG.set(AccessLog {
        style,
        level,
        queue,
    });
}

/// True if a request's line at this level is written.
pub(crate) fn writes_access(level: Level) -> bool {
    ACCESS_LOG.get().is_some_and(|log| level <= log.level)
}

/// Writes the line of a request. `at` is the time since the Unix epoch; `fill` adds the
/// fields.
pub(crate) fn write_access(
    level: Level,
    at: Duration,
    message: &'static str,
    fill: impl FnOnce(&mut AccessLine<'_>),
) {
    let Some(log) = ACCESS_LOG.get().filter(|log| level <= log.level) else {
        return;
    };
    THIS_THREAD.with_borrow_mut(|thread| {
        thread.line.clear();
        let second = thread.second.text(at.as_secs());
        let mut line = AccessLine::begin(&mut thread.line, log.style);
        line.head(second, at.subsec_micros(), level, message);
        fill(&mut line);
        line.end();
        // Never fails, and never waits: a full queue drops the line.
        let queue = thread.queue.get_or_insert_with(|| log.queue.clone());
        let _ = queue.write_all(&thread.line);
    });
}

thread_local! {
    static THIS_THREAD: RefCell<ThisThread> = const { RefCell::new(ThisThread {
        line: Vec::new(),
        second: Second { since_epoch: u64::MAX, text: [0; SECOND_BYTES] },
        queue: None,
    }) };
}

/// What a thread keeps from one line to the next.
struct ThisThread {
    line: Vec<u8>,
    second: Second,
    queue: Option<NonBlocking>,
}

/// The second of the last line, formatted.
struct Second {
    since_epoch: u64,
    text: [u8; SECOND_BYTES],
}

impl Second {
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
    fn begin(line: &'b mut Vec<u8>, style: Style) -> Self {
        line.reserve(LINE_BYTES);
        Self { line, style }
    }

    /// Adds a field of text. Text with special characters is escaped, so that it can't end
    /// the field or the line, or control a terminal.
    pub(crate) fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        match (self.style, is_harmless(value)) {
            (Style::Json, true) => {
                self.line.push(b'"');
                self.put(value);
                self.line.push(b'"');
            }
            (_, true) => self.put(value),
            // Writing text into memory cannot fail.
            (Style::Json, false) => drop(serde_json::to_writer(&mut *self.line, value)),
            (_, false) => drop(write!(self.line, "{value:?}")),
        }
    }

    /// Adds a field that is a number.
    pub(crate) fn number(&mut self, name: &'static str, value: u64) {
        self.name(name);
        self.put(itoa::Buffer::new().format(value));
    }

    /// Adds a field that is an IPv4 address.
    pub(crate) fn ipv4(&mut self, name: &'static str, address: Ipv4Addr) {
        self.name(name);
        let mut before = match self.style {
            Style::Json => "\"",
            Style::Plain | Style::Coloured => "",
        };
        for octet in address.octets() {
            self.put(before);
            self.put(itoa::Buffer::new().format(octet));
            before = ".";
        }
        if self.style == Style::Json {
            self.line.push(b'"');
        }
    }

    /// Adds a field that is true.
    pub(crate) fn flag(&mut self, name: &'static str) {
        self.name(name);
        self.put("true");
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

    fn name(&mut self, name: &'static str) {
        let (before, after) = match self.style {
            Style::Plain => (" ", "="),
            Style::Coloured => (" \x1b[3m", "\x1b[0m\x1b[2m=\x1b[0m"),
            Style::Json => (",\"", "\":"),
        };
        self.put(before);
        self.put(name);
        self.put(after);
    }

    fn end(&mut self) {
        if self.style == Style::Json {
            self.text("target", TARGET);
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
        let mut bytes = Vec::new();
        let mut second = Second {
            since_epoch: u64::MAX,
            text: [0; SECOND_BYTES],
        };
        let mut line = AccessLine::begin(&mut bytes, style);
        let second = second.text(AT.as_secs());
        line.head(second, AT.subsec_micros(), level, "answered");
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
                    line.text("method", "GET");
                    line.number("status", status);
                    line.text("client", "::1");
                });
                assert_eq!(line, by_tracing(style, level == Level::WARN), "{style:?}");
            }
        }
    }

    #[test]
    fn the_second_is_formatted_anew_when_it_changes() {
        let mut second = Second {
            since_epoch: u64::MAX,
            text: [0; SECOND_BYTES],
        };
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
                line.text("request_id", &value);
                line.number("ms", number);
                line.flag("new_authid");
                line.ipv4("client", address);
            };
            let json = line(Style::Json, Level::INFO, fill);
            let read: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["request_id"].as_str(), Some(value.as_str()));
            prop_assert_eq!(read["ms"].as_u64(), Some(number));
            prop_assert_eq!(&read["client"], &Value::from(address.to_string()));
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
