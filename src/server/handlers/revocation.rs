//! `POST /oauth2/revoke`: token revocation as OAuth libraries ask for it (RFC 7009).

use http::{Request, StatusCode};

use crate::{
    listen::Body,
    old_authid::OldAuthIdError,
    refresh::RefreshError,
    server::{
        Reply, Server,
        access_log::Entry,
        oauth_error::{self, OAuthError},
        reply,
    },
};

/// Revokes the grant of an AuthID at its provider. A `token_type_hint` is not needed:
/// an AuthID says what it is.
pub(in crate::server) async fn revoke_token(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Reply {
    let reply = revoke(server, request, entry).await;
    reply.unwrap_or_else(OAuthError::into_reply)
}

async fn revoke(
    server: &Server,
    request: &Request<Body>,
    entry: &mut Entry,
) -> Result<Reply, OAuthError> {
    let done = reply::empty(StatusCode::OK);
    let form = oauth_error::form(request.headers(), request.body())?;
    let Some(authid) = form.parameter("token")? else {
        return Err(OAuthError::invalid_request(
            "token is missing. Put the AuthID there.",
        ));
    };
    let holder = match server
        .engine
        .open(authid.expose(), entry.asker.counted_as())
        .await
    {
        Ok(holder) => holder,
        // What gives no access is as good as revoked (RFC 7009 section 2.2).
        Err(RefreshError::Open(_) | RefreshError::Old(OldAuthIdError::Unknown)) => return Ok(done),
        Err(error) => return Err(error.into()),
    };
    entry.note_holder(&holder);
    server.engine.revoke(&holder).await?;
    Ok(done)
}
