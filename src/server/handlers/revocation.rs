//! `POST /oauth2/revoke`: token revocation for OAuth libraries (RFC 7009).

use http::StatusCode;

use crate::{
    keyring::Unusable,
    oauth_server::{OldAuthId, OldAuthIdError},
    refresh::RefreshError,
    seal::{Flaw, NotAnAuthId, OpenError},
    server::{Reply, errors::OAuthError, exchange::Exchange, reply},
};

/// Revokes the grant of an AuthID at its provider. `token_type_hint` is ignored, because
/// the AuthID says its type.
pub(in crate::server) async fn revoke_token(exchange: &mut Exchange<'_>) -> Reply {
    match revoke(exchange).await {
        Ok(()) => reply::empty(StatusCode::OK),
        Err(error) => error.into_reply(&exchange.login_url()),
    }
}

/// Parameters in the query are ignored, as at the token endpoint.
async fn revoke(exchange: &mut Exchange<'_>) -> Result<(), OAuthError> {
    let form = exchange.form()?;
    let Some(authid) = form.parameter("token")? else {
        return Err(OAuthError::invalid_request(
            "token is missing. Put the AuthID there.",
        ));
    };
    let opened = match exchange.open(authid.expose()).await {
        Ok(opened) => opened,
        Err(error) => return not_opened(error, authid.expose()),
    };
    let revoked = exchange.server.engine.revoke(&opened).await;
    exchange.audit_revocation(&opened, &revoked);
    Ok(revoked?)
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
        // The login may have newer AuthIDs, under a newer key.
        RefreshError::Open(OpenError::Key(Unusable::Retired)) => Err(OAuthError::new(
            "unsupported_token_type",
            "The key of that AuthID has been retired. Revoke by a newer AuthID of the login, or \
             at its provider.",
        )),
        RefreshError::Open(_) if OldAuthId::parse(authid).is_some() => Err(OAuthError::new(
            "unsupported_token_type",
            "This server does not take old AuthIDs. Revoke the login at its provider.",
        )),
        // It was an AuthID once, and its login may live: saying OK would deceive the client.
        RefreshError::Open(
            OpenError::Tampered | OpenError::Unreadable | OpenError::WrongService,
        )
        | RefreshError::Open(OpenError::NotAnAuthId(NotAnAuthId::Form(
            Flaw::CutAtEnd
            | Flaw::NoBeginning
            | Flaw::Shortened
            | Flaw::Character { .. }
            | Flaw::Middle
            | Flaw::TooMuchAtEnd(_)
            | Flaw::Header
            | Flaw::Several,
        ))) => Err(error.into()),
        RefreshError::Open(_) | RefreshError::Old(OldAuthIdError::Unknown) => Ok(()),
        error => Err(error.into()),
    }
}
