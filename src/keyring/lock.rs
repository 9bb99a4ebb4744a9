//! The lock by which commands that change one folder wait for each other.

use std::{fs::File, io, path::Path, thread, time::Duration};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::clock::Stopwatch;

/// Maximum time that a command waits for another one that changes the same folder.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Waits for the lock of the folder. Only a lock that another command has is waited for: a
/// file system without locks would be waited for in vain.
pub(super) fn lock(history: &File, path: &Path) -> io::Result<()> {
    let waited = Stopwatch::start();
    while let Err(error) = flock(history, FlockOperation::NonBlockingLockExclusive) {
        if ![Errno::WOULDBLOCK, Errno::INTR].contains(&error) {
            return Err(error.into());
        }
        if waited.elapsed() > PATIENCE {
            return Err(io::Error::other(format!(
                "another command has held {} for {} s: end it, or try again",
                path.display(),
                PATIENCE.as_secs()
            )));
        }
        thread::sleep(RETRY_INTERVAL);
    }
    Ok(())
}
