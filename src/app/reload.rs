//! Reloads the keys and the certificate when their files change, and on SIGHUP. Each has a
//! thread of its own.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use notify::RecommendedWatcher;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::{future::FutureExt as _, sync::CancellationToken, task::TaskTracker};

use super::{
    certificate::{CertificateState, WatchedCertificate},
    file_thread::{Asked, Asker, FileThread, Pace},
    key_events,
    watch::{Fingerprint, kernel_notices},
};
use crate::{
    audit::AuditLog,
    clock::Clock,
    keyring::{KeySource, Keyring, Trouble},
    listen::Certificate,
    telemetry::{FolderNumbers, Metrics},
};

/// A change takes effect within two intervals, whatever the file system.
const PACE: Pace = Pace {
    interval: Duration::from_millis(900),
    hangs_after: Duration::from_secs(10),
};

/// Keeps the keyring in step with the keys folder, and the certificate with its files.
pub(super) struct Reloader {
    pub(super) keyring: Arc<Keyring>,
    pub(super) certificate: Option<WatchedCertificate>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) audit: AuditLog,
    pub(super) clock: Clock,
}

impl Reloader {
    /// Returns the certificate, which the service's socket serves with.
    pub(super) fn certificate(&self) -> Option<Arc<Certificate>> {
        let watched = self.certificate.as_ref();
        watched.map(|watched| watched.certificate.clone())
    }

    /// Reloads once, for changes that were made since the first load. Then reloads until
    /// `end`, in tasks of the tracker.
    pub(super) async fn start(
        self,
        tasks: &TaskTracker,
        end: &CancellationToken,
    ) -> io::Result<()> {
        let keys = KeyFollower {
            folder: match self.keyring.source() {
                KeySource::Folder(folder) => Some(folder.clone()),
                KeySource::Inline(_) => None,
            },
            keyring: self.keyring.clone(),
            metrics: self.metrics.clone(),
            audit: self.audit,
            clock: self.clock.clone(),
            notices: None,
            seen: None,
            problems: Vec::new(),
        };
        let certificate = self.certificate.map(|certificate| CertificateFollower {
            certificate,
            metrics: self.metrics.clone(),
            clock: self.clock,
            seen: Fingerprint::default(),
            state: CertificateState::default(),
        });
        let mut threads = vec![keys.follow()?];
        threads.extend(certificate.map(CertificateFollower::follow).transpose()?);
        let askers: Vec<Asker> = threads.iter().map(FileThread::asker).collect();
        match signal(SignalKind::hangup()) {
            Ok(hang_up) => drop(tasks.spawn(ask_on(hang_up, askers, end.clone()))),
            Err(error) => tracing::error!("SIGHUP will not reload anything: {error}"),
        }
        for thread in threads {
            thread.has_begun().await;
            tasks.spawn(thread.watch(self.metrics.clone(), end.clone()));
        }
        Ok(())
    }
}

async fn ask_on(mut hang_up: Signal, askers: Vec<Asker>, end: CancellationToken) {
    while let Some(Some(())) = hang_up.recv().with_cancellation_token(&end).await {
        askers.iter().for_each(Asker::ask);
    }
}

/// The keys, as their thread follows them.
struct KeyFollower {
    folder: Option<PathBuf>,
    keyring: Arc<Keyring>,
    metrics: Arc<Metrics>,
    audit: AuditLog,
    clock: Clock,
    notices: Option<RecommendedWatcher>,
    seen: Option<Fingerprint>,
    /// Problems of the last load. A problem is logged only if the load before did not have
    /// it.
    problems: Vec<Trouble>,
}

impl KeyFollower {
    fn follow(mut self) -> io::Result<FileThread> {
        let what = match &self.folder {
            Some(folder) => format!("the keys folder {}", folder.display()),
            None => self.keyring.source().to_string(),
        };
        FileThread::start("keys", what, PACE, move |asked, asker| {
            self.look(asked, asker);
        })
    }

    fn look(&mut self, asked: Asked, asker: &Asker) {
        if let (Some(folder), None) = (&self.folder, self.seen) {
            self.notices = kernel_notices(folder, asker);
        }
        // Taken before the load, so that a change during the load is seen the next time.
        let seen = Fingerprint::of(self.folder.as_slice());
        let has_changed = self.seen.replace(seen) != Some(seen);
        // Not every repair changes the folder, so it is tried again while there is a problem.
        if asked.is_certain || has_changed || !self.problems.is_empty() {
            self.reload();
        }
    }

    fn reload(&mut self) {
        let known = self.keyring.current();
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
        let before = std::mem::take(&mut self.problems);
        for trouble in troubles.iter().filter(|trouble| !before.contains(trouble)) {
            tracing::error!("{trouble}");
        }
        let is_mended = troubles.is_empty() && !before.is_empty();
        // Two sets of revocations are compared, so not for nothing.
        if self.audit.is_on() && keys.version() != known.version() {
            for event in key_events::of_reload(&known, &keys) {
                self.audit.record(|| event);
            }
        }
        if is_mended || keys.version() != known.version() {
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
        self.problems = troubles;
    }
}

/// The certificate, as its thread follows it.
struct CertificateFollower {
    certificate: WatchedCertificate,
    metrics: Arc<Metrics>,
    clock: Clock,
    seen: Fingerprint,
    state: CertificateState,
}

impl CertificateFollower {
    fn follow(mut self) -> io::Result<FileThread> {
        let files = self.certificate.certificate.files();
        let paths = [files.chain.clone(), files.key.clone()];
        let what = format!("the certificate {}", files.chain.display());
        FileThread::start("certificate", what, PACE, move |asked, _| {
            let seen = Fingerprint::of(&paths);
            let has_changed = std::mem::replace(&mut self.seen, seen) != seen;
            if asked.is_certain || has_changed || !self.state.is_taken() {
                self.reload();
            }
        })
    }

    fn reload(&mut self) {
        let reloaded = self
            .certificate
            .reload(&self.metrics, &self.clock, &self.state);
        self.state = reloaded;
    }
}
