//! The language of a page: the one that its visitor chose, or else the best one for the browser.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, Method, Request, header::ACCEPT_LANGUAGE};

use super::{
    Server,
    exchange::Exchange,
    input,
    routes::{self, CLI_TOKEN_PATH},
};
use crate::{
    login::HandOverToken,
    pages::{Language, LanguageLink},
    provider::RedirectPath,
};

/// Query parameter of the links at the foot of a page.
const PARAMETER: &str = "lang";
/// Cookie with the choice, which ends with the browser's session. It names a language and
/// nothing else, so it is not sealed. It has no `__Host-`, so that it has one name on http too; on
/// http, other programs on this host get it as well.
const COOKIE: &str = "authseal-language";

/// Paths of pages, one of their parameters, and the test of its value.
type Kept = (
    &'static [&'static str],
    &'static str,
    fn(&Server, &str) -> bool,
);
const LOGIN: &[&str] = &["/login", CLI_TOKEN_PATH];
const KEPT: [Kept; 5] = [
    (&["/"], "type", is_service),
    (&["/"], "token", |_, value| {
        HandOverToken::parse(value).is_some()
    }),
    (LOGIN, "id", is_service),
    (LOGIN, "account", |_, value| value == "other"),
    (LOGIN, "send", |_, value| value == "no"),
];

fn is_service(server: &Server, value: &str) -> bool {
    server.catalog().find(value).is_some()
}

/// Returns the language that the address asks for.
pub(super) fn requested<B>(request: &Request<B>) -> Option<Language> {
    let tag = input::query(request.uri(), PARAMETER)?;
    Language::of_tag(&tag)
}

/// Returns the language for a request.
pub(super) fn of_request<B>(request: &Request<B>) -> Language {
    requested(request)
        .or_else(|| remembered(request.headers()))
        .or_else(|| accepted(request.headers()))
        .unwrap_or_default()
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    input::cookies(headers)
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
        .find(|cookie| cookie.name() == COOKIE)
        .and_then(|cookie| Language::of_tag(cookie.value()))
}

/// Returns the language with the highest weight, and of several the first one (RFC 9110 section
/// 12.5.4). A `*` stands for the languages that the browser does not name: here for the first of
/// them.
fn accepted(headers: &HeaderMap) -> Option<Language> {
    let mut named = Vec::new();
    let mut any = None;
    let texts = headers.get_all(ACCEPT_LANGUAGE).iter();
    let texts = texts.filter_map(|value| value.to_str().ok());
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")))
            .map_or(Some(1.0), |weight| weight.trim().parse::<f32>().ok());
        // A weight of a form that does not exist is no wish.
        let Some(weight) = weight.filter(|weight| (0.0..=1.0).contains(weight)) else {
            continue;
        };
        match Language::of_tag(tag) {
            Some(language) => named.push((language, weight)),
            None if tag == "*" => any = any.or(Some(weight)),
            None => {}
        }
    }
    let is_named = |language: &Language| named.iter().any(|(other, _)| other == language);
    let unnamed = Language::ALL.into_iter().find(|it| !is_named(it));
    named.extend(unnamed.zip(any));
    let wanted = named.into_iter().filter(|(_, weight)| *weight > 0.0);
    // Of equals the first: a sort is stable, and `max_by` returns the last one.
    let best = wanted.reduce(|best, other| if other.1 > best.1 { other } else { best });
    best.map(|(language, _)| language)
}

/// Returns the address of this page for links to it in another language. `None` for pages that
/// can't be loaded again: results of a form or of a login.
///
/// The path has the prefix, which Duplicati's own links lack: on http the cookie of a visit is
/// sent only below it. A page that a cookie has no part in, or an unknown one, which somebody
/// else may have named, keeps the address that the browser has. A parameter is kept only if the
/// page understands its value, so that no page repeats what somebody else put into its address.
pub(super) fn link(exchange: &Exchange<'_>, visit: &str) -> Option<LanguageLink> {
    let is_read = matches!(*exchange.request.method(), Method::GET | Method::HEAD);
    let is_callback = exchange.path.starts_with(RedirectPath::SHARED);
    (is_read && !is_callback).then(|| {
        let mut query = String::new();
        for (paths, name, is_understood) in KEPT {
            if paths.contains(&exchange.path)
                && let Some(value) = exchange.query(name)
                && is_understood(exchange.server, &value)
            {
                add_parameter(&mut query, name, &value);
            }
        }
        if !visit.is_empty() {
            add_parameter(&mut query, input::VISIT, visit);
        }
        LanguageLink {
            page: routes::gated_path(exchange.path)
                .map(|path| exchange.server.path(path))
                .unwrap_or_default(),
            query,
        }
    })
}

/// Adds a parameter with an `&` in front.
fn add_parameter(query: &mut String, name: &str, value: &str) {
    let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    query.extend(["&", name, "=", &value]);
}

/// Returns the `Set-Cookie` value that remembers a language.
pub(super) fn remember(server: &Server, language: Language) -> HeaderValue {
    let cookie = Cookie::build((COOKIE, language.tag()))
        // Duplicati's own links lack the prefix of PUBLIC_URL.
        .path("/")
        .http_only(true)
        .secure(server.public_url().is_https())
        .same_site(SameSite::Lax)
        .to_string();
    HeaderValue::from_str(&cookie).expect("a tag is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(uri: &str, headers: &[(&'static str, &str)]) -> &'static str {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        of_request(&request.body(()).unwrap()).tag()
    }

    #[test]
    fn the_highest_weight_wins_and_of_equals_the_first_one() {
        for (header, expected) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT", "de"),
            ("DE-ch-1996", "de"),
            ("den", "en"),
            ("fr, de;q=0.5, en;q=0.4", "de"),
            ("fr, de;q=0.4, en;q=0.5", "en"),
            ("de;q=0.7,en;q=0.7", "de"),
            ("en,de", "en"),
            ("de;q=0", "en"),
            ("de;q=0, *", "en"),
            ("en;q=0, *", "de"),
            ("en;q=0", "en"),
            ("*, de", "de"),
            ("*, de;q=0.5", "en"),
            ("de, *;q=0.5", "de"),
            ("de;q=1.5, en;q=0.1", "en"),
            ("de;q=-1, en;q=0.1", "en"),
            ("*;q=0.1, de;q=0.2", "de"),
            ("de; q=0.3 , en ; q=0.2", "de"),
            ("de;q=x, en", "en"),
            ("de;q=NaN", "en"),
            ("en;q=0.1, de;q=inf", "en"),
            (";;,,=", "en"),
        ] {
            let found = language("/", &[("accept-language", header)]);
            assert_eq!(found, expected, "{header}");
        }
        let two = [("accept-language", "fr"), ("accept-language", "de")];
        assert_eq!(language("/", &two), "de");
    }

    #[test]
    fn a_choice_goes_before_what_the_browser_prefers() {
        let german = ("accept-language", "de");
        let english = ("cookie", "a=b; authseal-language=en");
        assert_eq!(language("/", &[german, english]), "en");
        assert_eq!(language("/?lang=de", &[english]), "de");
        assert_eq!(language("/?lang=xx", &[german]), "de");
        let odd = ("cookie", "authseal-language=../../etc");
        assert_eq!(language("/", &[odd, german]), "de");
    }
}
