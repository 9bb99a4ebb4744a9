//! Certificate authorities that are trusted for connections to providers.

use std::{fmt, fs, io, path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_native_certs::load_native_certs;
use thiserror::Error;

use crate::regular_file::{self, LARGEST_OF_SETTINGS};

/// Certificate authorities that settings name, loaded. The default stands for those of the
/// system, or those of Mozilla where the system has none, as in a minimal image.
#[derive(Clone, Default)]
pub struct Authorities(Option<Arc<RootCertStore>>);

/// The named file or folders contain no certificate that can be used.
#[derive(Debug, Error)]
pub enum NoAuthorities {
    /// The file cannot be read.
    #[error("names a file that cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// None in the file.
    #[error("names a file that holds no usable certificate in PEM format")]
    File,
    /// None in the folders.
    #[error("names no folder with usable certificates in PEM format")]
    Folders,
}

impl Authorities {
    /// Loads the certificates of a file (SSL_CERT_FILE), and no others. Those that the TLS
    /// library cannot read are left out, as some bundles of systems have one.
    pub fn of_file(path: &Path) -> Result<Self, NoAuthorities> {
        let roots = roots(certificates(path)?).ok_or(NoAuthorities::File)?;
        Ok(Self(Some(Arc::new(roots))))
    }

    /// Loads the certificates of the files in folders (SSL_CERT_DIR), with colons between.
    /// What is no regular file is left out.
    pub fn of_folders(paths: &str) -> Result<Self, NoAuthorities> {
        let paths = std::env::split_paths(paths).filter(|path| !path.as_os_str().is_empty());
        let entries = paths.filter_map(|path| fs::read_dir(path).ok()).flatten();
        let loaded = entries
            .flatten()
            .filter_map(|entry| certificates(&entry.path()).ok());
        let roots = roots(loaded.flatten()).ok_or(NoAuthorities::Folders)?;
        Ok(Self(Some(Arc::new(roots))))
    }

    /// Returns the authorities of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(other)) => {
                let mut roots = RootCertStore::clone(&one);
                roots.extend(other.roots.iter().cloned());
                Self(Some(Arc::new(roots)))
            }
            (one, other) => Self(one.or(other)),
        }
    }

    /// Returns a TLS configuration that trusts these authorities only.
    pub(super) fn client_config(&self) -> ClientConfig {
        let roots = self.0.clone().unwrap_or_else(|| Arc::new(of_system()));
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

impl From<RootCertStore> for Authorities {
    fn from(roots: RootCertStore) -> Self {
        Self(Some(Arc::new(roots)))
    }
}

/// Reads the certificates of a PEM file. Parts that are none are left out.
fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let pem = regular_file::read_at_most(path, LARGEST_OF_SETTINGS)?;
    Ok(CertificateDer::pem_slice_iter(&pem).flatten().collect())
}

/// Returns the certificates that can be used; `None` if none can.
fn roots(certificates: impl IntoIterator<Item = CertificateDer<'static>>) -> Option<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates);
    (added > 0).then_some(roots)
}

fn of_system() -> RootCertStore {
    roots(load_native_certs().certs).unwrap_or_else(|| {
        tracing::debug!("no certificates on this system: using the built-in ones");
        webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
    })
}

/// Shows the number only: a system has hundreds.
impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(roots) => write!(f, "Authorities({})", roots.len()),
            None => f.write_str("Authorities(of the system)"),
        }
    }
}
