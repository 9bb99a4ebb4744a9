//! The request that refreshes (RFC 6749 section 6). It is always the same, except for the refresh
//! token, so `oauth2` writes it once for each service, and a refresh fills the token in. That
//! takes 1,800 instructions instead of 11,700 (docs/performance.md).

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use ahash::RandomState;
use bytes::Bytes;
use http::{
    HeaderMap, Method, Request, Uri,
    header::{ACCEPT_ENCODING, AUTHORIZATION},
};
use oauth2::{HttpRequest, HttpResponse, RefreshToken};

use super::{
    Catalog, ProviderError, Service,
    client::{OAuthClient, oauth_client},
};
use crate::{outbound::UNCOMPRESSED, secret::Secret};

/// The requests of all services, by service and region.
#[derive(Debug)]
pub(super) struct RefreshRequests(HashMap<String, Vec<RegionalRequest>, RandomState>);

/// A request, and the region that it is for; `None` if it is for all.
type RegionalRequest = (Option<String>, RefreshRequest);

/// The request of one service without the refresh token.
pub(super) struct RefreshRequest {
    uri: Uri,
    headers: HeaderMap,
    before_token: Secret,
    after_token: Secret,
}

/// Stands for the refresh token. It needs no escapes.
const PLACEHOLDER: &str = "authseal-puts-the-refresh-token-here";

impl RefreshRequests {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let requests = catalog.iter().map(|service| {
            let regions = service.provider.token_url.regions();
            let written = regions.filter_map(|region| {
                let client = oauth_client(service, region).ok()?;
                let request = RefreshRequest::written_by(&client)?;
                Some((region.map(str::to_owned), request))
            });
            (service.id.clone(), written.collect())
        });
        Self(requests.collect())
    }

    /// Returns the request for accounts of this region.
    pub(super) fn find(
        &self,
        service: &Service,
        region: Option<&str>,
    ) -> Result<&RefreshRequest, ProviderError> {
        let requests = self.0.get(&service.id).into_iter().flatten();
        let is_it = |(of, _): &&RegionalRequest| of.is_none() || of.as_deref() == region;
        let (_, request) = { requests }
            .find(is_it)
            .ok_or(ProviderError::UnknownRegion)?;
        Ok(request)
    }
}

impl RefreshRequest {
    /// Takes the request from `oauth2`, which believes that it sends it. The refresh token comes
    /// first in its body; behind it are the credentials.
    fn written_by(client: &OAuthClient) -> Option<Self> {
        let (head, body) = request_of(client, PLACEHOLDER)?.into_parts();
        let body = Secret::new(String::from_utf8(body).ok()?);
        let (before, after) = body.expose().split_once(PLACEHOLDER)?;
        let mut headers = head.headers;
        // A map that grows costs more than one that is full.
        headers.insert(ACCEPT_ENCODING, UNCOMPRESSED);
        if let Some(credentials) = headers.get_mut(AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        Some(Self {
            uri: head.uri,
            headers,
            before_token: Secret::new(before),
            after_token: Secret::new(after),
        })
    }

    /// Returns the body of the request with this refresh token.
    fn body(&self, refresh_token: &Secret) -> Bytes {
        let parts = [&self.before_token, refresh_token, &self.after_token].map(Secret::expose);
        let [before, token, after] = parts;
        let is_form_text = is_form_text(token);
        // An escape has three bytes. A buffer that grows leaves a copy behind.
        let longest = if is_form_text {
            token.len()
        } else {
            3 * token.len()
        };
        let mut body = Vec::with_capacity(before.len() + longest + after.len());
        body.extend_from_slice(before.as_bytes());
        match is_form_text {
            true => body.extend_from_slice(token.as_bytes()),
            false => {
                for piece in form_urlencoded::byte_serialize(token.as_bytes()) {
                    body.extend_from_slice(piece.as_bytes());
                }
            }
        }
        body.extend_from_slice(after.as_bytes());
        body.into()
    }

    /// Returns the request with this refresh token.
    pub(super) fn with(&self, refresh_token: &Secret) -> Request<Bytes> {
        let mut request = Request::new(self.body(refresh_token));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// Leaves out the body and the credentials.
impl fmt::Debug for RefreshRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshRequest({})", self.uri)
    }
}

/// True if the text is the same in a form. It looks at all of it, because a loop without an exit
/// takes many bytes at once.
fn is_form_text(text: &str) -> bool {
    let is_same =
        |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'*' | b'-' | b'.' | b'_');
    text.bytes().fold(true, |all, byte| all & is_same(byte))
}

/// Returns the request that `oauth2` writes for a refresh token.
fn request_of(client: &OAuthClient, refresh_token: &str) -> Option<HttpRequest> {
    let taken = Mutex::new(None);
    let take = |request: HttpRequest| -> Result<HttpResponse, fmt::Error> {
        *taken.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        Err(fmt::Error)
    };
    let token = RefreshToken::new(refresh_token.to_owned());
    // Always an error, because there is no answer.
    let _ = client.exchange_refresh_token(&token).request(&take);
    taken.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use oauth2::{AuthType, ClientId, ClientSecret, TokenUrl};
    use proptest::{option, prelude::*};

    use super::*;

    fn client(id: &str, secret: Option<&str>, auth_type: AuthType) -> OAuthClient {
        let url = "https://provider.example/oauth/token?api=2";
        let client = oauth2::Client::new(ClientId::new(id.into()))
            .set_token_uri(TokenUrl::new(url.into()).unwrap())
            .set_auth_type(auth_type);
        match secret {
            Some(secret) => client.set_client_secret(ClientSecret::new(secret.into())),
            None => client,
        }
    }

    proptest! {
        #[test]
        fn it_is_the_request_that_oauth2_sends_for_any_token(
            token in "[A-Za-z0-9*._/-]{0,200}|[ -~]{0,40}|\\PC{0,20}|.{0,9}",
            id in "[ -~é&=+%]{0,30}",
            secret in option::of("[ -~é&=+%]{0,30}"),
            in_header: bool,
        ) {
            let auth_type = if in_header { AuthType::BasicAuth } else { AuthType::RequestBody };
            let client = client(&id, secret.as_deref(), auth_type);
            let request = RefreshRequest::written_by(&client).unwrap();
            let mut request = request.with(&Secret::new(&*token));
            prop_assert_eq!(request.headers_mut().remove(ACCEPT_ENCODING), Some(UNCOMPRESSED));
            let expected = request_of(&client, &token).unwrap();
            prop_assert_eq!(request.method(), expected.method());
            prop_assert_eq!(request.uri(), expected.uri());
            prop_assert_eq!(request.headers(), expected.headers());
            prop_assert_eq!(request.version(), expected.version());
            prop_assert_eq!(
                String::from_utf8_lossy(request.body()),
                String::from_utf8_lossy(expected.body())
            );
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let client = client(
            "never-print-id",
            Some("never-print-secret"),
            AuthType::BasicAuth,
        );
        let request = RefreshRequest::written_by(&client).unwrap();
        let shown = format!("{request:?} {:?}", request.headers);
        assert!(
            !shown.contains("never-print") && !shown.contains("Basic"),
            "{shown}"
        );
    }

    #[test]
    fn a_client_id_like_the_placeholder_is_kept() {
        let client = client(PLACEHOLDER, None, AuthType::RequestBody);
        let request = RefreshRequest::written_by(&client).unwrap();
        let body = request.body(&Secret::new("r"));
        assert_eq!(body, request_of(&client, "r").unwrap().into_body());
    }
}
