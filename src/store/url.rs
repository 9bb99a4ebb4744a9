//! The address of Redis (STORE_URL).

use std::fmt;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use thiserror::Error;
use url::{Url, form_urlencoded};

const DEFAULT_PREFIX: &str = "authseal:";
/// Maximum length of a prefix, which is part of every key in Redis.
const LONGEST_PREFIX: usize = 64;

/// Address of a Redis or Valkey that servers share:
/// `redis[s]://[[user]:password@]host[:port][,host[:port]...][/db][?option=value&...]`.
///
/// Options: `prefix=authseal:` starts every key. With `sentinel=NAME` the hosts are
/// sentinels that know the primary by this name. With `cluster=true` they are nodes of a
/// cluster. There is no `Display`, because the URL may hold a password.
#[derive(Clone)]
pub struct StoreUrl {
    pub(super) nodes: Vec<ConnectionInfo>,
    pub(super) topology: Topology,
    pub(super) prefix: String,
}

/// Role of the hosts of a [`StoreUrl`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Topology {
    Single,
    /// Sentinels that know the primary by this name.
    Sentinel(String),
    Cluster,
}

/// Errors in a STORE_URL. The URL itself is never shown.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NotAStore {
    /// Neither the URL of a Redis nor that of a folder.
    #[error(
        "is neither the address of a Redis nor a folder; write it like \
         redis://:password@host:6379/0, with what is neither letter nor digit in the password as %40 \
         and so on, or like file:/var/lib/authseal"
    )]
    Form,
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("has a % that encodes nothing; write a % itself as %25")]
    Percent,
    /// A `file:` URL without an absolute path.
    #[error(
        "names no folder; write its whole path, like file:/var/lib/authseal, with a blank as %20"
    )]
    Folder,
    /// An unknown option.
    #[error("has an unknown option; there are prefix=, sentinel= and cluster=true")]
    Option,
    /// Both `sentinel` and `cluster`, or several hosts without either.
    #[error(
        "names several hosts: add ?sentinel=NAME if they are sentinels, or ?cluster=true if they \
         are a cluster"
    )]
    Hosts,
    /// An empty or long prefix, or one with other characters than are allowed.
    #[error("has a prefix with other than letters, digits, and : - _ . or of over 64 characters")]
    Prefix,
    /// A database other than 0 with `cluster`: Redis Cluster has only database 0.
    #[error("names a database, of which a cluster has only one; leave it out")]
    Database,
}

impl StoreUrl {
    /// Parses a STORE_URL.
    pub fn parse(text: &str) -> Result<Self, NotAStore> {
        let (address, query) = text.split_once('?').unwrap_or((text, ""));
        let (topology, prefix) = options(query)?;
        let nodes = nodes(address)?;
        match topology {
            Topology::Single if nodes.len() > 1 => return Err(NotAStore::Hosts),
            Topology::Cluster if nodes[0].redis_settings().db() != 0 => {
                return Err(NotAStore::Database);
            }
            _ => {}
        }
        Ok(Self {
            nodes,
            topology,
            prefix,
        })
    }
}

fn options(query: &str) -> Result<(Topology, String), NotAStore> {
    let mut topology = Topology::Single;
    let mut prefix = DEFAULT_PREFIX.to_owned();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*name, &*value) {
            ("prefix", value) if is_prefix(value) => value.clone_into(&mut prefix),
            ("prefix", _) => return Err(NotAStore::Prefix),
            ("sentinel" | "cluster", _) if topology != Topology::Single => {
                return Err(NotAStore::Hosts);
            }
            ("sentinel", name) if !name.is_empty() => topology = Topology::Sentinel(name.into()),
            ("cluster", "true") => topology = Topology::Cluster,
            _ => return Err(NotAStore::Option),
        }
    }
    Ok((topology, prefix))
}

/// True for a valid prefix. Braces are not allowed: they select the slot of a cluster in
/// which a key is stored.
fn is_prefix(text: &str) -> bool {
    (1..=LONGEST_PREFIX).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b":-_.".contains(&byte))
}

/// Parses the address of each host. Credentials and database apply to all hosts.
fn nodes(address: &str) -> Result<Vec<ConnectionInfo>, NotAStore> {
    let (scheme, rest) = address.split_once("://").ok_or(NotAStore::Form)?;
    let is_redis = matches!(scheme, "redis" | "rediss" | "valkey" | "valkeys");
    // `#insecure` would switch the check of certificates off.
    if !is_redis || address.contains('#') {
        return Err(NotAStore::Form);
    }
    let (authority, path) = match rest.split_once('/') {
        Some((authority, database)) => (authority, format!("/{database}")),
        None => (rest, String::new()),
    };
    let (credentials, hosts) = match authority.rsplit_once('@') {
        Some((credentials, hosts)) => (format!("{credentials}@"), hosts),
        None => (String::new(), authority),
    };
    hosts
        .split(',')
        .map(|host| {
            let url = Url::parse(&format!("{scheme}://{credentials}{host}{path}"));
            let url = url.ok().filter(Url::has_host).ok_or(NotAStore::Form)?;
            url.into_connection_info().map_err(|_| NotAStore::Form)
        })
        .collect()
}

impl StoreUrl {
    /// True if the address names a user and no password.
    pub(super) fn has_user_without_password(&self) -> bool {
        self.nodes.iter().any(|node| {
            let settings = node.redis_settings();
            let is_empty = |text: Option<&str>| text.is_none_or(str::is_empty);
            !is_empty(settings.username()) && is_empty(settings.password())
        })
    }

    /// True if both name the same keys of the same Redis, by whichever user.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let database = |url: &Self| url.nodes.first().map(|node| node.redis_settings().db());
        self.hosts() == other.hosts()
            && self.topology == other.topology
            && self.prefix == other.prefix
            && database(self) == database(other)
    }

    /// Returns the hosts for logs, without any secret.
    pub fn hosts(&self) -> String {
        let hosts = self.nodes.iter().map(|node| match node.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                format!("{host}:{port}")
            }
            other => other.to_string(),
        });
        hosts.collect::<Vec<_>>().join(",")
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({}, {:?})", self.hosts(), self.topology)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_options_and_what_is_secret_are_told_apart() {
        let url = StoreUrl::parse("redis://me:p%40ss@a:1,b/3?sentinel=main&prefix=x:").unwrap();
        assert_eq!(url.hosts(), "a:1,b:6379");
        assert_eq!(url.topology, Topology::Sentinel("main".into()));
        assert_eq!(url.prefix, "x:");
        for node in &url.nodes {
            let settings = node.redis_settings();
            assert_eq!(settings.username(), Some("me"));
            assert_eq!(settings.password(), Some("p@ss"));
            assert_eq!(settings.db(), 3);
        }
        assert!(!format!("{url:?}").contains("p@ss"));

        let url = StoreUrl::parse("rediss://:secret@[::1]").unwrap();
        assert_eq!(url.prefix, "authseal:");
        assert_eq!(url.topology, Topology::Single);
        assert!(matches!(url.nodes[0].addr(), ConnectionAddr::TcpTls { .. }));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        let check = |text: &str, expected: NotAStore| {
            let error = StoreUrl::parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("secret"));
        };
        for text in [
            "",
            "localhost:6379",
            "http://:secret@host",
            "redis://",
            "redis://:secret@",
            "redis://:secret@host:x",
            "redis://:secret@host/x",
            "rediss://:secret@host#insecure",
            "redis://host,,host?cluster=true",
        ] {
            check(text, NotAStore::Form);
        }
        check("redis://host?prefx=secret", NotAStore::Option);
        check("redis://host?cluster=yes", NotAStore::Option);
        check("redis://host?sentinel=", NotAStore::Option);
        check("redis://a,b", NotAStore::Hosts);
        check("redis://a,b?cluster=true&sentinel=x", NotAStore::Hosts);
        check("redis://a?prefix=", NotAStore::Prefix);
        check("redis://a?prefix={x}", NotAStore::Prefix);
        check("redis://a/1?cluster=true", NotAStore::Database);
    }
}
