//! Reasons for which clients refuse a certificate that a server can very well serve with.

use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName},
    server::ParsedCertificate,
};
use thiserror::Error;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, time::ASN1Time};

use crate::clock::UnixTime;

/// A reason for which clients refuse a certificate.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CertificateFlaw {
    /// Its time is over.
    #[error("expired at {0}, so clients refuse it: renew it")]
    Expired(UnixTime),
    /// Its time has not come yet.
    #[error("is not valid before {0}, so clients refuse it: is the clock of this machine right?")]
    NotYetValid(UnixTime),
    /// It is for other hosts.
    #[error(
        "is not for {0}, the host of AUTHSEAL_PUBLIC_URL, so clients refuse it: have that name \
         put into its subjectAltName"
    )]
    OtherHost(String),
}

/// The time and the hosts for which a certificate is good.
#[derive(Debug)]
pub(super) struct CertificateValidity {
    not_before: UnixTime,
    pub(super) not_after: UnixTime,
    leaf: CertificateDer<'static>,
}

impl CertificateValidity {
    /// Reads the first certificate of a chain, the server's own. The error says what is
    /// wrong with it.
    pub(super) fn of(leaf: &CertificateDer<'static>) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(leaf)
            .map_err(|_| "the first certificate is damaged".to_owned())?;
        if parsed.version().0 != X509_VERSION_3 {
            return Err("the first certificate is not of X.509 version 3".to_owned());
        }
        let validity = parsed.validity();
        Ok(Self {
            not_before: unix_time(validity.not_before),
            not_after: unix_time(validity.not_after),
            leaf: leaf.clone(),
        })
    }

    /// Returns the reasons for which clients of `host` refuse it. Without a host, any host
    /// is right.
    pub(super) fn flaws(
        &self,
        now: UnixTime,
        host: Option<&ServerName<'_>>,
    ) -> Vec<CertificateFlaw> {
        let mut flaws = Vec::new();
        if now < self.not_before {
            flaws.push(CertificateFlaw::NotYetValid(self.not_before));
        }
        if now > self.not_after {
            flaws.push(CertificateFlaw::Expired(self.not_after));
        }
        if let Some(host) = host.filter(|host| !self.is_for(host)) {
            flaws.push(CertificateFlaw::OtherHost(host.to_str().into_owned()));
        }
        flaws
    }

    /// True if rustls, as a client, would take it for this host.
    fn is_for(&self, host: &ServerName<'_>) -> bool {
        ParsedCertificate::try_from(&self.leaf)
            .and_then(|parsed| verify_server_name(&parsed, host))
            .is_ok()
    }
}

/// Number of version 3 in the encoding (RFC 5280 section 4.1).
const X509_VERSION_3: u32 = 2;

fn unix_time(time: ASN1Time) -> UnixTime {
    UnixTime(u64::try_from(time.timestamp()).unwrap_or_default())
}

/// Returns a readable form of the errors of rustls that files can cause.
pub(super) fn explained(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            "the private key is not the one of the first certificate".to_owned()
        }
        rustls::Error::InvalidCertificate(_) => {
            "the first certificate is damaged, or of an unsupported kind".to_owned()
        }
        rustls::Error::General(_) => "the private key is of an unsupported kind: use ECDSA with \
                                      P-256 or P-384, Ed25519, or RSA of 2048 bits or more"
            .to_owned(),
        other => other.to_string(),
    }
}
