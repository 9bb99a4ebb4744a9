//! Settings: the environment variables and providers.toml. `settings.rs` declares every
//! setting. All problems are collected. Each names the variable or table, and never shows
//! a value that could be a secret.

mod authid_limits;
mod callbacks;
mod connections;
mod credential_forms;
mod cross_checks;
mod declaration;
mod fields;
mod keys;
mod login_gates;
mod misspelt;
mod odd_values;
mod offer;
mod parsers;
mod partial;
mod provider_table;
mod redirect_rules;
mod service_names;
mod settings;
mod table_layers;
mod tables;
mod unknown;
mod ways_out;

use std::collections::HashSet;

use thiserror::Error;

pub use declaration::Declared;
pub use offer::Offer;
pub use partial::{
    admin_address, audit_target, is_dumpable, key_source, load_keyring, service_ids, store_address,
};
pub use settings::{
    AdminSettings, AuthIdSettings, DECLARED, Edge, LogSettings, LoginGates, MemorySettings,
    NameSettings, OldAuthIdSettings, SiteSettings,
};

use crate::{
    audit::AuditTarget, environment::Environment, keyring::Keyring, listen::Certificate,
    oauth_server, outbound::WayOut, public_url::PublicUrl, seal::LimitPolicy,
};
use offer::Wish;
use settings::Settings;
use tables::Tables;

/// All checked settings of `serve`.
#[derive(Debug)]
pub struct Config {
    /// The public address: browsers see it, and redirect URIs are built from it.
    pub public_url: PublicUrl,
    /// Texts of pages, and the pages elsewhere that are trusted.
    pub site: SiteSettings,
    /// Incoming connections.
    pub edge: Edge,
    /// The TLS certificate; `None` serves plain HTTP.
    pub certificate: Option<Certificate>,
    /// Proxy and certificate authorities for requests to providers.
    pub way_out: WayOut,
    /// Health checks and metrics.
    pub admin: AdminSettings,
    /// The conditions for a login.
    pub login_gates: LoginGates,
    /// Limits of new AuthIDs.
    pub new_limits: LimitPolicy,
    /// Names in new AuthIDs.
    pub names: NameSettings,
    /// The keys, loaded. There may be none yet.
    pub keyring: Keyring,
    /// True if `serve` may make the first key of a folder that has never had one.
    pub makes_first_key: bool,
    /// The services that are offered, and those that are known but not offered.
    pub offer: Offer,
    /// The cache and the store that servers share.
    pub memory: MemorySettings,
    /// The AuthIDs of Duplicati's own server that are accepted.
    pub old_authids: OldAuthIdSettings,
    /// The log.
    pub log: LogSettings,
    /// Place of the audit log; `None` if there is none.
    pub audit: Option<AuditTarget>,
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
        let (mut problems, mut warnings) = (Vec::new(), Vec::new());
        let built_in = table_layers::built_in(&mut problems);
        let translated = oauth_server::translate(&environment, &built_in, &mut problems);
        let (environment, mut notes) = (translated.environment, translated.notes);

        let settings = Settings::read(&environment, &mut problems);
        problems.extend(cross_checks::problems(&settings, &environment));
        let certificate = connections::certificate(&settings.edge, &mut problems);
        let way_out = connections::way_out(&environment, &mut problems, &mut warnings);
        let keyring = settings.keys.keyring(&environment, &mut problems);

        let own_tables = settings.services.providers.as_deref();
        let layers = table_layers::layers(built_in, translated.tables, own_tables, &mut problems);
        let tables = Tables::read(layers, &environment, &mut problems);
        let wish = Wish::of(settings.services.wanted, translated.services);
        let offer = offer::assemble(&tables, &wish, &environment, &mut problems, &mut notes);
        credential_forms::check(&tables, &offer, &mut problems, &mut warnings);

        let (Some(public_url), Some(keyring), true) =
            (settings.public.url, keyring, problems.is_empty())
        else {
            // A misspelt variable may be the reason why another is missing.
            problems.extend(misspelt_variables(&environment, &tables));
            return Err(Rejected::new(problems, offer));
        };
        let mut config = Self {
            public_url,
            site: settings.site,
            edge: settings.edge,
            certificate,
            way_out,
            admin: settings.admin,
            login_gates: settings.login_gates,
            new_limits: settings.authids.policy(),
            names: settings.names,
            keyring,
            makes_first_key: settings.first_key.may_be_made,
            offer,
            memory: settings.memory,
            old_authids: settings.old_authids,
            log: settings.log,
            audit: settings.audit.target,
            warnings: misspelt_variables(&environment, &tables),
            notes,
        };
        config.warnings.extend(warnings);
        let refused = redirect_rules::warnings(&tables, &config.offer, &config.public_url);
        config.warnings.extend(refused);
        let unusual = cross_checks::warnings(&config, &environment, translated.is_of_that_server);
        config.warnings.extend(unusual);
        if settings.process.is_dumpable {
            config.warnings.push(
                "AUTHSEAL_DUMPABLE=true: a core dump, or a debugger of the same user, gets the keys"
                    .to_owned(),
            );
        }
        Ok(config)
    }
}

impl Rejected {
    fn new(mut problems: Vec<String>, offer: Offer) -> Self {
        // Services that share an application report the same problem: keep one.
        let mut seen = HashSet::new();
        problems.retain(|problem| seen.insert(problem.clone()));
        Self { problems, offer }
    }
}

/// Returns a sentence for each variable that nothing reads and that looks like one of ours.
fn misspelt_variables(environment: &Environment, tables: &Tables) -> Vec<String> {
    // One sentence each: the last is the most exact.
    let mut found = unknown::unknown_settings(environment);
    found.extend(ways_out::misspelt(environment));
    found.extend(misspelt::credentials(environment, tables));
    found.into_values().collect()
}
