//! Standard output of the commands.
//!
//! A line that cannot be written does not stop a command halfway: the work goes on, and
//! [`finish`] says at the end that its result was not shown.

use std::{
    fmt,
    io::{self, Write as _},
    process::ExitCode,
    sync::OnceLock,
};

/// Exit code of a shell for a program that SIGPIPE ended (128 + 13): the reader has left.
const READER_LEFT: u8 = 141;
/// EX_IOERR of sysexits.h: the command did its work, and its output could not be written.
const NOT_SHOWN: u8 = 74;

/// The first error of standard output. Nothing is written after it.
static FAILURE: OnceLock<io::Error> = OnceLock::new();

/// Prints a line to standard output, as `println!` does, but never panics.
macro_rules! say {
    () => { $crate::cli::output::line(format_args!("")) };
    ($($text:tt)*) => { $crate::cli::output::line(format_args!($($text)*)) };
}
pub(super) use say;

/// Prints a line; see [`say`].
pub(super) fn line(text: fmt::Arguments<'_>) {
    if is_broken() {
        return;
    }
    noted(writeln!(io::stdout(), "{text}"));
}

/// Prints a text of several lines.
pub(super) fn text(text: &str) {
    if !is_broken() {
        noted(io::stdout().write_all(text.as_bytes()));
    }
}

/// True after the first line that could not be written.
pub(super) fn is_broken() -> bool {
    FAILURE.get().is_some()
}

/// Remembers an error of standard output, for [`finish`].
pub(super) fn noted(written: io::Result<()>) {
    if let Err(error) = written {
        let _ = FAILURE.set(error);
    }
}

/// Prints a line to standard error. An error is ignored, because nobody can be told.
pub(super) fn remark(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Prints a text of several lines to standard error, as [`remark`] does.
pub(super) fn remark_text(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Returns the exit code of a command that has done its work. A reader that left early
/// (`| head -1`) needs no explanation.
pub(super) fn finish() -> ExitCode {
    noted(io::stdout().flush());
    match FAILURE.get() {
        None => ExitCode::SUCCESS,
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(READER_LEFT),
        Some(error) => {
            remark(format_args!(
                "the command is done, but its output could not be written: {error}"
            ));
            ExitCode::from(NOT_SHOWN)
        }
    }
}
