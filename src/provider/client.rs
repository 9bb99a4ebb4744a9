//! The client side of RFC 6749: authorization request, code exchange, refresh.

use std::{future::Future, pin::Pin, time::Duration};

use http::{StatusCode, header::CONTENT_TYPE};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use url::Url;

use super::{
    ClientAuthentication, ProviderError, Service, Tokens, token_response::LenientTokenResponse,
};
use crate::{outbound::Outbound, secret::Secret};

/// Speaks to the providers' endpoints.
#[derive(Clone, Debug)]
pub struct ProviderClient {
    outbound: Outbound,
    deadline: Duration,
}

/// Where to send the browser, and what to keep until it returns.
#[derive(Debug)]
pub struct Authorization {
    /// The authorization request (RFC 6749 section 4.1.1).
    pub url: Url,
    /// The PKCE code verifier (RFC 7636 section 4.1), where the provider takes one.
    pub verifier: Option<Secret>,
}

type OAuthClient = oauth2::Client<
    BasicErrorResponse,
    LenientTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl ProviderClient {
    /// A client whose every call ends within `deadline`.
    pub fn new(outbound: Outbound, deadline: Duration) -> Self {
        Self { outbound, deadline }
    }

    /// The authorization request for a service.
    pub fn authorization(
        &self,
        service: &Service,
        redirect_uri: &str,
        state: &str,
    ) -> Authorization {
        let client = oauth_client(service).set_redirect_uri(redirect_url(redirect_uri));
        let state = CsrfToken::new(state.to_owned());
        let mut request = client.authorize_url(|| state);
        if !service.scope.is_empty() {
            request = request.add_scope(Scope::new(service.scope.clone()));
        }
        for (name, value) in &service.provider.authorize_params {
            request = request.add_extra_param(name, value);
        }
        let verifier = service
            .provider
            .pkce
            .then(PkceCodeChallenge::new_random_sha256);
        let (challenge, verifier) = verifier.unzip();
        if let Some(challenge) = challenge {
            request = request.set_pkce_challenge(challenge);
        }
        Authorization {
            url: request.url().0,
            verifier: verifier.map(|verifier| Secret::new(verifier.into_secret())),
        }
    }

    /// Trades an authorization code for tokens (RFC 6749 section 4.1.3).
    pub async fn exchange_code(
        &self,
        service: &Service,
        redirect_uri: &str,
        code: &Secret,
        verifier: Option<&Secret>,
    ) -> Result<Tokens, ProviderError> {
        let client = oauth_client(service).set_redirect_uri(redirect_url(redirect_uri));
        let code = AuthorizationCode::new(code.expose().to_owned());
        let mut request = client.exchange_code(code);
        if let Some(verifier) = verifier {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            request = request.set_pkce_verifier(verifier);
        }
        self.in_time(request.request_async(self)).await
    }

    /// Asks for a new access token (RFC 6749 section 6). Neither `redirect_uri`
    /// nor `scope` is sent: Dropbox refuses the one, and without the other the
    /// grant's own scope holds.
    pub async fn refresh(
        &self,
        service: &Service,
        refresh_token: &Secret,
    ) -> Result<Tokens, ProviderError> {
        let client = oauth_client(service);
        let refresh_token = RefreshToken::new(refresh_token.expose().to_owned());
        let request = client.exchange_refresh_token(&refresh_token);
        self.in_time(request.request_async(self)).await
    }

    async fn in_time(
        &self,
        call: impl Future<
            Output = Result<
                LenientTokenResponse,
                RequestTokenError<ProviderError, BasicErrorResponse>,
            >,
        >,
    ) -> Result<Tokens, ProviderError> {
        match tokio::time::timeout(self.deadline, call).await {
            Ok(answer) => Ok(Tokens::from(answer?)),
            Err(_elapsed) => Err(ProviderError::TooSlow),
        }
    }

    /// One exchange with a token endpoint. What is no answer of RFC 6749 ends
    /// here, so that the `oauth2` crate sees only what it can tell apart.
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let mut response = self.outbound.send(request).await?.map(Vec::from);
        // Some providers call their JSON text/javascript.
        response.headers_mut().remove(CONTENT_TYPE);
        let status = response.status();
        match status {
            StatusCode::OK | StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Ok(response),
            StatusCode::TOO_MANY_REQUESTS => Err(ProviderError::Busy {
                status: status.as_u16(),
            }),
            _ if status.is_server_error() => Err(ProviderError::Failing {
                status: status.as_u16(),
            }),
            _ => Err(ProviderError::Nonsense {
                what: format!("HTTP {}", status.as_u16()),
            }),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, ProviderError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

fn oauth_client(service: &Service) -> OAuthClient {
    let provider = &service.provider;
    let credentials = &service.credentials;
    let client = oauth2::Client::new(ClientId::new(credentials.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(provider.authorize_url.clone()))
        .set_token_uri(TokenUrl::from_url(provider.token_url.clone()))
        .set_auth_type(match provider.client_authentication {
            ClientAuthentication::Body => AuthType::RequestBody,
            ClientAuthentication::Basic => AuthType::BasicAuth,
        });
    match &credentials.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    }
}

fn redirect_url(text: &str) -> RedirectUrl {
    RedirectUrl::new(text.to_owned()).expect("the redirect URI was made from a parsed URL")
}
