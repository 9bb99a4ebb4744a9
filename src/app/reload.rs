//! Reading the keys again when the folder changes, and on SIGHUP.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use crate::{
    keyring::{KeySource, Keyring},
    telemetry::Metrics,
};

/// A change takes effect within two of these.
const POLL_INTERVAL: Duration = Duration::from_millis(900);

/// Keeps the keyring as the folder is.
pub(super) struct Reloader {
    pub(super) keyring: Arc<Keyring>,
    pub(super) metrics: Arc<Metrics>,
}

/// Dropping it ends the watch. The kernel's notices are prompt and see a `chmod`;
/// looking at the files also sees network mounts, Kubernetes' links, and a folder
/// that was away.
type Watchers = (Option<RecommendedWatcher>, Option<PollWatcher>);

impl Reloader {
    /// Catches up with the folder and takes SIGHUP over, which would kill until
    /// then; what it returns reloads until `shutdown`.
    pub(super) fn run(self, shutdown: CancellationToken) -> impl Future<Output = ()> {
        let changed = Arc::new(Notify::new());
        let watchers = match self.keyring.source() {
            KeySource::Folder(folder) => watch(folder, &changed),
            KeySource::Inline(_) => (None, None),
        };
        let hang_up = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!("SIGHUP will not reload the keys: {error}"))
            .ok();
        // What changed between the first load and the start of the watch.
        let problems = self.reload(Vec::new());
        async move {
            let _watchers = watchers;
            self.follow(problems, &changed, hang_up, shutdown).await;
        }
    }

    async fn follow(
        &self,
        mut problems: Vec<String>,
        changed: &Notify,
        mut hang_up: Option<Signal>,
        shutdown: CancellationToken,
    ) {
        loop {
            let hung_up = async {
                match &mut hang_up {
                    Some(signal) => signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            // What is broken is tried again, because not every way to mend it can
            // be noticed.
            let try_again = async {
                match problems.is_empty() {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(POLL_INTERVAL).await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = changed.notified() => {}
                () = try_again => {}
                _ = hung_up => {}
            }
            problems = self.reload(problems);
        }
    }

    /// Loads the keys, and returns what is wrong; said only when it is not what was
    /// wrong before.
    fn reload(&self, before: Vec<String>) -> Vec<String> {
        let (problems, is_new) = match self.keyring.reload() {
            Ok(is_new) => (Vec::new(), is_new),
            Err(error) => (error.problems, false),
        };
        self.metrics.reloaded(problems.is_empty());
        if problems.is_empty() && (is_new || !before.is_empty()) {
            let keys = self.keyring.current();
            tracing::info!(
                keys = keys.iter().count(),
                revoked = keys.revoked_count(),
                "the keys were loaded again"
            );
        } else if problems != before {
            for problem in &problems {
                tracing::error!("the keys stay as they were: {problem}");
            }
        }
        problems
    }
}

fn watch(folder: &Path, changed: &Arc<Notify>) -> Watchers {
    // A file system may keep times only to the second.
    let polling = Config::default()
        .with_poll_interval(POLL_INTERVAL)
        .with_compare_contents(true);
    // An error (a folder that is away) is a change too: loading says what is wrong.
    let on_change = |changed: &Arc<Notify>| {
        let changed = changed.clone();
        move |event: notify::Result<notify::Event>| {
            // Loading opens and reads the files itself.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                changed.notify_one();
            }
        }
    };
    let kernel = RecommendedWatcher::new(on_change(changed), Config::default());
    let poll = PollWatcher::new(on_change(changed), polling);
    let watchers = (started(kernel, folder), started(poll, folder));
    if let (None, None) = watchers {
        tracing::error!("the keys folder is not watched: only SIGHUP reloads it");
    }
    watchers
}

fn started<W: Watcher>(watcher: notify::Result<W>, folder: &Path) -> Option<W> {
    let mut watcher = watcher.ok()?;
    watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}
