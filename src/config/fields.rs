//! Reads one TOML table field by field, and collects every problem instead of stopping at
//! the first.

use std::collections::BTreeMap;

use http::Uri;
use serde::{Deserialize, de::DeserializeOwned};
use toml::{Table, Value};
use url::Url;

use crate::{provider::EndpointUrl, public_url::is_loopback};

/// The fields of a table that have not been read yet.
pub(super) struct Fields<'a> {
    table: Table,
    place: String,
    known: Vec<&'static str>,
    problems: &'a mut Vec<String>,
}

/// The values of the placeholders in an endpoint's URL, and whether the endpoint may be
/// plain http.
pub(super) struct Places<'a> {
    pub(super) tenant: Option<String>,
    pub(super) region: Option<&'a BTreeMap<String, String>>,
    pub(super) insecure_http: bool,
}

/// The keys of `admin_consent` in a provider's table.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with url, as in { url = \"https://...\" }"
)]
struct AdminConsent {
    /// URL of the consent page; may hold `{tenant}`.
    url: String,
    /// Other values for some tenants; an empty one has no such page.
    #[serde(default)]
    tenants: BTreeMap<String, String>,
}

const REGION: &str = "{region}";
const TENANT: &str = "{tenant}";

impl Places<'_> {
    fn with_tenant(&self, text: String) -> String {
        match &self.tenant {
            Some(tenant) => text.replace(TENANT, tenant),
            None => text,
        }
    }

    fn allow(&self, url: &Url) -> bool {
        let allowed = match url.scheme() {
            "https" => true,
            "http" => self.insecure_http || is_loopback(url),
            _ => false,
        };
        allowed && url.has_host()
    }

    /// True if the table has a tenant, so that a variable may give another.
    pub(super) fn has_tenant(&self) -> bool {
        self.tenant.is_some()
    }
}

impl<'a> Fields<'a> {
    /// Starts reading the table at `place`, such as `[provider.google]`.
    pub(super) fn new(value: &Value, place: String, problems: &'a mut Vec<String>) -> Self {
        let table = value.as_table().cloned().unwrap_or_else(|| {
            problems.push(format!("{place} must be a table"));
            Table::new()
        });
        Self {
            table,
            place,
            known: Vec::new(),
            problems,
        }
    }

    pub(super) fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        self.known.push(name);
        match self.table.remove(name)?.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                // The message only, without its position in the file: the table was
                // parsed earlier, so the error has no position.
                let error: toml::de::Error = error;
                self.complain(name, error.message());
                None
            }
        }
    }

    pub(super) fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        if !self.table.contains_key(name) {
            self.complain(name, "is missing");
        }
        self.optional(name)
    }

    /// Reads a link that a page shows: http or https.
    pub(super) fn link(&mut self, name: &'static str) -> Option<Url> {
        let text: String = self.optional(name)?;
        let url = Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "https" | "http"));
        if url.is_none() {
            self.complain(name, "is not a web address");
        }
        url
    }

    /// Reads an endpoint of a provider. It must be https, because client secrets and
    /// tokens are sent there; plain http only on loopback, or with `insecure_http`.
    pub(super) fn endpoint(
        &mut self,
        name: &'static str,
        places: &Places<'_>,
    ) -> Option<EndpointUrl> {
        let text: String = self.optional(name)?;
        let text = places.with_tenant(text);
        let endpoint = match places.region {
            Some(values) if text.contains(REGION) => values
                .iter()
                .map(|(key, value)| {
                    let url = Url::parse(&text.replace(REGION, value)).ok()?;
                    Some((key.clone(), url))
                })
                .collect::<Option<_>>()
                .map(EndpointUrl::ByRegion),
            _ => Url::parse(&text).ok().map(EndpointUrl::Fixed),
        };
        // False if a placeholder is left because the table has no tenant or region.
        let is_whole =
            !text.contains(TENANT) && (places.region.is_some() || !text.contains(REGION));
        if !is_whole {
            self.complain(
                name,
                "has a {tenant} or {region} that this table does not give",
            );
            return None;
        }
        if text.replace(REGION, "").contains(['{', '}']) {
            self.complain(name, "has braces; only {tenant} and {region} are replaced");
            return None;
        }
        let Some(endpoint) = endpoint else {
            self.complain(name, "is not a URL");
            return None;
        };
        // No request carries them (RFC 6749 section 3.1 forbids the fragment), and a user in
        // front of the host hides which host it is.
        let is_bare = |url: &Url| {
            url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
        };
        if !endpoint.all().all(is_bare) {
            self.complain(name, "must have no user, no password and no # in it");
            return None;
        }
        // The crate `url` accepts some addresses that the stricter `http`, which sends
        // the request, refuses.
        if endpoint
            .all()
            .any(|url| Uri::try_from(url.as_str()).is_err())
        {
            self.complain(name, "is an address that no request can be sent to");
            return None;
        }
        if endpoint.all().all(|url| places.allow(url)) {
            return Some(endpoint);
        }
        self.complain(
            name,
            "must be https; http is for loopback hosts, or with insecure_http = true",
        );
        None
    }

    /// Reads the page on which the administrator of a tenant consents for everybody there.
    /// `None` if the tenant has no such page.
    pub(super) fn admin_consent(&mut self, places: &Places<'_>) -> Option<Url> {
        let name = "admin_consent";
        let consent: AdminConsent = self.optional(name)?;
        let tenant = places.tenant.as_ref();
        let tenant = tenant.map(|tenant| consent.tenants.get(tenant).unwrap_or(tenant));
        if tenant.is_some_and(String::is_empty) {
            return None;
        }
        let places = Places {
            tenant: tenant.cloned(),
            ..*places
        };
        let url = Url::parse(&places.with_tenant(consent.url)).ok();
        let url = url.filter(|url| places.allow(url) && !url.as_str().contains("%7B"));
        if url.is_none() {
            self.complain(name, "must have the https address of a page as its url");
        }
        url
    }

    /// Reads an issuer identifier (RFC 8414 section 2). It is kept exactly as written,
    /// because it is compared character by character.
    pub(super) fn issuer(&mut self, name: &'static str, places: &Places<'_>) -> Option<String> {
        let text = places.with_tenant(self.optional(name)?);
        let is_issuer = Url::parse(&text).is_ok_and(|url| {
            places.allow(&url) && !text.contains(['?', '#', '{', '}']) && text == text.trim()
        });
        if !is_issuer {
            self.complain(
                name,
                "must be the issuer of the provider's metadata: an https address without ? and #",
            );
        }
        is_issuer.then_some(text)
    }

    pub(super) fn required_endpoint(
        &mut self,
        name: &'static str,
        places: &Places<'_>,
    ) -> Option<EndpointUrl> {
        if !self.table.contains_key(name) {
            self.complain(name, "is missing");
        }
        self.endpoint(name, places)
    }

    pub(super) fn complain(&mut self, name: &str, what: &str) {
        self.problems.push(format!("{}: {name} {what}", self.place));
    }

    /// Adds a problem for every field that no code has read.
    pub(super) fn finish(self) {
        for name in self.table.keys() {
            let hint = nearest(name, self.known.iter().copied())
                .map(|known| format!("; did you mean {known}?"))
                .unwrap_or_default();
            self.problems
                .push(format!("{}: {name} is not a known key{hint}", self.place));
        }
    }
}

/// Returns the candidate most similar to `name`, if it is similar enough to be a
/// misspelling.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    const ALIKE: f64 = 0.7;
    candidates
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::normalized_damerau_levenshtein(name, candidate);
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}
