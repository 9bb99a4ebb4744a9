//! The promises of docs/endpoints.md about every answer.

use proptest::test_runner::TestCaseResult;
use url::Url;

use crate::{http1::Answer, property::ensure};

/// How each is asked, mostly. Those behind which there is most stand here twice.
pub const PATHS: [(&str, &str); 35] = [
    ("GET", "/"),
    ("GET", "/"),
    ("GET", "/login"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/logged-in"),
    ("GET", "/logged-in"),
    ("GET", "/logged-in/own"),
    ("POST", "/hand-over"),
    ("POST", "/elsewhere"),
    ("GET", "/collect"),
    ("POST", "/collect"),
    ("GET", "/fetch"),
    ("GET", "/token-state"),
    ("GET", "/cli-token"),
    ("POST", "/cli-token-login"),
    ("POST", "/cli-token-login"),
    ("GET", "/refresh"),
    ("POST", "/refresh"),
    ("POST", "/refresh"),
    ("GET", "/Refresh/"),
    ("POST", "/renewed"),
    ("POST", "/revoked"),
    ("POST", "/inspected"),
    ("POST", "/password"),
    ("POST", "/password"),
    ("POST", "/token"),
    ("POST", "/token"),
    ("POST", "/oauth2/revoke"),
    ("GET", "/.well-known/oauth-authorization-server"),
    ("GET", "/renew"),
    ("GET", "/revoke"),
    ("GET", "/inspect"),
    ("GET", "/privacy-policy"),
    ("GET", "/no/such/page"),
];

/// Every header that an answer may have: an injected one would be another.
const HEADERS: [&str; 18] = [
    "allow",
    "cache-control",
    "connection",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "location",
    "pragma",
    "referrer-policy",
    "retry-after",
    "set-cookie",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-reason",
    "x-request-id",
];

/// Paths of pages and of programs that come without an AuthID.
const TAKE_NO_AUTHID: [&str; 12] = [
    "/login",
    "/cli-token",
    "/renew",
    "/revoke",
    "/inspect",
    "/logged-in",
    "/logged-in/own",
    "/collect",
    "/fetch",
    "/token-state",
    "/privacy-policy",
    "/.well-known/oauth-authorization-server",
];

/// Place of a request in which a client presents an AuthID.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Presents {
    /// The header, whatever the query is.
    InHeader,
    InQuery,
    /// A form at most.
    Nothing,
}

/// The statuses that this path has. The provider is there, and refuses what it does
/// not know.
pub fn documented(path: &str, method: &str, is_gated: bool, presents: Presents) -> &'static [u16] {
    let reads = matches!(method, "GET" | "HEAD");
    let in_header = presents == Presents::InHeader;
    match (path, method) {
        ("/", "GET" | "POST") if presents != Presents::Nothing => {
            documented("/refresh", method, is_gated, presents)
        }
        ("/", _) if presents != Presents::Nothing => &[405],
        ("/no/such/page", _) if in_header => &[503],
        (_, "GET") if in_header && TAKE_NO_AUTHID.contains(&path) => &[503],
        ("/privacy-policy" | "/.well-known/oauth-authorization-server", "HEAD") if in_header => {
            &[503]
        }
        ("/no/such/page", _) => &[404],
        ("/privacy-policy", _) if reads => &[200],
        ("/.well-known/oauth-authorization-server", _) if reads => &[200],
        ("/", _) if reads && is_gated => &[200, 403, 404],
        ("/", _) if reads => &[200, 404],
        ("/login" | "/cli-token", "GET") if is_gated => &[200, 302, 403, 404],
        ("/login" | "/cli-token", "GET") => &[200, 302, 404],
        // Another site may be told to have sent the form.
        ("/login" | "/cli-token", "POST") if is_gated => &[200, 302, 400, 403, 404],
        ("/login" | "/cli-token", "POST") => &[200, 302, 400, 404],
        ("/renew" | "/revoke" | "/inspect", "GET") if is_gated => &[200, 403],
        ("/renew" | "/revoke" | "/inspect", "GET") => &[200],
        ("/logged-in", "GET") => &[200, 400, 404, 503],
        // None of the providers is sent back there.
        ("/logged-in/own", "GET") | ("/hand-over", "POST") => &[400],
        ("/elsewhere", "POST") => &[400, 429],
        ("/collect", "GET") => &[200],
        ("/collect", "POST") => &[404, 429],
        ("/fetch" | "/token-state", "GET") => &[200, 400],
        ("/Refresh/", _) => documented("/refresh", method, is_gated, presents),
        // With a RATE_LIMIT behind the gates.
        ("/refresh", "GET" | "POST") if is_gated => &[200, 302, 401, 503],
        ("/refresh", "GET" | "POST") => &[200, 302, 401],
        ("/renewed" | "/inspected", "POST") => &[200, 401, 503],
        ("/revoked", "POST") => &[401, 501, 503],
        ("/token", "POST") => &[200, 400, 503],
        ("/oauth2/revoke", "POST") => &[200, 400, 503],
        // Without a password to give, one is let in.
        ("/password", "POST") if is_gated => &[303, 403, 429],
        ("/password", "POST") => &[303],
        ("/cli-token-login", "POST") => &[400, 401],
        _ => &[405],
    }
}

/// Nothing that came in a header goes out in one, but for the id that was asked for.
pub fn check_head(answer: &Answer) -> TestCaseResult {
    for (name, value) in &answer.headers {
        ensure(HEADERS.contains(&name.as_str()), || {
            format!("header {name}")
        })?;
        let may_reflect = matches!(name.as_str(), "x-request-id" | "location");
        ensure(may_reflect || !value.contains("never-reflect"), || {
            format!("{name}: {value}")
        })?;
        if name == "set-cookie" {
            check_cookie(value)?;
        }
    }
    let id = answer.header("x-request-id");
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    ensure(id.len() <= 64 && id.bytes().all(is_id), || {
        format!("id {id}")
    })
}

fn check_cookie(cookie: &str) -> TestCaseResult {
    let mut parts = cookie.split("; ");
    let (name, value) = parts
        .next()
        .unwrap_or_default()
        .split_once('=')
        .unwrap_or_default();
    let plain = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        text.bytes().all(is_plain)
    };
    let name = name.strip_prefix("__Host-").unwrap_or(name);
    ensure(
        name.starts_with("authseal-") && plain(name) && plain(value),
        || cookie.into(),
    )?;
    let attributes = ["HttpOnly", "Secure", "SameSite=", "Path=/", "Max-Age="];
    let is_known = |part: &str| attributes.iter().any(|known| part.starts_with(known));
    ensure(parts.all(is_known), || cookie.into())
}

/// A redirect leads to this server or to the provider.
pub fn check_location(answer: &Answer, public_url: &Url, provider: &Url) -> TestCaseResult {
    let location = answer.header("location");
    if location.is_empty() {
        return ensure(!matches!(answer.status, 300..=399), || "no location".into());
    }
    let is_plain = location.bytes().all(|byte| byte.is_ascii_graphic());
    ensure(is_plain, || format!("location {location}"))?;
    let leads_to = public_url.join(location).map(|url| url.origin());
    let is_known = [public_url, provider]
        .map(|url| Ok(url.origin()))
        .contains(&leads_to);
    ensure(is_known, || format!("location {location}"))
}

/// Each kind of answer is what it says it is.
pub fn check_body(answer: &Answer) -> TestCaseResult {
    let text = str::from_utf8(&answer.body);
    let kind = answer.header("content-type");
    match (kind, text) {
        ("application/json", Ok(text)) => check_json(answer, text),
        ("text/html; charset=utf-8", Ok(text)) => {
            ensure(text.trim_end().ends_with("</html>"), || {
                "half a page".into()
            })
        }
        ("text/javascript; charset=utf-8", Ok(text)) => {
            ensure(text.starts_with("/**/") && text.ends_with(");"), || {
                text.into()
            })
        }
        ("text/plain", Ok(_)) if answer.status == 405 => Ok(()),
        ("text/plain", Ok(text)) => check_reason(answer, text),
        ("", Ok("")) => Ok(()),
        _ => ensure(false, || format!("a body that is no {kind:?}")),
    }
}

/// A reason is one line of ASCII, which Duplicati ends with a full stop, and stands in the
/// body too.
fn check_reason(answer: &Answer, body: &str) -> TestCaseResult {
    let reason = answer.header("x-reason");
    let is_printable = reason.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let is_line = (1..=300).contains(&reason.len()) && is_printable && !reason.ends_with('.');
    ensure(is_line, || format!("reason {reason:?}"))?;
    ensure(body == reason, || format!("another text: {body}"))
}

/// The members that scripts read have the reason.
fn check_json(answer: &Answer, text: &str) -> TestCaseResult {
    let json: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    ensure(json.is_object(), || format!("no JSON: {text}"))?;
    let reason = answer.header("x-reason");
    let is_failure = answer.status >= 400 && !json["status"].is_null();
    if !is_failure {
        return ensure(reason.is_empty(), || {
            format!("a reason for {}", answer.status)
        });
    }
    let message = json["message"].as_str().unwrap_or_default();
    check_reason(answer, message)?;
    for (name, expected) in [
        ("error_description", reason.into()),
        ("status", answer.status.into()),
        ("code", json["error"].clone()),
    ] {
        ensure(json[name] == expected, || format!("{name} of {text}"))?;
    }
    Ok(())
}
