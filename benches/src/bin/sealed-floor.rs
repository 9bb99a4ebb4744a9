//! The least that a sealing server can do: it opens the AuthID of the header (base64url,
//! AES-GCM, JSON), looks for an access token in one concurrent map, asks the provider if there
//! is none, and writes JSON.
//!
//!     sealed-floor KEY_FILE TOKEN_URL [NAME: VALUE]...
//!
//! authseal cannot cost less than this. It is no server to use: it has no limits, deadlines,
//! log or errors, and a request that it does not understand ends its connection.

use std::{fs, sync::Arc};

use authseal_benches::{Answer, arguments, expect, headers, ok, provider::Provider, serve};
use base64::{
    Engine as _,
    engine::{Simd, general_purpose::NO_PAD},
};
use hyper::{HeaderMap, Request, body::Bytes, header::HeaderName};
use quick_cache::sync::Cache;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

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

#[derive(Serialize)]
struct AccessToken<'a> {
    access_token: &'a str,
    expires: u64,
    r#type: &'a str,
}

struct Floor {
    cipher: LessSafeKey,
    base64url: Simd,
    cache: Cache<[u8; 16], Arc<Tokens>>,
    provider: Provider,
    client: String,
    headers: HeaderMap,
}

#[tokio::main]
async fn main() {
    let mut arguments = arguments();
    let key_file: String = expect(&mut arguments, "KEY_FILE");
    let base64url = Simd::url_safe(NO_PAD);
    let floor = Floor {
        cipher: cipher(&key_file, &base64url),
        base64url,
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

fn cipher(key_file: &str, base64url: &Simd) -> LessSafeKey {
    let key = fs::read(key_file).expect("there is a key file");
    let key: Key = serde_json::from_slice(&key).expect("it is a JWK");
    let key = base64url.decode(key.k).expect("it is base64url");
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("it has 256 bits"))
}

impl Floor {
    async fn refresh<B>(&self, request: &Request<B>) -> Result<Answer, hyper::Error> {
        let authid = request.headers().get(HeaderName::from_static("x-authid"));
        let authid = authid.expect("the request has an AuthID").as_bytes();
        let plaintext = self.open(authid);
        let grant: Grant<'_> = serde_json::from_slice(&plaintext).expect("it is a grant");
        let mut lineage = [0; 16];
        let decoded = self.base64url.decode_slice(grant.lin, &mut lineage);
        decoded.expect("a lineage is base64url");
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
        let answer = AccessToken {
            access_token: &tokens.access_token,
            expires: tokens.expires_in,
            r#type: grant.svc,
        };
        let mut json = Vec::with_capacity(512);
        serde_json::to_writer(&mut json, &answer).expect("strings and numbers serialise");
        Ok(ok(&self.headers, Bytes::from(json)))
    }

    /// Decrypts `v2:<service>:<header>..<iv>.<ciphertext>.<tag>`.
    fn open(&self, authid: &[u8]) -> Vec<u8> {
        let jwe = authid.splitn(3, |byte| *byte == b':').nth(2);
        let mut parts = jwe.expect("it is an AuthID").split(|byte| *byte == b'.');
        let mut part = || parts.next().expect("a JWE has five parts");
        let (header, _, iv, ciphertext, tag) = (part(), part(), part(), part(), part());
        let mut nonce = [0; NONCE_LEN];
        let decoded = self.base64url.decode_slice(iv, &mut nonce);
        decoded.expect("it is base64url");
        let mut sealed = Vec::with_capacity(ciphertext.len() + tag.len());
        for part in [ciphertext, tag] {
            let decoded = self.base64url.decode_vec(part, &mut sealed);
            decoded.expect("it is base64url");
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self
            .cipher
            .open_in_place(nonce, Aad::from(header), &mut sealed);
        let length = opened.expect("it was sealed under this key").len();
        sealed.truncate(length);
        sealed
    }
}
