//! Microsoft's identity platform, and Live Connect before it.

use serde_json::json;

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce, Reuse},
};

pub const FAMILY: Family = Family {
    provider: "microsoft",
    answer,
    tables: |host| {
        format!(
            "[provider.microsoft]\n\
             authorize_url = \"http://{host}/{{tenant}}/oauth2/v2.0/authorize\"\n\
             token_url = \"http://{host}/{{tenant}}/oauth2/v2.0/token\"\n"
        )
    },
};

pub const LIVE_CONNECT: Family = Family {
    provider: "liveconnect",
    answer: live_connect,
    tables: |host| {
        format!(
            "[provider.liveconnect]\n\
             authorize_url = \"http://{host}/oauth20_authorize.srf\"\n\
             token_url = \"http://{host}/oauth20_token.srf\"\n"
        )
    },
};

const DAYS: u64 = 90;
/// It rejects an over-long query.
const MAX_QUERY_CHARACTERS: usize = 2048;

/// What it says of each, with its status and its code of RFC 6749.
const ERRORS: [(&str, u16, &str, &str); 15] = [
    (
        "AADSTS50079",
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, you must enroll in multi-factor authentication.",
    ),
    (
        "AADSTS53003",
        400,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies.",
    ),
    (
        "AADSTS70043",
        400,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
    ),
    (
        "AADSTS700084",
        400,
        "invalid_grant",
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime.",
    ),
    (
        "AADSTS90094",
        400,
        "invalid_grant",
        "The grant requires admin permissions.",
    ),
    (
        "AADSTS50194",
        400,
        "invalid_request",
        "Application is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps.",
    ),
    (
        "AADSTS50011",
        400,
        "invalid_request",
        "The redirect URI specified in the request does not match the redirect URIs configured for the application.",
    ),
    (
        "AADSTS65001",
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application. Send an interactive authorization request for this user and resource.",
    ),
    (
        "AADSTS700016",
        400,
        "unauthorized_client",
        "Application with identifier was not found in the directory.",
    ),
    (
        "AADSTS7000215",
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.",
    ),
    (
        "AADSTS7000222",
        401,
        "invalid_client",
        "The provided client secret keys are expired.",
    ),
    (
        "AADSTS700082",
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on 2026-01-01 and was inactive for 90.00:00:00.",
    ),
    (
        "AADSTS70000",
        400,
        "invalid_grant",
        "Provided grant is invalid or malformed.",
    ),
    (
        "AADSTS50173",
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    (
        "AADSTS50076",
        400,
        "interaction_required",
        "Due to a configuration change made by your administrator, you must use multi-factor authentication.",
    ),
];

/// Status and body for an AADSTS code.
pub fn error(code: &str) -> (u16, String) {
    let found = ERRORS.iter().find(|(known, ..)| *known == code);
    let (_, status, error, words) = found.unwrap_or(&("", 400, "invalid_grant", "In its words."));
    let body = json!({
        "error": error,
        "error_description": format!(
            "{code}: {words} Trace ID: 0f0e-aadsts Correlation ID: 70000 Timestamp: 2026-08-01 12:00:00Z"
        ),
        "error_codes": [code.trim_start_matches("AADSTS").parse::<u64>().unwrap()],
        "trace_id": "0f0e-aadsts",
    });
    (*status, body.to_string())
}

fn refuse(code: &str) -> Reply {
    let (status, body) = error(code);
    Reply::text(status, body)
}

fn answer(books: &Books, call: &Call) -> Answer {
    let mut parts = call.path.trim_start_matches('/').splitn(2, '/');
    let (tenant, path) = (parts.next().unwrap(), parts.next().unwrap_or_default());
    // An application of one tenant.
    let own_tenant = books.lock().switch.clone();
    if own_tenant.is_some_and(|own| own != tenant) {
        return Err(refuse("AADSTS50194"));
    }
    match (call.method.as_str(), path) {
        ("GET", "oauth2/v2.0/authorize") => {
            let length: usize = call.query.values().map(String::len).sum();
            if length > MAX_QUERY_CHARACTERS {
                return Err(Reply::refuse(414, "invalid_request", "the query is long"));
            }
            let offline = call.asks_scope("offline_access");
            let code = books.authorize(call, Pkce::Required, offline);
            let code = code.map_err(in_its_own_words)?;
            Ok(Reply::back(
                call,
                &[("code", &code), ("session_state", "s")],
            ))
        }
        ("POST", "oauth2/v2.0/token") => token(books, call, [1500, 2100]).map_err(in_its_own_words),
        _ => Err(Reply::not_found()),
    }
}

fn live_connect(books: &Books, call: &Call) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/oauth20_authorize.srf") => {
            let offline = call.asks_scope("wl.offline_access");
            let code = books.authorize(call, Pkce::Never, offline)?;
            Ok(Reply::back(call, &[("code", &code)]))
        }
        ("POST", "/oauth20_token.srf") => token(books, call, [400, 600]),
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call, lengths: [usize; 2]) -> Answer {
    books.authenticate(call, ClientSecret::Body)?;
    let (grant, offline) = match call.form("grant_type") {
        "authorization_code" => books.exchange(call)?,
        // Sliding: a new one each time, and the old one stays good.
        "refresh_token" => (books.refresh(call, Reuse::Good)?, true),
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let [refresh_length, access_length] = lengths;
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": books.expires_in(3600),
        "ext_expires_in": books.expires_in(3600),
        "access_token": books.new_access_token(grant, access_length),
        // Never with offline_access, and with what a sign-in implies.
        "scope": books.scope_of(grant).replace("offline_access", "profile openid email"),
    });
    if offline {
        body["refresh_token"] = json!(books.new_refresh_token(grant, refresh_length, DAYS));
    }
    Ok(Reply::json(200, &body))
}

fn in_its_own_words(reply: Reply) -> Reply {
    match reply.error {
        "redirect_uri_mismatch" => refuse("AADSTS50011"),
        "unauthorized_client" => refuse("AADSTS700016"),
        "invalid_client" => refuse("AADSTS7000215"),
        "invalid_grant" => refuse("AADSTS70000"),
        _ => reply,
    }
}
