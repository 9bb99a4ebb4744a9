//! Callbacks without a code: the provider or its user refused, or the answer belongs to no
//! login.

use std::sync::Arc;

use super::{Callback, Login, LoginError};
use crate::provider::{Refusal, Service};

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
        let Some(error) = &callback.error else {
            return match callback.has("admin_consent") {
                true => LoginError::AdminConsent,
                false => unknown,
            };
        };
        if callback.has("admin_consent") {
            return LoginError::AdminConsentRefused;
        }
        let words = callback.error_description.as_deref().unwrap_or_default();
        let mut found: Vec<(&Service, Refusal)> = Vec::new();
        for service in self.catalog.iter() {
            let provider = &service.provider;
            let is_new = !found.iter().any(|(one, _)| one.provider.id == provider.id);
            if is_new
                && provider.redirect_path().map(|path| path.as_str()) == Some(&callback.path)
                && let Some(refusal) = provider.known_refusal(error, words)
            {
                found.push((service, refusal));
            }
        }
        // Several providers may share the redirect URI: the one with advice on its own code has
        // sent the answer, or else the only one that has advice.
        let by = |is_one: &dyn Fn(&Refusal) -> bool| {
            let mut ones = found.iter().filter(|(_, refusal)| is_one(refusal));
            ones.next().filter(|_| ones.next().is_none())
        };
        let sender = by(&|refusal| Some(&refusal.known) == refusal.precise.as_ref())
            .or_else(|| by(&|refusal| refusal.advice.is_some()))
            .or_else(|| by(&|_| true));
        let Some((_, any)) = found.first() else {
            return unknown;
        };
        let refusal = sender.map_or(any, |(_, refusal)| refusal);
        LoginError::RefusedUnknown {
            provider: sender.map(|(service, _)| service.provider.name.clone()),
            refusal: Box::new(Refusal {
                code: refusal.known.clone(),
                precise: None,
                advice: sender.and_then(|_| refusal.advice.clone()),
                ..refusal.clone()
            }),
        }
    }
}
