//! Reloads the certificate, and warns of one that clients refuse.

use std::{net::IpAddr, sync::Arc};

use rustls::pki_types::ServerName;
use url::Host;

use crate::{
    clock::{Clock, UnixTime},
    config::Config,
    listen::Certificate,
    telemetry::Metrics,
};

/// The certificate in use, with the host that clients expect it to be for.
pub(super) struct WatchedCertificate {
    pub(super) certificate: Arc<Certificate>,
    host: Option<ServerName<'static>>,
}

/// Findings of one reload of the certificate. One is logged only if the reload before did
/// not have it.
#[derive(Default)]
pub(super) struct CertificateState {
    /// Reason why the files were not taken.
    error: Option<String>,
    /// Reasons for which clients refuse the certificate in use.
    flaws: Vec<String>,
}

/// Returns the host that the certificate must be for. `None` if clients see another
/// certificate, that of a proxy, or none.
pub(crate) fn certificate_host(config: &Config) -> Option<ServerName<'static>> {
    let is_seen = config.public_url.is_https() && config.edge.trusted_proxies.is_empty();
    match config.public_url.host().filter(|_| is_seen)? {
        Host::Domain(name) => ServerName::try_from(name.to_owned()).ok(),
        Host::Ipv4(address) => Some(IpAddr::V4(address).into()),
        Host::Ipv6(address) => Some(IpAddr::V6(address).into()),
    }
}

/// Returns the warnings about a certificate, one sentence each.
pub(crate) fn certificate_warnings(
    certificate: &Certificate,
    now: UnixTime,
    host: Option<&ServerName<'_>>,
) -> Vec<String> {
    let path = certificate.files().chain.display();
    let flaws = certificate.flaws(now, host).into_iter();
    flaws
        .map(|flaw| format!("the certificate {path} {flaw}"))
        .collect()
}

impl CertificateState {
    /// True if the files could be taken.
    pub(super) fn is_taken(&self) -> bool {
        self.error.is_none()
    }
}

impl WatchedCertificate {
    /// Watches a certificate of the settings.
    pub(super) fn new(certificate: Certificate, host: Option<ServerName<'static>>) -> Self {
        Self {
            certificate: Arc::new(certificate),
            host,
        }
    }

    /// Reads the files again, and logs what is new.
    pub(super) fn reload(
        &self,
        metrics: &Metrics,
        clock: &Clock,
        before: &CertificateState,
    ) -> CertificateState {
        let now = clock.now();
        let host = self.host.as_ref();
        let mut state = CertificateState::default();
        match self.certificate.reload(now, host) {
            Ok(is_new) if is_new || before.error.is_some() => {
                let end = self.certificate.not_after();
                tracing::info!("the certificate was loaded again: it is valid until {end}");
            }
            Ok(_) => {}
            Err(error) => {
                metrics.certificate_not_reloaded();
                state.error = Some(error.to_string());
                if state.error != before.error {
                    tracing::error!("the certificate stays as it was: {error}");
                }
            }
        }
        state.flaws = certificate_warnings(&self.certificate, now, host);
        for flaw in &state.flaws {
            if !before.flaws.contains(flaw) {
                tracing::warn!("{flaw}");
            }
        }
        metrics.certificate_ends(self.certificate.not_after().0);
        state
    }
}
