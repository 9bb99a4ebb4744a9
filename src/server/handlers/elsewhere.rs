//! `POST /elsewhere` makes a one-time code for an AuthID, and `GET` and `POST /collect` take it
//! on another machine.

use http::{HeaderMap, Method, StatusCode, header::ACCEPT};

use super::{hand_over::comes_from_elsewhere, result::result_page};
use crate::{
    limit::TooOften,
    login::{CODE_LIFETIME, Collected, NotCollected},
    pages::{CollectPage, ElsewherePage, ResultPage, ShownCredential, collect_command},
    seal,
    secret::Secret,
    server::{
        Reply, Server, errors::capitalised, exchange::Exchange, input, reply, routes::COLLECT_PATH,
    },
};

const UNKNOWN: &str = "This code is unknown, was used before, or is older than 5 minutes. Make a \
                       new one on the page with the AuthID; if it was used, log in again.";
const TOO_OFTEN: &str =
    "Too many codes were tried from your network. Try this one again in a minute.";
const ELSEWHERE: &str = "Enter the code on a machine from which the AuthID may be used.";
const TRY_AGAIN: &str = "This server can't look for the code now. Try again in a moment.";

/// Makes the code, or returns a page with the reason why not.
pub(in crate::server) async fn make_code(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    if comes_from_elsewhere(exchange.request.headers()) {
        return server.sent_by_another_site();
    }
    let form = exchange.form().unwrap_or_default();
    let nonce = input::nonce(form.get("nonce"));
    let sealed = Secret::new(form.get("sealed").unwrap_or_default());
    let making = server
        .login
        .make_code(&nonce, &sealed, exchange.client_network());
    let made = match making.await {
        Ok(made) => made,
        Err(why) => return server.no_code(&why),
    };
    let url = server.public_url().join(COLLECT_PATH);
    let code = made.code.expose();
    let page = ElsewherePage {
        frame: server.frame(),
        service_name: service_name(server, &made.authid),
        command: collect_command(&url, code),
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
    if comes_from_elsewhere(request.headers()) {
        return server.sent_by_another_site();
    }
    let form = exchange.form().unwrap_or_default();
    let code = Secret::new(form.get("code").unwrap_or_default());
    let client = exchange.client_network();
    let wants_page = wants_page(request.headers());
    let address = exchange.client.address;
    let check = |authid: &Secret| {
        let checked = server.engine.check_receiver(authid.expose(), address);
        checked.map_err(|error| format!("{}. {ELSEWHERE}", capitalised(&error)))
    };
    let collecting = server.login.collect(code.expose(), client, check);
    let (status, problem, retry_after) = match collecting.await {
        Ok(collected) => return show(exchange, &collected, wants_page),
        Err(NotCollected::NotHere(why)) => (StatusCode::FORBIDDEN, why, None),
        Err(NotCollected::Unknown) => (StatusCode::NOT_FOUND, UNKNOWN.to_owned(), None),
        Err(NotCollected::TooOften(TooOften { retry_after })) => (
            StatusCode::TOO_MANY_REQUESTS,
            TOO_OFTEN.to_owned(),
            Some(retry_after),
        ),
        Err(NotCollected::Store(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, TRY_AGAIN.to_owned(), None)
        }
    };
    let reply = match wants_page {
        true => ask(server, status, Some(&problem)),
        false => reply::plain(status, format!("{problem}\n")),
    };
    reply::set_retry_after(reply, retry_after)
}

fn show(exchange: &mut Exchange<'_>, collected: &Collected, wants_page: bool) -> Reply {
    let (server, authid) = (exchange.server, &collected.authid);
    let service = seal::named_service(authid.expose());
    let service = service.and_then(|id| server.catalog().find(id));
    exchange.log.note_given(service, collected.lineage);
    match service.filter(|_| wants_page) {
        Some(service) => {
            let credential = ShownCredential::AuthId(authid.expose());
            let page = ResultPage {
                // Otherwise each code would give another one, without a login.
                elsewhere: None,
                ..result_page(server, service, credential)
            };
            reply::page(StatusCode::OK, &page)
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
