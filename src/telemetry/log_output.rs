//! The way of log lines to standard error: through a bounded queue, and a thread that
//! writes all waiting lines at once.
//!
//! Standard error may be a pipe that nobody empties, or a terminal that is stopped (Ctrl-S).
//! A request that wrote there itself would wait for ever, and so would all others. Instead,
//! lines that find the queue full are dropped and counted.

use std::{
    io::{self, Write},
    mem,
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use super::LogFormat;

/// Number of lines that may wait to be written: some 2.5 MB. They are lost if the process
/// crashes.
const QUEUE_LINES: usize = 10_000;

/// Bytes of lines that are written at once, at most, and a line more.
const BATCH_BYTES: usize = 64 * 1024;

/// Pause of the thread after each batch. Meanwhile lines come together, and the threads
/// that log need not wake it for each one. At 100,000 lines a second a tenth of the queue
/// fills in it.
const PAUSE: Duration = Duration::from_millis(10);

/// Timeout of the writing of the last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Timeout of the writing of what a panic says. The panicking thread waits for it.
const WRITE_OUT_WITHIN: Duration = Duration::from_millis(200);

/// First byte of a note, which is no line: a number, to be reported when all lines before it
/// are written. No line begins with this byte.
const NOTE: u8 = 0;

static QUEUE: OnceLock<NonBlocking> = OnceLock::new();
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();
/// Lines that could not be written.
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);
// Locked at the start and at the end only.
static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);
static NOTES: AtomicU64 = AtomicU64::new(0);
/// Number of the last note that the thread has reached.
static LAST_REACHED: Mutex<u64> = Mutex::new(0);
static IS_REACHED: Condvar = Condvar::new();

/// Starts the thread that writes. `None` if it runs already.
pub(super) fn open(format: LogFormat) -> Option<NonBlocking> {
    let mut writer = WRITER.lock().ok()?;
    if DROPPED.get().is_some() {
        return None;
    }
    let (queue, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE_LINES)
        .thread_name("log")
        .finish(LogOutput::new(format));
    let _ = DROPPED.set(queue.error_counter());
    let _ = QUEUE.set(queue.clone());
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
    let _ = thread::Builder::new().spawn(move || {
        drop(writer);
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(FINISH_WITHIN);
}

/// Waits until the lines that wait are written, for a fifth of a second at most.
pub(super) fn write_out() {
    let Some(queue) = QUEUE.get() else {
        return;
    };
    let number = NOTES.fetch_add(1, Ordering::Relaxed) + 1;
    let mut note = vec![NOTE];
    note.extend(number.to_ne_bytes());
    let _ = queue.clone().write_all(&note);
    let last = LAST_REACHED.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = IS_REACHED.wait_timeout_while(last, WRITE_OUT_WITHIN, |last| *last < number);
}

/// Writes a last line to standard error, if that does not block, and ends the log.
pub(crate) fn last_line(line: &str) {
    tracing::error!("{line}");
    finish();
}

/// Returns the number of lines that were dropped, because the queue was full, or because
/// standard error could not be written.
pub(super) fn dropped_lines() -> u64 {
    let dropped = DROPPED
        .get()
        .map_or(0, |dropped| dropped.dropped_lines() as u64);
    dropped + UNWRITTEN.load(Ordering::Relaxed)
}

/// Standard error, as the thread writes to it. The thread takes one line after the other,
/// and calls `flush` when none is left.
struct LogOutput {
    format: LogFormat,
    batch: Vec<u8>,
    lines: u64,
    /// The last note in the batch.
    note: Option<u64>,
    /// Number of dropped lines that a line has told of.
    reported: u64,
}

impl LogOutput {
    fn new(format: LogFormat) -> Self {
        Self {
            format,
            batch: Vec::new(),
            lines: 0,
            note: None,
            reported: 0,
        }
    }

    fn write_batch(&mut self) {
        let lines = mem::take(&mut self.lines);
        if write_all(io::stderr(), &self.batch).is_err() {
            UNWRITTEN.fetch_add(lines, Ordering::Relaxed);
        }
        self.batch.clear();
        // A single line may have been very long.
        self.batch.shrink_to(2 * BATCH_BYTES);
        if let Some(note) = self.note.take() {
            let mut last = LAST_REACHED.lock().unwrap_or_else(PoisonError::into_inner);
            *last = note.max(*last);
            IS_REACHED.notify_all();
        }
    }

    /// Writes a line that tells of dropped lines, if there are new ones. The queue moves
    /// again when this is called.
    fn report_dropped(&mut self) {
        let dropped = dropped_lines();
        let lost = dropped - self.reported;
        if lost == 0 {
            return;
        }
        let message = format!(
            "{lost} log lines were dropped: standard error was not read in time, or is full"
        );
        let line = match self.format {
            LogFormat::Text => format!("WARN {message}\n"),
            LogFormat::Json => format!("{{\"level\":\"WARN\",\"message\":\"{message}\"}}\n"),
        };
        if write_all(io::stderr(), line.as_bytes()).is_ok() {
            self.reported = dropped;
        }
    }
}

impl Write for LogOutput {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let [NOTE, number @ ..] = line {
            let number = number.try_into().map(u64::from_ne_bytes);
            self.note = self.note.max(number.ok());
            return Ok(line.len());
        }
        self.batch.extend_from_slice(line);
        self.lines += 1;
        if self.batch.len() >= BATCH_BYTES {
            self.write_batch();
            self.report_dropped();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.lines == 0 && self.note.is_none() {
            return Ok(());
        }
        self.write_batch();
        self.report_dropped();
        thread::sleep(PAUSE);
        Ok(())
    }
}

/// Writes to standard error or output, also to one that another program has made non-blocking.
pub(crate) fn write_all(mut output: impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
