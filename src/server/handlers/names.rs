//! Names that a login seals into its AuthID: of the person, from the header of the proxy, and of
//! the AuthID, which a page asks for.

use http::{Method, StatusCode};

use crate::{
    login::{LoginError, LoginNames},
    pages::{LabelPage, Markup},
    provider::Service,
    seal::AuthIdName,
    server::{Reply, errors::capitalised, exchange::Exchange},
};

/// Returns the names for a login at the service, or the page that asks for one of them.
pub(super) fn login_names(
    exchange: &Exchange<'_>,
    service: &Service,
) -> Result<LoginNames, Box<Reply>> {
    let server = exchange.server;
    let user = match server.names.seals_user {
        true => exchange.user_name().transpose(),
        false => Ok(None),
    };
    let user = user.map_err(|why| {
        let error = LoginError::UserName(why);
        exchange.audit_login_refused(&error);
        Box::new(exchange.login_failed(&error, None))
    })?;
    let label = match server.names.asks_label {
        true => label(exchange, service)?,
        false => None,
    };
    Ok(LoginNames::new(user.as_ref(), label.as_ref()))
}

/// Returns the posted name; `None` if the person gave none.
fn label(exchange: &Exchange<'_>, service: &Service) -> Result<Option<AuthIdName>, Box<Reply>> {
    if exchange.request.method() != Method::POST {
        return Err(Box::new(ask(exchange, service, StatusCode::OK, "", None)));
    }
    let form = exchange.form().unwrap_or_default();
    let text = form.get("label").unwrap_or_default();
    if text.trim().is_empty() {
        return Ok(None);
    }
    AuthIdName::new(&text).map(Some).map_err(|why| {
        let why = format!("{}.", capitalised(&format!("the name {why}")));
        let problem = exchange.language().english(&why);
        let status = StatusCode::BAD_REQUEST;
        Box::new(ask(exchange, service, status, &text, Some(problem)))
    })
}

fn ask(
    exchange: &Exchange<'_>,
    service: &Service,
    status: StatusCode,
    text: &str,
    problem: Option<Markup>,
) -> Reply {
    let query = exchange.request.uri().query().unwrap_or_default();
    let page = LabelPage {
        frame: exchange.frame(),
        service_name: &service.name,
        // Everything else stays in the query, so that it is still there after the password.
        action: &format!("{}?{query}", exchange.path),
        text,
        problem,
    };
    exchange.page_before_redirect(status, &page)
}
