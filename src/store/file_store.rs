//! Storage in a folder of this machine, for one server: logins outlive a restart without
//! another server.
//!
//! A thread of its own has the file ([`worker`]). The folder's lock keeps other processes
//! out, so there is no protocol of turns: in this process a set of busy names is enough, and
//! a record of a process that ended can be taken over at once.

mod backend;
mod compaction;
mod control;
mod fault;
mod file_lease;
mod folder;
mod login_file;
mod request;
mod worker;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

pub use backend::{Disk, DiskCall};
pub use fault::FileFault;
pub use file_lease::FileLease;

use super::{Entry, Name, News, StoreError, availability::Availability};
use crate::{
    clock::{Clock, Stopwatch, within},
    secret::Secret,
    telemetry::Metrics,
};
use file_lease::BusyNames;
use request::{Change, LoginPage, Request, StoreReply, StoredLogin};
use worker::Worker;

/// Timeout of a request. A disk that was asleep takes seconds to wake up; clients wait
/// longer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Time that closing may take. Nothing is lost if it takes longer.
const CLOSING: Duration = Duration::from_secs(2);
/// Limit of waiting requests, which bounds their memory while the disk hangs.
const MAX_WAITING: usize = 10_000;

/// A folder with the newest state of each login. Cheap to clone; clones share one thread.
#[derive(Clone, Debug)]
pub struct FileStore {
    inner: Arc<OpenFolder>,
}

struct OpenFolder {
    path: PathBuf,
    requests: SyncSender<Request>,
    availability: Availability,
    busy: BusyNames,
    /// The failure of the last change, until one succeeds. A full disk can still be read,
    /// which makes the store no better. Never locked across an await.
    change_failure: Mutex<Option<StoreError>>,
}

/// Permission to make a folder that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It is made, with an empty store in it.
    Allowed,
    /// It must be there.
    Forbidden,
}

impl FileStore {
    /// Opens the folder, and waits for a slow disk for a while. Fails only if another process
    /// uses it, or if its owner or mode is wrong. After other failures each request tries to
    /// open it again: a server starts without its store.
    pub fn open(
        path: &Path,
        creation: Creation,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        Self::open_on(Disk::default(), path, creation, clock, metrics)
    }

    /// Opens the folder on another disk than that of the system.
    pub fn open_on(
        disk: Disk,
        path: &Path,
        creation: Creation,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let (requests, received) = sync_channel(MAX_WAITING);
        let worker = Worker::new(path.to_owned(), disk, clock, creation == Creation::Allowed);
        match worker::start(worker, received, requests.clone(), TIMEOUT) {
            Ok(Some(Err(fault))) if fault.is_of_setup() => return Err(StoreError::File(fault)),
            Ok(_) => {}
            Err(error) => return Err(StoreError::File(error.into())),
        }
        Ok(Self::with(path, requests, metrics))
    }

    /// Reaches the folder through the server that uses it, for commands.
    pub fn of_running_server(path: &Path, metrics: Arc<Metrics>) -> io::Result<Self> {
        let stream = control::connect(&folder::socket_in(path))?;
        let (requests, received) = sync_channel(MAX_WAITING);
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || control::forward(&stream, &received))?;
        Ok(Self::with(path, requests, metrics))
    }

    fn with(path: &Path, requests: SyncSender<Request>, metrics: Arc<Metrics>) -> Self {
        let place = format!("the store in {}", path.display());
        Self {
            inner: Arc::new(OpenFolder {
                path: path.to_owned(),
                requests,
                availability: Availability::new(place, metrics),
                busy: BusyNames::default(),
                change_failure: Mutex::default(),
            }),
        }
    }

    /// Returns the size of the file with the logins.
    pub(super) fn file_bytes(&self) -> Option<u64> {
        let metadata = fs::metadata(folder::logins_in(&self.inner.path)).ok()?;
        Some(metadata.len())
    }

    /// Returns the newest stored state of a login.
    pub(super) async fn get(&self, name: &Name) -> Result<Option<Secret>, StoreError> {
        Ok(self.login(*name).await?.value)
    }

    async fn login(&self, name: Name) -> Result<StoredLogin, StoreError> {
        self.ask(|reply| Request::Login(name, reply)).await
    }

    pub(super) async fn tell_revoked(&self, name: &Name) -> Result<(), StoreError> {
        self.change(Change::Revoked(*name)).await.map(|_| ())
    }

    pub(super) async fn tell_rotating(&self, provider: &str) -> Result<(), StoreError> {
        let change = Change::Rotating(provider.to_owned());
        self.change(change).await.map(|_| ())
    }

    pub(super) async fn news(&self, read_until: f64) -> Result<News, StoreError> {
        self.ask(|reply| Request::News(read_until, reply)).await
    }

    pub(super) async fn page(&self, after: Option<Name>) -> Result<(Vec<Entry>, u64), StoreError> {
        let page = self.ask(|reply| Request::Page(after, reply)).await?;
        let LoginPage { entries, sent } = page;
        Ok((entries, sent))
    }

    pub(super) async fn merge(&self, entries: Vec<Entry>) -> Result<u64, StoreError> {
        self.change(Change::Merge(entries)).await
    }

    /// Closes the file, so that another process can open it. Everything that was answered is
    /// on disk already.
    pub(super) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.inner.requests.try_send(Request::Close(reply)).is_ok() {
            let _ = timeout(CLOSING, closed).await;
        }
    }

    async fn change(&self, change: Change) -> Result<u64, StoreError> {
        let stopwatch = Stopwatch::start();
        let result = self.put(|reply| Request::Change(change, reply)).await;
        let failure = result.as_ref().err();
        *self.change_failure() = failure.cloned();
        let availability = &self.inner.availability;
        availability.note(failure, stopwatch.elapsed());
        result
    }

    fn change_failure(&self) -> MutexGuard<'_, Option<StoreError>> {
        let failure = &self.inner.change_failure;
        failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(StoreReply<T>) -> Request,
    ) -> Result<T, StoreError> {
        let stopwatch = Stopwatch::start();
        let result = self.put(request).await;
        let failure = result.as_ref().err();
        if failure.is_some() || self.change_failure().is_none() {
            let availability = &self.inner.availability;
            availability.note(failure, stopwatch.elapsed());
        }
        result
    }

    async fn put<T>(
        &self,
        request: impl FnOnce(StoreReply<T>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, result) = oneshot::channel();
        // The thread is behind by ten thousand requests, or has ended.
        let sent = self.inner.requests.try_send(request(reply));
        match sent {
            Ok(()) => match within(TIMEOUT, result).await {
                Some(Ok(result)) => result,
                Some(Err(_gone)) => Err(closed()),
                None => Err(StoreError::TooSlow),
            },
            Err(_) => Err(StoreError::TooSlow),
        }
    }
}

impl Drop for OpenFolder {
    /// Ends the thread, which has a sender of its own.
    fn drop(&mut self) {
        let (reply, _) = oneshot::channel();
        let _ = self.requests.try_send(Request::Close(reply));
    }
}

impl fmt::Debug for OpenFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenFolder")
    }
}

/// Error of a store whose thread has ended.
fn closed() -> StoreError {
    StoreError::Unreachable {
        cause: "it is closed".to_owned(),
    }
}
