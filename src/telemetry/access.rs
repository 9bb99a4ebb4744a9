//! The log lines of requests, which are written without `tracing`: with it, a line took almost
//! as many instructions as the rest of a cached refresh.

use std::{cell::RefCell, io::Write, sync::OnceLock, time::Duration};

use tracing::{Level, level_filters::LevelFilter};
use tracing_appender::non_blocking::NonBlocking;

use super::access_line::{AccessLine, Second, Style};

static ACCESS_LOG: OnceLock<AccessLog> = OnceLock::new();

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
        let (line, second) = (&mut thread.line, &mut thread.second);
        let mut line = AccessLine::begin(line, log.style, second, at, level, message);
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
        second: Second::NEVER,
        queue: None,
    }) };
}

/// State that a thread keeps from one line to the next.
struct ThisThread {
    line: Vec<u8>,
    second: Second,
    queue: Option<NonBlocking>,
}
