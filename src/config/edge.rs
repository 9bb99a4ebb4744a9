//! The settings of the two edges: how clients reach the service, and how the service
//! reaches the providers.

use std::{
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
};

use super::{LoginGates, Settings, reader::Reader};
use crate::{
    environment::Environment,
    listen::{Certificate, CertificateFiles, Limits, ListenAddress},
    outbound::{OutboundProxy, check_roots},
    server::{Networks, TrustedProxies},
};

/// The settings of incoming and outgoing connections.
#[derive(Debug)]
pub struct Edge {
    /// Address on which the service listens.
    pub listen: ListenAddress,
    /// Address of health checks and metrics.
    pub admin_listen: SocketAddr,
    /// Limit of connections that are open at once.
    pub max_connections: usize,
    /// The TLS certificate; `None` serves plain http.
    pub certificate: Option<Certificate>,
    /// Proxies whose headers about a request's origin are trusted.
    pub trusted_proxies: TrustedProxies,
    /// Limit of requests in one hour with AuthIDs of the same login from the same client;
    /// `None` for no limit.
    pub rate_limit: Option<NonZeroU32>,
    /// HTTP proxy for requests to providers.
    pub outbound_proxy: OutboundProxy,
}

impl Edge {
    /// Reads and checks the settings. Returns `None` if one is wrong; `reader` then has a
    /// problem for it.
    pub(super) fn read(
        settings: &Settings,
        environment: &Environment,
        reader: &mut Reader<'_>,
    ) -> Option<Self> {
        let listen = settings.listen.as_deref();
        let listen = reader.or_default("LISTEN", listen, "127.0.0.1:8080", str::parse);
        let admin_listen = reader.admin_listen(settings);
        let max = settings.max_connections.as_deref();
        let max_connections = reader.optional("MAX_CONNECTIONS", max, |text| {
            text.parse()
                .map(NonZeroUsize::get)
                .map_err(|_| "is not a number of connections; write it like 2000")
        });
        let rate_limit = reader.optional("RATE_LIMIT", settings.rate_limit.as_deref(), |text| {
            text.parse::<NonZeroU32>().map_err(
                |_| "is not a number of refreshes per hour; write it like 60, or leave it out",
            )
        });
        let trusted_proxies = settings.trusted_proxies.as_deref();
        let trusted_proxies = reader.or_default("TRUSTED_PROXIES", trusted_proxies, "", str::parse);
        let certificate = certificate(settings, reader);
        let outbound_proxy = outbound_proxy(environment, reader);
        check_authorities(environment, reader);
        if let (Some(ListenAddress::Tcp(service)), Some(admin)) = (&listen, admin_listen)
            && service.port() != 0
            && *service == admin
        {
            let problem =
                "AUTHSEAL_LISTEN and AUTHSEAL_ADMIN_LISTEN are the same; give one another port";
            reader.problems.push(problem.into());
        }
        Some(Self {
            listen: listen?,
            admin_listen: admin_listen?,
            max_connections: max_connections.unwrap_or(Limits::default().connections),
            certificate,
            trusted_proxies: trusted_proxies?,
            rate_limit,
            outbound_proxy,
        })
    }

    /// Returns warnings about the listening address, and about networks that are wider
    /// than they probably should be.
    pub(super) fn warnings(&self, environment: &Environment, gates: &LoginGates) -> Vec<String> {
        let mut warnings = Vec::new();
        if environment.is_set("LISTEN_FDS") && self.listen != ListenAddress::Systemd {
            warnings.push(
                "systemd passes a socket, on which nobody will listen: set AUTHSEAL_LISTEN=systemd"
                    .to_owned(),
            );
        }
        let is_local = match &self.listen {
            ListenAddress::Tcp(address) => address.ip().is_loopback(),
            ListenAddress::Unix(_) | ListenAddress::Systemd => true,
        };
        let by_address = gates.networks.is_some() || self.rate_limit.is_some();
        if is_local && by_address && self.trusted_proxies.is_empty() {
            warnings.push(
                "AUTHSEAL_LOGIN_NETWORKS and AUTHSEAL_RATE_LIMIT go by the client's address, and \
                 only a proxy on this machine can connect: name it in AUTHSEAL_TRUSTED_PROXIES, \
                 such as 127.0.0.1 or unix"
                    .to_owned(),
            );
        }
        warnings.extend(self.wide_networks(gates));
        warnings
    }

    fn wide_networks(&self, gates: &LoginGates) -> impl Iterator<Item = String> {
        let login = gates.networks.as_ref().map(Networks::wide);
        let wide = [
            (
                "TRUSTED_PROXIES",
                self.trusted_proxies.wide(),
                "every machine there is believed when it says where a request comes from. Name \
                 only your proxies; behind a CDN, all networks of the CDN and no other",
            ),
            (
                "LOGIN_NETWORKS",
                login.unwrap_or_default(),
                "everybody there may log in. Name narrower networks if you did not mean that",
            ),
        ];
        let wide = wide.into_iter().filter(|(_, wide, _)| !wide.is_empty());
        wide.map(|(name, wide, so)| {
            let networks: Vec<String> = wide.iter().map(ToString::to_string).collect();
            let networks = networks.join(", ");
            format!("AUTHSEAL_{name} has wide public networks ({networks}): {so}")
        })
    }
}

fn certificate(settings: &Settings, reader: &mut Reader<'_>) -> Option<Certificate> {
    let chain = path("TLS_CERT", settings.tls_cert.as_deref(), reader);
    let key = path("TLS_KEY", settings.tls_key.as_deref(), reader);
    let files = match (chain, key) {
        (Some(chain), Some(key)) => CertificateFiles { chain, key },
        (None, None) => return None,
        (one, _) => {
            let (set, missing) = match one {
                Some(_) => ("TLS_CERT", "TLS_KEY"),
                None => ("TLS_KEY", "TLS_CERT"),
            };
            let problem = format!("AUTHSEAL_{set} is set, but AUTHSEAL_{missing} is not");
            reader.problems.push(problem);
            return None;
        }
    };
    let loaded = Certificate::load(files);
    let loaded = loaded.map_err(|error| {
        reader
            .problems
            .push(format!("AUTHSEAL_TLS_CERT and AUTHSEAL_TLS_KEY: {error}"))
    });
    loaded.ok()
}

/// Reads the path of a PEM file. A value that is PEM itself is a problem: every setting
/// can be given with `_FILE`, but these two are paths already.
fn path(name: &str, text: Option<&str>, reader: &mut Reader<'_>) -> Option<PathBuf> {
    let text = text?;
    if text.contains("-----BEGIN") {
        let problem = format!(
            "AUTHSEAL_{name} is the path of a PEM file, not what is in it: write \
             AUTHSEAL_{name}=/path, without _FILE"
        );
        reader.problems.push(problem);
    }
    Some(text.into())
}

/// Reads `HTTPS_PROXY` (or `ALL_PROXY`) and `NO_PROXY`, in capital or small letters, as
/// other programs do.
fn outbound_proxy(environment: &Environment, reader: &mut Reader<'_>) -> OutboundProxy {
    let mut first = |names: &[&'static str]| {
        let mut names = names.iter();
        names.find_map(|name| Some((*name, environment.get(name, reader.problems)?)))
    };
    let proxy = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
    let exceptions = first(&["NO_PROXY", "no_proxy"]);
    let exceptions = exceptions.map_or(String::new(), |(_, exceptions)| exceptions);
    let Some((name, proxy)) = proxy else {
        return OutboundProxy::default();
    };
    OutboundProxy::parse(proxy.trim(), &exceptions).unwrap_or_else(|error| {
        reader.problems.push(format!("{name} {error}"));
        OutboundProxy::default()
    })
}

fn check_authorities(environment: &Environment, reader: &mut Reader<'_>) {
    let name = "SSL_CERT_FILE";
    if let Some(path) = environment.get(name, reader.problems)
        && let Err(error) = check_roots(path.as_ref())
    {
        reader.problems.push(format!("{name} {error}"));
    }
}
