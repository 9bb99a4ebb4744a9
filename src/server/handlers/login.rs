//! Logins: `GET /login` and the provider's callback at `GET /logged-in` or `GET
//! /logged-in/<provider>`; for services with a pasted login token, `GET /cli-token` and
//! `POST /cli-token-login`.

use http::{Method, StatusCode};

use super::{
    hand_over::comes_from_elsewhere, names::login_names, result::finished_page, start::login_tokens,
};
use crate::{
    login::{Begun, Callback, Failed, LoginError, LoginNames, NotALoginToken, SealedCookie},
    pages::CliTokenPage,
    provider::{Account, LoginMethod, Service},
    secret::Secret,
    server::{
        Reply, errors::not_a_login_token, exchange::Exchange, input, reply, routes::CLI_TOKEN_PATH,
    },
};

/// Redirects to the provider, or shows the page for a login token. The response sets the
/// cookie of the login.
pub(in crate::server) fn begin_login(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let id = exchange.query("id").unwrap_or_default();
    if id.is_empty() && exchange.path == CLI_TOKEN_PATH {
        return login_tokens(exchange);
    }
    let visit = input::visit(exchange.request.uri());
    let recipients = server.login.recipients(&visit, exchange.cookies());
    let recipients = match exchange.query("send").as_deref() {
        Some("no") => recipients.declined(),
        _ => recipients,
    };
    let account = match exchange.query("account").as_deref() {
        Some("other") => Account::Another,
        _ => Account::Any,
    };
    if exchange.request.method() == Method::POST && comes_from_elsewhere(exchange.request.headers())
    {
        return exchange.sent_by_another_site();
    }
    let names = match server.catalog().find(&id) {
        Some(service) => match login_names(exchange, service) {
            Ok(names) => names,
            Err(reply) => return *reply,
        },
        None => LoginNames::default(),
    };
    match server.login.begin(&id, account, recipients, names) {
        Ok(Begun::Redirect {
            service,
            location,
            cookie,
        }) => {
            exchange.log.note_service(&service);
            reply::set_cookies(reply::redirect(&location), [&cookie])
        }
        Ok(Begun::LoginToken {
            service,
            nonce,
            cookie,
        }) => {
            exchange.log.note_service(&service);
            let page = ask_for_login_token(exchange, &service, &nonce, None);
            reply::set_cookies(page, [&cookie])
        }
        Err(error) => exchange.login_failed(&error, None),
    }
}

/// Handles the provider's callback: returns the AuthID, or the reason why there is none.
/// In both cases it removes the cookie of the login, unless the same callback may come again.
pub(in crate::server) async fn finish_login(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let callback = Callback {
        path: exchange.path.to_owned(),
        ..callback(exchange.request.uri().query().unwrap_or_default())
    };
    let cookie = SealedCookie::of_login(server.public_url(), &callback.state);
    let (cookies, client) = (exchange.cookies(), exchange.client_network());
    let page = match server.login.finish(callback, cookies, client).await {
        Ok(finished) => {
            exchange.audit_login(&finished);
            finished_page(exchange, StatusCode::OK, &finished)
        }
        Err(failed) => {
            exchange.audit_login_refused(&failed.error);
            let page = login_failed(exchange, &failed);
            // The same callback is taken later, and needs its cookie then.
            if failed.error.may_come_again() {
                return page;
            }
            page
        }
    };
    reply::set_cookies(page, [&cookie.remove()])
}

/// Exchanges the pasted login token for an AuthID. If the text is not a login token, the
/// page says why and asks again.
pub(in crate::server) async fn finish_with_login_token(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let form = exchange.form().unwrap_or_default();
    let state = input::nonce(form.get("state"));
    let pasted = Secret::new(form.get("token").unwrap_or_default());
    let (cookies, client) = (exchange.cookies(), exchange.client_network());
    let finished = server
        .login
        .finish_with_login_token(&state, pasted.expose(), cookies, client);
    match finished.await {
        Ok(finished) => {
            exchange.audit_login(&finished);
            let cookie = SealedCookie::of_login(server.public_url(), &state);
            let page = finished_page(exchange, StatusCode::OK, &finished);
            reply::set_cookies(page, [&cookie.remove()])
        }
        Err(Failed {
            error: LoginError::NotALoginToken { service, why },
            ..
        }) => ask_for_login_token(exchange, &service, &state, Some(&why)),
        Err(failed) => {
            exchange.audit_login_refused(&failed.error);
            login_failed(exchange, &failed)
        }
    }
}

fn login_failed(exchange: &Exchange<'_>, failed: &Failed) -> Reply {
    let visit = failed.visit.as_ref();
    let page = exchange.login_failed(&failed.error, visit.map(|visit| visit.nonce.as_str()));
    reply::set_cookies(page, visit.map(|visit| &visit.cookie))
}

fn callback(query: &str) -> Callback {
    let mut callback = Callback::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "state" => callback.state = input::nonce(Some(value.into_owned())),
            "code" => callback.code = Some(Secret::new(value)),
            "error" => callback.error = Some(value.into_owned()),
            "error_description" => callback.error_description = Some(value.into_owned()),
            _ => callback
                .others
                .push((name.into_owned(), value.into_owned())),
        }
    }
    callback
}

fn ask_for_login_token(
    exchange: &Exchange<'_>,
    service: &Service,
    nonce: &str,
    problem: Option<&NotALoginToken>,
) -> Reply {
    let token_page = match &service.provider.login {
        LoginMethod::LoginToken { token_page, .. } => token_page.as_ref(),
        LoginMethod::Code { .. } => None,
    };
    let table = match problem {
        Some(NotALoginToken::OfAnotherRealm(other)) => other.table(),
        _ => None,
    };
    let text = problem.map(|why| not_a_login_token(exchange.language(), why));
    let page = CliTokenPage {
        frame: exchange.frame(),
        service_name: &service.name,
        token_page: token_page.map(url::Url::as_str),
        state: nonce,
        problem: text.as_ref(),
        table,
    };
    let status = match problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    exchange.page(status, &page)
}
