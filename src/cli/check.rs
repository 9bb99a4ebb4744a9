//! `authseal check`: loads the settings as `serve` does, and prints the result.

use std::{collections::BTreeMap, net::IpAddr};

use clap::Args;

use super::{CliError, online};
use crate::{
    clock::Clock,
    config::{Config, Offer, key_source},
    environment::Environment,
    keyring::{Inspection, KeyFolder, KeySource, Keyring, Revocation, Scope},
    listen::ListenAddress,
    provider::RedirectPath,
    store::StoreAddress,
};

/// Arguments of `authseal check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Also try to reach the endpoints of every offered service, and the store
    #[arg(long)]
    online: bool,
}

pub(super) async fn check(arguments: CheckArguments) -> Result<(), CliError> {
    let config = match Config::load(Environment::of_process()) {
        Ok(config) => config,
        Err(rejected) => {
            print_offer(&rejected.offer);
            println!();
            // The location of the keys may be known in spite of the problems.
            let source = key_source(&Environment::of_process()).ok();
            let inspection = source.and_then(|source| inspect(&source, false));
            let folder = inspection.into_iter().flat_map(|found| found.problems);
            return Err(wrong(rejected.problems.into_iter().chain(folder)));
        }
    };
    config.keyring.look_for_start(config.makes_first_key);
    print_settings(&config);
    let problems = look_at_keys(&config);
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
    if !problems.is_empty() {
        println!();
        return Err(wrong(problems));
    }
    if arguments.online {
        online::try_all(&config).await?;
    }
    match config.offer.catalog.iter().next() {
        Some(_) => println!("\nNothing is wrong."),
        None => {
            println!("\nNothing is wrong, but no service is offered yet: set what is named above.")
        }
    }
    Ok(())
}

fn wrong(problems: impl IntoIterator<Item = String>) -> CliError {
    let problems: Vec<String> = problems.into_iter().collect();
    format!("What is wrong:\n- {}", problems.join("\n- ")).into()
}

/// Prints a description of the keys folder, and returns the problems of the folder and of
/// its content.
fn look_at_keys(config: &Config) -> Vec<String> {
    let keyring = &config.keyring;
    let condition = keyring.condition();
    let troubles = condition.troubles(Clock::system().now());
    let mut problems: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    let needs_key = keyring.current().is_empty() && !condition.is_waiting();
    if let Some(found) = inspect(keyring.source(), needs_key) {
        println!("Keys folder    {}", found.facts.join("; "));
        problems.extend(found.problems);
    }
    println!();
    problems.extend(rules_without_service(config));
    problems.extend(no_sealing_key(config));
    problems
}

fn inspect(source: &KeySource, needs_key: bool) -> Option<Inspection> {
    match source {
        KeySource::Folder(path) => Some(KeyFolder::new(path).inspect(needs_key)),
        KeySource::Inline(_) => None,
    }
}

/// Returns a problem if all keys have ended: nobody can log in, and a replaced refresh token
/// would be lost.
fn no_sealing_key(config: &Config) -> Option<String> {
    let keys = config.keyring.current();
    let seals = keys.sealing(Clock::system().now()).is_some();
    (!seals && !keys.is_empty()).then(|| {
        format!(
            "every key of {} has ended, so nobody can log in: make one with authseal keys new",
            config.keyring.source()
        )
    })
}

/// Returns a problem for each rule about a service that does not exist.
fn rules_without_service(config: &Config) -> Vec<String> {
    let is_known = |id: &str| {
        config.offer.catalog.by_id(id).is_some()
            || config.offer.withheld.iter().any(|service| service.id == id)
    };
    let keys: &Keyring = &config.keyring;
    let revocations = keys.current();
    let unknown = revocations
        .revocations()
        .filter_map(|revocation| match revocation {
            Revocation::Rule(Scope::Service(id), _) if !is_known(&id) => Some(id),
            _ => None,
        });
    unknown
        .map(|id| format!("revoked.txt has a rule on the service {id}, which does not exist: it revokes nothing"))
        .collect()
}

fn print_settings(config: &Config) {
    println!("Public URL     {}", config.public_url);
    print_redirect_uris(config);
    println!("Listening on   {}", describe_listening(config));
    if let Some(how) = in_the_clear(config) {
        println!("In the clear   {how}");
    }
    println!("Health on      {}", config.admin.listen);
    println!("Logging in     {}", config.login_gates);
    println!("Keys           {}", describe_keys(config));
    println!("Store          {}", describe_store(config));
}

/// Prints the redirect URI to register at each provider, including those that are not
/// offered yet.
fn print_redirect_uris(config: &Config) {
    let offered = config.offer.catalog.iter();
    let offered = offered.map(|service| &service.provider);
    let withheld = config.offer.withheld.iter();
    let withheld = withheld.map(|service| &service.provider);
    let own: BTreeMap<&str, &str> = offered
        .chain(withheld)
        .filter_map(|provider| Some((provider.redirect_path()?, provider)))
        .filter(|(path, _)| !path.is_shared())
        .map(|(path, provider)| (path.as_str(), provider.name.as_str()))
        .collect();
    let uri = |path| config.public_url.join(path);
    let remark = if own.is_empty() {
        ""
    } else {
        " for all providers but these:"
    };
    println!("Redirect URI   {}{remark}", uri(RedirectPath::SHARED));
    for (path, name) in own {
        println!("               {} for {name}", uri(path));
    }
}

fn describe_listening(config: &Config) -> String {
    let edge = &config.edge;
    let scheme = match &config.certificate {
        Some(_) => "with TLS",
        None => "in the clear",
    };
    let most = edge.max_connections;
    format!("{} {scheme}, up to {most} connections", edge.listen)
}

/// Says how an AuthID can travel unencrypted. A redirect to https comes too late: the
/// client has sent the AuthID by then.
fn in_the_clear(config: &Config) -> Option<&'static str> {
    if !config.public_url.is_https() && !config.public_url.is_loopback() {
        return Some("AUTHSEAL_PUBLIC_URL is http, so every AuthID travels unencrypted");
    }
    let is_open = match &config.edge.listen {
        ListenAddress::Tcp(address) => is_reachable_from_afar(address.ip()),
        ListenAddress::Unix(_) | ListenAddress::Systemd => false,
    };
    (is_open && config.certificate.is_none()).then_some(
        "a client that is told http:// sends its AuthID unencrypted, also where it is then \
         redirected; write https:// in --oauth-url",
    )
}

fn is_reachable_from_afar(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_loopback() || v4.is_private() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    }
}

fn describe_keys(config: &Config) -> String {
    let keyring = &config.keyring;
    let keys = keyring.current();
    match keys.sealing(Clock::system().now()) {
        Some(key) => format!(
            "{} in {}, sealing with {}; {} in force",
            counted(keys.iter().count(), "key"),
            keyring.source(),
            key.kid,
            counted(keys.revoked_count(), "revocation")
        ),
        None if keyring.condition().is_waiting() => {
            format!("none in {}, which should have some", keyring.source())
        }
        None if keys.is_empty() => {
            format!("none yet in {}; serve makes the first", keyring.source())
        }
        None => format!("none in {} may seal now", keyring.source()),
    }
}

fn describe_store(config: &Config) -> String {
    match &config.memory.store {
        Some(store @ StoreAddress::Redis(_)) => {
            format!("shared, {store}: logins of single-use providers outlive a restart")
        }
        Some(store @ StoreAddress::Folder(_)) => {
            format!("{store}, for one server: logins of single-use providers outlive a restart")
        }
        None => "none: logins of single-use providers end with the server".to_owned(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn print_offer(offer: &Offer) {
    println!("Services offered");
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
