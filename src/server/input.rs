//! Reading what a request carries.

use bytes::Bytes;
use http::{
    HeaderMap, Request,
    header::{CONTENT_TYPE, COOKIE},
};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use crate::{seal::NotAnAuthId, secret::Secret};

/// The longest AuthID with every character percent-encoded fits.
const MAX_FORM_BYTES: usize = 64 * 1024;

const AUTHID_HEADER: &str = "x-authid";
const AUTHID_FIELD: &str = "authid";

/// The first value of a query parameter.
pub(super) fn query<B>(request: &Request<B>, name: &str) -> Option<String> {
    field(request.uri().query().unwrap_or_default().as_bytes(), name)
}

/// The `Cookie` headers that are text.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
}

/// Whether the AuthID comes as a script sends it.
pub(super) fn has_authid_header<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(AUTHID_HEADER)
}

/// The AuthID from header, query or form, in that order.
pub(super) async fn authid(request: Request<Incoming>) -> Result<Secret, NotAnAuthId> {
    if let Some(value) = request.headers().get(AUTHID_HEADER) {
        let text = value.to_str().map_err(|_| NotAnAuthId::Form)?;
        return Ok(Secret::new(text.trim()));
    }
    if let Some(authid) = query(&request, AUTHID_FIELD) {
        return Ok(Secret::new(authid.trim()));
    }
    let (head, body) = request.into_parts();
    let form = Form::read(&head.headers, body)
        .await
        .ok_or(NotAnAuthId::TooLong)?;
    let authid = form.get(AUTHID_FIELD).ok_or(NotAnAuthId::Missing)?;
    Ok(Secret::new(authid.trim()))
}

/// The fields of a posted form, still encoded.
#[derive(Default)]
pub(super) struct Form(Bytes);

impl Form {
    /// Reads a form; a body of another kind is an empty one. `None` if it is too
    /// long, or broken off.
    pub(super) async fn read(headers: &HeaderMap, body: Incoming) -> Option<Self> {
        if !is_form(headers) {
            return Some(Self::default());
        }
        let body = Limited::new(body, MAX_FORM_BYTES).collect().await.ok()?;
        Some(Self(body.to_bytes()))
    }

    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        field(&self.0, name)
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let kind = value.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

fn field(encoded: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(encoded)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
