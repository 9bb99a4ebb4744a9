//! `authseal check`: the same loader as `serve`, and what it found.

use super::Failure;
use crate::{
    clock::Clock,
    config::{Config, Environment, Offer},
};

pub(super) fn check() -> Result<(), Failure> {
    match Config::load(Environment::of_process()) {
        Ok(config) => {
            print_settings(&config);
            print_offer(&config.offer);
            for warning in &config.warnings {
                println!("\nWarning: {warning}");
            }
            println!("\nNothing is wrong.");
            Ok(())
        }
        Err(rejected) => {
            print_offer(&rejected.offer);
            println!();
            Err(format!("What is wrong:\n- {}", rejected.problems.join("\n- ")).into())
        }
    }
}

fn print_settings(config: &Config) {
    println!("Public URL     {}", config.public_url);
    println!("Redirect URI   {}", config.public_url.redirect_uri());
    println!("Listening on   {}", config.listen);
    println!("Health on      {}", config.admin_listen);
    println!("Keys           {}\n", describe_keys(config));
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
        println!("  {:<14} {}", service.id, service.reason);
    }
}
