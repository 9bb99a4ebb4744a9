//! Credentials that stand in each other's place, as far as the tables tell their forms.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::{odd_values, offer::Offer, provider_table::ProviderTable, tables::Tables};
use crate::{provider::Credentials, secret::Secret};

/// The form of a provider's client ids or secrets.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with start, end or guid = true"
)]
pub(super) struct Form {
    start: Option<String>,
    end: Option<String>,
    #[serde(default)]
    guid: bool,
}

impl Form {
    fn fits(&self, text: &str) -> bool {
        let start = self.start.as_deref().unwrap_or_default();
        let end = self.end.as_deref().unwrap_or_default();
        // More than an end alone, and no address, list or line around it.
        let shortest = start.len().max(end.len());
        let is_whole = text.len() > shortest && !text.contains([',', '=', ' ']);
        let is_bare = is_whole && !text.contains("://");
        is_bare && text.starts_with(start) && text.ends_with(end) && (!self.guid || is_guid(text))
    }

    fn describe(&self) -> String {
        let start = self.start.as_ref();
        let start = start.map(|start| format!("begins with {start}"));
        let end = self.end.as_ref().map(|end| format!("ends in {end}"));
        let guid = self.guid.then(|| format!("is written like {GUID}"));
        let all: Vec<String> = [start, end, guid].into_iter().flatten().collect();
        all.join(" and ")
    }
}

const GUID: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// True for an identifier such as Microsoft's, in capital or small letters (RFC 9562).
pub(super) fn is_guid(text: &str) -> bool {
    let fits = |(char, like): (char, char)| match like {
        '-' => char == '-',
        _ => char.is_ascii_hexdigit(),
    };
    text.len() == GUID.len() && text.chars().zip(GUID.chars()).all(fits)
}

/// Adds a problem for each secret that stands in the place of a client id, because a login
/// would put it into the address of a browser. Adds a warning for each value that probably is
/// not what it should be.
pub(super) fn check(
    tables: &Tables,
    offer: &Offer,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) {
    let mut seen = BTreeSet::new();
    for service in offer.catalog.iter() {
        let Some(table) = tables.providers.get(&service.provider.id) else {
            continue;
        };
        if seen.insert((&service.provider.id, &service.credentials.name)) {
            check_pair(table, &service.credentials, problems, warnings);
        }
    }
    for table in tables.providers.values() {
        let mut offered = offer.catalog.iter();
        let client = offered.find(|service| service.provider.id == table.provider.id);
        let client = client.map(|service| &service.credentials);
        warnings.extend(table.odd_tenant.clone());
        warnings.extend(client.and_then(|client| tenant_is_client(table, client)));
    }
}

/// Warns of a client id in the place of the tenant. Microsoft's console shows both side by
/// side, and both are GUIDs.
fn tenant_is_client(table: &ProviderTable, credentials: &Credentials) -> Option<String> {
    let (place, tenant) = table.tenant.as_ref()?;
    tenant.eq_ignore_ascii_case(&credentials.client_id).then(|| {
        format!(
            "{place} is the same as {}_CLIENT_ID: set it to the directory's id, which is another",
            credentials.name
        )
    })
}

fn check_pair(
    table: &ProviderTable,
    credentials: &Credentials,
    problems: &mut Vec<String>,
    warnings: &mut Vec<String>,
) {
    let (name, provider) = (&credentials.name, &table.provider.name);
    let (id_form, secret_form) = (&table.client_id_form, &table.client_secret_form);
    let fits = |form: &Option<Form>, text: &str| form.as_ref().is_some_and(|form| form.fits(text));
    let id = credentials.client_id.as_str();
    let secret = credentials.client_secret.as_ref().map(Secret::expose);
    let secret_is_id = secret.is_some_and(|secret| fits(id_form, secret));
    let odd_id = id_form.as_ref().filter(|form| !form.fits(id));
    if fits(secret_form, id) || (secret_is_id && odd_id.is_some()) {
        problems.push(format!(
            "{name}_CLIENT_ID seems to hold a client secret of {provider}, and each login would show \
             it in the address of a browser; set it to the client id, and {name}_CLIENT_SECRET to the \
             secret"
        ));
        return;
    }
    if id.contains('"') {
        problems.push(format!(
            "{name}_CLIENT_ID holds JSON, and each login would show all of it in the address of a \
             browser; give the client id alone"
        ));
        return;
    }
    let encoded = [id_form, secret_form].into_iter().flatten();
    let is_encoded = |text: &str| {
        let plain = STANDARD.decode(text).ok();
        let plain = plain.and_then(|plain| String::from_utf8(plain).ok());
        plain.is_some_and(|plain| encoded.clone().any(|form| form.fits(plain.trim())))
    };
    let reason = |text: &str| {
        let encoded = is_encoded(text).then_some("is written in base64; give the plain value");
        encoded.or_else(|| odd_values::of_credential(text))
    };
    let odd_secret = secret.and_then(reason);
    warnings.extend(odd_secret.map(|reason| format!("{name}_CLIENT_SECRET {reason}")));
    if let Some(reason) = reason(id) {
        warnings.push(format!("{name}_CLIENT_ID {reason}"));
        return;
    }
    if secret == Some(id) && !secret_is_id && odd_id.is_none() {
        warnings.push(format!(
            "{name}_CLIENT_SECRET is the same as {name}_CLIENT_ID: set it to the secret"
        ));
    }
    if secret_is_id {
        warnings.push(format!(
            "{name}_CLIENT_SECRET has the form of an id of {provider}, not of a secret: set it to the \
             secret's value, which is another than its id and the client id"
        ));
    }
    if let Some(form) = odd_id {
        warnings.push(format!(
            "{name}_CLIENT_ID does not look like a client id of {provider}, which {}",
            form.describe()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_told_by_its_ends_or_as_a_guid() {
        let form = |text: &str| toml::from_str::<Form>(text).unwrap();
        assert!(form("start = 'GOCSPX-'").fits("GOCSPX-x"));
        assert!(!form("start = 'GOCSPX-'").fits("x"));
        assert!(form("end = '.example'\nstart = 'a'").fits("a.example"));
        assert!(!form("end = '.example'\nstart = 'a'").fits("b.example"));
        for text in [
            ".example",
            "http://a.example",
            "a.example,b.example",
            "ID=a.example",
            "a b.example",
        ] {
            assert!(!form("end = '.example'").fits(text), "{text}");
        }
        assert!(form("guid = true").fits("ABCDEF01-89ab-cdef-0123-456789abcdef"));
        for text in [
            "",
            "id",
            "01234567-89ab-cdef-0123-456789abcde",
            "g1234567-89ab-cdef-0123-456789abcdef",
            "01234567089ab-cdef-0123-456789abcdef",
        ] {
            assert!(!form("guid = true").fits(text), "{text}");
        }
    }
}
