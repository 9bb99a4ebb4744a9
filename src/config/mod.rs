//! Settings: the environment variables and providers.toml, read as text first, then
//! checked. All problems are collected. Each names the variable or table, and never shows
//! a value that could be a secret.

mod callbacks;
mod edge;
mod fields;
mod login_gates;
mod offer;
mod old_authids;
mod provider_table;
mod reader;
mod settings;
mod tables;

use std::{
    collections::{HashMap, HashSet},
    fs,
    net::SocketAddr,
};

use thiserror::Error;
use toml::Table;

pub use edge::Edge;
pub use login_gates::LoginGates;
pub use offer::Offer;
pub use old_authids::OldAuthIdSettings;
pub use settings::Settings;

use crate::{
    environment::Environment,
    keyring::{KeySource, Keyring, Passphrase},
    login::TrustedOpeners,
    oauth_server,
    public_url::PublicUrl,
    secret::Secret,
    store::StoreUrl,
    telemetry::{LogFilter, LogFormat},
};
use offer::Wish;
use reader::{Reader, first_key, log_format, mebibytes, trusted_openers, web_address};
use settings::unknown_settings;
use tables::Tables;

/// The providers and services that are compiled in.
const BUILT_IN_TABLES: &str = include_str!("../../providers.toml");

/// All checked settings of `serve`.
#[derive(Debug)]
pub struct Config {
    /// The public address: browsers see it, and redirect URIs are built from it.
    pub public_url: PublicUrl,
    /// The settings of incoming and outgoing connections.
    pub edge: Edge,
    /// The conditions for a login.
    pub login_gates: LoginGates,
    /// The keys, loaded. There may be none yet.
    pub keyring: Keyring,
    /// True if `serve` may make the first key of a folder that has never had one.
    pub makes_first_key: bool,
    /// The services that are offered, and those that are known but not offered.
    pub offer: Offer,
    /// Name of the program that uses the AuthIDs, for pages.
    pub app_name: String,
    /// Name of this site, for pages.
    pub display_name: String,
    /// The administrator's own privacy policy, instead of the built-in page.
    pub privacy_policy_url: Option<url::Url>,
    /// Origins whose pages receive the AuthID without a button that names them.
    pub openers: TrustedOpeners,
    /// The store that servers share; `None` keeps everything in this process's memory.
    pub store: Option<StoreUrl>,
    /// Approximate limit of memory for cached access tokens, in bytes; 0 caches none.
    pub cache_bytes: u64,
    /// Settings for accepting AuthIDs of Duplicati's own server.
    pub old_authids: OldAuthIdSettings,
    /// The log filter.
    pub log: LogFilter,
    /// The log format: text or JSON.
    pub log_format: LogFormat,
    /// Warnings: unusual settings that do not prevent a start.
    pub warnings: Vec<String>,
    /// Notes about how the settings of Duplicati's own server were translated.
    pub notes: Vec<String>,
}

/// The settings are wrong or incomplete, so the server cannot start.
#[derive(Debug, Error)]
#[error("{}", .problems.join("\n"))]
pub struct Rejected {
    /// All problems, one sentence each.
    pub problems: Vec<String>,
    /// The services that could be read in spite of the problems.
    pub offer: Offer,
}

impl Config {
    /// Reads and checks all settings from these variables, usually
    /// [`Environment::of_process`]. Returns every problem at once.
    pub fn load(environment: Environment) -> Result<Self, Rejected> {
        let mut problems = Vec::new();
        let built_in = tables::parse(
            "the built-in providers.toml",
            BUILT_IN_TABLES,
            &mut problems,
        );
        let translated = oauth_server::translate(&environment, &built_in, &mut problems);
        let environment = translated.environment;
        let settings = Settings::of(&environment, &mut problems);
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
        // Services that share an application report the same problem: keep one.
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
                // A misspelt variable may be the reason why another is missing.
                problems.extend(unknown_settings(&environment));
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
    let mut warnings = unknown_settings(environment);
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

/// Warns if a passphrase is set but some keys are still stored in clear: setting it does
/// not encrypt keys that exist already.
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

/// Reads only the admin address, for commands that need nothing else.
pub fn admin_address(environment: &Environment) -> Result<SocketAddr, Rejected> {
    let mut problems = Vec::new();
    let settings = Settings::of(environment, &mut problems);
    let mut reader = Reader {
        problems: &mut problems,
    };
    reader.admin_listen(&settings).ok_or(Rejected {
        problems,
        offer: Offer::default(),
    })
}

/// Reads only the location of the keys, for commands that need nothing else.
pub fn key_source(environment: &Environment) -> Result<KeySource, Rejected> {
    let mut problems = Vec::new();
    let settings = Settings::of(environment, &mut problems);
    match key_source_of(&settings, &mut problems) {
        Some(source) if problems.is_empty() => Ok(source),
        _ => Err(Rejected {
            problems,
            offer: Offer::default(),
        }),
    }
}

/// Loads only the keys, for commands that need nothing else.
pub fn load_keyring(environment: &Environment) -> Result<Keyring, Rejected> {
    let mut problems = Vec::new();
    let settings = Settings::of(environment, &mut problems);
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

/// Returns the id of the service for every name that an AuthID may have: ids and aliases
/// of offered services, and ids of services that are not offered.
pub fn service_ids(environment: &Environment) -> HashMap<String, String> {
    let offer = match Config::load(environment.clone()) {
        Ok(config) => config.offer,
        // A command may run without some of the server's settings; the tables are known
        // anyway.
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

/// Loads the keys, and never makes any.
fn keyring(settings: &Settings, problems: &mut Vec<String>) -> Option<Keyring> {
    let passphrase = settings.keys_passphrase.clone();
    let passphrase = passphrase.map(|text| Passphrase::new(Secret::new(text)));
    Keyring::load_protected(key_source_of(settings, problems)?, passphrase)
        .inspect_err(|error| problems.extend(error.problems.iter().cloned()))
        .ok()
}

/// Adds the tables of the file that AUTHSEAL_PROVIDERS names, if it is set, as the
/// topmost layer.
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
