//! Fills a folder with logins, as a server with that many would have it.
//!
//!     fill-store FOLDER COUNT VALUE_CHARACTERS

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use authseal::{
    clock::Clock,
    secret::Secret,
    store::{Creation, FileStore, LOGIN_LIFETIME, LoginStore, Name, StoreError},
    telemetry::Metrics,
};
use authseal_benches::{arguments, expect};
use tokio::task::JoinSet;

/// Number of logins that are stored at the same time.
const TOGETHER: u32 = 500;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = arguments();
    let folder: PathBuf = expect(&mut arguments, "FOLDER");
    let count: u32 = expect(&mut arguments, "COUNT");
    let characters: usize = expect(&mut arguments, "VALUE_CHARACTERS");

    let metrics = Arc::new(Metrics::new());
    let file = FileStore::open(&folder, Creation::Allowed, Clock::system(), metrics);
    let store = LoginStore::File(file.map_err(io::Error::other)?);
    let value = Secret::new("x".repeat(characters));
    for start in (0..count).step_by(TOGETHER as usize) {
        let mut puts = JoinSet::new();
        for number in start..count.min(start + TOGETHER) {
            puts.spawn(put(store.clone(), number, value.clone()));
        }
        for put in puts.join_all().await {
            put.map_err(io::Error::other)?;
        }
    }
    store.close().await;
    Ok(())
}

async fn put(store: LoginStore, number: u32, value: Secret) -> Result<(), StoreError> {
    let name = Name::new("lineage", &number.to_be_bytes());
    let lease = store.lease(name, Duration::ZERO).await?;
    lease.settle(Some((&value, LOGIN_LIFETIME))).await?;
    Ok(())
}
