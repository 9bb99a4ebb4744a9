//! A provider's token endpoint that costs next to nothing.
//!
//!     provider-stub ACCESS_TOKEN_CHARACTERS EXPIRES_IN [REFRESH_TOKEN_CHARACTERS]
//!     CERTIFICATE=FILE provider-stub ...    under TLS; the certificate goes there
//!
//! Any POST gets an access token at once, and with the third argument a refresh
//! token that no other has. A GET gets the number of POSTs so far:
//! with it the harness proves that a run was cached, or was not.

use std::{
    env,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use authseal_benches::{arguments, expect, headers, ok, parse, random_token, serve, serve_tls};
use http_body_util::BodyExt;
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
};

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let token = random_token(expect(&mut arguments, "ACCESS_TOKEN_CHARACTERS"));
    let expires_in: u32 = expect(&mut arguments, "EXPIRES_IN");
    let refresh_token = arguments.next().map(|length| random_token(parse(&length)));
    let fields = format!(
        "\"access_token\":\"{token}\",\"token_type\":\"bearer\",\"expires_in\":{expires_in}"
    );
    let same = Bytes::from(format!("{{{fields}}}"));
    let headers = headers(["content-type: application/json".to_owned()].into_iter());
    let calls = Arc::new(AtomicU64::new(0));
    let answer = move |request: Request<Incoming>| {
        let answer = if request.method() == Method::POST {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            let body = match &refresh_token {
                Some(token) => {
                    format!("{{{fields},\"refresh_token\":\"{token}{call:08}\"}}").into()
                }
                None => same.clone(),
            };
            ok(&headers, body)
        } else {
            ok(
                &headers,
                Bytes::from(calls.load(Ordering::Relaxed).to_string()),
            )
        };
        async move {
            request.into_body().collect().await?;
            Ok(answer)
        }
    };
    match env::var("CERTIFICATE") {
        Ok(file) => serve_tls(Path::new(&file), answer).await,
        Err(_) => serve(answer).await,
    }
}
