//! The client side of RFC 6749: the authorization request, the exchanges for tokens, and
//! the refresh.

use std::{future::Future, sync::Arc, time::Duration};

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, ResourceOwnerPassword,
    ResourceOwnerUsername, Scope, StandardRevocableToken, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse},
};
use url::Url;

use super::{
    CallPhase, Catalog, ClientAuthentication, LoginMethod, Provider, ProviderError, Refusal,
    Service, Tokens, account,
    attempt::{Attempt, Patience, RefreshAnswer, replaced},
    lane::{Caller, Lanes, Try},
    refresh_request::RefreshRequests,
    retries::RetryPauses,
    token_endpoint::{TokenEndpoint, fence},
    token_response::LenientTokenResponse,
};
use crate::{
    clock::Stopwatch,
    limit::ClientNetwork,
    outbound::{Fence, Outbound, Received},
    secret::Secret,
    telemetry::{Metrics, RefusalMetrics},
};

/// Deadline of a single-use refresh, as a multiple of the usual one. Its client has given
/// up by then, but if the answer is not received, the login is lost.
const SINGLE_USE_FACTOR: u32 = 3;

/// Calls the providers' endpoints.
#[derive(Clone, Debug)]
pub struct ProviderClient {
    outbound: Outbound,
    /// Separate connections for strangers: a request that a stranger cancels breaks no other
    /// caller's.
    strangers: Outbound,
    pub(super) lanes: Lanes,
    pub(super) deadline: Duration,
    pauses: RetryPauses,
    refusals: RefusalMetrics,
    refresh_requests: Arc<RefreshRequests>,
}

/// Parameters of a code exchange.
#[derive(Debug)]
pub struct CodeExchange<'a> {
    /// The same as in the authorization request.
    pub redirect_uri: &'a str,
    /// The authorization code.
    pub code: &'a Secret,
    /// The PKCE code verifier, if the request had a challenge.
    pub verifier: Option<&'a Secret>,
    /// Region of the account, if the provider has several.
    pub region: Option<&'a str>,
}

/// The account to log in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The one that the user or the provider chooses.
    Any,
    /// Not the one that the user is logged in with at the provider.
    Another,
}

/// An authorization request, and the verifier to keep until the browser returns.
#[derive(Debug)]
pub struct Authorization {
    /// The authorization request (RFC 6749 section 4.1.1).
    pub url: Url,
    /// The PKCE code verifier (RFC 7636 section 4.1), if the provider supports PKCE.
    pub verifier: Option<Secret>,
}

pub(super) type OAuthClient = oauth2::Client<
    BasicErrorResponse,
    LenientTokenResponse,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

impl ProviderClient {
    /// Makes a client for the providers of this catalog. Every call ends within `deadline`,
    /// except a refresh with [`Patience::ForTheToken`]. A provider that fails for several
    /// logins in a row is left alone for `breaker_rest`.
    pub fn new(
        outbound: Outbound,
        deadline: Duration,
        pauses: RetryPauses,
        breaker_rest: Duration,
        catalog: &Catalog,
        metrics: &Metrics,
    ) -> Self {
        Self {
            strangers: outbound.apart(),
            outbound,
            // 12 of 20 s: the trial itself takes time, and the client is still there then.
            lanes: Lanes::of(catalog, breaker_rest, deadline * 3 / 5, metrics),
            deadline,
            pauses,
            refusals: metrics.refusals(),
            refresh_requests: Arc::new(RefreshRequests::of(catalog)),
        }
    }

    /// Returns the connections for calls of this caller.
    pub(super) fn connections(&self, caller: Caller) -> &Outbound {
        match caller {
            Caller::Holder(..) | Caller::Revoker(..) => &self.outbound,
            Caller::Stranger(_) => &self.strangers,
        }
    }

    /// Returns the pauses between the calls of one refresh.
    pub fn pauses(&self) -> [Duration; 2] {
        self.pauses.of_one_refresh()
    }

    /// Time limit of a call that a client waits for.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Makes the authorization request for a service; `None` if its login is not a
    /// redirect.
    pub fn authorization(
        &self,
        service: &Service,
        account: Account,
        redirect_uri: &str,
        state: &str,
    ) -> Option<Authorization> {
        let LoginMethod::Code {
            authorize_url,
            params,
            other_account_params,
            ..
        } = &service.provider.login
        else {
            return None;
        };
        let client = oauth2::basic::BasicClient::new(client_id(service))
            .set_auth_uri(AuthUrl::from_url(authorize_url.clone()))
            .set_redirect_uri(redirect_url(redirect_uri));
        let state = CsrfToken::new(state.to_owned());
        let mut request = client.authorize_url(|| state);
        if !service.scope.is_empty() {
            request = request.add_scope(Scope::new(service.scope.clone()));
        }
        let mut params = params.clone();
        if account == Account::Another {
            params.extend(other_account_params.clone());
        }
        for (name, value) in params {
            request = request.add_extra_param(name, value);
        }
        let pkce = service.provider.pkce;
        let (challenge, verifier) = pkce.then(PkceCodeChallenge::new_random_sha256).unzip();
        if let Some(challenge) = challenge {
            request = request.set_pkce_challenge(challenge);
        }
        Some(Authorization {
            url: request.url().0,
            verifier: verifier.map(|verifier| Secret::new(verifier.into_secret())),
        })
    }

    /// Trades an authorization code for tokens (RFC 6749 section 4.1.3). `on_sending` is
    /// called when the request leaves the queue to be sent.
    pub async fn exchange_code(
        &self,
        service: &Service,
        exchange: CodeExchange<'_>,
        client_network: ClientNetwork,
        on_sending: impl FnOnce() + Send,
    ) -> Result<Tokens, ProviderError> {
        let client = oauth_client(service, exchange.region)?
            .set_redirect_uri(redirect_url(exchange.redirect_uri));
        let code = AuthorizationCode::new(exchange.code.expose().to_owned());
        let mut request = client.exchange_code(code);
        if let Some(verifier) = exchange.verifier {
            let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
            request = request.set_pkce_verifier(verifier);
        }
        let caller = Caller::Stranger(client_network);
        let received = Received::default();
        let of = (&*service.provider, CallPhase::Code);
        let http = self.token_endpoint(of, caller, None, &received);
        let call = async {
            on_sending();
            let tokens = request.request_async(&http).await;
            tokens.map_err(|error| http.error(error))
        };
        let target = (service, exchange.region);
        let tokens = self.within(self.deadline, target, (caller, Try::First), call);
        let tokens = tokens.await?;
        let account = account::named(&received, service);
        Ok(Tokens { account, ..tokens })
    }

    /// Trades a login token that the user made at the provider for tokens, by the resource
    /// owner password grant (RFC 6749 section 4.3.2). `on_sending` is as for
    /// [`ProviderClient::exchange_code`].
    pub async fn exchange_login_token(
        &self,
        service: &Service,
        username: &str,
        token: &Secret,
        client_network: ClientNetwork,
        on_sending: impl FnOnce() + Send,
    ) -> Result<Tokens, ProviderError> {
        let client = oauth_client(service, None)?;
        let username = ResourceOwnerUsername::new(username.to_owned());
        let password = ResourceOwnerPassword::new(token.expose().to_owned());
        let request = client
            .exchange_password(&username, &password)
            .add_scope(Scope::new(service.scope.clone()));
        let caller = Caller::Stranger(client_network);
        let received = Received::default();
        let of = (&*service.provider, CallPhase::LoginToken);
        let http = self.token_endpoint(of, caller, None, &received);
        let call = async {
            on_sending();
            let tokens = request.request_async(&http).await;
            tokens.map_err(|error| http.error(error))
        };
        let target = (service, None);
        let tokens = self.within(self.deadline, target, (caller, Try::First), call);
        let tokens = tokens.await?;
        // The login token has a name, in case the answer has none.
        let account =
            account::named(&received, service).or_else(|| account::secret(username.as_str()));
        Ok(Tokens { account, ..tokens })
    }

    /// Requests a new access token (RFC 6749 section 6). `redirect_uri` is left out because
    /// Dropbox refuses it, and `scope` so that the grant's own scope applies.
    ///
    /// With a `permit`, the refresh token is sent only if that resolves to `true`. It is
    /// called once the connection is open, with the time that the call may still take.
    pub async fn refresh<F>(
        &self,
        service: &Service,
        region: Option<&str>,
        refresh_token: &Secret,
        attempt: Attempt,
        permit: Option<impl Fn(Duration) -> F + Send + Sync + 'static>,
    ) -> RefreshAnswer
    where
        F: Future<Output = bool> + Send + 'static,
    {
        let request = match self.refresh_requests.find(service, region) {
            Ok(request) => request,
            Err(error) => return RefreshAnswer::none(error),
        };
        let received = &Received::default();
        let deadline = match attempt.patience {
            Patience::ForTheToken => self.deadline * SINGLE_USE_FACTOR,
            Patience::ForTheClient => self.deadline,
        };
        let deadline = deadline.saturating_sub(attempt.number.after());
        // Boxed: every await around it would have room for it.
        let call = Box::pin(async {
            let fence = permit.map(|permit| fence(permit, Stopwatch::start(), deadline));
            let of = (&*service.provider, CallPhase::Refresh);
            let http = self.token_endpoint(of, attempt.caller, fence, received);
            http.refresh(request, refresh_token).await
        });
        let caller = (attempt.caller, attempt.number);
        let target = (service, region);
        let tokens = self.within(deadline, target, caller, call).await;
        RefreshAnswer {
            replaced: replaced(&tokens, received, refresh_token),
            tokens,
        }
    }

    fn token_endpoint<'a>(
        &'a self,
        (provider, phase): (&'a Provider, CallPhase),
        caller: Caller,
        fence: Option<Fence>,
        received: &'a Received,
    ) -> TokenEndpoint<'a> {
        TokenEndpoint {
            provider,
            phase,
            connections: self.connections(caller),
            fence,
            received,
        }
    }

    async fn within(
        &self,
        deadline: Duration,
        (service, region): (&Service, Option<&str>),
        caller: (Caller, Try),
        call: impl Future<Output = Result<LenientTokenResponse, ProviderError>>,
    ) -> Result<Tokens, ProviderError> {
        let provider = &service.provider;
        let place = (&**provider, region);
        // By value: the call must end before its place goes to the next one.
        let tokens = self.lanes.call(place, caller, deadline, call).await;
        let tokens = tokens.map(Tokens::from);
        if let Err(error) = &tokens {
            self.count_refusal(provider, error.refusal());
        }
        tokens
    }

    /// Counts a refusal by its code.
    pub fn count_refusal(&self, provider: &Provider, refusal: Option<&Refusal>) {
        if let Some(Refusal { phase, known, .. }) = refusal {
            self.refusals.count(&provider.id, phase.name(), known);
        }
    }
}

pub(super) fn oauth_client(
    service: &Service,
    region: Option<&str>,
) -> Result<OAuthClient, ProviderError> {
    let provider = &service.provider;
    let token_url = provider.token_url.at(region);
    let token_url = token_url.ok_or(ProviderError::UnknownRegion)?.clone();
    let client = oauth2::Client::new(client_id(service))
        .set_token_uri(TokenUrl::from_url(token_url))
        .set_auth_type(match provider.client_authentication {
            ClientAuthentication::Body => AuthType::RequestBody,
            ClientAuthentication::Basic => AuthType::BasicAuth,
        });
    Ok(match &service.credentials.client_secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    })
}

fn client_id(service: &Service) -> ClientId {
    ClientId::new(service.credentials.client_id.clone())
}

fn redirect_url(text: &str) -> RedirectUrl {
    RedirectUrl::new(text.to_owned()).expect("the redirect URI was made from a parsed URL")
}
