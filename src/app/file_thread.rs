//! Threads that read files. A file system that hangs holds up only its own thread: nothing
//! that serves or stops waits for it, and no second thread is started meanwhile.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{clock::Stopwatch, telemetry::Metrics};

/// Interval at which the thread is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Times of one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Interval between two rounds of reading.
    pub(super) interval: Duration,
    /// Time after which a round counts as hanging.
    pub(super) hangs_after: Duration,
}

/// Reasons for a round of reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// True if the system reported a change, or an administrator sent SIGHUP.
    pub(super) is_certain: bool,
}

/// Asks a thread to read its files soon. Clones ask the same thread.
#[derive(Clone, Debug)]
pub(super) struct Asker(Arc<Rounds>);

#[derive(Debug, Default)]
struct Rounds {
    // Held for moments only, never while files are read.
    state: Mutex<RoundState>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct RoundState {
    is_asked: bool,
    must_end: bool,
    /// Set while files are read.
    busy: Option<Stopwatch>,
}

impl Rounds {
    fn state(&self) -> MutexGuard<'_, RoundState> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }

    /// Waits until the thread is asked, or for the interval. `None` if it must end.
    fn next_round(&self, interval: Duration) -> Option<Asked> {
        let waits = |state: &mut RoundState| !state.is_asked && !state.must_end;
        let waiting = self.wake.wait_timeout_while(self.state(), interval, waits);
        let (mut state, _) = waiting.expect("nothing panics while holding the lock");
        state.busy = Some(Stopwatch::start());
        let is_certain = std::mem::take(&mut state.is_asked);
        (!state.must_end).then_some(Asked { is_certain })
    }
}

impl Asker {
    pub(super) fn ask(&self) {
        self.0.state().is_asked = true;
        self.0.wake.notify_one();
    }

    fn end(&self) {
        self.0.state().must_end = true;
        self.0.wake.notify_one();
    }
}

/// A running thread.
#[derive(Debug)]
pub(super) struct FileThread {
    /// Files that it reads, for a message: "the keys folder /etc/authseal/keys".
    what: String,
    /// The same for a metric.
    label: &'static str,
    pace: Pace,
    asker: Asker,
    /// Number of rounds that are done. Closed when the thread has ended.
    rounds: watch::Receiver<u64>,
}

impl FileThread {
    /// Starts a thread that calls `read` at once, then at every interval, and when it is
    /// asked. `read` gets an asker of its own thread.
    pub(super) fn start(
        label: &'static str,
        what: String,
        pace: Pace,
        mut read: impl FnMut(Asked, &Asker) + Send + 'static,
    ) -> io::Result<Self> {
        let asker = Asker(Arc::default());
        let (done, rounds) = watch::channel(0);
        let own = asker.clone();
        own.ask();
        let thread = thread::Builder::new().name(label.to_owned());
        thread.spawn(move || {
            while let Some(asked) = own.0.next_round(pace.interval) {
                read(asked, &own);
                own.0.state().busy = None;
                done.send_modify(|rounds| *rounds += 1);
            }
        })?;
        Ok(Self {
            what,
            label,
            pace,
            asker,
            rounds,
        })
    }

    pub(super) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Waits for the first round, unless it hangs.
    pub(super) async fn has_begun(&self) {
        let mut rounds = self.rounds.clone();
        while *rounds.borrow_and_update() == 0 && !self.is_hanging() {
            tokio::select! {
                changed = rounds.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    /// Reports when the thread hangs and when it goes on again, until `shutdown`. Then waits
    /// until the thread has ended.
    pub(super) async fn watch(mut self, metrics: Arc<Metrics>, shutdown: CancellationToken) {
        let mut was_hanging = false;
        metrics.files_hang(self.label, false);
        loop {
            let is_hanging = self.is_hanging();
            if is_hanging != was_hanging {
                self.report(is_hanging, &metrics);
                was_hanging = is_hanging;
            }
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
                // Closed if the thread has panicked: its files are followed no more, which the
                // metric goes on to say.
                round = self.rounds.changed(), if is_hanging => if round.is_err() { return },
            }
        }
        self.asker.end();
        while self.rounds.changed().await.is_ok() {}
    }

    fn is_hanging(&self) -> bool {
        let busy = self.asker.0.state().busy;
        busy.is_some_and(|since| since.elapsed() > self.pace.hangs_after)
    }

    fn report(&self, is_hanging: bool, metrics: &Metrics) {
        metrics.files_hang(self.label, is_hanging);
        let what = &self.what;
        match is_hanging {
            true => tracing::error!(
                "{what} has not answered for {} s: what was read last stays in use, and no change \
                 takes effect. Look at the file system",
                self.pace.hangs_after.as_secs()
            ),
            false => tracing::info!("{what} answers again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A thread whose file system answers each time that the sender sends.
    fn hanging() -> (FileThread, mpsc::Sender<()>) {
        let (answer, answers) = mpsc::channel();
        let pace = Pace {
            interval: Duration::from_secs(3600),
            hangs_after: Duration::ZERO,
        };
        let read = move |_: Asked, _: &Asker| {
            let _ = answers.recv();
        };
        let thread = FileThread::start("keys", "the folder".into(), pace, read);
        (thread.unwrap(), answer)
    }

    async fn is_hanging(metrics: &Metrics, expected: bool) {
        let line = format!(
            "authseal_files_hang{{files=\"keys\"}} {}",
            u8::from(expected)
        );
        while !metrics
            .scrape(
                crate::telemetry::Exposition::Prometheus,
                0,
                0,
                [].into_iter(),
            )
            .contains(&line)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_file_system_that_hangs_is_reported_and_holds_up_nobody() {
        let (thread, answer) = hanging();
        thread.has_begun().await;
        let (metrics, shutdown) = (Arc::new(Metrics::new()), CancellationToken::new());
        let (asker, mut rounds) = (thread.asker(), thread.rounds.clone());
        let watching = tokio::spawn(thread.watch(metrics.clone(), shutdown.clone()));
        is_hanging(&metrics, true).await;
        // However often it is asked meanwhile, one round follows.
        for _ in 0..100 {
            asker.ask();
        }
        answer.send(()).unwrap();
        answer.send(()).unwrap();
        rounds.wait_for(|rounds| *rounds == 2).await.unwrap();
        is_hanging(&metrics, false).await;
        shutdown.cancel();
        watching.await.unwrap();
        assert_eq!(*rounds.borrow(), 2);
    }
}
