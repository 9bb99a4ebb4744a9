//! Parsing of query parameters, cookies, headers and forms.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, Request, Uri,
    header::{CONTENT_TYPE, COOKIE},
};

use crate::{
    listen::Body,
    seal::{Flaw, NotAnAuthId},
    secret::Secret,
};

/// Query parameter with the nonce of the visit that a link continues.
pub(super) const VISIT: &str = "visit";

const AUTHID_HEADER: HeaderName = HeaderName::from_static("x-authid");
const AUTHID_FIELD: &str = "authid";

/// Returns the first value of a query parameter.
pub(super) fn query(uri: &Uri, name: &str) -> Option<String> {
    field(uri.query().unwrap_or_default().as_bytes(), name)
}

/// Returns the `Cookie` headers that are text.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
}

/// Returns the nonce of the visit that a link continues; empty if there is none.
pub(super) fn visit(uri: &Uri) -> String {
    nonce(query(uri, VISIT))
}

/// Returns the text if it is a nonce, or else empty text. A nonce becomes part of a
/// cookie's name, so only base64url is allowed.
pub(super) fn nonce(text: Option<String>) -> String {
    let is_nonce = |text: &String| {
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        text.len() == 43 && text.bytes().all(is_base64url)
    };
    text.filter(is_nonce).unwrap_or_default()
}

/// True if the query has an AuthID.
pub(super) fn has_authid_in_query(uri: &Uri) -> bool {
    // Most requests have no query, and need no parsing.
    uri.query().is_some() && query(uri, AUTHID_FIELD).is_some()
}

/// True if the AuthID is in the header, as a script sends it.
pub(super) fn has_authid_header(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHID_HEADER)
}

/// Text of the AuthID in a request, as sent or decoded. It has no `Debug`, because it is as
/// secret as a [`Secret`].
pub(super) enum AuthIdText<'r> {
    InHeader(&'r str),
    Decoded(Secret),
}

impl AuthIdText<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::InHeader(text) => text.trim(),
            Self::Decoded(text) => text.expose().trim(),
        }
    }
}

/// Returns the AuthID from header, query or form, in that order.
pub(super) fn authid(request: &Request<Body>) -> Result<AuthIdText<'_>, NotAnAuthId> {
    if let Some(value) = request.headers().get(AUTHID_HEADER) {
        // Not every byte that was pasted is ASCII: a byte order mark falls away later.
        let bytes = value.as_bytes();
        return Ok(match str::from_utf8(bytes) {
            Ok(text) => AuthIdText::InHeader(text),
            Err(_) => AuthIdText::Decoded(Secret::new(String::from_utf8_lossy(bytes))),
        });
    }
    let decoded = match query(request.uri(), AUTHID_FIELD) {
        Some(authid) => authid,
        None => {
            let form = PostedForm::read(request.headers(), request.body())?;
            form.get(AUTHID_FIELD).ok_or(NotAnAuthId::Missing)?
        }
    };
    Ok(AuthIdText::Decoded(Secret::new(decoded)))
}

/// Name of a parameter that is in a request more than once.
pub(super) struct Repeated(pub(super) &'static str);

/// The fields of a posted form, still encoded.
#[derive(Default)]
pub(super) struct PostedForm(Bytes);

impl PostedForm {
    /// Reads a form. A body with another content type counts as an empty form.
    pub(super) fn read(headers: &HeaderMap, body: &Body) -> Result<Self, NotAnAuthId> {
        if !is_form(headers) {
            return Ok(Self::default());
        }
        match body {
            Body::Whole(form) => Ok(Self(form.clone())),
            Body::TooLong => Err(NotAnAuthId::TooLong),
            Body::Broken | Body::Late => Err(NotAnAuthId::Form(Flaw::CutAtEnd)),
        }
    }

    /// Returns the first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        field(&self.0, name)
    }

    /// Returns an OAuth parameter. One without a value counts as absent, and one that is
    /// repeated is an error (RFC 6749 section 3.2).
    pub(super) fn parameter(&self, name: &'static str) -> Result<Option<Secret>, Repeated> {
        let mut values = form_urlencoded::parse(&self.0)
            .filter(|(key, _)| key == name)
            .map(|(_, value)| Secret::new(value.trim()));
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Repeated(name)),
            (value, None) => Ok(value.filter(|value| !value.expose().is_empty())),
        }
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE);
    let value = value
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn field(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
