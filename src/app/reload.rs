//! Reading the keys and the certificate again when they change, and on SIGHUP.

use std::{path::Path, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::watch::{POLL_INTERVAL, watch_files, watch_folder};
use crate::{
    clock::Clock,
    keyring::{KeySource, Keyring, Trouble},
    listen::Certificate,
    telemetry::{FolderNumbers, Metrics},
};

/// Keeps the keyring as the folder is, and the certificate as its files are.
pub(super) struct Reloader {
    pub(super) keyring: Arc<Keyring>,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
}

/// What is wrong with what was loaded last; said only when it is not what was wrong
/// before.
#[derive(Default, PartialEq)]
struct Problems {
    keys: Vec<Trouble>,
    certificate: Option<String>,
}

impl Reloader {
    /// Catches up with the files and takes SIGHUP over, which would kill until then;
    /// what it returns reloads until `shutdown`.
    pub(super) fn run(self, shutdown: CancellationToken) -> impl Future<Output = ()> {
        let changed = Arc::new(Notify::new());
        let watched = self.watch(&changed);
        let hang_up = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!("SIGHUP will not reload anything: {error}"))
            .ok();
        // What changed between the first load and the start of the watch.
        let problems = self.reload(Problems::default());
        async move {
            let _watched = watched;
            self.follow(problems, &changed, hang_up, shutdown).await;
        }
    }

    fn watch(&self, changed: &Arc<Notify>) -> impl Send + use<> {
        let folder = match self.keyring.source() {
            KeySource::Folder(folder) => {
                let watchers = watch_folder(folder, changed);
                if let (None, None) = watchers {
                    tracing::error!("the keys folder is not watched: only SIGHUP reloads it");
                }
                Some(watchers)
            }
            KeySource::Inline(_) => None,
        };
        let certificate = self.certificate.as_ref().map(|certificate| {
            let files = certificate.files();
            let paths: [&Path; 2] = [&files.chain, &files.key];
            let watcher = watch_files(&paths, changed);
            if watcher.is_none() {
                tracing::error!("the certificate is not watched: only SIGHUP reloads it");
            }
            watcher
        });
        (folder, certificate)
    }

    async fn follow(
        &self,
        mut problems: Problems,
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
                match problems == Problems::default() {
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
            let keyring = self.keyring.clone();
            // A panic in there would be one in the reload, too.
            let _ = tokio::task::spawn_blocking(move || keyring.decrypt_ahead()).await;
            problems = self.reload(problems);
        }
    }

    fn reload(&self, before: Problems) -> Problems {
        Problems {
            keys: self.reload_keys(before.keys),
            certificate: self.reload_certificate(before.certificate),
        }
    }

    fn reload_keys(&self, before: Vec<Trouble>) -> Vec<Trouble> {
        let version = self.keyring.current().version();
        // What is wrong with the keys stands in the condition, with all the rest.
        let _ = self.keyring.reload();
        let (keys, now) = (self.keyring.current(), self.clock.now());
        let condition = self.keyring.condition();
        let troubles = condition.troubles(now);
        self.metrics.looked_at_keys(&FolderNumbers {
            keys_are_whole: !troubles
                .iter()
                .any(|trouble| matches!(trouble, Trouble::Keys(_) | Trouble::Waiting(_))),
            keys_missing: condition.gone_count(now),
            revocations: keys.revoked_count(),
            revocations_are_whole: !troubles
                .iter()
                .any(|trouble| matches!(trouble, Trouble::Revocations(_))),
        });
        for trouble in troubles.iter().filter(|trouble| !before.contains(trouble)) {
            tracing::error!("{trouble}");
        }
        let is_mended = troubles.is_empty() && !before.is_empty();
        if is_mended || keys.version() != version {
            tracing::info!(
                keys = keys.iter().count(),
                revoked = keys.revoked_count(),
                "the keys were loaded again"
            );
        }
        if let Err(error) = self.keyring.write_history(now) {
            // A folder may be read-only, and then always is.
            tracing::debug!("history.txt could not be written: {error}");
        }
        troubles
    }

    fn reload_certificate(&self, before: Option<String>) -> Option<String> {
        match self.certificate.as_ref()?.reload() {
            Ok(is_new) => {
                if is_new || before.is_some() {
                    tracing::info!("the certificate was loaded again");
                }
                None
            }
            Err(error) => {
                self.metrics.certificate_not_reloaded();
                let problem = Some(error.to_string());
                if problem != before {
                    tracing::error!("the certificate stays as it was: {error}");
                }
                problem
            }
        }
    }
}
