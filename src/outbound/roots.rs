//! Which certificate authorities providers are believed by.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// A file that is to hold the authorities holds none.
#[derive(Debug, Error)]
#[error("names a file that holds no certificate in PEM format, or cannot be read")]
pub struct NoRoots;

/// Checks that the file that `SSL_CERT_FILE` names is what was meant:
/// without this, a misspelt name would quietly be the built-in authorities.
pub fn check_roots(path: &Path) -> Result<(), NoRoots> {
    let mut certificates = CertificateDer::pem_file_iter(path).map_err(|_| NoRoots)?;
    certificates.next().and_then(Result::ok).ok_or(NoRoots)?;
    Ok(())
}

/// The system's authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` honoured), or
/// Mozilla's as compiled in, so that an image without any certificates works.
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
