//! Providers of the plain code flow, each with its own small ways.

use serde_json::{Value, json};

use super::{
    Answer, Books, Call, Family, Reply,
    books::{ClientSecret, Pkce, Reuse},
};

/// Differences between plain providers.
struct Ways {
    pkce: Pkce,
    /// What the authorization request must carry for a refresh token to come.
    offline: &'static [(&'static str, &'static str)],
    refresh_tokens: RefreshTokens,
    /// As it stands in the answer, whatever it is; null: missing.
    expires_in: fn() -> Value,
    /// What the callback carries besides.
    callback: &'static [(&'static str, &'static str)],
    /// True if it has a revocation endpoint, which its tables must name too.
    revokes: bool,
}

enum RefreshTokens {
    Stable,
    Sliding,
    None,
}

const PLAIN: Ways = Ways {
    pkce: Pkce::Never,
    offline: &[],
    refresh_tokens: RefreshTokens::Stable,
    expires_in: || json!(3600),
    callback: &[],
    revokes: false,
};

/// Longer than any access token here.
const DAYS: u64 = 3650;

macro_rules! plain {
    ($name:ident, $provider:literal, $ways:expr) => {
        pub const $name: Family = Family {
            provider: $provider,
            answer: |books, call| {
                const WAYS: Ways = $ways;
                answer(books, call, &WAYS)
            },
            tables: |host| tables($provider, host),
        };
    };
}

plain!(
    YANDEX,
    "yandex",
    Ways {
        refresh_tokens: RefreshTokens::Sliding,
        expires_in: || json!(31_536_000),
        ..PLAIN
    }
);
plain!(
    HIDRIVE,
    "hidrive",
    Ways {
        expires_in: || json!("3600"),
        ..PLAIN
    }
);
plain!(
    PREMIUMIZE_ME,
    "premiumizeme",
    Ways {
        refresh_tokens: RefreshTokens::None,
        expires_in: || json!(315_360_000),
        ..PLAIN
    }
);
plain!(
    PUT_IO,
    "putio",
    Ways {
        refresh_tokens: RefreshTokens::None,
        expires_in: || Value::Null,
        ..PLAIN
    }
);
plain!(
    SHAREFILE,
    "sharefile",
    Ways {
        refresh_tokens: RefreshTokens::Sliding,
        expires_in: || json!(28_800),
        callback: &[("subdomain", "mycompany"), ("apicp", "sharefile.com")],
        ..PLAIN
    }
);
plain!(
    OF_AN_ADMINISTRATOR,
    "nextcloud",
    Ways {
        pkce: Pkce::Required,
        revokes: true,
        expires_in: || Value::Null,
        ..PLAIN
    }
);

/// Its errors are numbers.
pub const HUAWEI: Family = Family {
    provider: "huawei",
    answer: |books, call| {
        const WAYS: Ways = Ways {
            offline: &[("access_type", "offline")],
            refresh_tokens: RefreshTokens::Sliding,
            ..PLAIN
        };
        answer(books, call, &WAYS).map_err(|refusal| {
            let sub_error = match refusal.error {
                "invalid_client" => 12304,
                _ => 20192,
            };
            let body = json!({
                "error": 1101,
                "sub_error": sub_error,
                "error_description": "refused",
            });
            Reply::json(400, &body)
        })
    },
    tables: |host| tables("huawei", host),
};

pub const ZOHO: Family = Family {
    provider: "zoho",
    answer: |books, call| {
        const WAYS: Ways = Ways {
            offline: &[("access_type", "offline"), ("prompt", "consent")],
            callback: &[
                ("location", "eu"),
                ("accounts-server", "https://elsewhere.example"),
            ],
            revokes: true,
            ..PLAIN
        };
        answer(books, call, &WAYS)
    },
    // Only the place that the callback names is here; at the default nobody
    // listens, so a region that was lost on the way would be noticed.
    tables: |host| {
        format!(
            "[provider.zoho]\n\
             authorize_url = \"http://{host}/authorize\"\n\
             token_url = \"http://{{region}}/token\"\n\
             revoke_url = \"http://{{region}}/revoke\"\n\
             [provider.zoho.region]\n\
             parameter = \"location\"\n\
             default = \"us\"\n\
             values = {{ us = \"127.0.0.1:1\", eu = \"{host}\" }}\n"
        )
    },
};

fn tables(provider: &str, host: &str) -> String {
    format!(
        "[provider.{provider}]\n\
         authorize_url = \"http://{host}/authorize\"\n\
         token_url = \"http://{host}/token\"\n"
    )
}

fn answer(books: &Books, call: &Call, ways: &Ways) -> Answer {
    match (call.method.as_str(), call.path.as_str()) {
        ("GET", "/authorize") => {
            let asked = |(name, value): &(&str, &str)| call.query(name) == *value;
            let offline = ways.offline.iter().all(asked);
            let code = books.authorize(call, ways.pkce, offline)?;
            let mut parameters = vec![("code", code.as_str())];
            parameters.extend(ways.callback);
            Ok(Reply::back(call, &parameters))
        }
        ("POST", "/token") => token(books, call, ways),
        ("POST", "/revoke") if ways.revokes => {
            books.authenticate(call, ClientSecret::BodyOrBasic)?;
            if let Some(grant) = books.grant_of(call.form("token")) {
                books.kill(grant);
            }
            Ok(Reply::json(200, &json!({ "status": "success" })))
        }
        _ => Err(Reply::not_found()),
    }
}

fn token(books: &Books, call: &Call, ways: &Ways) -> Answer {
    books.authenticate(call, ClientSecret::BodyOrBasic)?;
    let (grant, is_new, offline) = match call.form("grant_type") {
        "authorization_code" => {
            let (grant, offline) = books.exchange(call)?;
            (grant, true, offline)
        }
        "refresh_token" => (books.refresh(call, Reuse::Good)?, false, true),
        _ => return Err(Reply::refuse(400, "unsupported_grant_type", "")),
    };
    let mut body = json!({ "access_token": books.new_access_token(grant, 80) });
    let expires_in = (ways.expires_in)();
    if !expires_in.is_null() {
        body["expires_in"] = expires_in;
    }
    let gives = match ways.refresh_tokens {
        RefreshTokens::Stable => is_new && offline,
        RefreshTokens::Sliding => true,
        RefreshTokens::None => false,
    };
    if gives {
        body["refresh_token"] = json!(books.new_refresh_token(grant, 70, DAYS));
    }
    Ok(Reply::json(200, &body))
}
