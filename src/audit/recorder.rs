//! The way of events into the log: through a bounded queue, and a thread that writes them.
//!
//! Nothing that serves waits for a disk. Events that find the queue full are lost, which a
//! metric and the next line that can be written say.

use std::{
    io::{self, Write as _},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

use super::{AuditEvent, AuditFile, AuditTarget, Occasion, chain::Link, repeats::Repeats};
use crate::{
    clock::Clock,
    telemetry::{self, Metrics},
};

/// Number of events that may wait, some 5 MB.
const QUEUE: usize = 10_000;
/// Number of events that are written at once, at most.
const BATCH: usize = 1_000;
/// Interval at which the thread looks for events that came again.
const TICK: Duration = Duration::from_secs(1);
/// Pause after a failed attempt to write.
const RETRY: Duration = Duration::from_millis(250);
/// Timeout of the writing of the last lines.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Takes the events of a server. Cheap to clone; clones share one log.
#[derive(Clone, Debug, Default)]
pub struct AuditLog(Option<Arc<Recorder>>);

#[derive(Debug)]
struct Recorder {
    queue: SyncSender<Note>,
    shared: Arc<Shared>,
    clock: Clock,
    // Locked at the end only.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

/// State that the server and the thread share.
#[derive(Debug)]
struct Shared {
    repeats: Repeats,
    metrics: Arc<Metrics>,
    lost: AtomicU64,
    must_end: AtomicBool,
}

enum Note {
    Event(AuditEvent),
    End,
}

impl AuditLog {
    /// Starts the thread that writes. Without a target, nothing is recorded. Fails if the file
    /// cannot be used; a disk that is full at the moment is no reason.
    pub(crate) fn start(
        target: Option<AuditTarget>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> io::Result<Self> {
        let Some(target) = target else {
            return Ok(Self(None));
        };
        let output = match &target {
            AuditTarget::File(path) => {
                let file = AuditFile::new(path);
                file.check()
                    .map_err(|error| io::Error::new(error.kind(), format!("{target}: {error}")))?;
                AuditOutput::File(file)
            }
            AuditTarget::Stdout => AuditOutput::Stdout { last: None },
        };
        let (queue, notes) = mpsc::sync_channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            repeats: Repeats::default(),
            metrics,
            lost: AtomicU64::new(0),
            must_end: AtomicBool::new(false),
        });
        let writer = Writer {
            notes,
            output,
            target,
            shared: shared.clone(),
            clock: clock.clone(),
            batch: Vec::new(),
            is_failing: false,
        };
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                writer.run();
                drop(end);
            })?;
        Ok(Self(Some(Arc::new(Recorder {
            queue,
            shared,
            clock,
            ended: Mutex::new(Some(ended)),
        }))))
    }

    /// True if events are recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records an event. Never waits.
    pub(crate) fn record(&self, make: impl FnOnce() -> AuditEvent) {
        if let Some(recorder) = &self.0 {
            recorder.send(make());
        }
    }

    /// Records an event, or counts it if the same was recorded within an hour. Never waits.
    pub(crate) fn record_first(&self, occasion: Occasion, make: impl FnOnce() -> AuditEvent) {
        let Some(recorder) = &self.0 else {
            return;
        };
        let now = recorder.clock.moment();
        let first = recorder.shared.repeats.first(occasion, now, make);
        if let Some(event) = first {
            recorder.send(event);
        }
    }

    /// Writes the events that wait, for a second at most. Nothing is recorded afterwards.
    pub(crate) async fn finish(&self) {
        let Some(recorder) = &self.0 else {
            return;
        };
        recorder.shared.must_end.store(true, Ordering::SeqCst);
        // A thread whose queue is full sees the mark.
        let _ = recorder.queue.try_send(Note::End);
        let ended = recorder
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(ended) = ended else {
            return;
        };
        if tokio::time::timeout(FINISH_WITHIN, ended).await.is_err() {
            tracing::error!(
                "the last lines of the audit log may be missing: it could not be written in time"
            );
        }
    }
}

impl Recorder {
    fn send(&self, event: AuditEvent) {
        // Counted before the thread can have written it.
        self.shared.metrics.audit_line_waits(1);
        match self.queue.try_send(Note::Event(event)) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.shared.metrics.audit_line_waits(-1);
                self.shared.lose(1);
            }
        }
    }
}

impl Shared {
    fn lose(&self, lines: usize) {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX);
        self.lost.fetch_add(lines, Ordering::SeqCst);
        self.metrics.audit_lines_lost(lines);
    }
}

/// The thread that writes.
struct Writer {
    notes: Receiver<Note>,
    output: AuditOutput,
    target: AuditTarget,
    shared: Arc<Shared>,
    clock: Clock,
    /// Events that are not written yet.
    batch: Vec<AuditEvent>,
    is_failing: bool,
}

impl Writer {
    fn run(mut self) {
        while self.collect() {
            let due = self.shared.repeats.due(self.clock.moment());
            self.add(due);
            self.write();
            if self.is_failing && !self.must_end() {
                thread::sleep(RETRY);
            }
        }
        let last = self.shared.repeats.all();
        self.add(last);
        self.write();
        let waiting = self
            .notes
            .try_iter()
            .filter(|note| matches!(note, Note::Event(_)));
        let unwritten = self.batch.len() + waiting.count();
        if unwritten > 0 {
            self.shared.lose(unwritten);
            let target = &self.target;
            tracing::error!("the last {unwritten} lines of the audit log {target} are lost");
        }
    }

    fn must_end(&self) -> bool {
        self.shared.must_end.load(Ordering::SeqCst)
    }

    /// Takes the events that wait, or waits for one for a moment. Returns false at the end.
    fn collect(&mut self) -> bool {
        if self.batch.is_empty() {
            match self.notes.recv_timeout(TICK) {
                Ok(Note::Event(event)) => self.batch.push(event),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Note::End) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        while self.batch.len() < BATCH {
            match self.notes.try_recv() {
                Ok(Note::Event(event)) => self.batch.push(event),
                Ok(Note::End) => return false,
                Err(_) => return !self.must_end(),
            }
        }
        // More may wait: they are written also at the end, while that works.
        !(self.must_end() && self.is_failing)
    }

    /// Adds lines that tell of repeated events. While nothing can be written they do not pile up.
    fn add(&mut self, events: Vec<AuditEvent>) {
        if self.batch.len() >= 2 * BATCH {
            self.shared.lose(events.len());
            return;
        }
        let waiting = i64::try_from(events.len()).unwrap_or_default();
        self.shared.metrics.audit_line_waits(waiting);
        self.batch.extend(events);
    }

    fn write(&mut self) {
        let lost = self.shared.lost.load(Ordering::SeqCst);
        if self.batch.is_empty() && lost == 0 {
            return;
        }
        let waiting = self.batch.len();
        if lost > 0 {
            self.batch
                .insert(0, AuditEvent::now("lost").with("count", lost));
        }
        let written = self.output.write(&self.batch);
        if lost > 0 {
            self.batch.remove(0);
        }
        let is_done = match written {
            Ok(()) => {
                self.shared.lost.fetch_sub(lost, Ordering::SeqCst);
                self.report_success(lost);
                true
            }
            Err(error) => {
                self.report_failure(&error);
                // A part of it may be on its way: the same lines again would be another chain.
                let is_lost = matches!(self.output, AuditOutput::Stdout { .. });
                if is_lost {
                    self.shared.lose(waiting);
                }
                is_lost
            }
        };
        if is_done {
            let waiting = i64::try_from(waiting).unwrap_or_default();
            self.shared.metrics.audit_line_waits(-waiting);
            self.batch.clear();
        }
    }

    fn report_success(&mut self, lost: u64) {
        let target = &self.target;
        if lost > 0 {
            tracing::error!("{lost} lines of the audit log {target} are lost");
        }
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the audit log {target} is written again");
        }
    }

    fn report_failure(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(
                "the audit log {} cannot be written: {error}. {QUEUE} lines wait, and those after \
                 them are lost, while the service goes on: make it writable",
                self.target
            );
        }
    }
}

/// The open end of a log.
enum AuditOutput {
    File(AuditFile),
    /// A pipe or a terminal. Each process begins a chain, because it cannot read what an earlier
    /// one wrote; so does the first line after an error.
    Stdout {
        last: Option<Link>,
    },
}

impl AuditOutput {
    fn write(&mut self, events: &[AuditEvent]) -> io::Result<()> {
        let last = match self {
            Self::File(file) => return file.append(events),
            Self::Stdout { last } => last,
        };
        let mut text = String::new();
        let begun = last.take();
        let mut link = match begun {
            Some(link) => link,
            None => AuditEvent::begun().append_to(&mut text, Link::NONE),
        };
        for event in events {
            link = event.append_to(&mut text, link);
        }
        telemetry::write_all(io::stdout(), text.as_bytes())?;
        io::stdout().flush()?;
        *last = Some(link);
        Ok(())
    }
}
