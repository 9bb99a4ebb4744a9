//! Events of requests, for the audit log. Its lines name the client as the access log does.

use std::sync::Arc;

use super::exchange::Exchange;
use crate::{
    audit::{AuditEvent, Occasion},
    limit::ClientNetwork,
    login::{Credential, Finished, LoginError},
    refresh::{PresentedAuthId, RefreshError, RevokeError},
    seal::{self, Terms},
};

/// Adds the names that are sealed into an AuthID.
fn with_names(event: AuditEvent, terms: Option<&Arc<Terms>>) -> AuditEvent {
    let terms = terms.map(Arc::as_ref);
    event
        .with_some("user", terms.and_then(Terms::user))
        .with_some("label", terms.and_then(Terms::label))
}

impl Exchange<'_> {
    /// Records a login that gave a credential.
    pub(super) fn audit_login(&self, finished: &Finished) {
        self.server.audit.record(|| {
            let event = self.event("login").with("service", &*finished.service.id);
            let Credential::AuthId(authid) = &finished.credential else {
                return event.with("credential", "access_token");
            };
            let login = &self.server.login;
            let (keys, now) = (login.keyring.current(), login.clock.now());
            match seal::open(&keys, now, authid.expose()) {
                Ok(opened) => {
                    let lineage = opened.grant.lineage.short_hash();
                    with_names(event.with("lineage", lineage), opened.grant.terms.as_ref())
                        .with("kid", opened.kid.as_str())
                }
                // A key was removed in the last moment.
                Err(_) => event,
            }
        });
    }

    /// Records a login that was refused, by anybody.
    pub(super) fn audit_login_refused(&self, error: &LoginError) {
        let service = error.service().map(|service| service.id.as_str());
        self.audit_stranger("login_refused", error.reason(), service);
    }

    /// Records a client that a gate turned away, or that gave a wrong password.
    pub(super) fn audit_turned_away(&self, reason: &'static str) {
        self.audit_stranger("login_refused", reason, None);
    }

    /// Records an AuthID that did not open. Nothing of its text is believed.
    pub(super) fn audit_unopened(&self, error: &RefreshError) {
        if error.is_refusal() {
            self.audit_stranger("refused", error.outcome(), None);
        }
    }

    /// Records an AuthID that opened and gave nothing.
    pub(super) fn audit_refused(&self, opened: &PresentedAuthId, error: &RefreshError) {
        if error.is_refusal() {
            self.audit_authid("refused", Some(error.outcome()), opened);
        }
    }

    /// Records an AuthID that was renewed.
    pub(super) fn audit_renewed(&self, opened: &PresentedAuthId) {
        self.audit_authid("renewed", None, opened);
    }

    /// Records the revocation of a login at its provider.
    pub(super) fn audit_revocation(
        &self,
        opened: &PresentedAuthId,
        revoked: &Result<(), RevokeError>,
    ) {
        match revoked {
            Ok(()) => self.audit_authid("revoked", None, opened),
            Err(RevokeError::Refresh(error)) => self.audit_refused(opened, error),
            Err(RevokeError::OnlyAtProvider { .. }) => {
                self.audit_authid("refused", Some("only_at_provider"), opened);
            }
        }
    }

    /// Records an event about an AuthID that opened.
    fn audit_authid(
        &self,
        event: &'static str,
        reason: Option<&'static str>,
        opened: &PresentedAuthId,
    ) {
        let name = opened.lineage().log_name();
        let occasion = Occasion {
            lineage: Some(name),
            ..self.occasion(event, reason)
        };
        self.server.audit.record_first(occasion, || {
            let event = self
                .event(event)
                .with("service", opened.service().id.as_str())
                .with("lineage", opened.lineage().short_hash());
            with_names(event, opened.terms()).with_some("reason", reason)
        });
    }

    fn audit_stranger(&self, event: &'static str, reason: &'static str, service: Option<&str>) {
        let occasion = self.occasion(event, Some(reason));
        self.server.audit.record_first(occasion, || {
            self.event(event)
                .with_some("service", service)
                .with("reason", reason)
        });
    }

    fn occasion(&self, event: &'static str, reason: Option<&'static str>) -> Occasion {
        Occasion {
            event,
            route: self.route,
            reason: reason.unwrap_or_default(),
            lineage: None,
            network: ClientNetwork::of(self.client.rate_limit_key()),
        }
    }

    fn event(&self, name: &'static str) -> AuditEvent {
        AuditEvent::now(name)
            .with("route", self.route)
            .with("client", self.client.to_string())
            .with_some("request_id", self.log.id().to_str().ok())
    }
}
