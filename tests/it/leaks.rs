//! The real program at LOG=trace, led through logins, refreshes and faults: no
//! secret may be in anything it prints, nor in any error that it answers.

mod run;
mod secrets;

use run::{Run, echoing};

use super::authid::{in_form, in_header, in_query};
use crate::support::{self, Asked, Client, Piece, Random, answer, get, json, tokens};

const CLIENT_SECRET: &str = "never-print-client-secret";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_line_or_error_answer() {
    for log_format in ["text", "json"] {
        let mut run = Run::start(log_format).await;
        let authid = run.login_gives_an_authid().await;
        run.failed_logins().await;
        run.refreshes(&authid).await;
        run.refreshes_over_http2(&authid).await;
        run.failed_refreshes().await;
        run.broken_authids(&authid).await;
        run.end().await;
    }
}

#[tokio::test]
async fn no_command_prints_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [
        ("AUTHSEAL_PUBLIC_URL", "http://localhost"),
        (
            "AUTHSEAL_KEYS",
            r#"{"keys":[{"kty":"oct","kid":"a","k":"never-print-key"}]}"#,
        ),
        ("AUTHSEAL_KEYS_DIR", folder.path().to_str().unwrap()),
        ("AUTHSEAL_LOG", "never-print=log=filter"),
        ("GD_CLIENT_ID", "the-client-id"),
        ("GD_CLIENT_SECRET", CLIENT_SECRET),
        ("DROPBOX_CLIENT_SECRET", CLIENT_SECRET),
    ];
    for command in ["check", "serve"] {
        for left_out in ["", "AUTHSEAL_KEYS", "AUTHSEAL_KEYS_DIR", "AUTHSEAL_LOG"] {
            let environment: Vec<_> = environment
                .iter()
                .copied()
                .filter(|(name, _)| *name != left_out)
                .collect();
            let output = support::run(&[command], &environment).await;
            assert_eq!(output.status.code(), Some(1));
            let text = format!("{output:?}");
            assert!(!text.contains("never-print"), "{text}");
        }
    }
}

impl Run {
    async fn refreshes(&mut self, authid: &str) {
        self.provider
            .script(|_| tokens("never-print-access", Some("never-print-refresh-second")));
        let answer = self.refresh(authid).await.good();
        let newest = answer.json()["v2_authid"].as_str().unwrap().to_owned();
        self.secrets.add_authid(&newest, self.keys.path());
        assert_eq!(self.refresh(&newest).await.status, 200);
    }

    /// The HTTP/2 library has traces of its own.
    async fn refreshes_over_http2(&mut self, authid: &str) {
        let url = format!("{}/refresh", self.url);
        let client = Client::http2();
        let in_header = in_header(&url, authid.as_bytes()).unwrap();
        let in_query = in_query(&url, authid.as_bytes()).unwrap();
        for request in [in_header, in_query, in_form(&url, authid.as_bytes())] {
            client.send(request).await.good();
        }
    }

    async fn failed_refreshes(&mut self) {
        let html = |asked: &Asked| answer("200 OK", "", &format!("<p>{}</p>", asked.body));
        let almost = |asked: &Asked| {
            let body = format!(r#"{{"access_token":7,"refresh_token":"{}"}}"#, asked.body);
            json("200 OK", &body)
        };
        let cut = |asked: &Asked| {
            let text = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{}",
                asked.body
            );
            vec![Piece::Text(text)]
        };
        type Script = Box<dyn Fn(&Asked) -> Vec<Piece> + Send + Sync>;
        let scripts: Vec<(Script, u16)> = vec![
            (Box::new(echoing("400 Bad Request", "invalid_grant")), 401),
            (Box::new(echoing("401 Unauthorized", "invalid_client")), 503),
            (Box::new(echoing("400 Bad Request", "never-print")), 503),
            (Box::new(echoing("500 Oops", "server_error")), 503),
            (Box::new(echoing("429 Slowly", "slow_down")), 503),
            (Box::new(html), 503),
            (Box::new(almost), 503),
            (Box::new(cut), 503),
            (Box::new(|asked| vec![Piece::Text(asked.body.clone())]), 503),
            (Box::new(|_| vec![]), 503),
        ];
        for (script, status) in scripts {
            let authid = self.login_gives_an_authid().await;
            self.provider.script(script);
            let answer = self.refresh(&authid).await;
            assert_eq!(answer.status, status, "{answer:?}");
            self.errors.push(answer);
        }
    }

    async fn broken_authids(&mut self, authid: &str) {
        let mut random = Random::seeded(1);
        for _ in 0..50 {
            let at = random.below(authid.len());
            let broken = format!("{}*{}", &authid[..at], &authid[at + 1..]);
            let query = form_urlencoded::byte_serialize(broken.as_bytes()).collect::<String>();
            let url = format!("{}/refresh?authid={query}", self.url);
            self.errors.push(self.refresh(&broken).await);
            self.errors.push(get(&url, &[]).await);
        }
        let other_path = format!("{}/elsewhere?authid={authid}", self.url);
        self.errors.push(get(&other_path, &[]).await);
        let other_path = format!("{}/elsewhere", self.url);
        let with_authid = [("X-AuthID", authid)];
        self.errors.push(get(&other_path, &with_authid).await);
        let login = format!("{}/login?id={authid}", self.url);
        self.errors.push(get(&login, &[]).await);
    }
}
