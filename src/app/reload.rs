//! Reloads the keys and the certificate when their files change, and on SIGHUP.

use std::{path::Path, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::{
    certificate::{CertificateState, WatchedCertificate},
    watch::{POLL_INTERVAL, watch_files, watch_folder},
};
use crate::{
    clock::Clock,
    keyring::{KeySource, Keyring, Trouble},
    listen::Certificate,
    telemetry::{FolderNumbers, Metrics},
};

/// Keeps the keyring in step with the keys folder, and the certificate with its files.
pub(super) struct Reloader {
    pub(super) keyring: Arc<Keyring>,
    pub(super) certificate: Option<WatchedCertificate>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
}

/// Problems of the last load. A problem is logged only if the load before did not have
/// it.
#[derive(Default)]
struct Problems {
    keys: Vec<Trouble>,
    certificate: CertificateState,
}

impl Reloader {
    /// Reloads once and installs the handler of SIGHUP, which would kill the process
    /// until then. The returned future reloads until `shutdown`.
    pub(super) fn run(self, shutdown: CancellationToken) -> impl Future<Output = ()> {
        let changed = Arc::new(Notify::new());
        let watched = self.watch(&changed);
        let hang_up = signal(SignalKind::hangup())
            .inspect_err(|error| tracing::error!("SIGHUP will not reload anything: {error}"))
            .ok();
        // Load changes that were made between the first load and the start of the watch.
        let problems = self.reload(Problems::default());
        async move {
            let _watched = watched;
            self.follow(problems, &changed, hang_up, shutdown).await;
        }
    }

    /// Returns the certificate, which the service's socket serves with.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        let watched = self.certificate.as_ref();
        watched.map(|watched| watched.certificate.clone())
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
        let certificate = self.certificate().map(|certificate| {
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
            // Retry while there is a problem, because not every repair can be noticed.
            let try_again = async {
                match problems.keys.is_empty() && problems.certificate.is_taken() {
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
            // A panic in this task would also happen in the reload.
            let _ = tokio::task::spawn_blocking(move || keyring.decrypt_ahead()).await;
            problems = self.reload(problems);
        }
    }

    fn reload(&self, before: Problems) -> Problems {
        Problems {
            keys: self.reload_keys(before.keys),
            certificate: match &self.certificate {
                Some(watched) => watched.reload(&self.metrics, &self.clock, &before.certificate),
                None => CertificateState::default(),
            },
        }
    }

    fn reload_keys(&self, before: Vec<Trouble>) -> Vec<Trouble> {
        let version = self.keyring.current().version();
        // Errors are ignored here: the condition contains them, with all other problems.
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
            // Only at debug: a read-only folder would be reported at every reload.
            tracing::debug!("history.txt could not be written: {error}");
        }
        troubles
    }
}
