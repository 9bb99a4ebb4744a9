//! Revocation of a grant at its provider, by the provider's own method.

use std::time::Duration;

use bytes::Bytes;
use http::{
    Request, Response,
    header::{AUTHORIZATION, CONTENT_TYPE},
};

use super::{
    CallPhase, Caller, ProviderClient, ProviderError, RevocationEndpoint, RevocationMethod,
    Service, Try, confirmation::is_confirmed, token_endpoint::fence,
};
use crate::{clock::Stopwatch, outbound::Received, secret::Secret};

/// The tokens of a grant to revoke. The provider's method decides which one is sent.
#[derive(Debug)]
pub struct GrantTokens<'a> {
    /// The newest refresh token.
    pub refresh_token: &'a Secret,
    /// A live access token, for providers that revoke by access token.
    pub access_token: Option<&'a Secret>,
    /// True if they were issued to another client id than the one that is set now.
    pub of_another_client: bool,
}

impl ProviderClient {
    /// Revokes a grant. Returns `Ok` if the provider confirmed, or said that the grant is
    /// dead already. With a `permit`, a token is sent only if that resolves to `true`, as
    /// for [`ProviderClient::refresh`].
    pub async fn revoke<F>(
        &self,
        service: &Service,
        revocation: &RevocationEndpoint,
        region: Option<&str>,
        tokens: GrantTokens<'_>,
        caller: Caller,
        permit: Option<impl Fn(Duration) -> F + Send + Sync + 'static>,
    ) -> Result<(), ProviderError>
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let url = revocation.url.at(region);
        let url = url.ok_or(ProviderError::UnknownRegion)?.as_str();
        let request = match revocation.method {
            RevocationMethod::RefreshToken => by_refresh_token(url, service, tokens.refresh_token),
            RevocationMethod::AccessToken => {
                let token = tokens.access_token.ok_or(ProviderError::Nonsense {
                    what: "no access token to revoke with".into(),
                })?;
                Request::post(url)
                    .header(AUTHORIZATION, format!("Bearer {}", token.expose()))
                    .body(Vec::new())
            }
        };
        let request = request
            .expect("a parsed URL and an encoded form")
            .map(Bytes::from);
        let call = async {
            let begun = Stopwatch::start();
            let fence = permit.map(|permit| fence(permit, begun, self.deadline));
            let received = Received::default();
            let sent = self
                .connections(caller)
                .send_fenced(|| request.clone(), fence, &received);
            judge(&sent.await?, service, tokens.of_another_client)
        };
        let provider = &service.provider;
        let place = (&**provider, region);
        let caller = (caller, Try::First);
        let revoked = self.lanes.call(place, caller, self.deadline, call).await;
        if let Err(error) = &revoked {
            self.count_refusal(provider, error.refusal());
        }
        revoked
    }
}

/// Makes the request of RFC 7009 section 2.1, with the client's credentials in the body.
fn by_refresh_token(
    url: &str,
    service: &Service,
    refresh_token: &Secret,
) -> http::Result<Request<Vec<u8>>> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", refresh_token.expose());
    form.append_pair("token_type_hint", "refresh_token");
    form.append_pair("client_id", &service.credentials.client_id);
    if let Some(secret) = &service.credentials.client_secret {
        form.append_pair("client_secret", secret.expose());
    }
    Request::post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.finish().into_bytes())
}

/// Reads the answer. A refusal of a token that is `of_another_client` says nothing of the
/// grant, which may live on under the client id that it was issued to.
fn judge(
    answer: &Response<Bytes>,
    service: &Service,
    of_another_client: bool,
) -> Result<(), ProviderError> {
    // Some providers send errors with a status that confirms.
    let error = ProviderError::from_answer(answer, &service.provider, CallPhase::Revocation);
    match error {
        ProviderError::RequestRefused(refusal)
            if of_another_client && refusal.code == "invalid_token" =>
        {
            Err(ProviderError::GrantRefused(refusal))
        }
        error @ ProviderError::GrantRefused(_) if of_another_client => Err(error),
        ProviderError::Nonsense { .. } if is_confirmed(answer.status(), answer.body()) => Ok(()),
        // The grant is dead already: Google answers so for one that was revoked before.
        // Other codes that a new login cures speak of the access token.
        ProviderError::GrantRefused(refusal) if service.provider.is_grant_error(&refusal.code) => {
            Ok(())
        }
        ProviderError::RequestRefused(refusal) if refusal.code == "invalid_token" => Ok(()),
        error => Err(error),
    }
}
