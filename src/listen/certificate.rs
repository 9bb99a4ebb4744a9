//! The server's own certificate, for those who have no proxy in front.

use std::{
    fs, io,
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

/// A certificate chain and its private key, and the files that they are in.
#[derive(Debug)]
pub struct Certificate {
    files: CertificateFiles,
    current: ArcSwap<Loaded>,
}

/// Where they are, PEM both.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The server's certificate, then those of the authorities between it and the
    /// root: `fullchain.pem`.
    pub chain: PathBuf,
    /// `privkey.pem`.
    pub key: PathBuf,
}

/// Why a certificate can't be served with. It names files, never what is in them.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file can't be read.
    #[error("{} cannot be read: {cause}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{} holds no {what} in PEM format", .path.display())]
    NotPem {
        /// Which.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The two do not belong together, or are of a kind that is not served.
    #[error("{} and {} cannot be used together: {cause}", .chain.display(), .key.display())]
    Unusable {
        /// The chain's file.
        chain: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The TLS library's words.
        cause: rustls::Error,
    },
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    /// To tell a change from a mere touch.
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

    /// Reads them again. Whether they are others than before; with an error, those
    /// from before stay.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let loaded = self.files.load()?;
        let is_new = loaded.fingerprint != self.current.load().fingerprint;
        if is_new {
            self.current.store(Arc::new(loaded));
        }
        Ok(is_new)
    }

    /// Where they are.
    pub fn files(&self) -> &CertificateFiles {
        &self.files
    }

    /// Begins the TLS handshake of one connection.
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
    let read = fs::read(path).map(Zeroizing::new);
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
