//! Box: <https://developer.box.com/guides/authentication/oauth2/>.

use serde_json::json;

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce, Reuse},
};

pub const FAMILY: Family = Family {
    provider: "box",
    answer,
    tables: |host| {
        format!(
            "[provider.box]\n\
             authorize_url = \"http://{host}/api/oauth2/authorize\"\n\
             token_url = \"http://{host}/oauth2/token\"\n\
             revoke_url = \"http://{host}/oauth2/revoke\"\n"
        )
    },
};

const DAYS: u64 = 60;

fn answer(books: &Books, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/api/oauth2/authorize") => {
            let code = books.authorize(call, Pkce::Never, true)?;
            Ok(Reply::back(call, &[("code", &code)]))
        }
        ("POST", "/oauth2/token") => token(books, call),
        ("POST", "/oauth2/revoke") => {
            books.authenticate(call, ClientSecret::Body)?;
            let grant = books.grant_of(call.form("token"));
            let grant = grant.ok_or_else(|| Reply::refuse(400, "invalid_token", "token"))?;
            books.kill(grant);
            Ok(Reply::text(200, ""))
        }
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call) -> Answer {
    books.authenticate(call, ClientSecret::Body)?;
    let grant = match call.form("grant_type") {
        "authorization_code" => books.exchange(call)?.0,
        // The grant lives on for whoever has the newer one.
        "refresh_token" => books.refresh(call, Reuse::Refused)?,
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let body = json!({
        "access_token": books.new_access_token(grant, 32),
        "refresh_token": books.new_refresh_token(grant, 64, DAYS),
        "expires_in": books.expires_in(3900),
        "restricted_to": [],
        "token_type": "bearer",
    });
    Ok(Reply::json(200, &body))
}
