//! The lock by which processes that change the same files wait for each other.

use std::{fs::File, io, path::Path, thread, time::Duration};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::clock::Stopwatch;

/// Maximum time that a process waits for another one that changes the same files.
const PATIENCE: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Waits for the lock of `file`, whose path is for a message. Only a lock that another process
/// has is waited for: a file system without locks would be waited for in vain.
pub(crate) fn lock(file: &File, path: &Path) -> io::Result<()> {
    let waited = Stopwatch::start();
    while let Err(error) = flock(file, FlockOperation::NonBlockingLockExclusive) {
        if ![Errno::WOULDBLOCK, Errno::INTR].contains(&error) {
            return Err(error.into());
        }
        if waited.elapsed() > PATIENCE {
            return Err(io::Error::other(format!(
                "another process has held {} for {} s: end it, or try again",
                path.display(),
                PATIENCE.as_secs()
            )));
        }
        thread::sleep(RETRY_INTERVAL);
    }
    Ok(())
}
