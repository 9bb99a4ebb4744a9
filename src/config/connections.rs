//! Loads the TLS certificate, and reads the variables for requests to providers, which
//! other programs have too.

use super::settings::Edge;
use crate::{
    environment::Environment,
    listen::{Certificate, CertificateFiles},
    outbound::{OutboundProxy, check_roots},
};

/// Loads the TLS certificate; `None` serves plain HTTP.
pub(super) fn certificate(edge: &Edge, problems: &mut Vec<String>) -> Option<Certificate> {
    let files = CertificateFiles {
        chain: edge.tls_cert.clone()?,
        key: edge.tls_key.clone()?,
    };
    Certificate::load(files)
        .map_err(|error| {
            problems.push(format!("AUTHSEAL_TLS_CERT and AUTHSEAL_TLS_KEY: {error}"));
        })
        .ok()
}

/// Reads `HTTPS_PROXY` (or `ALL_PROXY`) and `NO_PROXY`, in capital or small letters, as
/// other programs do.
pub(super) fn outbound_proxy(
    environment: &Environment,
    problems: &mut Vec<String>,
) -> OutboundProxy {
    let mut first = |names: &[&'static str]| {
        let mut names = names.iter();
        names.find_map(|name| Some((*name, environment.get(name, problems)?)))
    };
    let proxy = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
    let exceptions = first(&["NO_PROXY", "no_proxy"]);
    let exceptions = exceptions.map_or(String::new(), |(_, exceptions)| exceptions);
    let Some((name, proxy)) = proxy else {
        return OutboundProxy::default();
    };
    OutboundProxy::parse(proxy.trim(), &exceptions).unwrap_or_else(|error| {
        problems.push(format!("{name} {error}"));
        OutboundProxy::default()
    })
}

/// Checks the certificates of authorities in the file that `SSL_CERT_FILE` names.
pub(super) fn check_authorities(environment: &Environment, problems: &mut Vec<String>) {
    let name = "SSL_CERT_FILE";
    if let Some(path) = environment.get(name, problems)
        && let Err(error) = check_roots(path.as_ref())
    {
        problems.push(format!("{name} {error}"));
    }
}
