//! Table of endpoints, and dispatch of requests to their handlers.

use http::{Method, Request};

use super::{
    Reply, Server, access_log::Entry, failure::Failure, handlers, input, oauth_error::OAuthError,
    reply,
};
use crate::{
    listen::{Body, Handler, Peer},
    pages,
    provider::RedirectPath,
};

/// An endpoint of this server.
#[derive(Debug)]
struct Route {
    /// Path below the prefix of PUBLIC_URL.
    path: &'static str,
    /// Methods that the endpoint accepts.
    methods: &'static str,
    /// True if LOGIN_NETWORKS, LOGIN_PASSWORD and LOGIN_HEADER protect it. They do not
    /// protect endpoints where an AuthID, a hand-over token or a sealed cookie is
    /// checked, or pages that anybody may read.
    is_gated: bool,
    /// True if HEAD is answered like GET: no login begins and no code is used up there.
    /// Uptime monitors and link checkers send HEAD.
    changes_nothing: bool,
}

impl Route {
    /// False for static parts of pages, which error pages need, and for pages that
    /// anybody may read.
    fn needs_keys(&self) -> bool {
        self.is_gated || !self.changes_nothing
    }
}

const fn open(path: &'static str, methods: &'static str) -> Route {
    Route {
        path,
        methods,
        is_gated: false,
        changes_nothing: false,
    }
}

const fn gated(path: &'static str) -> Route {
    Route {
        is_gated: true,
        ..open(path, "GET")
    }
}

const fn asset(path: &'static str) -> Route {
    Route {
        changes_nothing: true,
        ..open(path, "GET")
    }
}

static ROUTES: [Route; 21] = [
    open(REFRESH, "GET, POST"),
    Route {
        changes_nothing: true,
        ..gated("/")
    },
    gated("/login"),
    open(RedirectPath::SHARED, "GET"),
    open(handlers::HAND_OVER_PATH, "POST"),
    open("/fetch", "GET"),
    open("/token-state", "GET"),
    gated("/cli-token"),
    open("/cli-token-login", "POST"),
    gated("/renew"),
    open("/renewed", "POST"),
    gated("/revoke"),
    open("/revoked", "POST"),
    open("/password", "POST"),
    open(handlers::TOKEN_PATH, "POST"),
    open(handlers::REVOCATION_PATH, "POST"),
    asset(METADATA),
    asset("/privacy-policy"),
    asset(pages::STYLE_PATH),
    asset(pages::SCRIPT_PATH),
    asset(pages::FAVICON_PATH),
];

const REFRESH: &str = "/refresh";
const METADATA: &str = "/.well-known/oauth-authorization-server";
/// Route of unknown addresses in the log.
const NO_ROUTE: &str = "other";

fn find(path: &str) -> Option<&'static Route> {
    // Each provider may have its own redirect URI.
    let path = match RedirectPath::is_one(path) {
        true => RedirectPath::SHARED,
        false => path,
    };
    ROUTES.iter().find(|route| route.path == path)
}

impl Handler for Server {
    async fn answer(&self, request: &Request<Body>, peer: Peer) -> Reply {
        let route = find(self.below_prefix(request.uri().path()));
        let asker = self.proxies.asker(peer, request.headers());
        let name = route.map_or(NO_ROUTE, |route| route.path);
        let mut entry = Entry::begin(&self.request_ids, request, name, asker);
        let reply = match route {
            Some(route) if route.needs_keys() && self.waits_for_keys() => {
                self.answer_waiting(route, request)
            }
            Some(route) => self.answer_at(route, request, &mut entry).await,
            None => self.no_such_page(),
        };
        entry.end(reply)
    }
}

impl Server {
    /// Returns the path below the prefix of PUBLIC_URL. A proxy may keep the prefix or
    /// strip it; Duplicati's own links never have it.
    ///
    /// The well-known path of the metadata has the prefix at its end (RFC 8414 section
    /// 3.1).
    pub(super) fn below_prefix<'p>(&self, path: &'p str) -> &'p str {
        if path.strip_prefix(METADATA) == Some(self.public_url().prefix()) {
            return METADATA;
        }
        match path.strip_prefix(self.public_url().prefix()) {
            Some("") => "/",
            Some(below) if below.starts_with('/') => below,
            _ => path,
        }
    }

    fn waits_for_keys(&self) -> bool {
        self.login.keyring.condition().is_waiting()
    }

    /// Answers any request while the keys are not there. Clients try again, and no login
    /// is refused that will be valid when the keys are there.
    fn answer_waiting(&self, route: &Route, request: &Request<Body>) -> Reply {
        let failure = Failure::of_waiting();
        match route.path {
            handlers::TOKEN_PATH | handlers::REVOCATION_PATH => {
                OAuthError::from(failure).into_reply()
            }
            "/fetch" | "/token-state" | REFRESH => failure.into_json(),
            _ if input::has_authid_header(request) => failure.into_json(),
            _ => self.waiting_page(&failure),
        }
    }

    /// Returns the path if it is that of a gated page.
    pub(super) fn gated_path(path: &str) -> Option<&'static str> {
        let route = find(path).filter(|route| route.is_gated)?;
        Some(route.path)
    }

    async fn answer_at(
        &self,
        route: &'static Route,
        request: &Request<Body>,
        entry: &mut Entry,
    ) -> Reply {
        match (request.method(), route.path) {
            (&Method::GET | &Method::POST, REFRESH) => {
                handlers::refresh(self, request, entry).await
            }
            // Boxed: the futures of all the other handlers together are many times as
            // large as that of a refresh.
            _ => Box::pin(self.answer_page(route, request, entry)).await,
        }
    }

    async fn answer_page(
        &self,
        route: &'static Route,
        request: &Request<Body>,
        entry: &mut Entry,
    ) -> Reply {
        // hyper leaves the body out of a response to HEAD (RFC 9110 section 9.3.2).
        let method = match request.method() {
            &Method::HEAD if route.changes_nothing => &Method::GET,
            method => method,
        };
        if route.is_gated
            && method == Method::GET
            && let Some(gate) = self.admission.closed_gate(request, entry.asker)
        {
            return handlers::turn_away(self, request, entry.asker, gate);
        }
        match (method, route.path) {
            (&Method::GET, "/") => handlers::start(self, request),
            // Both paths begin a login; the service decides which page comes next.
            (&Method::GET, "/login" | "/cli-token") => handlers::begin_login(self, request, entry),
            (&Method::GET, RedirectPath::SHARED) => {
                handlers::finish_login(self, request, entry).await
            }
            (&Method::POST, handlers::HAND_OVER_PATH) => {
                handlers::hand_over(self, request, entry).await
            }
            (&Method::GET, "/fetch") => handlers::fetch(self, request).await,
            (&Method::GET, "/token-state") => handlers::token_state(self, request).await,
            (&Method::POST, "/cli-token-login") => {
                handlers::finish_with_login_token(self, request, entry).await
            }
            (&Method::GET, "/renew") => handlers::renew_form(self),
            (&Method::POST, "/renewed") => handlers::renew(self, request, entry).await,
            (&Method::GET, "/revoke") => handlers::revoke_form(self),
            (&Method::POST, "/revoked") => handlers::revoke(self, request, entry).await,
            (&Method::POST, "/password") => handlers::enter(self, request, entry.asker).await,
            (&Method::POST, handlers::TOKEN_PATH) => {
                let granted = handlers::token(self, request, entry).await;
                granted.unwrap_or_else(OAuthError::into_reply)
            }
            (&Method::POST, handlers::REVOCATION_PATH) => {
                let revoked = handlers::revoke_token(self, request, entry).await;
                revoked.unwrap_or_else(OAuthError::into_reply)
            }
            (&Method::GET, METADATA) => handlers::metadata(self),
            (&Method::GET, "/privacy-policy") => handlers::privacy_policy(self),
            (&Method::GET, pages::STYLE_PATH) => reply::asset("text/css", pages::STYLE),
            (&Method::GET, pages::SCRIPT_PATH) => reply::asset("text/javascript", pages::SCRIPT),
            (&Method::GET, pages::FAVICON_PATH) => reply::asset("image/svg+xml", pages::FAVICON),
            _ => reply::method_not_allowed(route.methods),
        }
    }
}
