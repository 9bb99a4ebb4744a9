//! Noticing that a file or folder has changed.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// A change takes effect within two of these.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(900);

/// Dropping it ends the watch. The kernel's notices are prompt and see a `chmod`;
/// looking at the files also sees network mounts, Kubernetes' links, and a folder
/// that was away.
pub(super) type Watchers = (Option<RecommendedWatcher>, Option<PollWatcher>);

/// Watches a folder, in both ways.
pub(super) fn watch_folder(folder: &Path, changed: &Arc<Notify>) -> Watchers {
    let kernel = RecommendedWatcher::new(on_change(changed), Config::default());
    (started(kernel, &[folder]), watch_files(&[folder], changed))
}

/// Watches what stands at these paths, whatever links lead there.
pub(super) fn watch_files(paths: &[&Path], changed: &Arc<Notify>) -> Option<PollWatcher> {
    // A file system may keep times only to the second.
    let polling = Config::default()
        .with_poll_interval(POLL_INTERVAL)
        .with_compare_contents(true);
    started(PollWatcher::new(on_change(changed), polling), paths)
}

/// An error (a folder that is away) is a change too: loading says what is wrong.
fn on_change(changed: &Arc<Notify>) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    let changed = changed.clone();
    move |event| {
        // Loading opens and reads the files itself.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            changed.notify_one();
        }
    }
}

fn started<W: Watcher>(watcher: notify::Result<W>, paths: &[&Path]) -> Option<W> {
    let mut watcher = watcher.ok()?;
    for path in paths {
        watcher.watch(path, RecursiveMode::NonRecursive).ok()?;
    }
    Some(watcher)
}
