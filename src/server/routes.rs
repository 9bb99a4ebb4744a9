//! Table of the endpoints. `dispatch` calls their handlers.

use http::Method;

use crate::{pages, provider::RedirectPath};

/// An endpoint. Several paths may lead to the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Refresh,
    StartPage,
    BeginLogin,
    ProviderCallback,
    HandOver,
    MakeCode,
    Collect,
    Fetch,
    TokenState,
    PastedLoginToken,
    RenewForm,
    Renew,
    RevokeForm,
    InspectForm,
    Inspect,
    Revoke,
    Password,
    OAuthToken,
    OAuthRevoke,
    OAuthMetadata,
    PrivacyPolicy,
    Style,
    Script,
    Favicon,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    /// Position in the table.
    pub(super) number: usize,
    /// Path below the prefix of PUBLIC_URL.
    pub(super) path: &'static str,
    /// Methods that the endpoint accepts, as in the `Allow` header.
    pub(super) methods: &'static str,
    /// True if LOGIN_NETWORKS, LOGIN_PASSWORD and LOGIN_HEADER protect it. They do not
    /// protect endpoints where an AuthID, a hand-over token or a sealed cookie is
    /// checked, or pages that anybody may read.
    pub(super) is_gated: bool,
    /// True if HEAD is answered like GET: no login begins and no code is used up there.
    /// Uptime monitors and link checkers send HEAD.
    changes_nothing: bool,
}

impl Route {
    /// True if requests with this method have a handler here.
    pub(super) fn accepts(&self, method: &Method) -> bool {
        // By characters: a search for a text of two would be prepared for each request.
        let mut listed = self.methods.split([',', ' ']);
        listed.any(|name| name == method.as_str())
            || (self.changes_nothing && method == Method::HEAD)
    }

    /// True if a client may present an AuthID in the header of such a request. Elsewhere it
    /// is told the right address: a client that follows redirects takes the AuthID along, and
    /// shows the HTML of a page to its user. Duplicati sends GET.
    pub(super) fn takes_authid(&self, method: &Method) -> bool {
        self.endpoint == Endpoint::Refresh || !matches!(*method, Method::GET | Method::HEAD)
    }

    /// False for static parts of pages, which error pages need, and for pages that
    /// anybody may read.
    pub(super) fn needs_keys(&self) -> bool {
        self.is_gated || !self.changes_nothing
    }
}

/// Refresh endpoint of Duplicati.
pub(super) const REFRESH_PATH: &str = "/refresh";
/// Token endpoint (RFC 6749 section 3.2).
pub(super) const TOKEN_PATH: &str = "/token";
/// Revocation endpoint (RFC 7009 section 2).
pub(super) const REVOCATION_PATH: &str = "/oauth2/revoke";
/// Begins a login with a login token.
pub(super) const CLI_TOKEN_PATH: &str = "/cli-token";
/// Form and endpoint that take a one-time code.
pub(super) const COLLECT_PATH: &str = "/collect";
/// Built-in privacy policy, below the prefix.
pub const PRIVACY_POLICY_PATH: &str = "/privacy-policy";
const METADATA_PATH: &str = "/.well-known/oauth-authorization-server";

static ROUTES: [Route; 25] = numbered([
    open(Endpoint::Refresh, REFRESH_PATH, "GET, POST"),
    Route {
        changes_nothing: true,
        ..gated(Endpoint::StartPage, "/")
    },
    // Both begin a login; the service decides which page comes next.
    begins_login("/login"),
    begins_login(CLI_TOKEN_PATH),
    open(Endpoint::ProviderCallback, RedirectPath::SHARED, "GET"),
    open(Endpoint::HandOver, "/hand-over", "POST"),
    open(Endpoint::MakeCode, "/elsewhere", "POST"),
    open(Endpoint::Collect, COLLECT_PATH, "GET, POST"),
    open(Endpoint::Fetch, "/fetch", "GET"),
    open(Endpoint::TokenState, "/token-state", "GET"),
    open(Endpoint::PastedLoginToken, "/cli-token-login", "POST"),
    gated(Endpoint::RenewForm, "/renew"),
    open(Endpoint::Renew, "/renewed", "POST"),
    gated(Endpoint::RevokeForm, "/revoke"),
    open(Endpoint::Revoke, "/revoked", "POST"),
    gated(Endpoint::InspectForm, "/inspect"),
    open(Endpoint::Inspect, "/inspected", "POST"),
    open(Endpoint::Password, "/password", "POST"),
    open(Endpoint::OAuthToken, TOKEN_PATH, "POST"),
    open(Endpoint::OAuthRevoke, REVOCATION_PATH, "POST"),
    readable(Endpoint::OAuthMetadata, METADATA_PATH),
    readable(Endpoint::PrivacyPolicy, PRIVACY_POLICY_PATH),
    readable(Endpoint::Style, pages::STYLE_PATH),
    readable(Endpoint::Script, pages::SCRIPT_PATH),
    readable(Endpoint::Favicon, pages::FAVICON_PATH),
]);

const fn numbered<const COUNT: usize>(mut rows: [Route; COUNT]) -> [Route; COUNT] {
    let mut number = 0;
    while number < COUNT {
        rows[number].number = number;
        number += 1;
    }
    rows
}

/// A path that no login gate protects.
const fn open(endpoint: Endpoint, path: &'static str, methods: &'static str) -> Route {
    Route {
        endpoint,
        number: 0,
        path,
        methods,
        is_gated: false,
        changes_nothing: false,
    }
}

/// A page behind the login gates.
const fn gated(endpoint: Endpoint, path: &'static str) -> Route {
    Route {
        is_gated: true,
        ..open(endpoint, path, "GET")
    }
}

/// A page that begins a login. The form that asks for the name of the AuthID posts to it.
const fn begins_login(path: &'static str) -> Route {
    Route {
        methods: "GET, POST",
        ..gated(Endpoint::BeginLogin, path)
    }
}

/// A path that anybody may read, with GET or HEAD, also while the keys are missing.
const fn readable(endpoint: Endpoint, path: &'static str) -> Route {
    Route {
        changes_nothing: true,
        ..open(endpoint, path, "GET")
    }
}

/// Returns the table.
pub(super) fn all() -> &'static [Route] {
    &ROUTES
}

/// Returns the row for a path below the prefix.
pub(super) fn find(path: &str) -> Option<&'static Route> {
    let path = match path {
        // Each provider may have its own redirect URI.
        _ if RedirectPath::is_one(path) => RedirectPath::SHARED,
        // People write it so in --oauth-url, and oauth-server took it.
        _ if path.trim_matches('/').eq_ignore_ascii_case("refresh") => REFRESH_PATH,
        _ => path,
    };
    ROUTES.iter().find(|route| route.path == path)
}

/// Returns the row for a path below the prefix at which a client presents an AuthID in the
/// header or the query.
pub(super) fn find_for_authid(path: &str) -> Option<&'static Route> {
    match path.trim_matches('/') {
        // The address of a server without a path is a usual --oauth-url.
        "" => find(REFRESH_PATH),
        _ => find(path),
    }
}

/// Returns the path if it is that of a gated page.
pub(super) fn gated_path(path: &str) -> Option<&'static str> {
    let route = find(path).filter(|route| route.is_gated)?;
    Some(route.path)
}

/// Returns the path below the prefix of PUBLIC_URL. A proxy may keep the prefix or strip
/// it; Duplicati's own links never have it.
///
/// The well-known path of the metadata has the prefix at its end (RFC 8414 section 3.1).
pub(super) fn below_prefix<'p>(path: &'p str, prefix: &str) -> &'p str {
    if path.strip_prefix(METADATA_PATH) == Some(prefix) {
        return METADATA_PATH;
    }
    match path.strip_prefix(prefix) {
        Some("") => "/",
        Some(below) if below.starts_with('/') => below,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_in_the_docs() {
        let page = include_str!("../../docs/endpoints.md");
        let word = |yes| if yes { "yes" } else { "no" };
        for route in &ROUTES {
            let (head, gate) = (word(route.changes_nothing), word(route.is_gated));
            let row = format!("| `{}` | {} | {head} | {gate} |", route.path, route.methods);
            assert!(page.contains(&row), "{row}");
        }
    }
}
