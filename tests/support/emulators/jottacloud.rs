//! Jottacloud and its brands: each a Keycloak realm with a public client, and a login token
//! in place of an authorization endpoint.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Answer, Books, Call, Family, Reply, books::Reuse};

/// Provider, realm, and the host that its login tokens name.
pub const REALMS: [(&str, &str, &str); 13] = [
    ("jottacloud", "jottacloud", "id.jottacloud.com"),
    ("elkjop", "elkjop", "cloud.elkjop.no"),
    ("elgiganten-dk", "elgiganten", "cloud.elgiganten.dk"),
    ("elgiganten-se", "elgiganten", "cloud.elgiganten.se"),
    ("elko", "elko", "cloud.elko.is"),
    ("gigantti", "gigantti", "cloud.gigantti.fi"),
    ("letsgo", "letsgo", "letsgo.jotta.cloud"),
    ("mediamarkt", "mediamarkt", "mediamarkt.jottacloud.com"),
    ("onlime", "onlime_wl", "cloud-auth.onlime.dk"),
    ("phonero", "phonero", "sky.phonero.no"),
    ("tele2", "comhem", "mittcloud-auth.tele2.se"),
    ("telia-no", "get", "sky-auth.telia.no"),
    ("telia-se", "telia_se", "cloud-auth.telia.se"),
];

macro_rules! brand {
    ($name:ident, $index:literal) => {
        pub const $name: Family = Family {
            provider: REALMS[$index].0,
            answer: |books, call| answer(books, call, REALMS[$index].1),
            tables: |host| tables(REALMS[$index], host),
        };
    };
}

brand!(JOTTACLOUD, 0);
brand!(ELKJOP, 1);
brand!(ELGIGANTEN_DK, 2);
brand!(ELGIGANTEN_SE, 3);
brand!(ELKO, 4);
brand!(GIGANTTI, 5);
brand!(LETSGO, 6);
brand!(MEDIAMARKT, 7);
brand!(ONLIME, 8);
brand!(PHONERO, 9);
brand!(TELE2, 10);
brand!(TELIA_NO, 11);
brand!(TELIA_SE, 12);

const USERNAME: &str = "ann";
const DAYS: u64 = 365;

fn tables((provider, realm, _): (&str, &str, &str), host: &str) -> String {
    let endpoints = format!("http://{host}{}", endpoints(realm));
    format!(
        "[provider.{provider}]\n\
         token_url = \"{endpoints}/token\"\n\
         revoke_url = \"{endpoints}/revoke\"\n"
    )
}

fn endpoints(realm: &str) -> String {
    format!("/auth/realms/{realm}/protocol/openid-connect")
}

impl Books {
    /// What its user makes on Jottacloud's site: it works once, and voids the one
    /// before.
    pub fn new_login_token(&self) -> String {
        self.new_login_token_of("jottacloud")
    }

    /// The same on the site of one of its brands.
    pub fn new_login_token_of(&self, provider: &str) -> String {
        let realm = REALMS.iter().find(|(brand, ..)| *brand == provider);
        let (_, realm, host) = realm.expect("the brand is known");
        self.new_login_token_with(|json| {
            json["realm"] = (*realm).into();
            json["well_known_link"] = well_known_link(realm, host).into();
        })
    }

    /// Jottacloud's own, with its JSON changed. It is good at the realm that it names.
    pub fn new_login_token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let grant = self.new_grant();
        let auth_token = self.new_access_token(grant, 40);
        let mut json = json!({
            "username": USERNAME,
            "realm": "jottacloud",
            "well_known_link": well_known_link("jottacloud", "id.jottacloud.com"),
            "auth_token": auth_token,
        });
        change(&mut json);
        let realm = json["realm"].as_str().unwrap_or_default();
        self.lock().switch = Some(format!("{realm} {auth_token}"));
        URL_SAFE_NO_PAD.encode(json.to_string())
    }
}

fn well_known_link(realm: &str, host: &str) -> String {
    format!("https://{host}/auth/realms/{realm}/.well-known/openid-configuration")
}

fn answer(books: &Books, call: &Call, realm: &str) -> Answer {
    if call.method != "POST" {
        return Err(Reply::not_found());
    }
    let is_jottacli = call.form("client_id") == "jottacli" && call.basic().is_none();
    if !is_jottacli || call.form.contains_key("client_secret") {
        return Err(Reply::refuse(401, "invalid_client", "a public client"));
    }
    match call.path.strip_prefix(&endpoints(realm)) {
        Some("/token") => token(books, call, realm),
        Some("/revoke") => {
            // RFC 7009 section 2.2: an invalid token is no error.
            if let Some(grant) = books.grant_of(call.form("token")) {
                books.kill(grant);
            }
            Ok(Reply::text(200, ""))
        }
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call, realm: &str) -> Answer {
    let grant = match call.form("grant_type") {
        "password" => log_in(books, call, realm)?,
        "refresh_token" => books.refresh(call, Reuse::KillsTheGrant)?,
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let body = json!({
        "access_token": books.new_access_token(grant, 1100),
        "refresh_token": books.new_refresh_token(grant, 700, DAYS),
        "expires_in": books.expires_in(3600),
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "scope": "openid offline_access",
        "id_token": id_token(realm),
    });
    Ok(Reply::json(200, &body))
}

/// An id_token of Keycloak. Nobody here verifies its signature.
fn id_token(realm: &str) -> String {
    let claims = json!({
        "iss": format!("https://{realm}.example/auth/realms/{realm}"),
        "aud": "jottacli",
        "preferred_username": format!("{USERNAME}@{realm}.example"),
    });
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJSUzI1NiJ9.{payload}.c2lnbmF0dXJl")
}

/// A login token that comes here is spent, also if it is one of another realm.
fn log_in(books: &Books, call: &Call, realm: &str) -> Result<u64, Reply> {
    if call.form("scope") != "openid offline_access" {
        return Err(Reply::refuse(400, "invalid_scope", "scope"));
    }
    let refused = || Reply::refuse(401, "invalid_grant", "Invalid user credentials");
    if call.form("username") != USERNAME {
        return Err(refused());
    }
    let password = call.form("password");
    let is_it = |token: &mut String| token.split_once(' ').is_some_and(|(_, it)| it == password);
    let spent = books.lock().switch.take_if(is_it).ok_or_else(refused)?;
    let (of, token) = spent.split_once(' ').ok_or_else(refused)?;
    let grant = books.grant_of(token).filter(|_| of == realm);
    grant.ok_or_else(refused)
}
