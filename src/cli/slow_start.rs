//! A line for a start that takes long, because a file that it reads does not answer.

use std::{
    io::{self, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// Time after which the line is printed. Starts take a tenth of a second.
const SLOW_AFTER: Duration = Duration::from_secs(5);

const LINE: &str = "the start waits for a file: settings, keys or certificate are on a file system \
                    that does not answer";

/// Prints the line unless it is dropped in time.
pub(super) struct SlowStart {
    _done: mpsc::Sender<()>,
}

impl SlowStart {
    pub(super) fn watch() -> Self {
        let (done, is_done) = mpsc::channel();
        // The log has not been started. Without the thread there is only no line.
        let _ = thread::Builder::new().spawn(move || {
            if let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(SLOW_AFTER) {
                let _ = writeln!(io::stderr(), "{LINE}");
            }
        });
        Self { _done: done }
    }
}
