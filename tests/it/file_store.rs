//! A store in a folder of this machine: `AUTHSEAL_STORE_URL=file:...`.

mod access;
mod copies;
mod damage;
mod expiry;
mod failing_disk;
mod format;
mod killed;
mod power;
mod restart;
mod secrets;
mod sliding;
mod test_disk;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use authseal::{
    clock::Clock,
    secret::Secret,
    store::{Creation, FileStore, LoginStore, Name, StoreError},
    telemetry::Metrics,
};
use tokio::task::JoinSet;

use crate::support::{Installation, ServerProcess};
use test_disk::TestDisk;

/// Access tokens that no server keeps: each refresh goes to the provider.
const UNCACHED: Duration = Duration::from_secs(1);
const LIFETIME: Duration = Duration::from_secs(180 * 24 * 60 * 60);

/// The store in this process.
fn open(folder: &Path, clock: &Clock) -> LoginStore {
    open_on(&TestDisk::default(), folder, clock)
}

/// The same on a disk of the test.
fn open_on(disk: &TestDisk, folder: &Path, clock: &Clock) -> LoginStore {
    let (disk, metrics) = (disk.disk(), Arc::new(Metrics::new()));
    let opened = FileStore::open_on(disk, folder, Creation::Allowed, clock.clone(), metrics);
    LoginStore::File(opened.unwrap())
}

/// Makes a folder with this file of logins.
fn place(folder: &Path, logins: &[u8]) {
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    let file = folder.join("logins.redb");
    fs::write(&file, logins).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn name(number: u32) -> Name {
    Name::new("lineage", &number.to_be_bytes())
}

async fn put(store: &LoginStore, number: u32, value: &str) -> Result<(), StoreError> {
    let lease = store.lease(name(number), LIFETIME).await?;
    lease.mark_sent(Duration::from_secs(1)).await?;
    let settled = lease.settle(Some((&Secret::new(value), LIFETIME))).await?;
    assert!(settled);
    Ok(())
}

/// All at once, so that they share the writes to the disk.
async fn put_all(store: &LoginStore, numbers: impl IntoIterator<Item = u32>, value: &str) {
    let mut puts = JoinSet::new();
    for number in numbers {
        let (store, value) = (store.clone(), value.to_owned());
        puts.spawn(async move { put(&store, number, &value).await });
    }
    for put in puts.join_all().await {
        put.unwrap();
    }
}

async fn get(store: &LoginStore, number: u32) -> Result<Option<String>, StoreError> {
    let value = store.get(&name(number)).await?;
    Ok(value.map(|value| value.expose().to_owned()))
}

/// A server whose AuthID of a single-use login was refreshed once, and that AuthID.
async fn with_a_login(installation: &Installation) -> (ServerProcess, String) {
    let server = installation.serve().await;
    let authid = installation.log_in("single-use");
    server.refresh(&authid).await.good();
    (server, authid)
}

async fn stop(server: ServerProcess) -> String {
    server.program.terminate().await;
    let (status, output) = server.program.end().await;
    assert!(status.success(), "{output}");
    output
}

/// Copies what a process that was killed now would leave.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}
