//! Google: <https://developers.google.com/identity/protocols/oauth2/web-server>.

use serde_json::json;

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce, Reuse},
};

pub const FAMILY: Family = Family {
    provider: "google",
    answer,
    tables: |host| {
        format!(
            "[provider.google]\n\
             authorize_url = \"http://{host}/o/oauth2/v2/auth\"\n\
             token_url = \"http://{host}/token\"\n\
             revoke_url = \"http://{host}/revoke\"\n"
        )
    },
};

/// Unused for half a year.
const DAYS: u64 = 182;

fn answer(books: &Books, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/o/oauth2/v2/auth") => {
            if call.query("scope").is_empty() {
                return Err(Reply::refuse(400, "invalid_request", "scope"));
            }
            let access_type = call.query("access_type");
            // Without the prompt, only the first consent gives a refresh token.
            let consents = call
                .query("prompt")
                .split(' ')
                .any(|prompt| prompt == "consent");
            let offline = access_type == "offline" && consents;
            let code = books.authorize(call, Pkce::Required, offline)?;
            // As it does since February 2026, though its metadata does not say so.
            let iss = "https://accounts.google.com";
            Ok(Reply::back(call, &[("iss", iss), ("code", &code)]))
        }
        ("POST", "/token") => token(books, call),
        ("POST", "/revoke") => match books.grant_of(call.form("token")) {
            Some(grant) => {
                books.kill(grant);
                Ok(Reply::json(200, &json!({})))
            }
            None => Err(Reply::refuse(
                400,
                "invalid_token",
                "Token expired or revoked",
            )),
        },
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call) -> Answer {
    books.authenticate(call, ClientSecret::BodyOrBasic)?;
    let (grant, refresh_token) = match call.form("grant_type") {
        "authorization_code" => {
            let (grant, offline) = books.exchange(call)?;
            let refresh_token = offline.then(|| books.new_refresh_token(grant, 103, DAYS));
            (grant, refresh_token)
        }
        "refresh_token" => (books.refresh(call, Reuse::Good)?, None),
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let mut body = json!({
        "access_token": books.new_access_token(grant, 220),
        "expires_in": books.expires_in(3599),
        "scope": books.scope_of(grant),
        "token_type": "Bearer",
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    Ok(Reply::json(200, &body))
}
