//! A count on a terminal, of a command that takes long.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use crate::clock::Stopwatch;

/// Time between two counts.
const PAUSE: Duration = Duration::from_millis(100);

/// The count on standard error. It shows nothing if standard error is no terminal, or if what
/// the command reads or prints is on the same one.
pub(super) struct TerminalCount {
    is_shown: bool,
    last: Option<Stopwatch>,
}

impl TerminalCount {
    pub(super) fn begin() -> Self {
        let is_free = !io::stdin().is_terminal() && !io::stdout().is_terminal();
        Self {
            is_shown: is_free && io::stderr().is_terminal(),
            last: None,
        }
    }

    /// Shows the count if the last was shown a while ago.
    pub(super) fn show(&mut self, count: fmt::Arguments<'_>) {
        let is_due = self
            .last
            .as_ref()
            .is_none_or(|last| last.elapsed() >= PAUSE);
        if self.is_shown && is_due {
            // Nobody can be told if standard error cannot be written.
            let _ = write!(io::stderr(), "\r{count}");
            self.last = Some(Stopwatch::start());
        }
    }
}

impl Drop for TerminalCount {
    /// Clears the line.
    fn drop(&mut self) {
        if self.last.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
