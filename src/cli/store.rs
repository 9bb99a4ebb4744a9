//! `authseal store`: counts the logins in a store, and copies them to another.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    CliError, in_runtime,
    output::say,
    secret_input::{self, secret_option},
};
use crate::{
    clock::Clock,
    config::store_address,
    environment::Environment,
    secret::Secret,
    store::{
        CopySide, Creation, FileFault, FileStore, LeaseTimes, LoginStore, RedisStore, StoreAddress,
        StoreContents, StoreError,
    },
    telemetry::Metrics,
};

#[derive(Debug, Subcommand)]
pub(super) enum StoreCommand {
    /// Show how many logins there are, their size, and when they were used
    Show(ShowStore),
    /// Copy all logins to another store, where it does not have newer ones
    Copy(Copying),
}

#[derive(Debug, Args)]
pub(super) struct ShowStore {
    /// Address of the store, or @FILE for a file with it [default: AUTHSEAL_STORE_URL]
    #[arg(value_name = "URL", value_parser = secret_option)]
    store: Option<Secret>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Copying {
    /// Store to read, or @FILE for a file with its address [default: AUTHSEAL_STORE_URL]
    #[arg(long, value_name = "URL", value_parser = secret_option)]
    from: Option<Secret>,
    /// Store to write, or @FILE for a file with its address [default: AUTHSEAL_STORE_URL]
    #[arg(long, value_name = "URL", value_parser = secret_option, required_unless_present = "from")]
    to: Option<Secret>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: StoreCommand) -> Result<(), CliError> {
    in_runtime(async {
        match command {
            StoreCommand::Show(arguments) => show(arguments).await,
            StoreCommand::Copy(arguments) => copy(arguments).await,
        }
    })
}

async fn show(arguments: ShowStore) -> Result<(), CliError> {
    let address = address(arguments.store)?;
    let failed = |error| failure(&address, &error);
    let store = open(&address, Creation::Forbidden).map_err(failed)?;
    let contents = store.contents(&Clock::system()).await.map_err(failed)?;
    store.close().await;
    let on_disk = store.file_bytes();
    match arguments.json {
        true => say!("{}", as_json(&contents, on_disk)),
        false => print(&address, &contents, on_disk),
    }
    Ok(())
}

async fn copy(arguments: Copying) -> Result<(), CliError> {
    let from = address(arguments.from)?;
    let to = address(arguments.to)?;
    if from.is_same(&to) {
        return Err(format!("the store {from} cannot be copied to itself").into());
    }
    let source = open(&from, Creation::Forbidden).map_err(|error| failure(&from, &error))?;
    let target = open(&to, Creation::Allowed).map_err(|error| failure(&to, &error))?;
    let copied = source.copy_to(&target, &Clock::system()).await;
    source.close().await;
    target.close().await;
    let report = copied.map_err(|(side, error)| match side {
        CopySide::Source => failure(&from, &error),
        CopySide::Target => failure(&to, &error),
    })?;
    if arguments.json {
        say!(
            "{}",
            json!({
                "from": from.to_string(),
                "to": to.to_string(),
                "copied": report.copied,
                "logins": report.read.logins,
                "in_progress": report.read.in_progress,
            })
        );
        return Ok(());
    }
    say!(
        "Copied {} of {} logins from the store {from} to the store {to}; it has the others as new \
         or newer.",
        report.copied,
        report.read.logins
    );
    if report.read.in_progress > 0 {
        say!(
            "{} logins were being refreshed: stop the servers that use the store {from}, and copy \
             again before you start them with the other.",
            report.read.in_progress
        );
    }
    Ok(())
}

/// Opens a store, through the running server if one uses it.
pub(super) fn open(address: &StoreAddress, creation: Creation) -> Result<LoginStore, StoreError> {
    let metrics = Arc::new(Metrics::new());
    let path = match address {
        StoreAddress::Redis(url) => {
            let redis = RedisStore::new(url, metrics, LeaseTimes::default())?;
            return Ok(LoginStore::Redis(redis));
        }
        StoreAddress::Folder(path) => path,
    };
    let opened = FileStore::open(path, creation, Clock::system(), metrics.clone());
    let file = match opened {
        Err(error @ StoreError::File(FileFault::InUse { .. })) => {
            FileStore::of_running_server(path, metrics).map_err(|_| error)?
        }
        opened => opened?,
    };
    Ok(LoginStore::File(file))
}

fn address(argument: Option<Secret>) -> Result<StoreAddress, CliError> {
    let Some(argument) = argument else {
        let address = store_address(&Environment::of_process())?;
        return address.ok_or_else(|| "name the store, or set AUTHSEAL_STORE_URL".into());
    };
    let text = match argument.expose().strip_prefix('@') {
        Some(path) => secret_input::read("address", None, Some(path.into()))?,
        None => argument,
    };
    StoreAddress::parse(text.expose().trim())
        .map_err(|error| format!("the store's address {error}").into())
}

fn failure(address: &StoreAddress, error: &StoreError) -> CliError {
    format!("the store {address} {error}").into()
}

fn print(address: &StoreAddress, contents: &StoreContents, on_disk: Option<u64>) {
    say!("Store          {address}");
    say!("Logins         {}", contents.logins);
    let kib = |bytes: u64| bytes.div_ceil(1024);
    match on_disk {
        Some(on_disk) => say!(
            "Size           {} KiB, in a file of {} KiB",
            kib(contents.bytes),
            kib(on_disk)
        ),
        None => say!("Size           {} KiB", kib(contents.bytes)),
    }
    if let (Some(oldest), Some(newest)) = (contents.oldest_use, contents.newest_use) {
        say!("Oldest use     {oldest}");
        say!("Newest use     {newest}");
    }
    if contents.in_progress > 0 {
        say!("In progress    {}", contents.in_progress);
    }
}

fn as_json(contents: &StoreContents, on_disk: Option<u64>) -> serde_json::Value {
    json!({
        "logins": contents.logins,
        "bytes": contents.bytes,
        "file_bytes": on_disk,
        "oldest_use": contents.oldest_use.map(|time| time.to_string()),
        "newest_use": contents.newest_use.map(|time| time.to_string()),
        "in_progress": contents.in_progress,
    })
}
