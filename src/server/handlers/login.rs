//! `GET /login` and the provider's callback, `GET /logged-in`.

use http::{Request, StatusCode};

use crate::{
    login::{Callback, LoginCookie},
    pages::ResultPage,
    secret::Secret,
    server::{Reply, Server, error, input, reply},
};

/// Off to the provider, with a cookie that knows the way back.
pub(in crate::server) fn begin_login<B>(server: &Server, request: &Request<B>) -> Reply {
    let id = input::query(request, "id").unwrap_or_default();
    match server.login.begin(&id) {
        Ok(begun) => reply::set_cookie(reply::redirect(&begun.redirect), &begun.cookie),
        Err(error) => error::login_page(server, &error),
    }
}

/// Back from the provider: the AuthID, or why there is none. Either way this
/// login's cookie has served.
pub(in crate::server) async fn finish_login<B>(server: &Server, request: &Request<B>) -> Reply {
    let callback = Callback {
        state: input::query(request, "state").filter(|state| is_nonce(state)),
        code: input::query(request, "code").map(Secret::new),
        error: input::query(request, "error"),
        error_description: input::query(request, "error_description"),
    };
    let cookie = LoginCookie::new(
        server.public_url(),
        callback.state.as_deref().unwrap_or_default(),
    );
    let page = match server
        .login
        .finish(callback, input::cookies(request.headers()))
        .await
    {
        Ok(finished) => {
            let service = &finished.service;
            let page = ResultPage {
                frame: server.frame(),
                service_name: &service.name,
                service_link: service.link.as_ref().map(url::Url::as_str),
                manage_url: service.manage_url.as_ref().map(url::Url::as_str),
                authid: finished.authid.expose(),
            };
            reply::page(StatusCode::OK, &page)
        }
        Err(error) => error::login_page(server, &error),
    };
    reply::set_cookie(page, &cookie.remove())
}

/// The nonce names a cookie, so nothing but base64url may pass.
fn is_nonce(state: &str) -> bool {
    state.len() == 43
        && state
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
