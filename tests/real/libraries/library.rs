//! What the tests have of a library: one run of its script at a time, and the token
//! that it holds in between, as its application would save it.

use std::env;

use serde_json::{Value, json};

use crate::other_program::{OtherProgram, node, python};

/// How a client can authenticate; `tests/real/libraries/client.*` know the words.
pub const AUTHENTICATIONS: [&str; 3] = ["none", "basic", "post"];

/// A library, and how it is used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Library {
    OpenidClient,
    RequestsOauthlib,
    /// It refreshes when it is asked for a resource with an access token too old.
    RequestsOauthlibByItself,
}

/// Each, in each way.
pub const LIBRARIES: [Library; 3] = [
    Library::OpenidClient,
    Library::RequestsOauthlib,
    Library::RequestsOauthlibByItself,
];

impl Library {
    /// Refreshes at this server, and asks for the resource with what it got.
    pub async fn refresh(self, issuer: &str, resource: &str, token: &Value) -> Value {
        let asked = json!({
            "issuer": issuer,
            "authentication": "none",
            "token": token,
            "resource": resource,
        });
        self.refresh_as(asked).await
    }

    /// The same, asked for in whichever words the script knows.
    pub async fn refresh_as(self, asked: Value) -> Value {
        let command = match self {
            Self::RequestsOauthlibByItself => "use",
            _ => "refresh",
        };
        self.run(command, asked).await
    }

    /// The name of what it throws for an OAuth error with this code.
    pub fn failure(self, code: &str) -> &'static str {
        match (self, code) {
            // It takes an answer for an OAuth error when its status is 4xx.
            (Self::OpenidClient, "temporarily_unavailable") => "ClientError",
            (Self::OpenidClient, _) => "ResponseBodyError",
            (_, "invalid_grant") => "InvalidGrantError",
            (_, "invalid_scope") => "InvalidScopeError",
            (_, "temporarily_unavailable") => "TemporarilyUnavailableError",
            _ => panic!("{code}?"),
        }
    }

    async fn run(self, command: &str, mut asked: Value) -> Value {
        // Its clock is the machine's; by the test's, the token is always too old.
        asked["token"]["expires_at"] = 1.into();
        let mut script = match self {
            Self::OpenidClient => node("libraries/client.mjs"),
            _ => python("libraries/client.py"),
        };
        script
            .arg(command)
            // A proxy or a .netrc of this machine is none of the tests'.
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env(
                "HOME",
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real/libraries"),
            )
            .env("OAUTHLIB_INSECURE_TRANSPORT", "1");
        let program = OtherProgram::spawn(&mut script);
        let printed = program.finish(&asked.to_string()).await;
        serde_json::from_str(&printed).unwrap()
    }
}

/// openid-client revokes; requests-oauthlib cannot.
pub async fn revoke(issuer: &str, authentication: &str, token: &Value) -> Value {
    let asked = json!({ "issuer": issuer, "authentication": authentication, "token": token });
    Library::OpenidClient.run("revoke", asked).await
}

/// What an application holds in which somebody entered an AuthID.
pub fn entered(authid: &str) -> Value {
    json!({ "access_token": "none-yet", "token_type": "Bearer", "refresh_token": authid })
}

/// The AuthID that a library got last.
pub fn authid(token: &Value) -> &str {
    token["refresh_token"].as_str().unwrap()
}
