//! Watches files and folders for changes.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Config, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Interval of polling; a change takes effect within two of these.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(900);

/// The watchers of one folder; dropping them ends the watch. Kernel notifications are
/// immediate and report a `chmod`. Polling also notices changes on network mounts, in
/// Kubernetes' links, and of a folder that was missing.
pub(super) type Watchers = (Option<RecommendedWatcher>, Option<PollWatcher>);

/// Watches a folder by kernel notifications and by polling.
pub(super) fn watch_folder(folder: &Path, changed: &Arc<Notify>) -> Watchers {
    let kernel = RecommendedWatcher::new(on_change(changed), Config::default());
    (started(kernel, &[folder]), watch_files(&[folder], changed))
}

/// Watches the files or folders at these paths by polling, following links.
pub(super) fn watch_files(paths: &[&Path], changed: &Arc<Notify>) -> Option<PollWatcher> {
    // Contents are compared because a file system may keep times only to the second.
    let polling = Config::default()
        .with_poll_interval(POLL_INTERVAL)
        .with_compare_contents(true);
    started(PollWatcher::new(on_change(changed), polling), paths)
}

/// Notifies `changed`. An error, such as a missing folder, is a change too: loading
/// reports what is wrong.
fn on_change(changed: &Arc<Notify>) -> impl Fn(notify::Result<notify::Event>) + Send + 'static {
    let changed = changed.clone();
    move |event| {
        // Ignore reads: loading itself opens and reads the files.
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
