//! `authseal check`: the same loader as `serve`, and what it found.

use clap::Args;

use super::{Failure, online};
use crate::{
    clock::Clock,
    config::{Config, Edge, Offer},
    environment::Environment,
};

/// How far to look.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Also try to reach the endpoints of every offered service, and the store
    #[arg(long)]
    online: bool,
}

pub(super) async fn check(arguments: Arguments) -> Result<(), Failure> {
    let config = match Config::load(Environment::of_process()) {
        Ok(config) => config,
        Err(rejected) => {
            print_offer(&rejected.offer);
            println!();
            return Err(format!("What is wrong:\n- {}", rejected.problems.join("\n- ")).into());
        }
    };
    print_settings(&config);
    if !config.notes.is_empty() {
        println!("Settings of Duplicati's own server");
        for note in &config.notes {
            println!("  {note}");
        }
        println!();
    }
    print_offer(&config.offer);
    for warning in &config.warnings {
        println!("\nWarning: {warning}");
    }
    if arguments.online {
        online::try_all(&config).await?;
    }
    match config.offer.catalog.iter().next() {
        Some(_) => println!("\nNothing is wrong."),
        None => {
            println!("\nNothing is wrong, but nothing is on offer yet: set what is named above.")
        }
    }
    Ok(())
}

fn print_settings(config: &Config) {
    println!("Public URL     {}", config.public_url);
    println!("Redirect URI   {}", config.public_url.redirect_uri());
    println!("Listening on   {}", describe_listening(&config.edge));
    println!("Health on      {}", config.edge.admin_listen);
    println!("Logging in     {}", config.login_gates);
    println!("Keys           {}", describe_keys(config));
    println!("Store          {}\n", describe_store(config));
}

fn describe_listening(edge: &Edge) -> String {
    let scheme = match &edge.certificate {
        Some(_) => "with TLS",
        None => "in the clear",
    };
    let most = edge.max_connections;
    format!("{} {scheme}, up to {most} connections", edge.listen)
}

fn describe_keys(config: &Config) -> String {
    let keyring = &config.keyring;
    let keys = keyring.current();
    match keys.sealing(Clock::system().now()) {
        Some(key) => format!(
            "{} in {}, sealing with {}; {} revoked",
            counted(keys.iter().count(), "key"),
            keyring.source(),
            key.kid,
            counted(keys.revoked_count(), "lineage")
        ),
        None if keys.is_empty() => {
            format!("none yet in {}; serve makes the first", keyring.source())
        }
        None => format!("none in {} may seal now", keyring.source()),
    }
}

fn describe_store(config: &Config) -> String {
    match &config.store {
        Some(store) => format!("shared, at {}", store.hosts()),
        None => "none: what a server remembers ends with it".to_owned(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn print_offer(offer: &Offer) {
    println!("Services on offer");
    for service in offer.catalog.iter() {
        let hidden = if service.hidden { ", no button" } else { "" };
        println!(
            "  {:<14} {} (credentials {}{hidden})",
            service.id, service.name, service.credentials.name
        );
    }
    if offer.catalog.iter().next().is_none() {
        println!("  none yet");
    }
    println!("Not offered");
    for service in &offer.withheld {
        let console = service.provider.console_url.as_ref();
        let made_at = console.map_or(String::new(), |url| format!(", made at {url}"));
        println!("  {:<14} {}{made_at}", service.id, service.reason);
    }
}
