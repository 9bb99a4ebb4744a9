//! The certificate of TLS_CERT in `authseal check`.

use super::output::say;
use crate::{
    app::{certificate_host, certificate_warnings},
    clock::Clock,
    config::Config,
};

/// Prints until when the certificate is valid.
pub(super) fn print_end(config: &Config) {
    if let Some(certificate) = &config.certificate {
        let (path, end) = (&certificate.files().chain, certificate.not_after());
        say!("Certificate    {}, valid until {end}", path.display());
    }
}

/// Prints the reasons for which clients would refuse the certificate.
pub(super) fn print_warnings(config: &Config) {
    let host = certificate_host(config);
    if let Some(certificate) = &config.certificate {
        for warning in certificate_warnings(certificate, Clock::system().now(), host.as_ref()) {
            say!("\nWarning: {warning}");
        }
    }
}
