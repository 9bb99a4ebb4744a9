//! Jottacloud: a Keycloak with a public client, and a login token in place of an
//! authorization endpoint.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Answer, Books, Call, Family, Reply, books::Reuse};

pub const FAMILY: Family = Family {
    provider: "jottacloud",
    answer,
    tables: |host| {
        format!(
            "[provider.jottacloud]\n\
             token_url = \"http://{host}{TOKEN}\"\n\
             revoke_url = \"http://{host}{REVOKE}\"\n"
        )
    },
};

const TOKEN: &str = "/auth/realms/jottacloud/protocol/openid-connect/token";
const REVOKE: &str = "/auth/realms/jottacloud/protocol/openid-connect/revoke";
const USERNAME: &str = "ann";
const DAYS: u64 = 365;

impl Books {
    /// What its user makes on Jottacloud's site: it works once, and voids the one
    /// before.
    pub fn new_login_token(&self) -> String {
        let grant = self.new_grant();
        let auth_token = self.new_access_token(grant, 40);
        self.lock().switch = Some(auth_token.clone());
        let json = json!({
            "username": USERNAME,
            "realm": "jottacloud",
            "well_known_link": "https://id.jottacloud.com/.well-known/openid-configuration",
            "auth_token": auth_token,
        });
        URL_SAFE_NO_PAD.encode(json.to_string())
    }
}

fn answer(books: &Books, call: &Call) -> Answer {
    if call.method != "POST" {
        return Err(Reply::not_found());
    }
    let is_jottacli = call.form("client_id") == "jottacli" && call.basic().is_none();
    if !is_jottacli || call.form.contains_key("client_secret") {
        return Err(Reply::refuse(401, "invalid_client", "a public client"));
    }
    match call.path.as_str() {
        TOKEN => token(books, call),
        REVOKE => {
            // RFC 7009 section 2.2: an invalid token is no error.
            if let Some(grant) = books.grant_of(call.form("token")) {
                books.kill(grant);
            }
            Ok(Reply::text(200, ""))
        }
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call) -> Answer {
    let grant = match call.form("grant_type") {
        "password" => log_in(books, call)?,
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
    });
    Ok(Reply::json(200, &body))
}

fn log_in(books: &Books, call: &Call) -> Result<u64, Reply> {
    if call.form("scope") != "openid offline_access" {
        return Err(Reply::refuse(400, "invalid_scope", "scope"));
    }
    let password = call.form("password");
    let refused = || Reply::refuse(401, "invalid_grant", "Invalid user credentials");
    if call.form("username") != USERNAME {
        return Err(refused());
    }
    let good = books.lock().switch.take_if(|good| good == password);
    let good = good.ok_or_else(refused)?;
    books.grant_of(&good).ok_or_else(refused)
}
