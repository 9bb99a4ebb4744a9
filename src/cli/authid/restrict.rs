//! `authseal authid restrict`: makes a narrower AuthID of one.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use serde_json::{Value, json};

use crate::{
    cli::{CliError, audit, output::say, secret_input},
    clock::{Clock, UnixTime},
    config::load_keyring,
    environment::Environment,
    seal::{self, Grant, Terms, UseLimits},
    server::LimitWish,
};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
pub(in crate::cli) struct Restrict {
    /// The AuthID; - or nothing reads it from standard input
    // It may be copied along with --authid=.
    #[arg(allow_hyphen_values = true)]
    authid: Option<String>,
    /// A file that contains the AuthID
    #[arg(long, conflicts_with = "authid")]
    file: Option<PathBuf>,
    /// Refuse it from this time: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(
        long,
        value_name = "TIME",
        group = "limit",
        conflicts_with = "lifetime"
    )]
    until: Option<String>,
    /// Refuse it after this time, such as 30d
    #[arg(long, value_parser = humantime::parse_duration, group = "limit")]
    lifetime: Option<std::time::Duration>,
    /// Accept it from this network only, such as 192.168.0.0/16; may be repeated
    #[arg(long, value_delimiter = ',', group = "limit")]
    network: Vec<String>,
    /// Accept it so often in an hour at most
    #[arg(long, value_name = "TIMES", group = "limit")]
    per_hour: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints a new AuthID of the same login. The one that was given stays as good as it is.
pub(in crate::cli) fn restrict(arguments: Restrict) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let keys = load_keyring(&environment)?.current();
    let now = Clock::system().now();
    let networks = arguments.network.join(",");
    let until = match arguments.lifetime {
        Some(lifetime) => now.plus(lifetime).to_string(),
        None => arguments.until.unwrap_or_default(),
    };
    let wish = LimitWish {
        until: &until,
        networks: &networks,
        per_hour: arguments.per_hour.as_deref().unwrap_or_default(),
    };
    let wish = wish.limits(now).map_err(|error| error.to_string())?;
    let given = secret_input::read("AuthID", arguments.authid, arguments.file)?;
    let grant = seal::open_pasted(&keys, now, given.expose())?.opened.grant;
    let grant = narrowed(grant, &wish, now)?;
    let authid = seal::seal(&keys, now, &grant)?;
    let event = audit::by_command("restricted")
        .with("service", grant.service.as_str())
        .with("lineage", grant.lineage.short_hash())
        .with("limits", limits_as_json(&grant));
    audit::record(&environment, &[event]);
    match arguments.json {
        true => say!(
            "{}",
            json!({ "authid": authid.expose(), "limits": limits_as_json(&grant) })
        ),
        false => say!("{}", authid.expose()),
    }
    Ok(())
}

fn narrowed(grant: Grant, wish: &UseLimits, now: UnixTime) -> Result<Grant, CliError> {
    let terms = grant.terms.as_deref().cloned().unwrap_or_default();
    let limits = terms.limits.narrowed(wish).map_err(|wider| {
        format!("the AuthID has a narrower limit already: {wider}. No command makes it wider")
    })?;
    if limits.until().is_some_and(|until| until <= now) {
        return Err("the AuthID has expired. Log in again".into());
    }
    Ok(Grant {
        issued_at: now,
        terms: Some(Arc::new(Terms { limits, ..terms })),
        ..grant
    })
}

/// Returns the limits of an AuthID for programs.
pub(super) fn limits_as_json(grant: &Grant) -> Value {
    let none = UseLimits::default();
    let limits = grant.terms.as_ref().map_or(&none, |terms| &terms.limits);
    let networks: Vec<String> = limits.networks().iter().map(ToString::to_string).collect();
    json!({
        "until": limits.until().map(|until| until.to_string()),
        "networks": networks,
        "per_hour": limits.per_hour(),
    })
}
