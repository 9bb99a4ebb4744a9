//! Faults of file systems below a store in a folder, which only the system itself can show.
//! `tests/it/file_store/power.rs` has the same faults without it. Skipped, with a line, where
//! the system does not allow it.

use std::time::Duration;

use crate::support::{Installation, ServerProcess, eventually, shell, skipped};

/// Access tokens that no server keeps.
const UNCACHED: Duration = Duration::from_secs(1);

/// A file system of ext4 in a file, which root can mount. It is unmounted when dropped.
struct Volume {
    folder: tempfile::TempDir,
}

impl Volume {
    /// `None`, with a line, if the system does not allow it.
    async fn mount() -> Option<Self> {
        let volume = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let made = volume
            .run(
                "truncate -s 32M image && mkfs.ext4 -q image && mkdir -m 700 volume && \
                 mount -o loop image volume && mkdir -m 700 volume/store",
            )
            .await;
        if let Err(refused) = made {
            skipped(&format!("no volume can be mounted: {refused}"));
            return None;
        }
        Some(volume)
    }

    fn store(&self) -> String {
        format!("file:{}/volume/store", self.folder.path().display())
    }

    async fn run(&self, script: &str) -> Result<(), String> {
        let script = format!("cd \"$FOLDER\" && {script}");
        let folder = self.folder.path().to_str().unwrap();
        let ran = shell(&script, &[("FOLDER", folder)]).await;
        match ran.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
        }
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let volume = self.folder.path().join("volume");
        let mut unmount = std::process::Command::new("umount");
        let _ = unmount.arg("--lazy").arg(volume).status();
    }
}

/// Waits until the file system is as it was.
async fn goes_on(server: &ServerProcess, authid: &str) {
    eventually("it goes on", async || {
        (server.refresh(authid).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_volume_that_turns_read_only_while_it_is_used_loses_nothing() {
    let Some(volume) = Volume::mount().await else {
        return;
    };
    let mut installation = Installation::with_store(UNCACHED).await;
    installation.set("AUTHSEAL_STORE_URL", &volume.store());
    let server = installation.serve().await;
    let (first, second) = (
        installation.log_in("single-use"),
        installation.log_in("single-use"),
    );
    for authid in [&first, &second, &first] {
        server.refresh(authid).await.good();
    }
    // As an error of the disk does it: with files open for writing.
    volume.run("mount -o remount,abort volume").await.unwrap();
    let before = installation.provider.seen();
    for authid in [&first, &second] {
        assert_eq!(server.refresh(authid).await.status, 503);
    }
    assert_eq!(installation.provider.seen(), before, "nothing was sent");
    let stable = installation.log_in("stable");
    server.refresh(&stable).await.good();
    server.program.says("the store in").await;

    // The volume is repaired, which needs a restart: a file is open on it.
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
    let repaired =
        "umount volume && fsck.ext4 -p image; [ $? -lt 4 ] && mount -o loop image volume";
    volume.run(repaired).await.unwrap();
    let server = installation.serve().await;
    for authid in [&first, &second] {
        goes_on(&server, authid).await;
    }
    assert_eq!(installation.provider.seen().replays, 0);
}

/// A server whose calls of this name fail, by strace.
async fn injected(installation: &Installation, inject: &str) -> Option<ServerProcess> {
    let call = inject.split(':').next().unwrap();
    let tried = shell("exec strace -o /dev/null true", &[]).await;
    if !tried.status.success() {
        let refused = String::from_utf8_lossy(&tried.stderr);
        skipped(&format!("nothing can be traced: {refused}"));
        return None;
    }
    let script = format!(
        "exec strace -D -f -qq -o /dev/null -e trace={call} -e inject={inject} \"$AUTHSEAL\" serve"
    );
    Some(ServerProcess::of_script(&script, &installation.environment()).await)
}

#[tokio::test]
async fn a_file_system_without_locks_is_refused_with_the_reason() {
    let mut installation = Installation::with_store(UNCACHED).await;
    installation.set("AUTHSEAL_DUMPABLE", "true");
    let Some(server) = injected(&installation, "flock:error=ENOLCK").await else {
        return;
    };
    server.program.says("its file system has no locks").await;
    let authid = installation.log_in("single-use");
    assert_eq!(server.refresh(&authid).await.status, 503);
    assert!(!installation.store_dir().join("logins.redb").exists());
    let stable = installation.log_in("stable");
    server.refresh(&stable).await.good();
}
