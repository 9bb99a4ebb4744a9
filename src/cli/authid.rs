//! `authseal authid`: shows the content of an AuthID, or makes one.

mod restrict;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, audit, output::say, secret_input};
use crate::{
    clock::{Clock, UnixTime},
    config::{Config, load_keyring},
    environment::Environment,
    keyring::KeySet,
    seal::{self, Ancestry, Grant, Lineage, Opened, Pasted, Terms, UseLimits},
};

#[derive(Debug, Subcommand)]
pub(super) enum AuthIdCommand {
    /// Show the content of an AuthID, except its refresh token
    Show(Show),
    /// Make a narrower AuthID of one: with an end, for some networks, or for fewer uses
    Restrict(restrict::Restrict),
    /// Make an AuthID from a refresh token on standard input, or ask for the token
    Seal(Seal),
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The AuthID; - or nothing reads it from standard input
    // It may be copied along with --authid=.
    #[arg(allow_hyphen_values = true)]
    authid: Option<String>,
    /// A file that contains the AuthID
    #[arg(long, conflicts_with = "authid")]
    file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Seal {
    /// Id of the service, as authseal check lists it
    #[arg(long)]
    service: String,
    /// A file that contains the refresh token, instead of standard input
    #[arg(long)]
    file: Option<PathBuf>,
    /// Region in which the provider keeps the account, for a provider with several regions
    #[arg(long)]
    region: Option<String>,
}

pub(super) fn run(command: AuthIdCommand) -> Result<(), CliError> {
    match command {
        AuthIdCommand::Show(arguments) => show(arguments),
        AuthIdCommand::Restrict(arguments) => restrict::restrict(arguments),
        AuthIdCommand::Seal(arguments) => seal(arguments),
    }
}

fn show(arguments: Show) -> Result<(), CliError> {
    let keys = load_keyring(&Environment::of_process())?.current();
    let now = Clock::system().now();
    let given = secret_input::read("AuthID", arguments.authid, arguments.file)?;
    let Pasted { opened, authid } = seal::open_pasted(&keys, now, given.expose())?;
    let state = state(&keys, &opened, now);
    let grant = &opened.grant;
    let is_revoked = grant.is_revoked(&keys);
    let logged_in = grant.known_login_time().map(|time| time.to_string());
    let length = authid.as_ref().unwrap_or(&given).expose().len();
    let terms = grant.terms.as_deref();
    let (user, label) = (terms.and_then(Terms::user), terms.and_then(Terms::label));
    if arguments.json {
        say!(
            "{}",
            json!({
                "service": grant.service,
                "lineage": grant.lineage,
                "log_name": grant.lineage.short_hash(),
                "generation": grant.generation,
                "issued": grant.issued_at.to_string(),
                "logged_in": logged_in,
                "kid": opened.kid,
                "key_state": state,
                "revoked": is_revoked,
                "user": user,
                "label": label,
                "limits": restrict::limits_as_json(grant),
                "length": length,
            })
        );
        return Ok(());
    }
    say!("Service     {}", grant.service);
    say!("Lineage     {}", grant.lineage);
    say!("In logs     {}", grant.lineage.short_hash());
    say!("Generation  {}", grant.generation);
    say!("Issued      {}", grant.issued_at);
    say!(
        "Logged in   {}",
        logged_in.as_deref().unwrap_or("not known")
    );
    for (name, value) in [("User", user), ("Label", label)] {
        if let Some(value) = value {
            say!("{name:<12}{value}");
        }
    }
    say!("Key         {}, {state}", opened.kid);
    say!(
        "Revoked     {}",
        if is_revoked { "yes, here" } else { "not here" }
    );
    let limits = grant.terms.as_ref().map(|terms| &terms.limits);
    say!(
        "Limits      {}",
        limits.map_or_else(|| "none".to_owned(), UseLimits::to_string)
    );
    say!("Length      {length} characters");
    Ok(())
}

fn state(keys: &KeySet, opened: &Opened, now: UnixTime) -> &'static str {
    let key = keys.iter().find(|key| key.kid == opened.kid);
    key.map_or("unknown", |key| keys.state(key, now).as_str())
}

/// Seals a refresh token. Needs complete settings, because an AuthID for a service that
/// is not offered would be of no use.
fn seal(arguments: Seal) -> Result<(), CliError> {
    let environment = Environment::of_process();
    let config = Config::load(environment.clone())?;
    let Some(service) = config.offer.catalog.find(&arguments.service) else {
        return Err(format!(
            "{} is not offered: authseal check lists what is, and why others are not",
            arguments.service
        )
        .into());
    };
    if service
        .provider
        .token_url
        .at(arguments.region.as_deref())
        .is_none()
    {
        return Err(
            "this provider has several regions: name the one of the account with --region".into(),
        );
    }
    let refresh_token = secret_input::read("refresh token", None, arguments.file)?;
    if refresh_token.expose().contains('\u{fffd}') {
        return Err("the refresh token is not text in UTF-8".into());
    }
    let now = Clock::system().now();
    let grant = Grant {
        service: service.id.as_str().into(),
        refresh_token,
        issued_at: now,
        lineage: Lineage::random(),
        generation: 0,
        region: arguments.region,
        // Another program may have got the refresh token, with another client id.
        client: None,
        ancestry: Ancestry::default(),
        terms: config.new_limits.terms_at(now),
    };
    let authid = seal::seal(&config.keyring.current(), now, &grant)?;
    let event = audit::by_command("sealed")
        .with("service", grant.service.as_str())
        .with("lineage", grant.lineage.short_hash());
    audit::record(&environment, &[event]);
    say!("{}", authid.expose());
    Ok(())
}
