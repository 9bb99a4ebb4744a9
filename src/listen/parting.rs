//! The end of a connection that the server closes: a last response for a request that no
//! handler answers, and a close that does not destroy it.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, header::CONTENT_LENGTH};
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

/// Limit of bytes that are read and discarded after the last response.
const MAX_DISCARDED_BYTES: u64 = 1024 * 1024;

/// Time that the end of one connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartingTimes {
    /// Time in which a request can still arrive on a connection that seems idle.
    pub(super) listen: Duration,
    /// Timeout of writing, and then of reading what the client still sends. Closing a
    /// socket with unread bytes resets the connection, and the client can lose the
    /// response (RFC 9112 section 9.6).
    pub(super) linger: Duration,
}

impl PartingTimes {
    /// For a connection that has time.
    pub(super) const USUAL: Self = Self {
        listen: Duration::from_millis(5),
        linger: Duration::from_secs(1),
    };
    /// For a connection whose place is needed: only what is possible without waiting. Bytes
    /// that are there already take a moment until they can be read.
    pub(super) const AT_ONCE: Self = Self {
        listen: Duration::from_millis(5),
        linger: Duration::ZERO,
    };
}

/// Returns true if the client sends something within `limit`.
pub(super) async fn says_more(stream: &mut (impl AsyncRead + Unpin), limit: Duration) -> bool {
    let read = timeout(limit, stream.read(&mut [0; 1024])).await;
    matches!(read, Ok(Ok(length)) if length > 0)
}

/// Writes the last response and closes the stream.
pub(super) async fn answer(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    response: Response<Full<Bytes>>,
    times: PartingTimes,
) {
    let writing = async {
        stream.write_all(&written(response).await).await?;
        stream.shutdown().await
    };
    if let Ok(Ok(())) = timeout(times.linger, writing).await {
        discard(stream, times.linger).await;
    }
}

/// Reads what the client still sends after a response that hyper has written.
pub(super) async fn linger(stream: &mut (impl AsyncRead + Unpin)) {
    discard(stream, PartingTimes::USUAL.linger).await;
}

async fn discard(stream: &mut (impl AsyncRead + Unpin), limit: Duration) {
    let mut rest = stream.take(MAX_DISCARDED_BYTES);
    let mut buffer = [0; 4096];
    let discarding = async { while matches!(rest.read(&mut buffer).await, Ok(1..)) {} };
    let _ = timeout(limit, discarding).await;
}

/// Returns the response as HTTP/1.1 writes it.
async fn written(response: Response<Full<Bytes>>) -> Vec<u8> {
    let (head, body) = response.into_parts();
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(never) => match never {},
    };
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {}\r\nconnection: close\r\n{CONTENT_LENGTH}: {length}\r\n",
        head.status
    )
    .into_bytes();
    for (name, value) in &head.headers {
        let line = [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
        bytes.extend(line.concat());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_response_is_whole() {
        let (mut server, mut client) = tokio::io::duplex(4096);
        let response = Response::builder()
            .status(502)
            .header("x-reason", "Try again")
            .body(Full::from("Try again"))
            .unwrap();
        answer(&mut server, response, PartingTimes::AT_ONCE).await;
        let mut received = String::new();
        client.read_to_string(&mut received).await.unwrap();
        assert_eq!(
            received,
            "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 9\r\n\
             x-reason: Try again\r\n\r\nTry again"
        );
    }

    #[tokio::test]
    async fn a_client_that_never_reads_holds_nothing() {
        let (mut server, _client) = tokio::io::duplex(4);
        let response = Response::new(Full::from("longer than the pipe"));
        answer(&mut server, response, PartingTimes::AT_ONCE).await;
    }
}
