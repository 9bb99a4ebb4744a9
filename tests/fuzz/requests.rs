//! Requests whose parts are anything: what comes back is always HTTP, and what
//! docs/endpoints.md says.

use std::cell::RefCell;

use proptest::{collection::vec, prelude::*, test_runner::TestCaseResult};

mod documented;
mod real;

use crate::{
    http1::{Answer, Connection},
    mutation::{Recipe, recipes},
    property::{MB, Property, ensure, runtime},
};
use documented::{PATHS, Presents, documented};
pub use documented::{check_body, check_head};
use real::{HEADERS, Server};

/// What means something in a query, a form, a cookie or a header.
const WORDS: &[&str] = &[
    "authid=",
    "id=",
    "type=",
    "token=",
    "state=",
    "code=",
    "visit=",
    "callback=",
    "error=",
    "next=",
    "password=",
    "stable",
    "single-use",
    "pasted",
    "v2:",
    "authseal-",
    "authseal-visit-",
    "authseal-session=",
    "__Host-",
    "; ",
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "10.0.0.1",
    "for=",
    "%0d%0aSet-Cookie:%20never-reflect=1",
    "\r\nX-Planted: never-reflect",
    "never-reflect",
    "application/x-www-form-urlencoded",
    "close",
    "alert(1)",
];

/// One request.
#[derive(Clone, Debug)]
pub struct Case {
    is_gated: bool,
    method: &'static str,
    path: &'static str,
    query: Option<Recipe>,
    /// Whether the browser comes that began a login.
    has_cookies: bool,
    headers: Vec<(usize, Recipe)>,
    form: Option<Recipe>,
    /// Whether what cannot stand in a request is sent all the same.
    is_wild: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let other_method = prop::sample::select(vec!["GET", "POST", "HEAD", "PUT", "OPTIONS", "BREW"]);
    (
        any::<bool>(),
        prop::sample::select(&PATHS[..]),
        prop::option::weighted(0.1, other_method),
        prop::option::weighted(0.9, recipes(WORDS)),
        any::<bool>(),
        vec((0..HEADERS, recipes(WORDS)), 0..4),
        prop::option::weighted(0.9, recipes(WORDS)),
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(is_gated, (method, path), other, query, has_cookies, headers, form, is_wild)| {
                let method = other.unwrap_or(method);
                Case {
                    is_gated,
                    method,
                    path,
                    query,
                    has_cookies,
                    headers,
                    form: form.filter(|_| method == "POST" || is_wild),
                    is_wild,
                }
            },
        )
}

impl Case {
    fn request(&self, server: &Server) -> Vec<u8> {
        let tame = |bytes: Vec<u8>, tame: fn(&[u8]) -> Vec<u8>| match self.is_wild {
            true => bytes,
            false => tame(&bytes),
        };
        let mut request = format!("{} {}", self.method, self.path).into_bytes();
        if let Some(query) = &self.query {
            request.push(b'?');
            request.extend(tame(query.make(&server.queries(self.path)), in_target));
        }
        request.extend(b" HTTP/1.1\r\nHost: auth.example\r\n");
        if self.has_cookies {
            request.extend(format!("Cookie: {}\r\n", server.cookies).bytes());
        }
        for (which, recipe) in &self.headers {
            let (name, real) = &server.headers[*which];
            request.extend(format!("{name}: ").bytes());
            request.extend(tame(recipe.make(real), in_header));
            request.extend(b"\r\n");
        }
        let form = self
            .form
            .as_ref()
            .map(|form| form.make(&server.forms(self.path)));
        if let Some(form) = &form {
            let length = form.len();
            let kind = "Content-Type: application/x-www-form-urlencoded";
            request.extend(format!("{kind}\r\nContent-Length: {length}\r\n").bytes());
        }
        request.extend(b"\r\n");
        request.extend(form.unwrap_or_default());
        request
    }

    /// Place of an AuthID in this request, which is not wild.
    fn presents(&self, server: &Server, request: &[u8]) -> Presents {
        let mut names = self
            .headers
            .iter()
            .map(|(which, _)| server.headers[*which].0);
        if names.any(|name| name == "X-AuthID") {
            return Presents::InHeader;
        }
        let target = request
            .split(|byte| *byte == b' ')
            .nth(1)
            .unwrap_or_default();
        let query = target.splitn(2, |byte| *byte == b'?').nth(1);
        let mut fields = form_urlencoded::parse(query.unwrap_or_default());
        match fields.any(|(name, _)| name == "authid") {
            true => Presents::InQuery,
            false => Presents::Nothing,
        }
    }
}

/// What can't stand in a request target is written as it would be.
fn in_target(bytes: &[u8]) -> Vec<u8> {
    let mut target = Vec::new();
    for &byte in bytes {
        match byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@/?%".contains(&byte) {
            true => target.push(byte),
            false => target.extend(format!("%{byte:02X}").bytes()),
        }
    }
    target
}

/// What ends a header or a request is left out.
fn in_header(bytes: &[u8]) -> Vec<u8> {
    let fits = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    bytes.iter().copied().filter(fits).collect()
}

#[test]
fn every_request_is_answered_and_by_the_book() {
    let property = Property::alone("requests", 2, 24 * MB);
    let runtime = runtime();
    let [open, gated] = [false, true].map(|is_gated| {
        let server = runtime.block_on(Server::start(is_gated));
        let connection = RefCell::new(Connection::to(&server.app.url));
        (server, connection)
    });
    property.holds(cases(), |case| {
        let (server, connection) = if case.is_gated { &gated } else { &open };
        let request = case.request(server);
        let mut connection = connection.borrow_mut();
        let answer = runtime.block_on(connection.ask(&request));
        if case.is_wild {
            // More than one answer may be on its way.
            connection.close();
        }
        let answer = answer.map_err(TestCaseError::fail)?;
        let by = if answer.header("x-request-id").is_empty() {
            "hyper"
        } else {
            case.path
        };
        property.count(format!("{by} {}", answer.status));
        check(&case, server, &request, &answer).map_err(|error| {
            TestCaseError::fail(format!("{error}: {answer:?} to {}", request.escape_ascii()))
        })
    });
    for (server, _) in [open, gated] {
        runtime.block_on(server.still_works());
    }
}

fn check(case: &Case, server: &Server, request: &[u8], answer: &Answer) -> TestCaseResult {
    check_head(answer)?;
    if answer.header("x-request-id").is_empty() {
        // No handler saw it.
        let is_unreadable = matches!(answer.status, 400 | 414 | 431);
        return ensure(is_unreadable, || format!("{} of hyper", answer.status));
    }
    // A line end in a wild target or header makes another request of it.
    if !case.is_wild {
        let presents = case.presents(server, request);
        let allowed = documented(case.path, case.method, case.is_gated, presents);
        ensure(allowed.contains(&answer.status), || {
            format!("not in {allowed:?}")
        })?;
        let gets_page = answer.header("content-type").contains("html") || answer.status == 302;
        ensure(
            case.method != "GET" || presents != Presents::InHeader || !gets_page,
            || "a page for a client that has an AuthID".into(),
        )?;
    }
    let is_refresh = ["/refresh", "/Refresh/"].contains(&case.path);
    ensure(
        !is_refresh || !matches!(answer.status, 403 | 404 | 409 | 429 | 504 | 507),
        || "a status that backends misread".into(),
    )?;
    ensure(
        !is_refresh
            || matches!(answer.status, 200 | 302 | 405)
            || !answer.header("x-reason").is_empty(),
        || "no reason".into(),
    )?;
    documented::check_location(answer, &server.public_url, &server.provider)?;
    if case.method == "HEAD" {
        return Ok(());
    }
    let is_line = answer.body.ends_with(b"\n") && answer.header("x-reason").is_empty();
    if case.path == "/collect" && answer.header("content-type") == "text/plain" && is_line {
        // Curl prints it; no backend reads it.
        return Ok(());
    }
    check_body(answer)
}
