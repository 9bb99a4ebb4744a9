//! State of the demo provider: applications, codes, grants and tokens.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, UnixTime};

/// Lifetime of an authorization code. RFC 6749 section 4.1.2 recommends at most ten
/// minutes.
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// A registered client (RFC 6749 section 2).
#[derive(Clone, Debug)]
pub struct Application {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// The only accepted redirect URI, compared character by character.
    pub redirect_uri: String,
    /// True if each refresh token can be used only once (RFC 9700 section 4.14.2).
    pub single_use_refresh_tokens: bool,
}

/// Counts of requests to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Number of exchanged codes.
    pub exchanges: u64,
    /// Number of granted refreshes.
    pub refreshes: u64,
    /// Number of reused single-use refresh tokens.
    pub replays: u64,
    /// Number of refused requests at the token endpoint.
    pub refusals: u64,
}

/// The authorization request for which a code was issued.
#[derive(Debug)]
pub(super) struct CodeRequest {
    pub(super) client_id: String,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
}

/// The tokens of one response.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access_token: String,
    pub(super) expires_in: u64,
    pub(super) refresh_token: Option<String>,
}

/// All state of the provider, behind one lock that is never held across an await.
#[derive(Debug)]
pub(super) struct Grants {
    applications: Vec<Application>,
    access_token_lifetime: Duration,
    clock: Clock,
    state: Mutex<GrantsState>,
}

#[derive(Debug, Default)]
struct GrantsState {
    codes: HashMap<String, Code>,
    lasting: DemoMemory,
    access_tokens: HashMap<String, AccessToken>,
    seen: RequestCounts,
}

/// Knowledge of the provider that outlives a restart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct DemoMemory {
    /// Client id of each valid grant, by number. Revoked grants are removed.
    grants: HashMap<u64, String>,
    refresh_tokens: HashMap<String, RefreshToken>,
    next_grant: u64,
}

#[derive(Debug)]
struct Code {
    request: CodeRequest,
    expires_at: UnixTime,
    /// Number of the grant for which the code was exchanged.
    exchanged: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct RefreshToken {
    grant: u64,
    used: bool,
}

#[derive(Debug)]
struct AccessToken {
    grant: u64,
    expires_at: UnixTime,
}

impl Grants {
    pub(super) fn new(
        applications: Vec<Application>,
        access_token_lifetime: Duration,
        clock: Clock,
    ) -> Self {
        Self {
            applications,
            access_token_lifetime,
            clock,
            state: Mutex::default(),
        }
    }

    pub(super) fn memory(&self) -> DemoMemory {
        self.lock().lasting.clone()
    }

    pub(super) fn remember(&self, memory: DemoMemory) {
        self.lock().lasting = memory;
    }

    pub(super) fn application(&self, client_id: &str) -> Option<&Application> {
        self.applications
            .iter()
            .find(|application| application.client_id == client_id)
    }

    pub(super) fn seen(&self) -> RequestCounts {
        self.lock().seen
    }

    pub(super) fn count_refusal(&self) {
        self.lock().seen.refusals += 1;
    }

    pub(super) fn issue_code(&self, request: CodeRequest) -> String {
        let code = random_token("code");
        let expires_at = self.clock.now().plus(CODE_LIFETIME);
        let state = Code {
            request,
            expires_at,
            exchanged: None,
        };
        self.lock().codes.insert(code.clone(), state);
        code
    }

    pub(super) fn issue_refresh_token(&self, client_id: &str) -> Option<String> {
        let application = self.application(client_id)?;
        let state = &mut *self.lock();
        let grant = state.new_grant(application);
        Some(state.new_refresh_token(grant))
    }

    /// Exchanges a code (RFC 6749 section 4.1.3). A code that is used twice revokes its
    /// grant.
    pub(super) fn exchange(
        &self,
        application: &Application,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Issued, &'static str> {
        let state = &mut *self.lock();
        let known = state.codes.get_mut(code).ok_or("invalid_grant")?;
        if let Some(grant) = known.exchanged {
            state.lasting.grants.remove(&grant);
            return Err("invalid_grant");
        }
        let request = &known.request;
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let fits = self.clock.now() < known.expires_at
            && request.client_id == application.client_id
            && request.redirect_uri == redirect_uri
            && request.challenge == challenge;
        if !fits {
            return Err("invalid_grant");
        }
        let grant = state.new_grant(application);
        if let Some(code) = state.codes.get_mut(code) {
            code.exchanged = Some(grant);
        }
        state.seen.exchanges += 1;
        let refresh_token = state.new_refresh_token(grant);
        Ok(self.issue(state, grant, Some(refresh_token)))
    }

    /// Refreshes (RFC 6749 section 6). A single-use refresh token that is used twice
    /// revokes its grant.
    pub(super) fn refresh(
        &self,
        application: &Application,
        refresh_token: &str,
    ) -> Result<Issued, &'static str> {
        let state = &mut *self.lock();
        let token = state.lasting.refresh_tokens.get_mut(refresh_token);
        let token = token.ok_or("invalid_grant")?;
        let (grant, replayed) = (token.grant, token.used);
        if replayed {
            state.seen.replays += 1;
            state.lasting.grants.remove(&grant);
        }
        if state.lasting.grants.get(&grant) != Some(&application.client_id) {
            return Err("invalid_grant");
        }
        token.used = application.single_use_refresh_tokens;
        state.seen.refreshes += 1;
        let next = application
            .single_use_refresh_tokens
            .then(|| state.new_refresh_token(grant));
        Ok(self.issue(state, grant, next))
    }

    /// Revokes the whole grant of the token (RFC 7009). An unknown token is no error.
    pub(super) fn revoke(&self, token: &str) {
        let state = &mut *self.lock();
        let grant = match state.lasting.refresh_tokens.get(token) {
            Some(token) => Some(token.grant),
            None => state.access_tokens.get(token).map(|token| token.grant),
        };
        if let Some(grant) = grant {
            state.lasting.grants.remove(&grant);
        }
    }

    /// True if the access token is valid.
    pub(super) fn accepts(&self, access_token: &str) -> bool {
        let state = self.lock();
        state.access_tokens.get(access_token).is_some_and(|token| {
            self.clock.now() < token.expires_at && state.lasting.grants.contains_key(&token.grant)
        })
    }

    fn issue(&self, state: &mut GrantsState, grant: u64, refresh_token: Option<String>) -> Issued {
        let now = self.clock.now();
        state
            .access_tokens
            .retain(|_, token| now < token.expires_at);
        let access_token = random_token("access");
        let token = AccessToken {
            grant,
            expires_at: now.plus(self.access_token_lifetime),
        };
        state.access_tokens.insert(access_token.clone(), token);
        Issued {
            access_token,
            expires_in: self.access_token_lifetime.as_secs(),
            refresh_token,
        }
    }

    fn lock(&self) -> MutexGuard<'_, GrantsState> {
        self.state
            .lock()
            .expect("nothing panics while holding the lock")
    }
}

impl GrantsState {
    fn new_grant(&mut self, application: &Application) -> u64 {
        self.lasting.next_grant += 1;
        let client_id = application.client_id.clone();
        self.lasting
            .grants
            .insert(self.lasting.next_grant, client_id);
        self.lasting.next_grant
    }

    fn new_refresh_token(&mut self, grant: u64) -> String {
        let token = random_token("refresh");
        let state = RefreshToken { grant, used: false };
        self.lasting.refresh_tokens.insert(token.clone(), state);
        token
    }
}

fn random_token(kind: &str) -> String {
    let mut bits = [0; 32];
    SystemRandom::new()
        .fill(&mut bits)
        .expect("the operating system gives random bytes");
    format!("demo-{kind}-{}", URL_SAFE_NO_PAD.encode(bits))
}
