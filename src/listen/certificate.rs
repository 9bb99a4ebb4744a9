//! The server's TLS certificate, for servers without a reverse proxy.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use ring::digest::{SHA256, digest};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use thiserror::Error;
use tokio_rustls::{Accept, TlsAcceptor};
use zeroize::Zeroizing;

use crate::regular_file;

/// A certificate chain and its private key, with the paths of their files.
#[derive(Debug)]
pub struct Certificate {
    files: CertificateFiles,
    current: ArcSwap<Loaded>,
}

/// Paths of the chain and the key, both PEM files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The server's certificate, followed by the intermediate certificates:
    /// `fullchain.pem`.
    pub chain: PathBuf,
    /// The private key: `privkey.pem`.
    pub key: PathBuf,
}

/// A certificate cannot be used. The error names files, never their content.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        cause: io::Error,
    },
    /// A file does not contain what it should.
    #[error("{} holds no {what} in PEM format", .path.display())]
    NotPem {
        /// Path of the file.
        path: PathBuf,
        /// Expected content: "certificate" or "private key".
        what: &'static str,
    },
    /// The certificate and the key do not belong together, or are of an unsupported kind.
    #[error("{} and {} cannot be used together: {cause}", .chain.display(), .key.display())]
    Unusable {
        /// Path of the certificate chain.
        chain: PathBuf,
        /// Path of the private key.
        key: PathBuf,
        /// Error of the TLS library.
        cause: rustls::Error,
    },
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    /// Hashes of both files, to distinguish a changed file from one that was only written
    /// again.
    fingerprint: Vec<u8>,
}

impl Certificate {
    /// Reads and checks both files.
    pub fn load(files: CertificateFiles) -> Result<Self, CertificateError> {
        let loaded = files.load()?;
        Ok(Self {
            files,
            current: ArcSwap::from_pointee(loaded),
        })
    }

    /// Reads both files again. Returns true if their content has changed. After an error
    /// the previous certificate stays in use.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let loaded = self.files.load()?;
        let is_new = loaded.fingerprint != self.current.load().fingerprint;
        if is_new {
            self.current.store(Arc::new(loaded));
        }
        Ok(is_new)
    }

    /// Returns the paths of both files.
    pub fn files(&self) -> &CertificateFiles {
        &self.files
    }

    /// Starts the TLS handshake of one connection.
    pub(super) fn accept<S>(&self, stream: S) -> Accept<S>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.current.load().config.clone()).accept(stream)
    }
}

impl CertificateFiles {
    fn load(&self) -> Result<Loaded, CertificateError> {
        let (chain_pem, key_pem) = (read(&self.chain)?, read(&self.key)?);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain_pem)
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| not_pem(&self.chain, "certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|_| not_pem(&self.key, "private key"))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|cause| CertificateError::Unusable {
                chain: self.chain.clone(),
                key: self.key.clone(),
                cause,
            })?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let fingerprint = [&chain_pem, &key_pem].map(|pem| digest(&SHA256, pem));
        Ok(Loaded {
            config: Arc::new(config),
            fingerprint: fingerprint
                .iter()
                .flat_map(AsRef::as_ref)
                .copied()
                .collect(),
        })
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    let read = regular_file::read(path).map(Zeroizing::new);
    read.map_err(|cause| CertificateError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

fn not_pem(path: &Path, what: &'static str) -> CertificateError {
    CertificateError::NotPem {
        path: path.to_owned(),
        what,
    }
}
