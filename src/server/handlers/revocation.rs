//! `POST /oauth2/revoke`: token revocation for OAuth libraries (RFC 7009).

use http::{Request, StatusCode};

use crate::{
    keyring::Unusable,
    listen::Body,
    oauth_server::{OldAuthId, OldAuthIdError},
    refresh::RefreshError,
    seal::OpenError,
    server::{
        Reply, Server,
        access_log::Entry,
        oauth_error::{self, OAuthError},
        reply,
    },
};

/// Revokes the grant of an AuthID at its provider. `token_type_hint` is ignored, because
/// the AuthID says its type.
pub(in crate::server) async fn revoke_token(
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
        Err(error) => return not_opened(error, authid.expose()).map(|()| done),
    };
    entry.note_holder(&holder);
    server.engine.revoke(&holder).await?;
    Ok(done)
}

/// Returns success for an AuthID that gives no access, as for a revoked one (RFC 7009
/// section 2.2), unless the login may still work elsewhere.
fn not_opened(error: RefreshError, authid: &str) -> Result<(), OAuthError> {
    match error {
        // Another server of the same fleet may have the key.
        RefreshError::Open(OpenError::Key(Unusable::Unknown | Unusable::Missing)) => {
            Err(OAuthError::new(
                "temporarily_unavailable",
                "This server does not have the key of that AuthID, and can't revoke its login.",
            ))
        }
        RefreshError::Open(_) if OldAuthId::parse(authid).is_some() => Err(OAuthError::new(
            "unsupported_token_type",
            "This server does not take old AuthIDs. Revoke the login at its provider.",
        )),
        RefreshError::Open(_) | RefreshError::Old(OldAuthIdError::Unknown) => Ok(()),
        error => Err(error.into()),
    }
}
