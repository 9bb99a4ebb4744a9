//! Asks for a secret on a terminal, which does not show what is typed.
//!
//! Crates for this wait with the terminal changed: a signal leaves it so, and lines behind a
//! pasted secret become commands of the shell.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::Mutex,
};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::CliError;

/// Longest line of a terminal; the kernel drops the rest without a word (termios(3)).
const LONGEST_LINE: usize = if cfg!(target_os = "linux") {
    4095
} else {
    1023
};

/// Settings of the terminal before it was changed, until they are put back.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Reads one line that is not shown. `what` names it for the user. Returns `None` if standard
/// input is no terminal.
pub(super) fn secret(what: &str) -> Result<Option<Zeroizing<String>>, CliError> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let hidden = Hidden::begin()?;
    // Standard output may be a file for the result.
    let _ = write!(
        io::stderr(),
        "Paste the {what} (not shown) and press Enter: "
    );
    let mut line = Zeroizing::new(String::new());
    let read = io::stdin().lock().read_line(&mut line);
    drop(hidden);
    let _ = writeln!(io::stderr());
    read?;
    match line.trim_end().len() < LONGEST_LINE {
        true => Ok(Some(line)),
        false => Err(format!(
            "a terminal takes no line of {LONGEST_LINE} characters or more: write the {what} into \
             a file, and give it with --file"
        )
        .into()),
    }
}

/// A terminal that shows nothing of what is typed.
struct Hidden;

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        if let Ok(mut saved) = BEFORE.lock() {
            *saved = Some(before);
        }
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
        Ok(Self)
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        show_again();
    }
}

/// Puts the terminal back as it was, if it was changed, and drops what was pasted and not read:
/// the shell would run it. Call it before the process ends.
pub(super) fn show_again() {
    let before = BEFORE.lock().ok().and_then(|mut before| before.take());
    if let Some(before) = before {
        // Nothing can be done about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
    }
}
