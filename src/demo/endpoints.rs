//! HTTP endpoints of the demo provider.

use std::collections::HashMap;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION},
};
use http_body_util::Full;
use serde_json::{Value, json};

use super::grants::{Application, CodeRequest, Grants, Issued};
use crate::listen::{Body, Handler, Peer};

type Parameters = HashMap<String, String>;

#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) grants: Grants,
}

/// The consent page, on which the user allows or refuses access.
#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentPage<'a> {
    application: &'a str,
    scope: &'a str,
    fields: Vec<(&'static str, &'a str)>,
}

impl Handler for Endpoints {
    async fn answer(&self, request: &Request<Body>, _peer: Peer) -> Response<Full<Bytes>> {
        let headers = request.headers();
        let query = parse(request.uri().query().unwrap_or_default().as_bytes());
        let form = match request.body() {
            Body::Whole(body) if is_form(headers) => parse(body),
            Body::Whole(_) => Some(Parameters::new()),
            Body::TooLong | Body::Broken | Body::Late => None,
        };
        let (Some(query), Some(form)) = (query, form) else {
            return refuse(StatusCode::BAD_REQUEST, "invalid_request");
        };
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/authorize") => self.ask(&query),
            (&Method::POST, "/authorize") => self.decide(&form),
            (&Method::POST, "/token") => self.token(headers, &form),
            (&Method::POST, "/revoke") => self.revoke(headers, &form),
            (&Method::GET, "/files") => self.files(headers),
            _ => refuse(StatusCode::NOT_FOUND, "not_found"),
        }
    }
}

impl Endpoints {
    /// Handles an authorization request (RFC 6749 section 4.1.1). With a wrong client or
    /// redirect URI the browser is not redirected.
    fn ask(&self, query: &Parameters) -> Response<Full<Bytes>> {
        let Some(application) = self.known_application(query) else {
            return refuse(StatusCode::BAD_REQUEST, "invalid_client_or_redirect_uri");
        };
        if get(query, "response_type") != "code" {
            return back(query, &[("error", "unsupported_response_type")]);
        }
        if get(query, "code_challenge").is_empty() || get(query, "code_challenge_method") != "S256"
        {
            return back(query, &[("error", "invalid_request")]);
        }
        let page = ConsentPage {
            application: &application.client_id,
            scope: get(query, "scope"),
            fields: ["client_id", "redirect_uri", "state", "code_challenge"]
                .map(|name| (name, get(query, name)))
                .into(),
        };
        let html = page.render().expect("templates only write to a string");
        reply(StatusCode::OK, "text/html; charset=utf-8", html)
    }

    /// Handles the user's decision (RFC 6749 section 4.1.2).
    fn decide(&self, form: &Parameters) -> Response<Full<Bytes>> {
        if self.known_application(form).is_none() {
            return refuse(StatusCode::BAD_REQUEST, "invalid_client_or_redirect_uri");
        }
        if get(form, "decision") != "allow" {
            let refusal = ("error", "access_denied");
            let words = ("error_description", "The person said no.");
            return back(form, &[refusal, words]);
        }
        let code = self.grants.issue_code(CodeRequest {
            client_id: get(form, "client_id").to_owned(),
            redirect_uri: get(form, "redirect_uri").to_owned(),
            challenge: get(form, "code_challenge").to_owned(),
        });
        back(form, &[("code", &code)])
    }

    /// Handles a request to the token endpoint (RFC 6749 section 3.2).
    fn token(&self, headers: &HeaderMap, form: &Parameters) -> Response<Full<Bytes>> {
        let Some(application) = self.authenticate(headers, form) else {
            self.grants.count_refusal();
            return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
        };
        let issued: Result<Issued, &'static str> = match get(form, "grant_type") {
            "authorization_code" => self.grants.exchange(
                application,
                get(form, "code"),
                get(form, "redirect_uri"),
                get(form, "code_verifier"),
            ),
            "refresh_token" => self.grants.refresh(application, get(form, "refresh_token")),
            "" => Err("invalid_request"),
            _ => Err("unsupported_grant_type"),
        };
        match issued {
            Ok(issued) => tokens(&issued),
            Err(refusal) => {
                self.grants.count_refusal();
                refuse(StatusCode::BAD_REQUEST, refusal)
            }
        }
    }

    /// Handles a request to the revocation endpoint (RFC 7009).
    fn revoke(&self, headers: &HeaderMap, form: &Parameters) -> Response<Full<Bytes>> {
        if self.authenticate(headers, form).is_none() {
            return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        self.grants.revoke(get(form, "token"));
        reply(StatusCode::OK, "text/plain", "")
    }

    /// Returns a protected resource, to show that an access token works.
    fn files(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let authorization = headers.get(AUTHORIZATION);
        let bearer = authorization
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .unwrap_or_default();
        if self.grants.accepts(bearer) {
            json_reply(StatusCode::OK, &json!({"files": ["backup-1", "backup-2"]}))
        } else {
            refuse(StatusCode::UNAUTHORIZED, "invalid_token")
        }
    }

    fn known_application(&self, form: &Parameters) -> Option<&Application> {
        self.grants
            .application(get(form, "client_id"))
            .filter(|application| application.redirect_uri == get(form, "redirect_uri"))
    }

    /// Authenticates the client by a secret in the body or by Basic authentication (RFC
    /// 6749 section 2.3.1), never both.
    fn authenticate(&self, headers: &HeaderMap, form: &Parameters) -> Option<&Application> {
        let in_body = form.contains_key("client_secret");
        let (id, secret) = match basic(headers) {
            Some(_) if in_body => return None,
            Some(credentials) => credentials,
            None => (
                get(form, "client_id").to_owned(),
                get(form, "client_secret").to_owned(),
            ),
        };
        self.grants
            .application(&id)
            .filter(|application| application.client_secret == secret)
    }
}

/// Parses parameters. Returns `None` if one is repeated (RFC 6749 section 3.1).
fn parse(encoded: &[u8]) -> Option<Parameters> {
    let mut form = Parameters::new();
    for (name, value) in form_urlencoded::parse(encoded).into_owned() {
        if form.insert(name, value).is_some() {
            return None;
        }
    }
    Some(form)
}

fn get<'f>(form: &'f Parameters, name: &str) -> &'f str {
    form.get(name).map_or("", String::as_str)
}

fn is_form(headers: &HeaderMap) -> bool {
    let expected = "application/x-www-form-urlencoded";
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(expected.as_bytes()))
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let decoded = STANDARD.decode(value.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        let (text, _) = form_urlencoded::parse(text.as_bytes()).next()?;
        Some(text.into_owned())
    };
    Some((decode(id)?, decode(secret)?))
}

fn tokens(issued: &Issued) -> Response<Full<Bytes>> {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
    });
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    json_reply(StatusCode::OK, &body)
}

/// Redirects to the redirect URI, which has been checked, with `state` unchanged.
fn back(form: &Parameters, parameters: &[(&str, &str)]) -> Response<Full<Bytes>> {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .append_pair("state", get(form, "state"))
        .finish();
    let location = format!("{}?{query}", get(form, "redirect_uri"));
    let mut reply = reply(StatusCode::SEE_OTHER, "text/plain", "");
    let location = HeaderValue::from_str(&location).expect("a known URI and an encoded query");
    reply.headers_mut().insert(LOCATION, location);
    reply
}

fn refuse(status: StatusCode, error: &str) -> Response<Full<Bytes>> {
    json_reply(status, &json!({ "error": error }))
}

fn json_reply(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    reply(status, "application/json", body.to_string())
}

fn reply(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
