//! The findings of `authseal check`, in the form that `--json` prints. Names and types of
//! the fields are a promise of docs/operations.md.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{cli::online::Online, clock::UnixTime, config::Offer, provider::Withheld};

/// Everything that `check` found out.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// RFC 3339, in UTC.
    checked_at: String,
    version: &'static str,
    /// One sentence each; any prevents a start, or a part of the service.
    pub(super) errors: Vec<String>,
    /// One sentence each.
    pub(super) warnings: Vec<String>,
    /// Settings of Duplicati's own server, as they were understood.
    pub(super) notes: Vec<String>,
    /// `None` if the settings are wrong.
    pub(super) settings: Option<SettingsFacts>,
    pub(super) offered: Vec<ServiceFacts>,
    pub(super) not_offered: Vec<NotOffered>,
    /// Links for administrators of organisations, by the id of the service.
    pub(super) admin_consent: BTreeMap<String, String>,
    /// `None` without `--online`, or if there were errors before.
    pub(super) online: Option<Online>,
}

/// The result in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ready,
    Warnings,
    Errors,
}

/// The settings in use.
#[derive(Debug, Serialize)]
pub(super) struct SettingsFacts {
    pub(super) public_url: String,
    pub(super) redirect_uris: RedirectUris,
    pub(super) listen: String,
    pub(super) max_connections: usize,
    pub(super) tls: bool,
    /// Path of the certificate of TLS_CERT, and the end of its validity.
    pub(super) certificate: Option<String>,
    /// The way on which an AuthID can travel unencrypted.
    pub(super) in_the_clear: Option<&'static str>,
    pub(super) admin_listen: String,
    pub(super) logging_in: String,
    pub(super) keys: String,
    pub(super) keys_folder: Vec<String>,
    pub(super) store: String,
    /// Place of the audit log.
    pub(super) audit_log: Option<String>,
    /// The proxy for requests to providers, without its password.
    pub(super) proxy: Option<String>,
}

/// The redirect URIs to register.
#[derive(Debug, Serialize)]
pub(super) struct RedirectUris {
    /// For all providers without one of their own.
    pub(super) shared: String,
    /// By redirect URI, the name of the only provider that it is for.
    pub(super) own: BTreeMap<String, String>,
}

/// A service that is offered.
#[derive(Debug, Serialize)]
pub(super) struct ServiceFacts {
    pub(super) id: String,
    pub(super) name: String,
    /// Prefix of the variables of its credentials.
    pub(super) credentials: String,
    /// False if it is reached by a link only.
    pub(super) button: bool,
    /// Limits of its scope that surprise people.
    pub(super) note: Option<String>,
}

/// A service that is known and not offered.
#[derive(Debug, Serialize)]
pub(super) struct NotOffered {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) reason: String,
    /// Page on which its client id is made.
    pub(super) console_url: Option<String>,
}

impl Report {
    /// Starts a report that has found nothing yet.
    pub(super) fn new(now: UnixTime, offer: &Offer) -> Self {
        let offered = offer.catalog.iter().map(|service| ServiceFacts {
            id: service.id.clone(),
            name: service.name.clone(),
            credentials: service.credentials.name.clone(),
            button: !service.hidden,
            note: service.note.clone(),
        });
        Self {
            checked_at: now.to_string(),
            version: env!("CARGO_PKG_VERSION"),
            errors: Vec::new(),
            warnings: Vec::new(),
            notes: Vec::new(),
            settings: None,
            offered: offered.collect(),
            not_offered: offer.withheld.iter().map(NotOffered::from).collect(),
            admin_consent: BTreeMap::new(),
            online: None,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match (self.errors.is_empty(), self.warnings.is_empty()) {
            (false, _) => Verdict::Errors,
            (true, false) => Verdict::Warnings,
            (true, true) => Verdict::Ready,
        }
    }

    /// Returns the report as JSON, with its verdict.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Whole<'r> {
            verdict: Verdict,
            #[serde(flatten)]
            report: &'r Report,
        }
        let verdict = self.verdict();
        serde_json::to_string_pretty(&Whole {
            verdict,
            report: self,
        })
    }
}

impl From<&Withheld> for NotOffered {
    fn from(service: &Withheld) -> Self {
        let console_url = service.provider.console_url.as_ref();
        Self {
            id: service.id.clone(),
            name: service.name.clone(),
            reason: service.reason.clone(),
            console_url: console_url.map(ToString::to_string),
        }
    }
}
