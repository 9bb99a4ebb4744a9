//! Callbacks without a code: the provider or its user refused, or the answer belongs to no
//! login.

use std::sync::Arc;

use super::{Callback, Login, LoginError};
use crate::provider::{RedirectPath, Refusal, Service};

impl Login {
    /// Makes the error of a login that was refused, and counts it.
    pub(super) fn refused_at_provider(
        &self,
        service: Arc<Service>,
        callback: Callback,
    ) -> LoginError {
        let error = callback.error.unwrap_or_else(|| "no code".into());
        let description = callback.error_description;
        let words = description.as_deref().unwrap_or_default();
        let refusal = service.provider.refused_login(&error, words);
        tracing::info!(service = %service.id, "the provider refused the login ({refusal})");
        self.provider
            .count_refusal(&service.provider, Some(&refusal));
        LoginError::RefusedAtProvider {
            service,
            error,
            description,
            refusal: Box::new(refusal),
        }
    }

    /// Finds the reason in a callback whose login is not known here. Any site can send a
    /// browser here with any text, so nothing of it is taken but codes that the program knows.
    pub(super) fn known_reason(&self, callback: &Callback, unknown: LoginError) -> LoginError {
        if !matches!(unknown, LoginError::NotBegun) || callback.code.is_some() {
            return unknown;
        }
        let senders = self.possible_senders(callback);
        let words = callback.error_description.as_deref().unwrap_or_default();
        let gives_consent = || {
            let is_one = |service: &&&Service| service.provider.admin_consent.is_some();
            senders.iter().find(is_one)
        };
        let Some(error) = &callback.error else {
            return match callback.has("admin_consent") {
                true => LoginError::AdminConsent,
                false => unknown,
            };
        };
        // https://learn.microsoft.com/entra/identity-platform/v2-admin-consent#error-response has
        // this code, and no `admin_consent`.
        let is_of_consent = error == "permission_denied" && gives_consent().is_some();
        if callback.has("admin_consent") || is_of_consent {
            let refusal = gives_consent()
                .and_then(|service| service.provider.known_refusal(error, words))
                .map(Box::new);
            return LoginError::AdminConsentRefused { refusal };
        }
        let found: Vec<(&Service, Refusal)> = senders
            .iter()
            .filter_map(|service| {
                let refusal = service.provider.known_refusal(error, words)?;
                Some((*service, refusal))
            })
            .collect();
        let Some((_, any)) = found.first() else {
            return unknown;
        };
        let sender = sender(&found, senders.len());
        let refusal = sender.map_or(any, |(_, refusal)| refusal);
        LoginError::RefusedUnknown {
            provider: sender.map(|(service, _)| service.provider.name.clone()),
            refusal: Box::new(Refusal {
                advice: sender.and_then(|_| refusal.advice.clone()),
                ..refusal.clone()
            }),
        }
    }

    /// Returns a service of each provider that sends browsers to the path of this callback.
    fn possible_senders(&self, callback: &Callback) -> Vec<&Service> {
        let mut senders: Vec<&Service> = Vec::new();
        for service in self.catalog.iter() {
            let provider = &service.provider;
            let path = provider.redirect_path().map(RedirectPath::as_str);
            let is_new = !senders.iter().any(|one| one.provider.id == provider.id);
            if is_new && path == Some(&callback.path) {
                senders.push(service);
            }
        }
        senders
    }
}

/// Returns the provider that sent the callback: the only one of this redirect URI, or the only
/// one that has the code. Every provider may send a standard code.
fn sender<'a>(
    found: &'a [(&'a Service, Refusal)],
    senders: usize,
) -> Option<&'a (&'a Service, Refusal)> {
    let mut named = found
        .iter()
        .filter(|(_, refusal)| senders == 1 || refusal.names_its_sender());
    named.next().filter(|_| named.next().is_none())
}
