//! The least that a hyper server can do: the same JSON for every GET.
//!
//!     bare-server BODY_BYTES [NAME: VALUE]...
//!
//! Beside it stands a cached /refresh, which also answers from memory.

use authseal_benches::{arguments, expect, headers, ok, random_token, serve};
use hyper::body::Bytes;

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let body = json_of(expect(&mut arguments, "BODY_BYTES"));
    let headers = headers(arguments);
    serve(move |_request| {
        let answer = ok(&headers, body.clone());
        async { Ok(answer) }
    })
    .await;
}

/// `{"access_token":"..."}` of exactly this many bytes, or the least possible.
fn json_of(bytes: usize) -> Bytes {
    let frame = "{\"access_token\":\"\"}".len();
    let token = random_token(bytes.saturating_sub(frame));
    Bytes::from(format!("{{\"access_token\":\"{token}\"}}"))
}
