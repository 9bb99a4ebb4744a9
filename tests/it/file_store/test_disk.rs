//! A disk that fails on demand, and that knows what a power failure would leave on it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use authseal::store::{Disk, DiskCall};

use crate::support::Random;

/// Trouble of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Everything that changes a file fails in this way.
    Refuses(io::ErrorKind),
    /// fsync fails after it has worked that often. As with Linux, what was written since the last
    /// one can be read and never reaches the disk.
    LosesWrites(u32),
    /// Nothing returns.
    Hangs,
}

/// Clones share one disk.
#[derive(Clone, Default)]
pub struct TestDisk {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    waiting: usize,
    /// By inode.
    files: HashMap<u64, Account>,
    watcher: Option<Watcher>,
}

/// Called before each change, with what the disk has of that file.
type Watcher = Box<dyn FnMut(&Account) + Send>;

/// What the disk has of a file, and what waits in the memory of the system.
#[derive(Default)]
pub struct Account {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

enum Pending {
    Resize(usize),
    Write(usize, Vec<u8>),
}

impl TestDisk {
    pub fn disk(&self) -> Disk {
        let shared = self.shared.clone();
        Disk::with(move |file, call| shared.before(file, call))
    }

    pub fn set(&self, trouble: Option<Trouble>) {
        self.shared.state().trouble = trouble;
        self.shared.changed.notify_all();
    }

    /// Waits until a thread waits for the disk, and for nothing else.
    pub fn has_hung(&self) {
        let state = self.shared.state();
        let waiting = self
            .shared
            .changed
            .wait_while(state, |state| state.waiting == 0);
        drop(waiting.unwrap());
    }

    /// Has this called before each change.
    pub fn watch(&self, watcher: impl FnMut(&Account) + Send + 'static) {
        self.shared.state().watcher = Some(Box::new(watcher));
    }

    /// What is on the disk of this file, if the power fails now.
    pub fn durable(&self, path: &Path) -> Vec<u8> {
        let inode = fs::metadata(path).unwrap().ino();
        self.shared.state().files[&inode].durable.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self, file: &File, call: DiskCall<'_>) -> io::Result<()> {
        let mut state = self.state();
        if state.trouble == Some(Trouble::Hangs) {
            state.waiting += 1;
            self.changed.notify_all();
            let hangs = |state: &mut State| state.trouble == Some(Trouble::Hangs);
            state = self.changed.wait_while(state, hangs).unwrap();
            state.waiting -= 1;
        }
        let metadata = file.metadata()?;
        let State {
            trouble,
            files,
            watcher,
            ..
        } = &mut *state;
        let account = files.entry(metadata.ino()).or_default();
        if metadata.len() == 0 {
            *account = Account::default();
        }
        if let Some(watcher) = watcher {
            watcher(account);
        }
        match (*trouble, call) {
            (Some(Trouble::Refuses(kind)), _) => return Err(kind.into()),
            (Some(Trouble::LosesWrites(0)), DiskCall::Sync) => {
                account.pending.clear();
                return Err(io::Error::from_raw_os_error(5));
            }
            (_, DiskCall::Sync) => {
                if let Some(Trouble::LosesWrites(left)) = trouble {
                    *left -= 1;
                }
                account.sync();
            }
            (_, DiskCall::Resize(length)) => {
                account.pending.push(Pending::Resize(length as usize));
            }
            (_, DiskCall::Write(offset, bytes)) => {
                let write = Pending::Write(offset as usize, bytes.to_vec());
                account.pending.push(write);
            }
        }
        Ok(())
    }
}

impl Account {
    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What a power failure leaves: of what was not synced, some.
    pub fn after_power_failure(&self, random: &mut Random) -> Vec<u8> {
        let mut left = self.durable.clone();
        let all = random.below(3);
        for change in &self.pending {
            if all == 0 || (all == 1 && random.below(2) == 0) {
                change.apply(&mut left);
            }
        }
        left
    }
}

impl Pending {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Resize(length) => to.resize(*length, 0),
            Self::Write(offset, bytes) => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
        }
    }
}
