//! Loads the TLS certificate, and reads the variables for requests to providers, which
//! other programs have too.

use super::settings::Edge;
use crate::{
    environment::Environment,
    listen::{Certificate, CertificateFiles},
    outbound::{Authorities, Exceptions, NoAuthorities, OutboundProxy, WayOut},
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

/// Reads the way out to the providers. The variables are those of other programs, in
/// capital or small letters. A value that cannot be used is a problem: requests never go
/// around a proxy that was named.
pub(super) fn way_out(
    environment: &Environment,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> WayOut {
    WayOut {
        proxy: outbound_proxy(environment, problems, warnings),
        authorities: authorities(environment, problems),
    }
}

const PROXIES: [[&str; 2]; 2] = [["HTTPS_PROXY", "https_proxy"], ["ALL_PROXY", "all_proxy"]];

fn outbound_proxy(
    environment: &Environment,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> OutboundProxy {
    let proxy = PROXIES
        .into_iter()
        .find_map(|names| either_case(names, environment, problems, warnings));
    let no_proxy = ["NO_PROXY", "no_proxy"];
    let exceptions = either_case(no_proxy, environment, problems, warnings);
    let Some((variable, proxy)) = proxy else {
        warnings.extend(only_for_http(environment));
        return OutboundProxy::default();
    };
    let (name, exceptions) = exceptions.unwrap_or(("NO_PROXY", String::new()));
    let (exceptions, ignored) = Exceptions::parse(&exceptions);
    if !ignored.is_empty() {
        warnings.push(format!(
            "{name} names {}, which is no host, domain or network here: hosts that nothing else in \
             {name} names are reached through the proxy",
            ignored.join(", ")
        ));
    }
    OutboundProxy::parse(variable, proxy.trim(), exceptions).unwrap_or_else(|error| {
        problems.push(format!("{variable} {error}"));
        OutboundProxy::default()
    })
}

/// Reads a variable whose name is written in capital or small letters, with the name that is
/// set. Capital letters take precedence.
fn either_case(
    names: [&'static str; 2],
    environment: &Environment,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) -> Option<(&'static str, String)> {
    let [capital, small] = names.map(|name| Some((name, environment.get(name, problems)?)));
    if let (Some((name, one)), Some((other, another))) = (&capital, &small)
        && one != another
    {
        warnings.push(format!("{name} and {other} differ: {name} is used"));
    }
    capital.or(small)
}

/// Warns of a proxy that no provider is reached through, because their addresses are https.
fn only_for_http(environment: &Environment) -> Option<String> {
    let mut names = ["HTTP_PROXY", "http_proxy"].into_iter();
    let name = names.find(|name| environment.is_set(name))?;
    Some(format!(
        "{name} is set, but HTTPS_PROXY is not: providers are reached by https, so no request goes \
         through the proxy. Set HTTPS_PROXY too if it should"
    ))
}

/// Loads the authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
fn authorities(environment: &Environment, problems: &mut Vec<String>) -> Authorities {
    let mut load = |name: &str, load: &dyn Fn(&str) -> Result<Authorities, NoAuthorities>| {
        let paths = environment.get(name, problems)?;
        let loaded = load(&paths).map_err(|error| problems.push(format!("{name} {error}")));
        loaded.ok()
    };
    let file = load("SSL_CERT_FILE", &|path| Authorities::of_file(path.as_ref()));
    let folders = load("SSL_CERT_DIR", &Authorities::of_folders);
    file.unwrap_or_default().and(folders.unwrap_or_default())
}
