//! The least that a hyper server can do which must ask another one: a POST to
//! the provider for every request, and the provider's body as the answer.
//!
//!     bare-forwarder TOKEN_URL FORM_BYTES [NAME: VALUE]...
//!
//! Beside it stands an uncached /refresh.

use authseal_benches::{arguments, expect, headers, ok, provider::Provider, random_token, serve};
use hyper::body::Bytes;

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let provider = Provider::new(expect(&mut arguments, "TOKEN_URL"));
    let form = form_of(expect(&mut arguments, "FORM_BYTES"));
    let headers = headers(arguments);
    serve(move |_request| {
        let (provider, headers, form) = (provider.clone(), headers.clone(), form.clone());
        async move { Ok(ok(&headers, provider.post(form).await?)) }
    })
    .await;
}

/// A refresh request (RFC 6749 section 6) of exactly this many bytes, or the
/// least possible.
fn form_of(bytes: usize) -> Bytes {
    let frame = "grant_type=refresh_token&refresh_token=";
    let token = random_token(bytes.saturating_sub(frame.len()));
    Bytes::from(format!("{frame}{token}"))
}
