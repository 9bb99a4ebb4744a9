//! Declarations of all settings, one row each. A new row is a new setting:
//!
//! ```text
//! /// Meaning, for the table in README.md.
//! field: Type = kind("NAME", "text", parser),
//! ```
//!
//! `AUTHSEAL_NAME` and `AUTHSEAL_NAME_FILE` are then read, and `app/wiring.rs` has the value
//! as `config.group.field`.
//!
//! | kind | `Type` | `text` |
//! |---|---|---|
//! | `required` | `Option<T>`; `None` prevents a start | an example |
//! | `default` | `T` | the value of a variable that is not set |
//! | `optional` | `Option<T>` | words for its absence, such as `none` |
//! | `password` | `Option<T>`; blanks at the ends of the value are kept | the same words |
//!
//! The parser is a function from `&str` to `Result<T, E>`. Its error continues the name of
//! the variable, as in `is not a number; write it like 60`, and never repeats a secret.
//! Types without a parser of their own have one in `parsers.rs`. Rules that concern two
//! settings are in `cross_checks.rs`.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, time::Duration};

use url::Url;

use super::{
    declaration::{Declared, Reader, settings},
    parsers::{
        address_and_port, all_or_any, ask_or_none, authid_networks, connections, first_key, folder,
        key_set, keys_folder, lifetime, log_format, login_networks, login_password, mebibytes,
        passphrase, pem_path, proxies, refreshes_per_hour, service_names, true_or_false,
        trusted_openers, web_address,
    },
};
use crate::{
    audit::AuditTarget,
    environment::Environment,
    keyring::Passphrase,
    listen::ListenAddress,
    login::{Password, TrustedOpeners},
    public_url::PublicUrl,
    secret::Secret,
    server::{Networks, Require, TrustedProxies, UserHeader},
    store::StoreAddress,
    telemetry::{LogFilter, LogFormat},
};

settings! {
    /// The address of this installation.
    public: PublicSettings {
        /// Address that browsers see, with its path prefix. The redirect URI is this and
        /// `/logged-in`, or what `authseal check` prints for a provider of your own.
        url: Option<PublicUrl> =
            required("PUBLIC_URL", "https://auth.example.com", PublicUrl::parse),
    }

    /// Texts of pages, and the pages elsewhere that are trusted.
    site: SiteSettings {
        /// Program that people want AuthIDs for.
        app_name: String = default("APP_NAME", "Duplicati", str::parse),
        /// Name of the site.
        display_name: String = default("DISPLAY_NAME", "authseal", str::parse),
        /// Privacy policy of your own.
        privacy_policy_url: Option<Url> =
            optional("PRIVACY_POLICY_URL", "a built-in page", web_address),
        /// Origins of your own, such as `https://duplicati.example.net`, to which a page
        /// posts the AuthID without asking. Machines on your own network and the same site
        /// need not be listed.
        openers: TrustedOpeners = default("OPENER_ORIGINS", "", trusted_openers),
    }

    /// Incoming connections.
    edge: Edge {
        /// Address of the service: `127.0.0.1:8080`, `:8080` for every address,
        /// `unix:/run/authseal/authseal.sock`, or `systemd` for a socket that systemd passes.
        listen: ListenAddress = default("LISTEN", "127.0.0.1:8080", str::parse),
        /// Limit of open connections. The one that has waited longest makes room for a new
        /// one.
        max_connections: usize = default("MAX_CONNECTIONS", "2000", connections),
        /// Path of the certificate chain (PEM), read again when it changes.
        tls_cert: Option<PathBuf> = optional("TLS_CERT", "plain HTTP", pem_path),
        /// Path of the certificate's key (PEM), read again when it changes.
        tls_key: Option<PathBuf> = optional("TLS_KEY", "plain HTTP", pem_path),
        /// Proxies whose `X-Forwarded-For`, `Forwarded` and LOGIN_HEADER are believed:
        /// addresses, networks, `unix`. Everybody (`0.0.0.0/0`) is refused.
        trusted_proxies: TrustedProxies = default("TRUSTED_PROXIES", "", proxies),
        /// Refreshes per hour of one login from one address; beyond it 503.
        rate_limit: Option<NonZeroU32> =
            optional("RATE_LIMIT", "unlimited", refreshes_per_hour),
    }

    /// Health checks and metrics. Commands read this group alone.
    admin: AdminSettings {
        /// Address of `/healthz`, `/readyz` and `/metrics`.
        listen: SocketAddr = default("ADMIN_LISTEN", "127.0.0.1:8081", address_and_port),
    }

    /// The keys. Commands read this group alone.
    keys: KeySettings {
        /// Folder of the keys.
        folder: PathBuf = default("KEYS_DIR", "keys", keys_folder),
        /// JWK Set as JSON, or the same in base64, where there is no disk.
        set: Option<Secret> = optional("KEYS", "none", key_set),
        /// Passphrase under which keys are encrypted at rest:
        /// [docs/keys.md](docs/keys.md#protecting-keys-at-rest).
        passphrase: Option<Passphrase> =
            password("KEYS_PASSPHRASE", "none: keys in clear", passphrase),
    }

    /// The start of a server without keys.
    first_key: FirstKeySettings {
        /// `make`: `serve` makes the first key of a folder that has never had one. `never`:
        /// it [waits](docs/keys.md#missing-keys) until the keys are there; set it after the
        /// first start.
        may_be_made: bool = default("FIRST_KEY", "make", first_key),
    }

    /// The services to offer.
    services: ServiceSettings {
        /// File of tables laid over the built-in [providers.toml](providers.toml), key by
        /// key.
        providers: Option<String> = optional("PROVIDERS", "none", str::parse),
        /// Services to offer: their ids or the names of their credentials, commas between.
        wanted: Option<String> = optional("SERVICES", "all that have credentials", service_names),
    }

    /// The conditions for a login. Without any, everybody who can reach the service may log
    /// in.
    login_gates: LoginGates {
        /// Networks from which people may see the pages and log in, such as
        /// `192.168.0.0/16, fd00::/8`. Everybody (`0.0.0.0/0`) is refused.
        networks: Option<Networks> = optional("LOGIN_NETWORKS", "anywhere", login_networks),
        /// Password that the pages ask for; 12 characters or more.
        password: Option<Password> = password("LOGIN_PASSWORD", "none", login_password),
        /// Header, such as `Remote-User`, in which an authenticating proxy names the user.
        header: Option<UserHeader> = optional("LOGIN_HEADER", "none", UserHeader::parse),
        /// Number of the three above that must be met: `all` that are set, or `any`.
        require: Require = default("LOGIN_REQUIRE", "all", all_or_any),
    }

    /// Limits of new AuthIDs.
    authids: AuthIdSettings {
        /// Lifetime of each new AuthID, such as `400d`, sealed into it:
        /// [docs/limits.md](docs/limits.md).
        lifetime: Option<Duration> = optional("AUTHID_LIFETIME", "without end", lifetime),
        /// Networks from which each new AuthID may be used, such as
        /// `192.168.0.0/16, fd00::/8`, sealed into it. Everybody (`0.0.0.0/0`) is refused.
        networks: Option<Networks> = optional("AUTHID_NETWORKS", "anywhere", authid_networks),
    }

    /// Names in new AuthIDs.
    names: NameSettings {
        /// `true`: the name in LOGIN_HEADER is sealed into each new AuthID:
        /// [docs/fleet.md](docs/fleet.md#names).
        seals_user: bool = default("AUTHID_USER", "false", true_or_false),
        /// `ask`: a page asks for a name of the new AuthID, such as *laptop of the accountant*,
        /// which is sealed into it. `none`: it has none.
        asks_label: bool = default("LOGIN_LABEL", "none", ask_or_none),
    }

    /// The memory for tokens, in this process and outside.
    memory: MemorySettings {
        /// For Box and Jottacloud logins that outlive a restart: a folder on this machine,
        /// such as `file:/var/lib/authseal`, or a Redis or Valkey, such as
        /// `redis://:password@host:6379/0`, which several replicas can share:
        /// [docs/store.md](docs/store.md).
        store: Option<StoreAddress> =
            optional("STORE_URL", "none: memory", StoreAddress::parse),
        /// Memory for access tokens, in MiB; 0 keeps none. 64 hold some 100,000 of Google's:
        /// [docs/performance.md](docs/performance.md).
        cache_bytes: u64 = default("CACHE_MB", "64", mebibytes),
    }

    /// The AuthIDs of Duplicati's own server that are accepted.
    old_authids: OldAuthIdSettings {
        /// `true`: AuthIDs of Duplicati's own server that hold their refresh token in clear
        /// are accepted: [docs/migrating.md](docs/migrating.md), which also lists the
        /// settings of that server that are understood.
        accept_v2_plain: bool = default("ACCEPT_V2_PLAIN", "false", true_or_false),
        /// Folder of the encrypted files of V1 AuthIDs of Duplicati's own server.
        v1_storage: Option<PathBuf> = optional("V1_STORAGE", "none", folder),
    }

    /// The log.
    log: LogSettings {
        /// Least important lines to log: `error`, `warn`, `info`, `debug` or `trace`.
        /// `info,authseal::access=warn` has lines of failed requests only,
        /// `info,authseal::access=off` none of requests.
        filter: LogFilter = default("LOG", "info", LogFilter::parse),
        /// Format of the log: `text` or `json`.
        format: LogFormat = default("LOG_FORMAT", "text", log_format),
    }

    /// The audit log. Commands read this group alone.
    audit: AuditSettings {
        /// File of the [audit log](docs/audit.md), such as `/var/lib/authseal/audit.log`, or
        /// `stdout`.
        target: Option<AuditTarget> = optional("AUDIT_LOG", "none", AuditTarget::parse),
    }

    /// The process. `main` reads this group alone, before anything else.
    process: ProcessSettings {
        /// `true`: core dumps, and debuggers of the same user, may read this process's
        /// memory, and so the keys: [docs/operations.md](docs/operations.md#memory-dumps).
        is_dumpable: bool = default("DUMPABLE", "false", true_or_false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::Limits;

    #[test]
    fn every_default_can_be_parsed() {
        let mut problems = Vec::new();
        let settings = Settings::read(&Environment::default(), &mut problems);
        assert_eq!(
            problems,
            ["AUTHSEAL_PUBLIC_URL is not set; write it like https://auth.example.com"]
        );
        let usual = Limits::default().connections;
        assert_eq!(settings.edge.max_connections, usual);
    }

    #[test]
    fn blanks_around_a_value_are_ignored_but_are_part_of_a_password() {
        let environment = Environment::new([
            ("AUTHSEAL_RATE_LIMIT", " 60 "),
            ("AUTHSEAL_PUBLIC_URL", "https://auth.example"),
            ("AUTHSEAL_LOGIN_PASSWORD", " ten chars. "),
        ]);
        let mut problems = Vec::new();
        let settings = Settings::read(&environment, &mut problems);
        assert_eq!(settings.edge.rate_limit, NonZeroU32::new(60));
        assert!(settings.login_gates.password.is_some());
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn no_name_is_declared_twice() {
        let mut names: Vec<&str> = DECLARED.iter().map(|declared| declared.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
