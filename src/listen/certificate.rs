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
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use thiserror::Error;
use tokio_rustls::{Accept, TlsAcceptor};
use zeroize::Zeroizing;

use super::validity::{CertificateFlaw, CertificateValidity, explained};
use crate::{clock::UnixTime, regular_file};

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
    /// The key is protected by a passphrase, which nobody could enter.
    #[error(
        "{} holds a private key with a passphrase, which authseal cannot open: write the key \
         without one, by openssl pkey -in OLD -out NEW",
        .path.display()
    )]
    Encrypted {
        /// Path of the file.
        path: PathBuf,
    },
    /// The certificate and the key do not belong together, or are of an unsupported kind.
    #[error("{} and {} cannot be used together: {cause}", .chain.display(), .key.display())]
    Unusable {
        /// Path of the certificate chain.
        chain: PathBuf,
        /// Path of the private key.
        key: PathBuf,
        /// Cause in words.
        cause: String,
    },
    /// Clients refuse this certificate, and accept the one in use.
    #[error(
        "{} {}. The certificate in use is better: a restart takes the new one all the same",
        .chain.display(),
        .flaw
    )]
    Worse {
        /// Path of the certificate chain.
        chain: PathBuf,
        /// Reason for which clients refuse it.
        flaw: CertificateFlaw,
    },
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    /// Hashes of both files, to distinguish a changed file from one that was only written
    /// again.
    fingerprint: Vec<u8>,
    validity: CertificateValidity,
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
    /// the previous certificate stays in use. A certificate that clients refuse for more
    /// reasons than the one in use is an error.
    pub fn reload(
        &self,
        now: UnixTime,
        host: Option<&ServerName<'_>>,
    ) -> Result<bool, CertificateError> {
        let loaded = self.files.load()?;
        let current = self.current.load();
        if loaded.fingerprint == current.fingerprint {
            return Ok(false);
        }
        let known = current.validity.flaws(now, host);
        let flaws = loaded.validity.flaws(now, host);
        let is_worse = flaws.len() > known.len();
        let new = flaws.into_iter().find(|flaw| !known.contains(flaw));
        if let Some(flaw) = new.filter(|_| is_worse) {
            let chain = self.files.chain.clone();
            return Err(CertificateError::Worse { chain, flaw });
        }
        self.current.store(Arc::new(loaded));
        Ok(true)
    }

    /// Returns the reasons for which clients of `host` refuse the certificate in use.
    pub fn flaws(&self, now: UnixTime, host: Option<&ServerName<'_>>) -> Vec<CertificateFlaw> {
        self.current.load().validity.flaws(now, host)
    }

    /// Returns the time at which the certificate in use expires.
    pub fn not_after(&self) -> UnixTime {
        self.current.load().validity.not_after
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
            .ok()
            .filter(|_| !is_encrypted(&key_pem));
        let key = key.ok_or_else(|| match is_encrypted(&key_pem) {
            true => CertificateError::Encrypted {
                path: self.key.clone(),
            },
            false => not_pem(&self.key, "private key"),
        })?;
        let unusable = |cause| CertificateError::Unusable {
            chain: self.chain.clone(),
            key: self.key.clone(),
            cause,
        };
        let validity = CertificateValidity::of(&chain[0]).map_err(unusable)?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| unusable(explained(&error)))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let fingerprint = [&chain_pem, &key_pem].map(|pem| digest(&SHA256, pem));
        Ok(Loaded {
            config: Arc::new(config),
            fingerprint: fingerprint
                .iter()
                .flat_map(AsRef::as_ref)
                .copied()
                .collect(),
            validity,
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

/// True for PEM of PKCS #8 (RFC 5958), or of older OpenSSL, under a passphrase.
fn is_encrypted(pem: &[u8]) -> bool {
    let marks: [&[u8]; 2] = [b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED"];
    marks
        .iter()
        .any(|mark| pem.windows(mark.len()).any(|part| part == *mark))
}

fn not_pem(path: &Path, what: &'static str) -> CertificateError {
    CertificateError::NotPem {
        path: path.to_owned(),
        what,
    }
}
