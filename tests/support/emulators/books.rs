//! What an emulator remembers, and the rules that all providers share.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, OnceLock},
    time::Duration,
};

use authseal::clock::{Clock, UnixTime};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};

use super::{Call, Reply};

pub const CLIENT_ID: &str = "client-of-the-tests";
pub const CLIENT_SECRET: &str = "never-print-client-secret";

const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// Records of one emulator. The lock is a std one, because it is never held across an await.
#[derive(Default)]
pub struct Books {
    registration: OnceLock<(String, Clock)>,
    state: Mutex<State>,
}

/// By grant: a number that says which login a token came of.
#[derive(Default)]
pub struct State {
    codes: HashMap<String, Code>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, u64>,
    live: BTreeSet<u64>,
    scopes: HashMap<u64, String>,
    grants: u64,
    replays: u64,
    replayed: BTreeSet<u64>,
    /// How long access tokens live, if not as long as the real ones, in seconds.
    access_token_lifetime: Option<u64>,
    /// What a family's own test has set it to.
    pub switch: Option<String>,
}

struct Code {
    redirect_uri: String,
    challenge: Option<String>,
    scope: String,
    offline: bool,
    expires_at: UnixTime,
    /// The grant that it was exchanged for.
    grant: Option<u64>,
}

struct RefreshToken {
    grant: u64,
    expires_at: UnixTime,
    used: bool,
}

/// Support for a PKCE challenge (RFC 7636).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    Required,
    /// Not known to take one, so none may be sent.
    Never,
}

/// How the client may authenticate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ClientSecret {
    Body,
    BodyOrBasic,
}

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    Good,
    Refused,
    KillsTheGrant,
}

impl Books {
    pub fn register(&self, redirect_uri: &str, clock: &Clock) {
        let registration = (redirect_uri.to_owned(), clock.clone());
        assert!(self.registration.set(registration).is_ok());
    }

    /// The authorization request (RFC 6749 section 4.1.1), which the person
    /// accepts: a code, or an error that redirects nobody.
    pub fn authorize(&self, call: &Call, pkce: Pkce, offline: bool) -> Result<String, Reply> {
        let refuse = |why| Err(Reply::refuse(400, "invalid_request", why));
        let (redirect_uri, _) = self.registration();
        if call.query("client_id") != CLIENT_ID {
            return Err(Reply::refuse(400, "unauthorized_client", "client_id"));
        }
        if call.query("redirect_uri") != redirect_uri {
            return Err(Reply::refuse(400, "redirect_uri_mismatch", "redirect_uri"));
        }
        if call.query("response_type") != "code" || call.query("state").is_empty() {
            return refuse("response_type or state");
        }
        let challenge = call.query.get("code_challenge").cloned();
        match pkce {
            Pkce::Never if call.query.keys().any(|name| name.starts_with("code_ch")) => {
                return refuse("code_challenge is not known here");
            }
            Pkce::Required if call.query("code_challenge_method") != "S256" => {
                return refuse("code_challenge_method");
            }
            Pkce::Required if challenge.is_none() => return refuse("code_challenge"),
            _ => {}
        }
        let code = Code {
            redirect_uri: redirect_uri.to_owned(),
            challenge,
            scope: call.query("scope").to_owned(),
            offline,
            expires_at: self.now().plus(CODE_LIFETIME),
            grant: None,
        };
        let name = random_token("code", 40);
        self.lock().codes.insert(name.clone(), code);
        Ok(name)
    }

    /// The client's credentials, in one place only (RFC 6749 section 2.3).
    pub fn authenticate(&self, call: &Call, how: ClientSecret) -> Result<(), Reply> {
        let in_body = (call.form("client_id"), call.form("client_secret"));
        let basic = call.basic();
        let given = match &basic {
            None => in_body,
            Some((id, secret)) if how == ClientSecret::BodyOrBasic && in_body.1.is_empty() => {
                (id.as_str(), secret.as_str())
            }
            Some(_) => ("", ""),
        };
        if given == (CLIENT_ID, CLIENT_SECRET) {
            return Ok(());
        }
        Err(Reply::refuse(401, "invalid_client", "id or secret"))
    }

    /// The code exchange (RFC 6749 section 4.1.3): the grant, and whether it was
    /// asked for with a refresh token. A code that comes twice voids its grant.
    pub fn exchange(&self, call: &Call) -> Result<(u64, bool), Reply> {
        let refuse = |why| Err(Reply::refuse(400, "invalid_grant", why));
        let now = self.now();
        let state = &mut *self.lock();
        let Some(code) = state.codes.get_mut(call.form("code")) else {
            return refuse("no such code");
        };
        if let Some(grant) = code.grant {
            state.live.remove(&grant);
            return refuse("the code was used before");
        }
        let verifier = call.form.get("code_verifier");
        let challenge = verifier.map(|verifier| {
            let hash = digest(&SHA256, verifier.as_bytes());
            URL_SAFE_NO_PAD.encode(hash)
        });
        if challenge != code.challenge {
            return refuse("code_verifier");
        }
        if call.form("redirect_uri") != code.redirect_uri {
            return Err(Reply::refuse(400, "redirect_uri_mismatch", "redirect_uri"));
        }
        if now >= code.expires_at {
            return refuse("the code is too old");
        }
        state.grants += 1;
        let grant = state.grants;
        code.grant = Some(grant);
        let offline = code.offline;
        state.scopes.insert(grant, code.scope.clone());
        state.live.insert(grant);
        Ok((grant, offline))
    }

    /// The scope that a login asked for.
    pub fn scope_of(&self, grant: u64) -> String {
        self.lock().scopes.get(&grant).cloned().unwrap_or_default()
    }

    /// A grant that no code led to.
    pub fn new_grant(&self) -> u64 {
        let state = &mut *self.lock();
        state.grants += 1;
        state.live.insert(state.grants);
        state.grants
    }

    /// The grant of a refresh token (RFC 6749 section 6).
    pub fn refresh(&self, call: &Call, reuse: Reuse) -> Result<u64, Reply> {
        let refuse = |why| Err(Reply::refuse(400, "invalid_grant", why));
        let now = self.now();
        let state = &mut *self.lock();
        let Some(token) = state.refresh_tokens.get_mut(call.form("refresh_token")) else {
            return refuse("no such refresh token");
        };
        let (grant, used) = (token.grant, token.used);
        token.used = used || reuse != Reuse::Good;
        if used && reuse == Reuse::KillsTheGrant {
            state.live.remove(&grant);
        }
        if used {
            state.replays += 1;
            state.replayed.insert(grant);
            return refuse("the refresh token was used before");
        }
        if now >= token.expires_at || !state.live.contains(&grant) {
            return refuse("Token has been expired or revoked.");
        }
        Ok(grant)
    }

    pub fn new_refresh_token(&self, grant: u64, length: usize, days: u64) -> String {
        let token = RefreshToken {
            grant,
            expires_at: self.now().plus(Duration::from_secs(days * 24 * 3600)),
            used: false,
        };
        let name = random_token("never-print-refresh-", length);
        self.lock().refresh_tokens.insert(name.clone(), token);
        name
    }

    pub fn new_access_token(&self, grant: u64, length: usize) -> String {
        let name = random_token("never-print-access-", length);
        self.lock().access_tokens.insert(name.clone(), grant);
        name
    }

    /// From now on access tokens live so many seconds.
    pub fn shorten_access_tokens(&self, seconds: u64) {
        self.lock().access_token_lifetime = Some(seconds);
    }

    /// `expires_in` of a provider whose access tokens usually live so many seconds.
    pub fn expires_in(&self, usual: u64) -> u64 {
        self.lock().access_token_lifetime.unwrap_or(usual)
    }

    /// How often a refresh token came that had been used.
    pub fn replays(&self) -> u64 {
        self.lock().replays
    }

    /// Of which grants.
    pub fn replayed_grants(&self) -> BTreeSet<u64> {
        self.lock().replayed.clone()
    }

    /// Every token that was ever given out.
    pub fn all_tokens(&self) -> Vec<String> {
        let state = self.lock();
        let tokens = state
            .refresh_tokens
            .keys()
            .chain(state.access_tokens.keys());
        tokens.cloned().collect()
    }

    /// Whether the grant has a refresh token that was given out and never used.
    pub fn has_unused_refresh_token(&self, grant: u64) -> bool {
        let state = self.lock();
        let mut tokens = state.refresh_tokens.values();
        tokens.any(|token| token.grant == grant && !token.used)
    }

    /// The grant of a live access token, or of a refresh token that could be used.
    pub fn grant_of(&self, token: &str) -> Option<u64> {
        let state = self.lock();
        let refresh = state.refresh_tokens.get(token).filter(|token| !token.used);
        let grant = refresh.map(|token| token.grant);
        let grant = grant.or_else(|| state.access_tokens.get(token).copied())?;
        state.live.contains(&grant).then_some(grant)
    }

    /// Whether a resource could be had for this access token.
    pub fn accepts(&self, access_token: &str) -> bool {
        let state = self.lock();
        let grant = state.access_tokens.get(access_token);
        grant.is_some_and(|grant| state.live.contains(grant))
    }

    /// Ends a grant, and with it all its tokens.
    pub fn kill(&self, grant: u64) {
        self.lock().live.remove(&grant);
    }

    /// What the person does on the provider's own site: remove the application.
    pub fn remove_all(&self) {
        self.lock().live.clear();
    }

    /// True if this grant was not ended.
    pub fn has_live(&self, grant: u64) -> bool {
        self.lock().live.contains(&grant)
    }

    pub fn live_grants(&self) -> usize {
        self.lock().live.len()
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn registration(&self) -> &(String, Clock) {
        self.registration.get().expect("the client is registered")
    }

    fn now(&self) -> UnixTime {
        self.registration().1.now()
    }
}

/// A prefix, and then so much that nobody guesses it: `length` characters.
fn random_token(prefix: &str, length: usize) -> String {
    let mut bits = vec![0; length];
    SystemRandom::new().fill(&mut bits).unwrap();
    let mut token = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bits));
    token.truncate(length.max(prefix.len() + 16));
    token
}
