//! What a client hears, and what it never hears, when the provider answers anything
//! at all.

use std::time::Duration;

use authseal::seal::{Grant, Lineage};
use authseal::secret::Secret;
use proptest::{prelude::*, test_runner::TestCaseResult};
use tokio::sync::Mutex;

mod made;

use crate::{
    http1::{Answer, Connection},
    property::{MB, Property, ensure, runtime},
    provider::{GOOD_ACCESS, GOOD_TOKEN, RawProvider},
    requests::{check_body, check_head},
    support::{CLIENT_SECRET, TestApp},
};
use made::{Made, answers};

const KINDS: [&str; 3] = ["stable", "sliding", "single-use"];
/// Long enough for the next login from the same network.
const MINUTE: Duration = Duration::from_secs(60);
/// A third login that fails in a row would have its provider left alone.
const TRIES: usize = 2;

/// What asks the provider.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Refresh,
    Renew,
    Revoke,
    LogIn,
}

impl Call {
    /// The statuses in docs/endpoints.md for a provider that may say anything.
    fn statuses(self) -> &'static [u16] {
        match self {
            Self::Refresh | Self::Renew | Self::Revoke => &[200, 401, 503],
            Self::LogIn => &[200, 503],
        }
    }
}

#[test]
fn whatever_the_provider_answers_the_client_is_told_only_what_helps() {
    let property = Property::alone("provider_answers", 4, 8 * MB);
    let runtime = runtime();
    let bed = runtime.block_on(Bed::start());
    let call = prop_oneof![
        4 => Just(Call::Refresh),
        1 => Just(Call::Renew),
        2 => Just(Call::Revoke),
        2 => Just(Call::LogIn),
    ];
    let cases = property.holds((0..KINDS.len(), call, answers()), |(kind, call, made)| {
        bed.provider.answer(made.to_answer());
        let answer = runtime.block_on(bed.ask(kind, call, REFRESH_TOKEN))?;
        let asked = bed.provider.asked();
        property.count(format!("{call:?} {}", answer.status));
        property.count(format!("asked {asked} times"));
        let most = match (call, KINDS[kind]) {
            (Call::LogIn, _) => 1,
            // Revoking may need an access token or a newer refresh token first.
            (Call::Revoke, "single-use") => 2,
            // It may be used up: nobody sends it again.
            (_, "single-use") => 1,
            _ => 3,
        };
        ensure(asked <= most, || format!("asked {asked} times"))?;
        check(call, &made, &answer)
            .map_err(|error| TestCaseError::fail(format!("{error}: {answer:?}")))?;
        runtime.block_on(bed.works_again(kind))
    });
    let reached =
        property.counted(|outcome| outcome != "asked 0 times" && outcome.starts_with("asked"));
    assert!(
        reached * 100 > cases * 95,
        "{reached} of {cases} reached the provider"
    );
    let given = property.counted(|outcome| outcome == "Refresh 200");
    assert!(given * 40 > cases, "{given} of {cases} gave a token");
    runtime.block_on(bed.app.stop());
}

/// Marked as the provider's bodies are: it must not come back either.
const REFRESH_TOKEN: &str = "never-print-refresh";

/// An authseal with a service of each kind, of one provider.
struct Bed {
    app: TestApp,
    provider: RawProvider,
    connection: Mutex<Connection>,
}

impl Bed {
    async fn start() -> Self {
        let provider = RawProvider::start().await;
        let mut builder = TestApp::builder();
        for kind in KINDS {
            builder = builder
                .tables(&table(kind, &provider))
                .env("TEST_RAW_CLIENT_ID", "raw")
                .env("TEST_RAW_CLIENT_SECRET", CLIENT_SECRET);
        }
        let app = builder.start().await;
        Self {
            connection: Mutex::new(Connection::to(&app.url)),
            app,
            provider,
        }
    }

    /// Asks with the AuthID of a new login, a minute after the call before: logins are
    /// limited.
    async fn ask(
        &self,
        kind: usize,
        call: Call,
        refresh_token: &str,
    ) -> Result<Answer, TestCaseError> {
        self.app.clock.advance(MINUTE);
        let authid = self.app.reseal(&Grant {
            service: format!("raw-{}", KINDS[kind]).into(),
            refresh_token: Secret::new(refresh_token),
            issued_at: self.app.clock.now(),
            lineage: Lineage::random(),
            generation: 0,
            region: None,
            client: None,
            ancestry: Default::default(),
            terms: None,
        });
        let with_authid =
            |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\nX-AuthID: {authid}\r\n\r\n");
        let request = match call {
            Call::Refresh => with_authid("GET /refresh"),
            Call::Renew => with_authid("POST /renewed"),
            Call::Revoke => with_authid("POST /revoked"),
            Call::LogIn => self.callback(KINDS[kind]).await?,
        };
        self.send(&request).await
    }

    /// Begins a login, and returns what the browser asks when it comes back.
    async fn callback(&self, kind: &str) -> Result<String, TestCaseError> {
        let begin = format!("GET /login?id=raw-{kind} HTTP/1.1\r\nHost: a\r\n\r\n");
        let begun = self.send(&begin).await?;
        let cookie = begun.header("set-cookie").split(';').next().unwrap();
        let (nonce, _) = cookie
            .strip_prefix("authseal-")
            .unwrap()
            .split_once('=')
            .unwrap();
        Ok(format!(
            "GET /logged-in?state={nonce}&code=c HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n"
        ))
    }

    async fn send(&self, request: &str) -> Result<Answer, TestCaseError> {
        let answer = self.connection.lock().await.ask(request.as_bytes()).await;
        answer.map_err(TestCaseError::fail)
    }

    /// A good answer is worth a token again, which also closes the breaker. A kept
    /// connection of authseal's that this provider has closed may cost a try.
    async fn works_again(&self, kind: usize) -> TestCaseResult {
        for _ in 0..TRIES {
            let answer = self.ask(kind, Call::Refresh, GOOD_TOKEN).await?;
            if answer.status == 200 {
                return ensure(answer.text().contains(GOOD_ACCESS), || answer.text());
            }
        }
        ensure(false, || "a good answer is worth nothing any more".into())
    }
}

fn check(call: Call, made: &Made, answer: &Answer) -> TestCaseResult {
    let allowed = call.statuses();
    ensure(allowed.contains(&answer.status), || {
        format!("not in {allowed:?}")
    })?;
    check_head(answer)?;
    check_body(answer)?;
    let mut told = answer.text();
    if answer.status == 200 && call == Call::Refresh {
        let mut json: serde_json::Value = serde_json::from_str(&told).unwrap_or_default();
        let token = json["access_token"].take();
        let token = token.as_str().unwrap_or_default();
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        ensure(is_token, || format!("token {token:?}"))?;
        ensure(made.may_be_tokens(), || "tokens of a failure".into())?;
        // A broken answer may call anything an access token, so all but that.
        told = json.to_string();
    }
    let told = format!("{:?} {told}", answer.headers);
    for secret in ["never-print", CLIENT_SECRET] {
        ensure(!told.contains(secret), || format!("{secret} is told"))?;
    }
    Ok(())
}

fn table(kind: &str, provider: &RawProvider) -> String {
    let (token_url, revoke_url) = (provider.url("/token"), provider.url("/revoke"));
    format!(
        r#"
[provider.raw-{kind}]
name = "Raw"
credentials = ["TEST_RAW"]
authorize_url = "https://provider.example/authorize"
token_url = "{token_url}"
revoke_url = "{revoke_url}"
refresh_tokens = "{kind}"
redirect_path = "/logged-in"
advice = {{ AADSTS1 = "Ask somebody.", never = "It says never." }}
[service.raw-{kind}]
provider = "raw-{kind}"
name = "Raw"
"#
    )
}
