//! Causes for which no connection could be made, in words, and the administrator's remedies for
//! those that time does not cure.

use std::{error::Error, io};

use rustls::CertificateError;
use thiserror::Error;

const INTERCEPTED: &str = "Tell the administrator: if a firewall or proxy on the way replaces \
                           certificates, SSL_CERT_FILE must name its authority; authseal check \
                           --online tests it";
const OTHER_HOST: &str = "Tell the administrator: the address in the provider's table, the \
                          network's DNS or a firewall leads to another host; authseal check \
                          --online tests it";
const CLOCK: &str = "Tell the administrator to compare this server's clock first; authseal check \
                     --online does it";
const NO_TLS: &str = "Tell the administrator: a firewall on the way, or a wrong port in the \
                      provider's table; authseal check --online tests it";

/// The cause for which no connection could be made.
pub(super) struct ConnectFault {
    /// Description without a full stop.
    pub(super) cause: String,
    /// The administrator's remedy, if time does not help: a sentence without a full stop.
    pub(super) remedy: Option<String>,
}

/// An error of the proxy.
#[derive(Debug, Error)]
#[error("through the proxy of {variable}: {cause}")]
pub(super) struct ProxyFault {
    /// Name of the variable that the proxy comes from.
    pub(super) variable: String,
    pub(super) cause: String,
    /// True if time does not help.
    pub(super) is_lasting: bool,
}

impl ConnectFault {
    /// Finds the cause in the chain of errors.
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(fault) = error.downcast_ref::<ProxyFault>() {
            return Self::of_proxy(fault);
        }
        if let Some(fault) = tls_error(error) {
            return Self::of_tls(fault);
        }
        match error.source() {
            Some(cause) => Self::of(cause),
            None => Self {
                cause: error.to_string(),
                remedy: None,
            },
        }
    }

    fn lasting(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn of_proxy(fault: &ProxyFault) -> Self {
        let remedy = format!(
            "Tell the administrator to check {} and the proxy's rules; authseal check --online \
             tests it",
            fault.variable
        );
        Self {
            cause: fault.to_string(),
            remedy: fault.is_lasting.then_some(remedy),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(error) => Self::of_certificate(error),
            rustls::Error::InvalidMessage(_) => {
                Self::lasting("it does not speak TLS at this port", NO_TLS)
            }
            rustls::Error::PeerIncompatible(_) => {
                Self::lasting("it speaks no version or cipher of TLS that is safe", NO_TLS)
            }
            rustls::Error::AlertReceived(alert) => Self {
                cause: format!(
                    "it ended the TLS handshake ({})",
                    first_word(&format!("{alert:?}"))
                ),
                remedy: None,
            },
            error => Self {
                cause: error.to_string(),
                remedy: None,
            },
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        match error {
            // A bad signature is that of another authority with a name that is known.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::lasting(
                "its certificate is from an authority that is not trusted here",
                INTERCEPTED,
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::lasting("its certificate is for another name", OTHER_HOST)
            }
            CertificateError::Expired => Self::lasting("its certificate has expired", CLOCK),
            CertificateError::NotValidYet => {
                Self::lasting("its certificate is not valid yet", CLOCK)
            }
            CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYetContext { .. } => {
                let error = rustls::Error::InvalidCertificate(error.clone());
                Self::lasting(error.to_string(), CLOCK)
            }
            CertificateError::Other(error) => Self::unusable(&error.to_string()),
            error => Self::unusable(&format!("{error:?}")),
        }
    }

    /// Makes the fault of a certificate from the library's name of it. Its other words are names
    /// and bytes of the certificate.
    fn unusable(name: &str) -> Self {
        match first_word(name) {
            "CaUsedAsEndEntity" => Self::lasting(
                "its certificate is that of an authority, or self-signed as one",
                "Tell the administrator: give that host a certificate signed by an authority, which \
                 SSL_CERT_FILE then names",
            ),
            word => Self::lasting(
                format!("its certificate can't be used ({word})"),
                INTERCEPTED,
            ),
        }
    }
}

/// Returns the TLS library's error. An `io::Error` hides the error in it from its chain, and may
/// hold another one of its kind.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => tls_error(error.get_ref()?),
        None => error.downcast_ref(),
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric());
    &text[..end.unwrap_or(text.len())]
}

/// Returns the innermost error, which says why a connection failed ("Connection refused"); the
/// outer ones only say that it failed.
pub(super) fn root_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => root_cause(cause),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{AlertDescription, InvalidMessage, OtherError, pki_types::ServerName};

    use super::*;

    fn certificate(error: CertificateError) -> ConnectFault {
        let error = rustls::Error::InvalidCertificate(error);
        ConnectFault::of(&io::Error::other(io::Error::other(error)))
    }

    #[test]
    fn a_fault_that_lasts_has_a_remedy_and_no_words_of_a_certificate() {
        let other = |name: &'static str| {
            let error: Arc<dyn Error + Send + Sync> =
                Arc::from(Box::<dyn Error + Send + Sync>::from(name));
            certificate(CertificateError::Other(OtherError(error)))
        };
        let names = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented: vec!["DnsName(\"never-print.example\")".to_owned(); 150],
        };
        for (fault, cause, remedy) in [
            (
                certificate(CertificateError::UnknownIssuer),
                "not trusted",
                "SSL_CERT_FILE",
            ),
            (certificate(names), "for another name", "another host"),
            (certificate(CertificateError::Expired), "expired", "clock"),
            (
                certificate(CertificateError::NotValidYet),
                "not valid yet",
                "clock",
            ),
            (
                certificate(CertificateError::Revoked),
                "(Revoked)",
                "SSL_CERT_FILE",
            ),
            (other("CaUsedAsEndEntity"), "self-signed", "SSL_CERT_FILE"),
            (
                other("PathLenConstraintViolated { never: print }"),
                "(PathLenConstraintViolated)",
                "SSL_CERT_FILE",
            ),
            (
                ConnectFault::of(&rustls::Error::InvalidMessage(
                    InvalidMessage::InvalidContentType,
                )),
                "does not speak TLS",
                "firewall",
            ),
        ] {
            let said = fault.remedy.unwrap();
            assert!(fault.cause.contains(cause), "{}", fault.cause);
            assert!(said.contains(remedy), "{said}");
            for text in [&fault.cause, &said] {
                assert!(text.len() < 180 && !text.contains("never"), "{text}");
            }
        }
    }

    #[test]
    fn a_fault_that_passes_has_no_remedy() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let alert = rustls::Error::AlertReceived(AlertDescription::InternalError);
        let busy = ProxyFault {
            variable: "HTTPS_PROXY".into(),
            cause: "it answered HTTP 503".into(),
            is_lasting: false,
        };
        for (fault, cause) in [
            (ConnectFault::of(&refused), "refused"),
            (
                ConnectFault::of(&io::Error::other(alert)),
                "(InternalError)",
            ),
            (
                ConnectFault::of(&busy),
                "through the proxy of HTTPS_PROXY: it answered",
            ),
        ] {
            assert!(fault.cause.contains(cause), "{}", fault.cause);
            assert_eq!(fault.remedy, None, "{cause}");
        }
    }
}
