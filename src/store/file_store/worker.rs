//! The thread that has the file of a store.
//!
//! Requests that wait are carried out together, and share one write to the disk (group
//! commit). Nobody else waits for the disk: a hung one only makes requests time out.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender},
    time::Duration,
};

use super::{
    backend::Disk,
    control::Control,
    fault::FileFault,
    folder::{FileMark, LockedFolder},
    login_file::LoginFile,
    request::{Change, LoginPage, Request, StoreReply},
};
use crate::{
    clock::{Clock, Moment, Stopwatch},
    store::{StoreError, StoreTime},
};

/// Maximum number of requests that are carried out together.
const BATCH: usize = 1_000;
/// Maximum number of logins in one answer.
const PAGE: usize = 500;
/// Pause after a failure, in which requests fail without another attempt.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(250);
/// Time between two looks at the socket for commands.
const IDLE: Duration = Duration::from_secs(1);
/// Time between two searches for logins that have expired.
const COMPACTING_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The thread's own state.
pub(super) struct Worker {
    path: PathBuf,
    disk: Disk,
    clock: Clock,
    /// `None` until the folder could be locked.
    folder: Option<LockedFolder>,
    /// `None` after a failure, until the file could be opened again.
    file: Option<LoginFile>,
    control: Option<Control>,
    failure: Option<(Stopwatch, FileFault)>,
    /// A damaged file, which is not opened again until it has changed.
    damaged: Option<(FileMark, FileFault)>,
    /// True until the folder was opened: once it was, none is made in its place.
    may_create: bool,
    /// True if the file must be written anew, because an fsync failed.
    is_doubtful: bool,
    compacted: Moment,
}

type PendingChanges = Vec<(Change, StoreReply<u64>)>;

impl Worker {
    pub(super) fn new(path: PathBuf, disk: Disk, clock: Clock, may_create: bool) -> Self {
        Self {
            path,
            disk,
            compacted: clock.moment(),
            clock,
            folder: None,
            file: None,
            control: None,
            failure: None,
            damaged: None,
            may_create,
            is_doubtful: false,
        }
    }

    /// Opens the file for the first time.
    pub(super) fn begin(&mut self) -> Result<(), FileFault> {
        let sent = self.with_file(LoginFile::count_sent)?;
        if sent > 0 {
            tracing::warn!(
                "{sent} refreshes were not finished when authseal ended last; if the provider had \
                 answered one, that login is lost"
            );
        }
        Ok(())
    }

    /// Carries out requests until one says to close, or nobody is left to send any.
    pub(super) fn run(mut self, requests: &Receiver<Request>, more: &SyncSender<Request>) {
        loop {
            let mut batch = match requests.recv_timeout(IDLE) {
                Ok(first) => vec![first],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            batch.extend(requests.try_iter().take(BATCH - batch.len()));
            if let Some(closed) = self.carry_out(batch) {
                drop(self);
                // The asker may have stopped waiting.
                let _ = closed.send(Ok(()));
                return;
            }
            if self.clock.moment().since(self.compacted) >= COMPACTING_INTERVAL {
                self.compact();
            }
            if let Some(control) = &self.control {
                control.accept(more);
            }
        }
    }

    /// Returns where to report the end, if one of the requests asks for it.
    fn carry_out(&mut self, batch: Vec<Request>) -> Option<StoreReply<()>> {
        let mut changes = Vec::new();
        let mut closing = None;
        for request in batch {
            match request {
                Request::Login(name, reply) => self.answer(reply, |file, _| file.login(&name)),
                Request::News(since, reply) => {
                    self.answer(reply, |file, clock| file.news(since, clock.now()));
                }
                Request::Page(after, reply) => self.answer(reply, |file, _| {
                    Ok(LoginPage {
                        entries: file.page(after, PAGE)?,
                        sent: file.count_sent()?,
                    })
                }),
                // Whoever wanted to send a token does not, if the reply is late.
                Request::Change(Change::MarkSent(_), reply) if reply.is_closed() => {}
                // Others are carried out also if the reply is late: a slow disk would
                // otherwise never get them.
                Request::Change(change, reply) => changes.push((change, reply)),
                Request::Close(reply) => closing = Some(reply),
            }
        }
        self.write(changes);
        closing
    }

    fn answer<T>(
        &mut self,
        reply: StoreReply<T>,
        read: impl FnOnce(&LoginFile, &Clock) -> Result<T, FileFault>,
    ) {
        if reply.is_closed() {
            return;
        }
        let clock = self.clock.clone();
        let result = self.with_file(|file| read(file, &clock));
        let _ = reply.send(result.map_err(StoreError::File));
    }

    fn write(&mut self, changes: PendingChanges) {
        if changes.is_empty() {
            return;
        }
        let now = StoreTime::now(&self.clock);
        let result =
            self.with_file(|file| file.apply(changes.iter().map(|(change, _)| change), now));
        match result {
            Ok(counts) => {
                for ((_, reply), count) in changes.into_iter().zip(counts) {
                    let _ = reply.send(Ok(count));
                }
            }
            Err(fault) => {
                for (_, reply) in changes {
                    let _ = reply.send(Err(StoreError::File(fault.clone())));
                }
            }
        }
    }

    /// Works on the file. After a failure the engine takes nothing any more, so the file is
    /// closed, and opened again with the next request.
    fn with_file<T>(
        &mut self,
        work: impl FnOnce(&LoginFile) -> Result<T, FileFault>,
    ) -> Result<T, FileFault> {
        let result = self.opened().and_then(work);
        if let Err(fault) = &result {
            self.note_failure(fault);
        }
        result
    }

    fn note_failure(&mut self, fault: &FileFault) {
        let file = self.file.take();
        self.is_doubtful |= file.is_some_and(|file| file.is_doubtful());
        if let (FileFault::Damaged { .. }, Some(folder)) = (fault, &self.folder) {
            self.damaged = Some((folder.mark(), fault.clone()));
        }
        let is_repeated = matches!(&self.failure, Some((since, _))
            if since.elapsed() < PAUSE_AFTER_FAILURE);
        if !is_repeated {
            self.failure = Some((Stopwatch::start(), fault.clone()));
        }
    }

    fn opened(&mut self) -> Result<&LoginFile, FileFault> {
        if self.file.is_none() {
            self.open()?;
        }
        Ok(self.file.as_ref().expect("it was opened"))
    }

    fn open(&mut self) -> Result<(), FileFault> {
        if let Some((since, fault)) = &self.failure
            && since.elapsed() < PAUSE_AFTER_FAILURE
        {
            return Err(fault.clone());
        }
        // The lock is kept, unless another folder is there now.
        if !self.folder.as_ref().is_some_and(LockedFolder::is_in_place) {
            self.control = None;
            self.folder = None;
            let folder = LockedFolder::lock(&self.path, self.may_create, self.disk.clone())?;
            self.folder = Some(folder);
        }
        let folder = self.folder.as_ref().expect("it was locked");
        if let Some((mark, fault)) = &self.damaged
            && *mark == folder.mark()
        {
            return Err(fault.clone());
        }
        let now = StoreTime::now(&self.clock);
        let file = LoginFile::open(folder, now)?;
        self.file = Some(file.compact(folder, now, self.is_doubtful)?);
        self.damaged = None;
        if self.control.is_none() {
            self.control = Control::listen(&folder.socket());
        }
        self.may_create = false;
        self.is_doubtful = false;
        self.failure = None;
        self.compacted = self.clock.moment();
        Ok(())
    }

    fn compact(&mut self) {
        self.compacted = self.clock.moment();
        let (Some(file), Some(folder)) = (self.file.take(), &self.folder) else {
            return;
        };
        match file.compact(folder, StoreTime::now(&self.clock), false) {
            Ok(file) => self.file = Some(file),
            Err(fault) => self.note_failure(&fault),
        }
    }
}

/// Closes the file before the folder is unlocked.
impl Drop for Worker {
    fn drop(&mut self) {
        self.control = None;
        self.file = None;
        self.folder = None;
    }
}

/// Starts the thread, and returns what came of opening the file; `None` if that takes
/// longer than `patience`.
pub(super) fn start(
    mut worker: Worker,
    requests: Receiver<Request>,
    more: SyncSender<Request>,
    patience: Duration,
) -> std::io::Result<Option<Result<(), FileFault>>> {
    // Without room, so that the thread knows whether anybody has heard of it.
    let (opened, result) = std::sync::mpsc::sync_channel(0);
    std::thread::Builder::new()
        .name("store".into())
        .spawn(move || {
            let begun = worker.begin();
            let must_end = begun.as_ref().is_err_and(FileFault::is_of_setup);
            let is_told = opened.send(begun).is_ok();
            if !(must_end && is_told) {
                worker.run(&requests, &more);
            }
        })?;
    Ok(result.recv_timeout(patience).ok())
}
