//! `POST /elsewhere` makes a one-time code for an AuthID, and `GET` and `POST /collect` take it
//! on another machine.

use http::{HeaderMap, Method, StatusCode, header::ACCEPT};

use super::{hand_over::comes_from_elsewhere, result::result_page};
use crate::{
    login::{CODE_LIFETIME, LoginError, NoCode},
    pages::{CollectPage, ElsewherePage, ShownCredential},
    seal,
    secret::Secret,
    server::{Reply, Server, exchange::Exchange, input, reply, routes::COLLECT_PATH},
};

const UNKNOWN: &str = "This code is unknown, was used before, or is older than 5 minutes. Make a \
                       new one on the page with the AuthID.";
const TRY_AGAIN: &str = "This server can't look for the code now. Try again in a moment.";

/// Makes the code, or returns a page with the reason why not.
pub(in crate::server) async fn make_code(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    if comes_from_elsewhere(exchange.request.headers()) {
        return server.login_failed(&LoginError::NotBegun, None);
    }
    let form = exchange.form().unwrap_or_default();
    let nonce = input::nonce(form.get("nonce"));
    let sealed = Secret::new(form.get("sealed").unwrap_or_default());
    let made = match server.login.make_code(&nonce, &sealed).await {
        Ok(made) => made,
        Err(NoCode::Login(error)) => return server.login_failed(&error, None),
        Err(NoCode::Used) => return server.code_used(),
        Err(NoCode::Store(error)) => {
            tracing::warn!("no one-time code: the store {error}");
            return server.code_not_stored();
        }
    };
    let url = server.public_url().join(COLLECT_PATH);
    let code = made.code.expose();
    let page = ElsewherePage {
        frame: server.frame(),
        service_name: service_name(server, &made.authid),
        command: format!("curl -sS {url} -d code={code}"),
        // Browsers send no fragment to a server, and none in a `Referer`.
        link: format!("{url}#{code}"),
        minutes: CODE_LIFETIME.as_secs() / 60,
    };
    reply::page(StatusCode::OK, &page)
}

/// Shows the form for a code. Takes a posted code, and returns the AuthID: as a page to a
/// browser, and as a line of text to others.
pub(in crate::server) async fn collect(exchange: &mut Exchange<'_>) -> Reply {
    let (server, request) = (exchange.server, exchange.request);
    if request.method() == Method::GET {
        return ask(server, StatusCode::OK, None);
    }
    let code = Secret::new(
        exchange
            .form()
            .unwrap_or_default()
            .get("code")
            .unwrap_or_default(),
    );
    let collected = server.login.collect(code.expose()).await;
    let wants_page = wants_page(request.headers());
    let (status, problem) = match collected {
        Ok(Some(authid)) => return show(server, &authid, wants_page),
        Ok(None) => (StatusCode::NOT_FOUND, UNKNOWN),
        Err(error) => {
            tracing::warn!("a one-time code was not looked for: the store {error}");
            (StatusCode::SERVICE_UNAVAILABLE, TRY_AGAIN)
        }
    };
    match wants_page {
        true => ask(server, status, Some(problem)),
        false => reply::plain(status, format!("{problem}\n")),
    }
}

fn show(server: &Server, authid: &Secret, wants_page: bool) -> Reply {
    let service = seal::named_service(authid.expose());
    let service = service.and_then(|id| server.catalog().find(id));
    match service.filter(|_| wants_page) {
        Some(service) => {
            let credential = ShownCredential::AuthId(authid.expose());
            reply::page(StatusCode::OK, &result_page(server, service, credential))
        }
        None => reply::plain(StatusCode::OK, format!("{}\n", authid.expose())),
    }
}

fn ask(server: &Server, status: StatusCode, problem: Option<&str>) -> Reply {
    let page = CollectPage {
        frame: server.frame(),
        problem,
    };
    reply::page(status, &page)
}

fn service_name<'s>(server: &'s Server, authid: &Secret) -> &'s str {
    let id = seal::named_service(authid.expose());
    let service = id.and_then(|id| server.catalog().find(id));
    service.map_or("", |service| service.name.as_str())
}

/// True for browsers, which name HTML. curl does not.
fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(ACCEPT).iter();
    accepted.any(|value| value.to_str().is_ok_and(|text| text.contains("text/html")))
}
