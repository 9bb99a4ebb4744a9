//! JSON response with an access token, which Duplicati reads. It is put together from its parts:
//! 3,000 instructions instead of 5,100 (docs/performance.md).

use std::sync::LazyLock;

use http::{
    HeaderMap, HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use http_body_util::Full;
use serde::Serialize;

use super::{
    Reply,
    access_log::X_REQUEST_ID,
    reply::{NO_STORE, NOSNIFF},
};
use crate::json_text::is_unescaped;

/// The members of the response.
#[derive(Serialize)]
pub(super) struct AccessTokenAnswer<'a> {
    pub(super) access_token: &'a str,
    /// Lifetime of the access token in seconds.
    pub(super) expires: u64,
    pub(super) r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) v2_authid: Option<&'a str>,
}

/// The headers of the response, in a map that is copied as it is. A map that grows costs more
/// than one that is full, so the request's id has its place.
static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (X_CONTENT_TYPE_OPTIONS, NOSNIFF),
        (CACHE_CONTROL, NO_STORE),
        (X_REQUEST_ID, HeaderValue::from_static("")),
    ])
});

impl AccessTokenAnswer<'_> {
    /// Makes the response. It is not cached, because it contains a token.
    pub(super) fn into_reply(self) -> Reply {
        let mut reply = Response::new(Full::new(self.json().into()));
        *reply.headers_mut() = HEADERS.clone();
        reply
    }

    fn json(&self) -> Vec<u8> {
        let mut digits = itoa::Buffer::new();
        let expires = digits.format(self.expires);
        let before_authid = self.v2_authid.map_or("", |_| r#","v2_authid":"#);
        let length = r#"{"access_token":"","expires":,"type":""}"#.len()
            + self.access_token.len()
            + expires.len()
            + self.r#type.len()
            + self
                .v2_authid
                .map_or(0, |authid| before_authid.len() + 2 + authid.len());
        // A vector that is full becomes a body as it is.
        let mut json = Vec::with_capacity(length);
        json.extend_from_slice(br#"{"access_token":"#);
        push_string(&mut json, self.access_token);
        json.extend_from_slice(br#","expires":"#);
        json.extend_from_slice(expires.as_bytes());
        json.extend_from_slice(br#","type":"#);
        push_string(&mut json, self.r#type);
        if let Some(authid) = self.v2_authid {
            json.extend_from_slice(before_authid.as_bytes());
            push_string(&mut json, authid);
        }
        json.push(b'}');
        json
    }
}

/// Appends a string. Tokens need no escapes; for other text serde_json writes them.
fn push_string(json: &mut Vec<u8>, text: &str) {
    if !is_unescaped(text.as_bytes()) {
        return serde_json::to_writer(json, text).expect("strings always serialise");
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn it_has_the_bytes_that_serde_json_writes(
            access_token in "([!-~]{0,300}|\\PC{0,20}|[\"\\\\\u{0}-\u{1f}]{0,3}){0,3}",
            expires: u64,
            service in "[a-z0-9.-]{0,20}|\\PC{0,9}",
            authid in option::of("v2:[a-z]{1,9}:[A-Za-z0-9_.-]{0,500}|.{0,20}"),
        ) {
            let answer = AccessTokenAnswer {
                access_token: &access_token,
                expires,
                r#type: &service,
                v2_authid: authid.as_deref(),
            };
            prop_assert_eq!(answer.json(), serde_json::to_vec(&answer).unwrap());
        }
    }
}
