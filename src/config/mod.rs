//! Settings: the environment and providers.toml, read raw, then checked. Every
//! complaint is collected, names the variable or table, and never shows a value
//! that could be a secret.

mod edge;
mod environment;
mod fields;
mod login_gates;
mod oauth_server;
mod offer;
mod old_authids;
mod provider_table;
mod reader;
mod tables;

use std::{
    collections::{HashMap, HashSet},
    fs,
    net::SocketAddr,
};

use thiserror::Error;
use toml::Table;

pub use edge::Edge;
pub use environment::{Environment, Settings};
pub use login_gates::LoginGates;
pub use offer::Offer;
pub use old_authids::OldAuthIdSettings;

use crate::{
    keyring::{KeySource, Keyring, Passphrase},
    login::TrustedOpeners,
    public_url::PublicUrl,
    secret::Secret,
    store::StoreUrl,
    telemetry::{LogFilter, LogFormat},
};
use offer::Wish;
use reader::{Reader, first_key, log_format, mebibytes, trusted_openers, web_address};
use tables::Tables;

/// The providers and services that are compiled in.
const BUILT_IN_TABLES: &str = include_str!("../../providers.toml");

/// Everything that `serve` needs to know.
#[derive(Debug)]
pub struct Config {
    /// What browsers see.
    pub public_url: PublicUrl,
    /// How the service is reached, and how it reaches providers.
    pub edge: Edge,
    /// Who may log in.
    pub login_gates: LoginGates,
    /// The keys, loaded; there may be none yet.
    pub keyring: Keyring,
    /// True if `serve` may make the first key of a folder that has never had one.
    pub makes_first_key: bool,
    /// The services on offer, and the others.
    pub offer: Offer,
    /// The program that people want AuthIDs for.
    pub app_name: String,
    /// The name of the site.
    pub display_name: String,
    /// A privacy policy of the administrator's own.
    pub privacy_policy_url: Option<url::Url>,
    /// Who gets an AuthID without being named on a button.
    pub openers: TrustedOpeners,
    /// Where servers share what they remember; else each has its own memory.
    pub store: Option<StoreUrl>,
    /// About how much memory access tokens may take; 0 keeps none.
    pub cache_bytes: u64,
    /// Which AuthIDs of Duplicati's own server are taken.
    pub old_authids: OldAuthIdSettings,
    /// What is logged.
    pub log: LogFilter,
    /// How it is logged.
    pub log_format: LogFormat,
    /// What is odd but no reason to stop.
    pub warnings: Vec<String>,
    /// What was understood of the settings of Duplicati's own server.
    pub notes: Vec<String>,
}

/// Settings that cannot be served with.
#[derive(Debug, Error)]
#[error("{}", .problems.join("\n"))]
pub struct Rejected {
    /// Everything that is wrong, one sentence each.
    pub problems: Vec<String>,
    /// What could be read of the services all the same.
    pub offer: Offer,
}

impl Config {
    /// Reads the settings from these variables, usually `std::env::vars_os`.
    pub fn load(environment: Environment) -> Result<Self, Rejected> {
        let mut problems = Vec::new();
        let built_in = tables::parse(
            "the built-in providers.toml",
            BUILT_IN_TABLES,
            &mut problems,
        );
        let translated = oauth_server::translate(&environment, &built_in, &mut problems);
        let environment = translated.environment;
        let settings = environment.settings(&mut problems);
        let mut reader = Reader {
            problems: &mut problems,
        };

        let public_url = reader.required(
            "PUBLIC_URL",
            settings.public_url.as_deref(),
            PublicUrl::parse,
        );
        let edge = Edge::read(&settings, &environment, &mut reader);
        let login_gates = LoginGates::read(&settings, &mut reader);
        let privacy_policy_url = reader.optional(
            "PRIVACY_POLICY_URL",
            settings.privacy_policy_url.as_deref(),
            web_address,
        );
        let openers = reader.or_default(
            "OPENER_ORIGINS",
            settings.opener_origins.as_deref(),
            "",
            trusted_openers,
        );
        let store = reader.optional("STORE_URL", settings.store_url.as_deref(), StoreUrl::parse);
        let cache_mb = settings.cache_mb.as_deref();
        let cache_bytes = reader.or_default("CACHE_MB", cache_mb, "64", mebibytes);
        let log = reader.or_default("LOG", settings.log.as_deref(), "info", LogFilter::parse);
        let log_format = reader.or_default(
            "LOG_FORMAT",
            settings.log_format.as_deref(),
            "text",
            log_format,
        );
        let old_authids = OldAuthIdSettings::read(&settings, &mut reader);
        let makes_first_key = reader.or_default(
            "FIRST_KEY",
            settings.first_key.as_deref(),
            "make",
            first_key,
        );
        let keyring = keyring(&settings, reader.problems);
        let mut notes = translated.notes;
        let wish = Wish::of(settings.services.clone(), translated.services);
        let layers = vec![
            ("the built-in providers.toml".to_owned(), built_in),
            ("CONFIGFILE".to_owned(), translated.tables),
        ];
        let tables = with_own_tables(layers, &settings, &mut problems);
        let tables = Tables::read(tables, &environment, &mut problems);
        let offer = offer::assemble(&tables, &wish, &environment, &mut problems, &mut notes);
        // Services that share an application share its complaints.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.clone()));

        match (public_url, edge, keyring, cache_bytes, log, log_format) {
            (
                Some(public_url),
                Some(edge),
                Some(keyring),
                Some(cache_bytes),
                Some(log),
                Some(log_format),
            ) if problems.is_empty() => Ok(Self {
                warnings: warnings(&environment, &public_url, &offer, store.as_ref())
                    .into_iter()
                    .chain(edge.warnings(&environment, &login_gates))
                    .chain(old_authids.warning(translated.is_of_that_server))
                    .chain(plain_keys(&keyring))
                    .collect(),
                public_url,
                edge,
                login_gates,
                keyring,
                makes_first_key: makes_first_key.unwrap_or(false),
                offer,
                display_name: settings.display_name.unwrap_or_else(|| "authseal".into()),
                app_name: settings.app_name.unwrap_or_else(|| "Duplicati".into()),
                privacy_policy_url,
                openers: openers.unwrap_or_default(),
                store,
                cache_bytes,
                old_authids,
                log,
                log_format,
                notes,
            }),
            _ => {
                // A misspelt name may be why another is missing.
                problems.extend(environment.unknown_settings());
                Err(Rejected { problems, offer })
            }
        }
    }
}

fn warnings(
    environment: &Environment,
    public_url: &PublicUrl,
    offer: &Offer,
    store: Option<&StoreUrl>,
) -> Vec<String> {
    let mut warnings = environment.unknown_settings();
    if !public_url.is_https() && !public_url.is_loopback() {
        warnings.push(format!(
            "AUTHSEAL_PUBLIC_URL is {public_url}: without https, whoever is on the way reads \
             AuthIDs, cookies and passwords"
        ));
    }
    let single_use = offer.single_use_services();
    if store.is_none() && !single_use.is_empty() {
        warnings.push(format!(
            "{}: the provider accepts each refresh token once, and only this process's memory knows \
             the newest one; after a restart people must log in again, unless AUTHSEAL_STORE_URL \
             names a Redis that keeps it",
            single_use.join(", ")
        ));
    }
    warnings
}

/// A passphrase protects nothing yet where the keys were there before it.
fn plain_keys(keyring: &Keyring) -> Option<String> {
    let keys = keyring.current();
    let plain: Vec<&str> = keys
        .iter()
        .filter(|key| !keys.is_protected(&key.kid))
        .map(|key| key.kid.as_str())
        .collect();
    (keyring.has_passphrase() && !plain.is_empty()).then(|| {
        format!(
            "AUTHSEAL_KEYS_PASSPHRASE is set, but keys are in clear in {}: {}. Run authseal keys \
             protect; export AUTHSEAL_KEYS again",
            keyring.source(),
            plain.join(", ")
        )
    })
}

/// The admin address alone, for a command that needs no more.
pub fn admin_address(environment: &Environment) -> Result<SocketAddr, Rejected> {
    let mut problems = Vec::new();
    let settings = environment.settings(&mut problems);
    let mut reader = Reader {
        problems: &mut problems,
    };
    reader.admin_listen(&settings).ok_or(Rejected {
        problems,
        offer: Offer::default(),
    })
}

/// Where the keys are, for a command that needs no more.
pub fn key_source(environment: &Environment) -> Result<KeySource, Rejected> {
    let mut problems = Vec::new();
    let settings = environment.settings(&mut problems);
    match key_source_of(&settings, &mut problems) {
        Some(source) if problems.is_empty() => Ok(source),
        _ => Err(Rejected {
            problems,
            offer: Offer::default(),
        }),
    }
}

/// The keys, loaded, for a command that needs no more.
pub fn load_keyring(environment: &Environment) -> Result<Keyring, Rejected> {
    let mut problems = Vec::new();
    let settings = environment.settings(&mut problems);
    match keyring(&settings, &mut problems) {
        Some(keyring) if problems.is_empty() => Ok(keyring),
        _ => Err(Rejected {
            problems,
            offer: Offer::default(),
        }),
    }
}

fn key_source_of(settings: &Settings, problems: &mut Vec<String>) -> Option<KeySource> {
    match (&settings.keys, &settings.keys_dir) {
        (Some(_), Some(_)) => {
            problems.push("AUTHSEAL_KEYS and AUTHSEAL_KEYS_DIR are both set; keep one".into());
            None
        }
        (Some(set), None) => Some(KeySource::Inline(Secret::new(set.clone()))),
        (None, folder) => Some(KeySource::Folder(
            folder.as_deref().unwrap_or("keys").into(),
        )),
    }
}

/// The services that AuthIDs may name, each with its id: offered or not, and aliases too.
pub fn service_ids(environment: &Environment) -> HashMap<String, String> {
    let offer = match Config::load(environment.clone()) {
        Ok(config) => config.offer,
        // Some settings are missing where a command runs; the tables are known all the same.
        Err(rejected) => rejected.offer,
    };
    let offered = offer.catalog.iter().flat_map(|service| {
        let names = service.aliases.iter().chain([&service.id]);
        names.map(|name| (name.clone(), service.id.clone()))
    });
    let withheld = offer.withheld.iter();
    let withheld = withheld.map(|service| (service.id.clone(), service.id.clone()));
    offered.chain(withheld).collect()
}

/// Loads the keys, without making any.
fn keyring(settings: &Settings, problems: &mut Vec<String>) -> Option<Keyring> {
    let passphrase = settings.keys_passphrase.clone();
    let passphrase = passphrase.map(|text| Passphrase::new(Secret::new(text)));
    Keyring::load_protected(key_source_of(settings, problems)?, passphrase)
        .inspect_err(|error| problems.extend(error.problems.iter().cloned()))
        .ok()
}

/// With the tables of the file that AUTHSEAL_PROVIDERS names, if it does, on top.
fn with_own_tables(
    mut layers: Vec<(String, Table)>,
    settings: &Settings,
    problems: &mut Vec<String>,
) -> Vec<(String, Table)> {
    if let Some(path) = &settings.providers {
        match fs::read_to_string(path) {
            Ok(text) => layers.push((path.clone(), tables::parse(path, &text, problems))),
            Err(error) => problems.push(format!(
                "AUTHSEAL_PROVIDERS names {path}, which cannot be read: {error}"
            )),
        }
    }
    layers
}
