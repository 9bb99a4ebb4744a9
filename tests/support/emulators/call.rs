//! What an emulator is asked, and what it answers.

use std::collections::BTreeMap;

use authseal::listen::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, LOCATION},
};
use http_body_util::Full;
use serde_json::{Value, json};

type Parameters = BTreeMap<String, String>;

/// One request.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Parameters,
    pub form: Parameters,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// `None` where a parameter comes twice (RFC 6749 section 3.1).
    pub fn read(request: &Request<Body>) -> Option<Self> {
        let Body::Whole(body) = request.body() else {
            return None;
        };
        let kind = request.headers().get(CONTENT_TYPE);
        let is_form = kind.is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        Some(Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: parse(request.uri().query().unwrap_or_default().as_bytes())?,
            form: parse(if is_form { body } else { b"" })?,
            headers: request.headers().clone(),
            body: body.clone(),
        })
    }

    /// A parameter of the query, or "".
    pub fn query(&self, name: &str) -> &str {
        self.query.get(name).map_or("", String::as_str)
    }

    /// A field of the form, or "".
    pub fn form(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// Whether the authorization request asks for this scope, among others.
    pub fn asks_scope(&self, scope: &str) -> bool {
        self.query("scope").split(' ').any(|asked| asked == scope)
    }

    pub fn bearer(&self) -> Option<&str> {
        self.authorization()?.strip_prefix("Bearer ")
    }

    /// Client id and secret as RFC 6749 section 2.3.1 puts them into Basic.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.authorization()?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decode = |text: &str| {
            let (text, _) = form_urlencoded::parse(text.as_bytes()).next()?;
            Some(text.into_owned())
        };
        Some((decode(id)?, decode(secret)?))
    }

    fn authorization(&self) -> Option<&str> {
        self.headers.get(AUTHORIZATION)?.to_str().ok()
    }
}

fn parse(encoded: &[u8]) -> Option<Parameters> {
    let mut parameters = Parameters::new();
    for (name, value) in form_urlencoded::parse(encoded).into_owned() {
        if parameters.insert(name, value).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// The error code of a refusal, for a family that says it its own way.
    pub error: &'static str,
    location: Option<String>,
    body: String,
}

impl Reply {
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            error: "",
            location: None,
            body: body.into(),
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string())
    }

    /// RFC 6749 section 5.2.
    pub fn refuse(status: u16, error: &'static str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self {
            error,
            ..Self::json(status, &body)
        }
    }

    pub fn not_found() -> Self {
        Self::refuse(404, "not_found", "nothing is here")
    }

    /// To the redirect URI of an authorization request that was checked, with its
    /// `state`.
    pub fn back(call: &Call, parameters: &[(&str, &str)]) -> Self {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("state", call.query("state"))
            .finish();
        let location = format!("{}?{query}", call.query("redirect_uri"));
        Self {
            location: Some(location),
            ..Self::text(302, "")
        }
    }
}

impl From<Reply> for Response<Full<Bytes>> {
    fn from(reply: Reply) -> Self {
        let mut response = Response::builder()
            .status(reply.status)
            .header(CONTENT_TYPE, "application/json");
        if let Some(location) = reply.location {
            response = response.header(LOCATION, location);
        }
        response.body(Full::from(reply.body)).unwrap()
    }
}
