//! AuthIDs that are longer than what proxies expect in a head: Microsoft's refresh
//! tokens make some of several KiB, and authseal takes 16.

use http::{Method, Request};

use super::{caddy, nginx};
use crate::support::{Answer, Random, ScriptedProvider, TestApp, form_request, send, tokens};

const KIB: usize = 1024;

/// How a client may send an AuthID to `/refresh`.
#[derive(Clone, Copy, Debug)]
enum By {
    Header,
    Query,
    Form,
}

/// An authseal whose provider takes any refresh token, and AuthIDs with long ones.
struct Bed {
    app: TestApp,
    /// Each with its size in KiB.
    authids: Vec<(usize, String)>,
}

impl Bed {
    async fn start() -> Self {
        let provider = ScriptedProvider::start(|_| tokens("an-access-token", None));
        let app = TestApp::builder().scripted(&provider, "stable");
        let app = app.start().await;
        let authids = [4, 8, 16].map(|kib| (kib, long_authid(&app, kib * KIB)));
        Self {
            app,
            authids: authids.into(),
        }
    }

    /// Where it listens.
    fn address(&self) -> &str {
        self.app.url.trim_start_matches("http://")
    }

    /// What each AuthID gets, the shortest first.
    async fn check(&self, url: &str, by: By, expected: [u16; 3]) {
        let mut statuses = Vec::new();
        for (kib, authid) in &self.authids {
            let answer = refresh(url, by, authid).await;
            let status = answer.status.as_u16();
            if status == 200 {
                assert_eq!(answer.json()["access_token"], "an-access-token", "{kib}");
            }
            statuses.push(status);
        }
        assert_eq!(statuses, expected, "{by:?}");
    }
}
/// As long as it can be within `limit`.
fn long_authid(app: &TestApp, limit: usize) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let token = Random::seeded(1).text(alphabet, limit);
    let lengths = (0..limit).rev();
    let mut authids = lengths.map(|length| app.seal("scripted", &token[..length]));
    authids.find(|authid| authid.len() <= limit).unwrap()
}

async fn refresh(url: &str, by: By, authid: &str) -> Answer {
    let address = format!("{url}/refresh");
    let get = Request::builder().method(Method::GET);
    send(match by {
        By::Header => {
            let request = get.uri(address).header("X-AuthID", authid);
            request.body(Default::default()).unwrap()
        }
        By::Query => {
            let request = get.uri(format!("{address}?authid={authid}"));
            request.body(Default::default()).unwrap()
        }
        By::Form => form_request(&address, &[("authid", authid)]),
    })
    .await
}

const ALL: [u16; 3] = [200, 200, 200];

#[tokio::test]
async fn authseal_itself_takes_them() {
    let bed = Bed::start().await;
    for by in [By::Header, By::Query, By::Form] {
        bed.check(&bed.app.url, by, ALL).await;
    }
}

/// Its buffers have 8 KiB, in which a header line must fit with its name. With 400
/// ("Request Header Or Cookie Too Large") Duplicati gives up after a second try.
#[tokio::test]
async fn nginx_refuses_those_from_8_kib_on_unless_it_is_told_otherwise() {
    let bed = Bed::start().await;
    let location = format!("location / {{ {} }}", nginx::pass(bed.address()));
    let proxy = nginx::serve(&location).await;
    let url = proxy.url("http");
    bed.check(&url, By::Header, [200, 400, 400]).await;
    bed.check(&url, By::Query, [200, 414, 414]).await;
    bed.check(&url, By::Form, ALL).await;
}

/// As deploy's configuration says.
#[tokio::test]
async fn nginx_passes_them_on_with_larger_buffers() {
    let bed = Bed::start().await;
    let location = format!("location / {{ {} }}", nginx::pass(bed.address()));
    let buffers = "large_client_header_buffers 4 20k;";
    let proxy = nginx::serve(&format!("{buffers} {location}")).await;
    for by in [By::Header, By::Query, By::Form] {
        bed.check(&proxy.url("http"), by, ALL).await;
    }
}

#[tokio::test]
async fn caddy_passes_them_on_as_it_is() {
    let bed = Bed::start().await;
    let proxy = caddy::serve("http", &format!("reverse_proxy {}", bed.address())).await;
    for by in [By::Header, By::Query, By::Form] {
        bed.check(&proxy.url("http"), by, ALL).await;
    }
}
