//! Dropbox: <https://developers.dropbox.com/oauth-guide>.

use http::header::CONTENT_TYPE;
use serde_json::json;

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce, Reuse},
};

pub const FAMILY: Family = Family {
    provider: "dropbox",
    answer,
    tables: |host| {
        format!(
            "[provider.dropbox]\n\
             authorize_url = \"http://{host}/oauth2/authorize\"\n\
             token_url = \"http://{host}/oauth2/token\"\n\
             revoke_url = \"http://{host}/2/auth/token/revoke\"\n"
        )
    },
};

const MAX_STATE_BYTES: usize = 500;
/// It never expires.
const DAYS: u64 = 36_500;

fn answer(books: &Books, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/oauth2/authorize") => {
            if call.query("state").len() > MAX_STATE_BYTES {
                return Err(Reply::refuse(400, "invalid_request", "state is too long"));
            }
            let offline = call.query("token_access_type") == "offline";
            let code = books.authorize(call, Pkce::Required, offline)?;
            Ok(Reply::back(call, &[("code", &code)]))
        }
        ("POST", "/oauth2/token") => token(books, call),
        ("POST", "/2/auth/token/revoke") => revoke(books, call),
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call) -> Answer {
    books.authenticate(call, ClientSecret::BodyOrBasic)?;
    let refuse_field = |name: &str| {
        let words = format!("unknown field \"{name}\"");
        match call.form.contains_key(name) {
            true => Err(Reply::refuse(400, "invalid_request", &words)),
            false => Ok(()),
        }
    };
    let (grant, refresh_token) = match call.form("grant_type") {
        "authorization_code" => {
            refuse_field("state")?;
            let (grant, offline) = books.exchange(call)?;
            let refresh_token = offline.then(|| books.new_refresh_token(grant, 64, DAYS));
            (grant, refresh_token)
        }
        "refresh_token" => {
            refuse_field("redirect_uri")?;
            (books.refresh(call, Reuse::Good)?, None)
        }
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let mut body = json!({
        "access_token": books.new_access_token(grant, 140),
        "token_type": "bearer",
        "expires_in": books.expires_in(14400),
        "account_id": "dbid:tests",
    });
    if let Some(refresh_token) = refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    Ok(Reply::json(200, &body))
}

/// By access token, without a body; its refresh token dies too.
fn revoke(books: &Books, call: &Call) -> Answer {
    if !call.body.is_empty() || call.headers.contains_key(CONTENT_TYPE) {
        return Err(Reply::text(400, "Error in call: a body was not expected"));
    }
    let token = call.bearer().filter(|token| books.accepts(token));
    let Some(grant) = token.and_then(|token| books.grant_of(token)) else {
        let body = json!({
            "error_summary": "invalid_access_token/..",
            "error": { ".tag": "invalid_access_token" },
        });
        return Err(Reply::json(401, &body));
    };
    books.kill(grant);
    Ok(Reply::text(200, "null"))
}
