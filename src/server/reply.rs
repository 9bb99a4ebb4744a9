//! Responses of each kind, with the headers that they must have.

use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA,
        REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use http_body_util::Full;
use serde::Serialize;

use super::Reply;
use crate::telemetry::Exposition;

/// Content-Security-Policy of pages: no content from other sites, nothing inline, no
/// frames, and no form to another site.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);
/// The same without a word on forms.
const POLICY_BEFORE_REDIRECT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
     frame-ancestors 'none'",
);
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Initial buffer size; most JSON responses fit in it.
pub(super) const USUAL_BYTES: usize = 512;
pub(super) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Makes an HTML page. Any page may contain an AuthID, so none is cached, and none sends
/// a `Referer` to another site.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Reply {
    let html = page.render().expect("templates only write to a string");
    let mut reply = with_body(status, "text/html; charset=utf-8", html);
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    reply
}

/// Makes a page whose form is answered by a redirect to another site: some browsers check those
/// too against the sites to which a form may be sent. Use it only where there is nothing to
/// protect in the form.
pub(super) fn page_before_redirect(status: StatusCode, template: &impl Template) -> Reply {
    let mut reply = page(status, template);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY_BEFORE_REDIRECT);
    reply
}

/// Makes a JSON response. It is not cached, because it may contain a token.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let mut json = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut json, body).expect("strings and numbers always serialise");
    let mut reply = with_body(status, "application/json", json);
    reply.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    reply
}

/// Makes an error response of one line of text, which is not cached.
pub(super) fn plain(status: StatusCode, line: String) -> Reply {
    let mut reply = with_body(status, "text/plain", line);
    reply.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    reply
}

/// Makes an OAuth response (RFC 6749 section 5.1).
pub(super) fn oauth(status: StatusCode, body: &impl Serialize) -> Reply {
    let mut reply = json(status, body);
    let no_cache = HeaderValue::from_static("no-cache");
    reply.headers_mut().insert(PRAGMA, no_cache);
    reply
}

/// Makes a response without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    reply
}

/// Makes JSONP: a script that calls `callback`, which must have been checked.
pub(super) fn jsonp(callback: &str, body: &impl Serialize) -> Reply {
    let json = serde_json::to_string(body).expect("strings and numbers always serialise");
    // The comment at the start keeps the response from being read as another format
    // ("Rosetta Flash"). JSON's line separators are line ends in old scripts.
    let json = json
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let script = format!("/**/{callback}({json});");
    let mut reply = with_body(StatusCode::OK, "text/javascript; charset=utf-8", script);
    reply.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    reply
}

/// Makes the response for a static part of the pages, which stays the same until the next
/// release.
pub(super) fn asset(content_type: &'static str, body: &'static str) -> Reply {
    let mut reply = with_body(StatusCode::OK, content_type, body);
    let an_hour = HeaderValue::from_static("public, max-age=3600");
    reply.headers_mut().insert(CACHE_CONTROL, an_hour);
    reply
}

/// Makes a redirect (302) to an address made by this server.
pub(super) fn redirect(location: &str) -> Reply {
    to(StatusCode::FOUND, location)
}

/// Makes a redirect (303) to an address made by this server. The browser goes there
/// without the data that it posted (RFC 9700 section 4.12).
pub(super) fn see_other(location: &str) -> Reply {
    to(StatusCode::SEE_OTHER, location)
}

fn to(status: StatusCode, location: &str) -> Reply {
    let mut reply = empty(status);
    let location = HeaderValue::from_str(location).expect("a URL is ASCII without controls");
    reply.headers_mut().insert(LOCATION, location);
    reply
}

/// Makes a 405 with the allowed methods.
pub(super) fn method_not_allowed(allowed: &'static str) -> Reply {
    let text = "This address takes another method.\n";
    let mut reply = with_body(StatusCode::METHOD_NOT_ALLOWED, "text/plain", text);
    let allowed = HeaderValue::from_static(allowed);
    reply.headers_mut().insert(ALLOW, allowed);
    reply
}

/// Makes a plain text response, for health checks.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    with_body(status, "text/plain", body)
}

/// Makes a response with metrics in the format of `exposition`.
pub(super) fn metrics(exposition: Exposition, text: String) -> Reply {
    with_body(StatusCode::OK, exposition.content_type(), text)
}

/// Adds a `Set-Cookie` header for each cookie.
pub(super) fn set_cookies<'c>(
    mut reply: Reply,
    cookies: impl IntoIterator<Item = &'c String>,
) -> Reply {
    for cookie in cookies {
        let cookie = HeaderValue::from_str(cookie).expect("a cookie's value is base64url");
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

/// Adds `X-Reason`, the line that Duplicati shows its user.
pub(super) fn set_reason(mut reply: Reply, reason: &str) -> Reply {
    let reason = HeaderValue::from_str(reason).expect("a reason is printable ASCII");
    reply
        .headers_mut()
        .insert(HeaderName::from_static("x-reason"), reason);
    reply
}

/// Adds `Retry-After` (RFC 9110 section 10.2.3), if the time of the next try is known.
pub(super) fn set_retry_after(mut reply: Reply, retry_after: Option<Duration>) -> Reply {
    if let Some(retry_after) = retry_after {
        let seconds = HeaderValue::from(retry_after.as_secs().max(1));
        reply.headers_mut().insert(RETRY_AFTER, seconds);
    }
    reply
}

fn with_body(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    reply
}
