//! `GET` or `POST /refresh`: returns an access token for an AuthID.

use http::Method;

use crate::{
    provider::Service,
    refresh::Refreshed,
    seal::NotAnAuthId,
    secret::Secret,
    server::{
        Reply, Server, access_token_answer::AccessTokenAnswer, errors::ApiError,
        exchange::Exchange, input, reply,
    },
};

/// Refreshes with the AuthID from the header, query or form.
pub(in crate::server) async fn refresh(exchange: &mut Exchange<'_>) -> Reply {
    let server = exchange.server;
    let is_get = exchange.request.method() == Method::GET;
    let asked_type = exchange.query("type").filter(|_| is_get);
    let authid = input::authid(exchange.request);
    // Duplicati's web UI opens the oauth-url itself to log in.
    if let (Err(NotAnAuthId::Missing), Some(id)) = (&authid, asked_type) {
        return to_start_page(server, &id);
    }
    let opened = match exchange.open_sent(&authid).await {
        Ok(opened) => opened,
        Err(error) => {
            if authid.is_ok() {
                server.engine.count_unopened(&error);
            }
            return exchange.fail(ApiError::of_refresh(&error));
        }
    };
    let result = server.engine.refresh(&opened).await;
    exchange.log.note_refreshed(&result);
    match result {
        Ok(refreshed) => answer(opened.service(), &refreshed),
        Err(error) => {
            exchange.audit_refused(&opened, &error);
            exchange.fail(ApiError::of_refresh(&error))
        }
    }
}

fn to_start_page(server: &Server, id: &str) -> Reply {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("type", id)
        .finish();
    reply::redirect(&server.path(&format!("/?{query}")))
}

fn answer(service: &Service, refreshed: &Refreshed) -> Reply {
    let answer = AccessTokenAnswer {
        access_token: refreshed.access_token().expose(),
        expires: refreshed.expires_in.as_secs(),
        r#type: &service.id,
        v2_authid: refreshed.newest_authid.as_ref().map(Secret::expose),
    };
    answer.into_reply()
}
