//! `authseal keys replace`: replaces leaked keys.

use clap::Args;
use serde_json::json;

use crate::{
    app::with_new_key,
    cli::{CliError, audit, output::say},
    clock::UnixTime,
    environment::Environment,
    keyring::{Jwk, KeyFolder, KeySet},
};

#[derive(Debug, Args)]
pub(in crate::cli) struct ReplaceArguments {
    /// The id of a key that leaked; give it again for each further one
    #[arg(long = "leaked", value_name = "KID", required_unless_present_any = ["all", "undo"])]
    leaked: Vec<String>,
    /// Every key of the folder, because the folder or a backup of it leaked
    #[arg(long, conflicts_with = "leaked")]
    all: bool,
    /// The id of a key that was replaced by mistake: it opens again
    #[arg(long, value_name = "KID", conflicts_with_all = ["leaked", "all"])]
    undo: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Makes one key that replaces all leaked ones, in one step. Running it again for the
/// same ids, for example after it was killed, makes no second key; but `--all` also
/// replaces the key that it made before.
pub(super) fn replace(
    environment: &Environment,
    folder: &KeyFolder,
    keys: &KeySet,
    now: UnixTime,
    arguments: &ReplaceArguments,
) -> Result<(), CliError> {
    if let Some(kid) = &arguments.undo {
        undo(folder, keys, kid, now, arguments.json)?;
        let event = audit::by_command("key_replacement_undone").with("kid", kid.as_str());
        audit::record(environment, &[event]);
        return Ok(());
    }
    let leaked: Vec<String> = match arguments.all {
        // Include keys whose files are missing: a server may still have them.
        true => {
            let here = keys.iter().map(|key| key.kid.as_str());
            here.chain(keys.missed(now)).map(str::to_owned).collect()
        }
        false => arguments.leaked.clone(),
    };
    for kid in &leaked {
        if keys.missing().all(|missing| missing != kid) {
            super::find(keys, kid)?;
        }
    }
    let made = folder.replace_keys(now, &leaked)?;
    let event = made
        .as_ref()
        .map(|key| with_new_key(audit::by_command("key_made"), key));
    audit::record(environment, event.as_slice());
    let made = made.as_ref().map(|key| key.kid.as_str());
    let still_open = |key: &&Jwk| key.opens_at(now) && !leaked.contains(&key.kid);
    let still_open: Vec<&str> = keys
        .iter()
        .filter(still_open)
        .map(|key| key.kid.as_str())
        // Another server may have one whose file is missing here, or it comes back.
        .chain(
            keys.missed(now)
                .filter(|kid| leaked.iter().all(|leaked| leaked != kid)),
        )
        .collect();
    if arguments.json {
        let said = json!({"kid": made, "replaced": leaked, "still_open": still_open});
        say!("{said}");
        return Ok(());
    }
    match made {
        Some(kid) => say!(
            "Made {kid}, which seals from now on. What {} sealed opens nowhere any more, on each \
             server as soon as it has {kid}.jwk.",
            leaked.join(", ")
        ),
        None => say!(
            "{} was replaced already: nothing is changed.",
            leaked.join(", ")
        ),
    }
    if !still_open.is_empty() {
        say!(
            "STILL OPEN: {}. An AuthID that a thief had renewed before now may be under one of \
             them. If they may have leaked too, or sealed while the leaked key was in use, give \
             them with --leaked as well.",
            still_open.join(", ")
        );
    }
    say!(
        "Back up {}. Then revoke at the providers: see docs/keys.md.",
        folder.path().display()
    );
    Ok(())
}

fn undo(
    folder: &KeyFolder,
    keys: &KeySet,
    kid: &str,
    now: UnixTime,
    as_json: bool,
) -> Result<(), CliError> {
    let is_replaced = super::find(keys, kid)?.replaced.is_some();
    if !is_replaced && !folder.was_replaced(kid)? {
        return Err(format!("{kid} was not replaced: authseal keys list shows which are").into());
    }
    // Also if it is undone already: the command that did it may have failed halfway.
    folder.undo_replace(kid, now)?;
    match as_json {
        true => say!("{}", json!({"kid": kid, "replaced_by": null})),
        false => say!("{kid} is as it was. The key that was made instead stays."),
    }
    Ok(())
}
