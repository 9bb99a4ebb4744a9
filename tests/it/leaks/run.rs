//! One life of the program.

use std::fs;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{CLIENT_SECRET, secrets::Secrets};
use crate::support::{
    Answer, Asked, Browser, Piece, Program, ScriptedProvider, authid_on, get, json, parameter,
};

/// Only the page of the person who logged in may show it.
const ACCOUNT: &str = "never-print-account@example.com";

/// A provider that echoes all that it was sent in every refusal.
pub fn echoing(status: &'static str, error: &'static str) -> impl Fn(&Asked) -> Vec<Piece> {
    move |asked| {
        let body = serde_json::json!({
            "error": error,
            "error_description": format!("{:?} {}", asked.headers, asked.body),
            "request": asked.body,
            "access_token_was": "never-print-access-in-error",
        });
        json(status, &body.to_string())
    }
}

/// The program, its provider, and what has come to light so far.
pub struct Run {
    pub program: Program,
    pub url: String,
    pub provider: ScriptedProvider,
    pub secrets: Secrets,
    pub keys: tempfile::TempDir,
    /// Errors, which may show no secret.
    pub errors: Vec<Answer>,
}

impl Run {
    pub async fn start(log_format: &str) -> Self {
        let provider = ScriptedProvider::start(|_| vec![]);
        let keys = tempfile::tempdir().unwrap();
        let tables = keys.path().with_extension("toml");
        let token_url = provider.url("/token");
        // After a failure, a token that is good once is not sent again, which would only
        // take time here.
        let table = "[provider.google]\nrefresh_tokens = \"single-use\"";
        fs::write(&tables, format!("{table}\ntoken_url = {token_url:?}")).unwrap();
        let environment = [
            ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
            ("AUTHSEAL_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_ADMIN_LISTEN", "127.0.0.1:0"),
            ("AUTHSEAL_KEYS_DIR", keys.path().to_str().unwrap()),
            ("AUTHSEAL_PROVIDERS", tables.to_str().unwrap()),
            ("AUTHSEAL_LOG", "trace"),
            ("AUTHSEAL_LOG_FORMAT", log_format),
            ("GD_CLIENT_ID", "the-client-id"),
            ("GD_CLIENT_SECRET", CLIENT_SECRET),
        ];
        let program = Program::start(&["serve"], &environment);
        let line = program.says("serving http://localhost on ").await;
        fs::remove_file(&tables).unwrap();
        let address = line.split(',').next().unwrap();
        let mut secrets = Secrets::default();
        secrets.add(CLIENT_SECRET);
        secrets.add("never-print-access");
        secrets.add_key(keys.path());
        Self {
            url: format!("http://{address}"),
            program,
            provider,
            secrets,
            keys,
            errors: Vec::new(),
        }
    }

    /// Goes to the provider and back with this query.
    pub async fn log_in(&mut self, query: &str) -> Answer {
        let mut browser = Browser::default();
        let login = browser
            .get(&format!("{}/login?id=googledrive", self.url))
            .await;
        self.secrets.add_cookies(&browser);
        let state = parameter(login.header("location"), "state");
        let callback = format!("{}/logged-in?state={state}&{query}", self.url);
        // A changed cookie first: it must not be found in the log either.
        let (name, value) = browser.cookies.first_key_value().unwrap();
        let changed = format!("{name}={}*", &value[..value.len() - 1]);
        self.errors
            .push(get(&callback, &[("cookie", &changed)]).await);
        browser.get(&callback).await
    }

    pub async fn refresh(&self, authid: &str) -> Answer {
        get(&format!("{}/refresh", self.url), &[("X-AuthID", authid)]).await
    }

    pub async fn login_gives_an_authid(&mut self) -> String {
        let claims = serde_json::json!({"aud": "the-client-id", "email": ACCOUNT});
        let id_token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let body = serde_json::json!({
            "access_token": "never-print-access",
            "refresh_token": "never-print-refresh-first",
            "id_token": id_token,
        });
        let body = body.to_string();
        self.provider.script(move |_| json("200 OK", &body));
        self.secrets.add("never-print-code-good");
        self.secrets.add(ACCOUNT);
        self.secrets.add(&id_token);
        let page = self.log_in("code=never-print-code-good").await.good();
        assert!(page.body.contains(ACCOUNT), "{page:?}");
        let authid = authid_on(&page.body);
        self.secrets.add_authid(&authid, self.keys.path());
        authid
    }

    pub async fn failed_logins(&mut self) {
        self.secrets.add("never-print-code-bad");
        self.provider
            .script(echoing("400 Bad Request", "invalid_grant"));
        for query in [
            "code=never-print-code-bad",
            "error=access_denied&error_description=No.&code_was=never-print-code-bad",
        ] {
            let page = self.log_in(query).await;
            assert!(page.status.is_client_error() || page.status.is_server_error());
            self.errors.push(page);
        }
    }

    pub async fn end(mut self) {
        for asked in self.provider.asked() {
            self.secrets.add_form(&asked);
        }
        for error in &mut self.errors {
            // It takes back the cookie of the one who sent it.
            error.headers.remove("set-cookie");
            assert!(error.status.as_u16() >= 400, "{error:?}");
            self.secrets
                .assert_absent(&format!("{error:?}"), "an error");
        }
        self.program.terminate().await;
        let (status, output) = self.program.end().await;
        assert!(status.success(), "{output}");
        for said in [
            "BACK IT UP",
            "logged in",
            "refreshed",
            "not refreshed",
            "stopping",
        ] {
            assert!(output.contains(said), "{said} is not in the log:\n{output}");
        }
        self.secrets.assert_absent(&output, "the log");
        assert!(self.secrets.count() > 50);
    }
}
