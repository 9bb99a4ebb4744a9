//! The way of log lines to standard error: through a bounded queue, and a thread that
//! writes.
//!
//! Standard error may be a pipe that nobody empties, or a terminal that is stopped (Ctrl-S).
//! A request that wrote there itself would wait for ever, and so would all others. Instead,
//! lines that find the queue full are dropped and counted.

use std::{
    io::{self, Write},
    sync::{Mutex, OnceLock, mpsc},
    thread,
    time::Duration,
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::LogFormat;

/// Number of lines that may wait to be written: some 2.5 MB, a second's worth under full
/// load. They are lost if the process crashes.
const QUEUE_LINES: usize = 10_000;

/// Timeout of the writing of the last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();
// Locked at the start and at the end only.
static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Starts the thread that writes. `None` if it runs already.
pub(super) fn open(format: LogFormat) -> Option<NonBlocking> {
    let mut writer = WRITER.lock().ok()?;
    if DROPPED.get().is_some() {
        return None;
    }
    let output = LogOutput {
        format,
        reported: 0,
    };
    let (queue, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE_LINES)
        .thread_name("log")
        .finish(output);
    let _ = DROPPED.set(queue.error_counter());
    *writer = Some(guard);
    Some(queue)
}

/// Writes the lines that wait, for a second at most. Nothing is logged afterwards.
pub(crate) fn finish() {
    let Some(writer) = WRITER.lock().ok().and_then(|mut writer| writer.take()) else {
        return;
    };
    let (done, is_done) = mpsc::channel();
    // In a thread of its own: the guard's drop waits for the writer, and prints to standard
    // output if the queue is full, which may block as standard error does.
    thread::spawn(move || {
        drop(writer);
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(FINISH_WITHIN);
}

/// Writes a last line to standard error, if that does not block, and ends the log.
pub(crate) fn last_line(line: &str) {
    tracing::error!("{line}");
    finish();
}

/// Returns the number of lines that were dropped, because the queue was full.
pub(super) fn dropped_lines() -> u64 {
    DROPPED
        .get()
        .map_or(0, |dropped| dropped.dropped_lines() as u64)
}

/// Standard error, as the thread writes to it.
struct LogOutput {
    format: LogFormat,
    /// Number of dropped lines that a line has told of.
    reported: u64,
}

impl LogOutput {
    /// Writes a line that tells of dropped lines, if there are new ones. The queue moves
    /// again when this is called.
    fn report_dropped(&mut self) -> io::Result<()> {
        let dropped = dropped_lines();
        let lost = dropped - self.reported;
        if lost == 0 {
            return Ok(());
        }
        let message = format!("{lost} log lines were dropped: standard error was not read in time");
        let line = match self.format {
            LogFormat::Text => format!("WARN {message}\n"),
            LogFormat::Json => format!("{{\"level\":\"WARN\",\"message\":\"{message}\"}}\n"),
        };
        io::stderr().write_all(line.as_bytes())?;
        self.reported = dropped;
        Ok(())
    }
}

impl Write for LogOutput {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(line)?;
        self.report_dropped()?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
