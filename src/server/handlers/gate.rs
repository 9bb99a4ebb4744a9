//! `POST /password`, and the response at a page whose gates are closed.

use std::time::Duration;

use http::StatusCode;

use super::start::recipients;
use crate::{
    login::WrongPassword,
    pages::{Frame, Markup, PasswordPage},
    secret::Secret,
    server::{Reply, admission::Gate, exchange::Exchange, input, reply, routes},
};

/// Refuses a request at a closed gate. The recipients of a visit are carried past the
/// password form: afterwards, the browser only sends this server as the `Referer`.
pub(in crate::server) fn turn_away(exchange: &Exchange<'_>, gate: Gate) -> Reply {
    let server = exchange.server;
    server.metrics.login_refused(gate.name());
    // Everybody comes to the password's gate, once.
    if gate != Gate::Password {
        exchange.audit_turned_away(gate.name());
        return exchange.not_admitted(gate, exchange.client);
    }
    let query = exchange.request.uri().query().unwrap_or_default();
    let mut next = NextPage::new(exchange.path, query);
    let recipients = recipients(exchange);
    if exchange.path != "/" || recipients.is_unknown() {
        return ask(
            exchange,
            exchange.frame(),
            StatusCode::FORBIDDEN,
            &next,
            None,
        );
    }
    match server.login.visit(recipients) {
        Ok(visit) => {
            next.visit(&visit.nonce);
            let frame = exchange.frame_of_visit(&visit.nonce);
            let page = ask(exchange, frame, StatusCode::FORBIDDEN, &next, None);
            reply::set_cookies(page, [&visit.cookie])
        }
        Err(error) => exchange.login_failed(&error, None),
    }
}

/// Checks the password, and redirects the browser to the page that it asked for.
pub(in crate::server) async fn enter_password(exchange: &Exchange<'_>) -> Reply {
    let (server, client) = (exchange.server, exchange.client);
    let form = exchange.form().unwrap_or_default();
    let next = NextPage::parse(&form.get("next").unwrap_or_default());
    let password = match (exchange.closed_gate(), &server.admission.password) {
        (Some(Gate::Password), Some(password)) => password,
        (Some(gate), _) => {
            exchange.audit_turned_away(gate.name());
            return exchange.not_admitted(gate, client);
        }
        (None, _) => return reply::see_other(&server.path(&next.0)),
    };
    let guess = Secret::new(form.get("password").unwrap_or_default());
    let entering = password.enter(guess, exchange.cookies(), exchange.client_network());
    let t = exchange.texts();
    let (status, problem, retry_after) = match entering.await {
        Ok(cookies) => {
            return reply::set_cookies(reply::see_other(&server.path(&next.0)), &cookies);
        }
        Err(WrongPassword::Wrong) => {
            exchange.audit_turned_away("wrong_password");
            tracing::warn!(%client, "a wrong password");
            (StatusCode::FORBIDDEN, t.wrong_password(), None)
        }
        Err(WrongPassword::TooOften(too_often)) => {
            exchange.audit_turned_away("too_many_passwords");
            tracing::warn!(%client, "too many passwords were tried");
            let wait = too_often.retry_after;
            let seconds = wait.as_secs().max(1);
            let problem = t.too_many_passwords(&seconds);
            (StatusCode::TOO_MANY_REQUESTS, problem, Some(wait))
        }
        Err(WrongPassword::Busy) => {
            tracing::warn!(%client, "too many passwords wait to be compared");
            let wait = Duration::from_secs(1);
            let problem = t.too_many_at_the_password();
            (StatusCode::SERVICE_UNAVAILABLE, problem, Some(wait))
        }
        Err(WrongPassword::NoSealingKey(_)) => {
            (StatusCode::INTERNAL_SERVER_ERROR, t.no_key_to_seal(), None)
        }
    };
    server.metrics.login_refused("wrong_password");
    let page = ask(exchange, exchange.frame(), status, &next, Some(problem));
    reply::set_retry_after(page, retry_after)
}

fn ask(
    exchange: &Exchange<'_>,
    frame: Frame<'_>,
    status: StatusCode,
    next: &NextPage,
    problem: Option<Markup>,
) -> Reply {
    let page = PasswordPage {
        frame,
        next: &next.0,
        problem,
    };
    exchange.page(status, &page)
}

/// Target of the redirect after the password. It is always a page of this server,
/// whatever the form says, and never another site.
struct NextPage(String);

impl NextPage {
    fn parse(text: &str) -> Self {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Self::new(path, query)
    }

    /// Makes the target. The query is encoded again, so that it is safe in a header.
    fn new(path: &str, query: &str) -> Self {
        let path = routes::gated_path(path).unwrap_or("/");
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form_urlencoded::parse(query.as_bytes()))
            .finish();
        match query.is_empty() {
            true => Self(path.to_owned()),
            false => Self(format!("{path}?{query}")),
        }
    }

    /// Puts the visit in place of an older one.
    fn visit(&mut self, nonce: &str) {
        let (path, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let others = form_urlencoded::parse(query.as_bytes());
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(others.filter(|(name, _)| name != input::VISIT))
            .append_pair(input::VISIT, nonce)
            .finish();
        self.0 = format!("{path}?{query}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_takes_the_place_of_an_older_one() {
        for (text, next) in [("/", "/?visit=N"), ("/?visit=M&type=a", "/?type=a&visit=N")] {
            let mut page = NextPage::parse(text);
            page.visit("N");
            assert_eq!(page.0, next);
        }
    }

    #[test]
    fn nothing_but_our_own_pages_comes_next() {
        for (text, next) in [
            ("/login?id=box", "/login?id=box"),
            ("/?type=a b&token=T", "/?type=a+b&token=T"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/logged-in?code=1", "/?code=1"),
            (
                "/login?a=%0d%0aSet-Cookie:x",
                "/login?a=%0D%0ASet-Cookie%3Ax",
            ),
        ] {
            assert_eq!(NextPage::parse(text).0, next);
        }
    }
}
