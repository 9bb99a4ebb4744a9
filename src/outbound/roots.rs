//! Certificate authorities that are trusted for connections to providers.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// The file contains no certificate.
#[derive(Debug, Error)]
#[error("names a file that holds no certificate in PEM format, or cannot be read")]
pub struct NoRoots;

/// Checks the file that `SSL_CERT_FILE` names. Without this check, the built-in
/// authorities would silently be used if the name is misspelt.
pub fn check_roots(path: &Path) -> Result<(), NoRoots> {
    let mut certificates = CertificateDer::pem_file_iter(path).map_err(|_| NoRoots)?;
    certificates.next().and_then(Result::ok).ok_or(NoRoots)?;
    Ok(())
}

/// Returns a TLS configuration with the authorities of the system, or of `SSL_CERT_FILE` and
/// `SSL_CERT_DIR`. If there are none, as in a minimal image, it has the built-in ones of
/// Mozilla.
pub(super) fn client_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        tracing::debug!("no certificates on this system: using the built-in ones");
    }
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
