//! Clients that refresh without a pause, over connections that they keep.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, Error, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::eventually;

/// How many.
pub const CLIENTS: usize = 8;

/// What one of them is told, again and again, until it can't connect or it is enough.
type Told = Result<Vec<u16>, Error>;

/// Clients of a server, or of a proxy before it.
pub struct Clients {
    running: JoinSet<Told>,
    answers: Arc<AtomicUsize>,
    enough: CancellationToken,
}

impl Clients {
    pub fn start(url: &str, authid: &str, version: Version) -> Self {
        let mut clients = Self {
            running: JoinSet::new(),
            answers: Arc::default(),
            enough: CancellationToken::new(),
        };
        for _ in 0..CLIENTS {
            let client = Client::builder(TokioExecutor::new())
                .http2_only(version == Version::HTTP_2)
                .build_http();
            let request = Request::get(format!("{url}/refresh")).header("X-AuthID", authid);
            let request = request.body(Full::default()).unwrap();
            let (answers, enough) = (clients.answers.clone(), clients.enough.clone());
            clients
                .running
                .spawn(async move { repeat(&client, &request, &answers, &enough).await });
        }
        clients
    }

    /// Waits until they have got so many more answers.
    pub async fn go_on(&self, more: usize) {
        let goal = self.answers.load(Ordering::Relaxed) + more;
        let reached = async || (self.answers.load(Ordering::Relaxed) >= goal).then_some(());
        eventually("the clients go on", reached).await;
    }

    /// Lets each of them finish, and returns what all were told.
    pub async fn stop(self) -> Vec<u16> {
        self.enough.cancel();
        self.end().await
    }

    /// Waits until none can connect any more, and returns what all were told. None
    /// may have missed an answer.
    pub async fn end(self) -> Vec<u16> {
        let told = self.running.join_all().await;
        told.into_iter().flat_map(Result::unwrap).collect()
    }
}

async fn repeat(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: &Request<Full<Bytes>>,
    answers: &AtomicUsize,
    enough: &CancellationToken,
) -> Told {
    let mut told = Vec::new();
    while !enough.is_cancelled() {
        let answer = match client.request(request.clone()).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() || was_not_taken(&error) => break,
            Err(error) => return Err(error),
        };
        told.push(answer.status().as_u16());
        answer.into_body().collect().await.expect("a whole answer");
        answers.fetch_add(1, Ordering::Relaxed);
    }
    Ok(told)
}

/// What HTTP/2 says of a request that comes after the last one (RFC 9113 section
/// 6.8): it is as good as never sent.
fn was_not_taken(error: &Error) -> bool {
    format!("{error:?}").contains("GoAway(b\"\", NO_ERROR, Remote)")
}
