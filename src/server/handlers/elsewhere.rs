//! `POST /elsewhere` makes a one-time code for an AuthID, and `GET` and `POST /collect` take it
//! on another machine.

use http::{HeaderMap, Method, StatusCode, header::ACCEPT};

use super::{hand_over::comes_from_elsewhere, result::result_page};
use crate::{
    limit::TooOften,
    login::{CODE_LIFETIME, Collected, NotCollected},
    pages::{
        CollectPage, ElsewherePage, Language, Markup, ResultPage, ShownCredential, collect_command,
    },
    seal,
    secret::Secret,
    server::{
        Reply, Server, errors::capitalised, exchange::Exchange, input, reply, routes::COLLECT_PATH,
    },
};

/// Makes the code, or returns a page with the reason why not.
pub(in crate::server) async fn make_code(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    if comes_from_elsewhere(exchange.request.headers()) {
        return exchange.sent_by_another_site();
    }
    let form = exchange.form().unwrap_or_default();
    let nonce = input::nonce(form.get("nonce"));
    let sealed = Secret::new(form.get("sealed").unwrap_or_default());
    let making = server
        .login
        .make_code(&nonce, &sealed, exchange.client_network());
    let made = match making.await {
        Ok(made) => made,
        Err(why) => return exchange.no_code(&why),
    };
    let url = server.public_url().join(COLLECT_PATH);
    let code = made.code.expose();
    let page = ElsewherePage {
        frame: exchange.frame(),
        service_name: service_name(server, &made.authid),
        command: collect_command(&url, code),
        // Browsers send no fragment to a server, and none in a `Referer`.
        link: format!("{url}#{code}"),
        minutes: CODE_LIFETIME.as_secs() / 60,
    };
    exchange.page(StatusCode::OK, &page)
}

/// Shows the form for a code. Takes a posted code, and returns the AuthID: as a page to a
/// browser, and as a line of text to others.
pub(in crate::server) async fn collect(exchange: &mut Exchange<'_>) -> Reply {
    let (server, request) = (exchange.server, exchange.request);
    if request.method() == Method::GET {
        return ask(exchange, StatusCode::OK, None);
    }
    if comes_from_elsewhere(request.headers()) {
        return exchange.sent_by_another_site();
    }
    let form = exchange.form().unwrap_or_default();
    let code = Secret::new(form.get("code").unwrap_or_default());
    let client = exchange.client_network();
    let wants_page = wants_page(request.headers());
    // A shell reads English.
    let language = match wants_page {
        true => exchange.language(),
        false => Language::English,
    };
    let t = language.texts();
    let address = exchange.client.address;
    let check = |authid: &Secret| {
        let checked = server.engine.check_receiver(authid.expose(), address);
        checked.map_err(|error| format!("{}.", capitalised(&error)))
    };
    let collecting = server.login.collect(code.expose(), client, check);
    let (status, problem, retry_after) = match collecting.await {
        Ok(collected) => return show(exchange, &collected, wants_page),
        Err(NotCollected::NotHere(why)) => {
            let why = language.english(&why).then(&t.enter_code_elsewhere());
            (StatusCode::FORBIDDEN, why, None)
        }
        Err(NotCollected::Unknown) => (StatusCode::NOT_FOUND, t.code_unknown(), None),
        Err(NotCollected::TooOften(TooOften { retry_after })) => (
            StatusCode::TOO_MANY_REQUESTS,
            t.too_many_codes_tried(),
            Some(retry_after),
        ),
        Err(NotCollected::Store(_)) => (StatusCode::SERVICE_UNAVAILABLE, t.code_not_now(), None),
    };
    let reply = match wants_page {
        true => ask(exchange, status, Some(problem)),
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
                ..result_page(exchange, service, credential)
            };
            exchange.page(StatusCode::OK, &page)
        }
        None => reply::plain(StatusCode::OK, format!("{}\n", authid.expose())),
    }
}

fn ask(exchange: &Exchange<'_>, status: StatusCode, problem: Option<Markup>) -> Reply {
    let page = CollectPage {
        frame: exchange.frame(),
        problem,
    };
    exchange.page(status, &page)
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
