//! The least that a sealing server can do: it opens the AuthID of the header (base64url,
//! AES-GCM, JSON), looks for an access token in one concurrent map, asks the provider if there
//! is none, and writes JSON.
//!
//!     sealed-floor KEY_FILE TOKEN_URL [NAME: VALUE]...
//!
//! authseal cannot cost less than this. It is no server to use: it has no limits, deadlines,
//! log or errors, writes no escapes, and a request that it does not understand ends its
//! connection.

use std::{fs, sync::Arc};

use authseal_benches::{Answer, arguments, expect, headers, ok, provider::Provider, serve};
use base64_simd::{Out, URL_SAFE_NO_PAD};
use hyper::{HeaderMap, Request, body::Bytes, header::HeaderName};
use quick_cache::sync::Cache;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Deserialize;

/// As in authseal.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LOGINS: usize = 1_000_000;
/// The rest of the form is as long as authseal's with the benches' client id and secret.
const CLIENT_BYTES: usize = 72 + 35;

/// A key file, as far as it is needed.
#[derive(Deserialize)]
struct Key {
    k: String,
}

/// The plaintext of an AuthID, as far as it is needed.
#[derive(Deserialize)]
struct Grant<'a> {
    svc: &'a str,
    rt: &'a str,
    lin: &'a str,
}

/// The provider's answer, and what is kept of it.
#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    expires_in: u64,
}

struct Floor {
    cipher: LessSafeKey,
    cache: Cache<[u8; 16], Arc<Tokens>>,
    provider: Provider,
    client: String,
    headers: HeaderMap,
}

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let key_file: String = expect(&mut arguments, "KEY_FILE");
    let floor = Floor {
        cipher: cipher(&key_file),
        cache: Cache::new(LOGINS),
        provider: Provider::new(expect(&mut arguments, "TOKEN_URL")),
        client: format!("&client_id={}&client_secret=", "c".repeat(CLIENT_BYTES)),
        headers: headers(arguments),
    };
    let floor = Arc::new(floor);
    serve(move |request| {
        let floor = floor.clone();
        async move { floor.refresh(&request).await }
    })
    .await;
}

fn cipher(key_file: &str) -> LessSafeKey {
    let key = fs::read(key_file).expect("there is a key file");
    let key: Key = serde_json::from_slice(&key).expect("it is a JWK");
    let key = URL_SAFE_NO_PAD.decode_to_vec(key.k);
    let key = key.expect("it is base64url");
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("it has 256 bits"))
}

impl Floor {
    async fn refresh<B>(&self, request: &Request<B>) -> Result<Answer, hyper::Error> {
        let authid = request.headers().get(HeaderName::from_static("x-authid"));
        let authid = authid.expect("the request has an AuthID").as_bytes();
        let plaintext = self.open(authid);
        let grant: Grant<'_> = serde_json::from_slice(&plaintext).expect("it is a grant");
        let mut lineage = [0; 16];
        decode(grant.lin.as_bytes(), &mut lineage);
        let tokens = match self.cache.get(&lineage) {
            Some(tokens) => tokens,
            None => {
                let form = format!(
                    "grant_type=refresh_token&refresh_token={}{}",
                    grant.rt, self.client
                );
                let answer = self.provider.post(form.into()).await?;
                let tokens: Tokens = serde_json::from_slice(&answer).expect("it has tokens");
                let tokens = Arc::new(tokens);
                if tokens.expires_in > 60 {
                    self.cache.insert(lineage, tokens.clone());
                }
                tokens
            }
        };
        let mut json = Vec::with_capacity(512);
        for piece in [
            r#"{"access_token":""#,
            &tokens.access_token,
            r#"","expires":"#,
            itoa::Buffer::new().format(tokens.expires_in),
            r#","type":""#,
            grant.svc,
            r#""}"#,
        ] {
            json.extend_from_slice(piece.as_bytes());
        }
        Ok(ok(&self.headers, Bytes::from(json)))
    }

    /// Decrypts `v2:<service>:<header>..<iv>.<ciphertext>.<tag>`.
    fn open(&self, authid: &[u8]) -> Vec<u8> {
        let jwe = authid.splitn(3, |byte| *byte == b':').nth(2);
        let mut parts = jwe.expect("it is an AuthID").split(|byte| *byte == b'.');
        let mut part = || parts.next().expect("a JWE has five parts");
        let (header, _, iv, ciphertext, tag) = (part(), part(), part(), part(), part());
        let mut nonce = [0; NONCE_LEN];
        decode(iv, &mut nonce);
        let mut sealed = vec![0; ciphertext.len() + tag.len()];
        let plain = decode(ciphertext, &mut sealed);
        let tag = decode(tag, &mut sealed[plain..]);
        sealed.truncate(plain + tag);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self
            .cipher
            .open_in_place(nonce, Aad::from(header), &mut sealed);
        let length = opened.expect("it was sealed under this key").len();
        sealed.truncate(length);
        sealed
    }
}

/// Decodes base64url to the beginning of `bytes`, and returns how many there are.
fn decode(text: &[u8], bytes: &mut [u8]) -> usize {
    let decoded = URL_SAFE_NO_PAD.decode(text, Out::from_slice(bytes));
    decoded.expect("it is base64url").len()
}
