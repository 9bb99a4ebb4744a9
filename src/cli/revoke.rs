//! `authseal revoke`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, secret_input};
use crate::{
    clock::Clock,
    config::key_source,
    environment::Environment,
    keyring::{KeyFolder, KeySource, Keyring},
    oauth_server::OldAuthId,
    seal::{self, Lineage, OpenError},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// An AuthID of the login, or its lineage; - or nothing reads it from standard
    /// input
    // A lineage may start with a hyphen.
    #[arg(allow_hyphen_values = true)]
    authid_or_lineage: Option<String>,
    /// A file that holds it
    #[arg(long, conflicts_with = "authid_or_lineage")]
    file: Option<PathBuf>,
    /// Why, for whoever reads revoked.txt
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(super) fn revoke(arguments: Arguments) -> Result<(), Failure> {
    let source = key_source(&Environment::of_process())?;
    let KeySource::Folder(folder) = source.clone() else {
        return Err(
            "with AUTHSEAL_KEYS there is no folder for revoked.txt: revoke at the \
                    provider, or take the key out"
                .into(),
        );
    };
    let given = secret_input::read(arguments.authid_or_lineage, arguments.file)?;
    let lineage = match Lineage::parse(given.expose()) {
        Some(lineage) => lineage,
        None => {
            let keys = Keyring::load(source.clone())?.current();
            let opened = seal::open(&keys, Clock::system().now(), given.expose());
            match (opened, OldAuthId::parse(given.expose())) {
                (Ok(opened), _) => opened.grant.lineage,
                (Err(OpenError::NotAnAuthId(_)), Some(old)) => old.lineage(),
                (Err(error), _) => return Err(error.into()),
            }
        }
    };
    let is_new =
        KeyFolder::new(&folder).revoke(&lineage.to_string(), arguments.reason.as_deref())?;
    let file = folder.join("revoked.txt");
    if is_new {
        println!(
            "Revoked {lineage}, in {}. A running server follows within 2 seconds.",
            file.display()
        );
        if let Err(error) = Keyring::load(source) {
            println!("BUT it keeps the keys and revocations it has until this is mended:\n{error}");
        }
        println!("The provider still has the grant: revoke it there too, at /revoke.");
    } else {
        println!("{lineage} stands in {} already.", file.display());
    }
    Ok(())
}
