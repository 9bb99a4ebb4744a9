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

    /// A buffer that is full becomes the body without another allocation.
    fn json(&self) -> Vec<u8> {
        let authid = self.v2_authid.unwrap_or_default();
        // Tokens need no escapes; other text is left to serde_json.
        let texts = [self.access_token, self.r#type, authid];
        if !texts.iter().all(|text| is_unescaped(text.as_bytes())) {
            return serde_json::to_vec(self).expect("strings and numbers always serialise");
        }
        let before_authid = match self.v2_authid {
            Some(_) => r#"","v2_authid":""#,
            None => "",
        };
        let mut digits = itoa::Buffer::new();
        let pieces = [
            r#"{"access_token":""#,
            self.access_token,
            r#"","expires":"#,
            digits.format(self.expires),
            r#","type":""#,
            self.r#type,
            before_authid,
            authid,
            r#""}"#,
        ];
        pieces.concat().into_bytes()
    }
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
            let json = answer.json();
            prop_assert!(json.len() == json.capacity() || json.contains(&b'\\'));
            prop_assert_eq!(json, serde_json::to_vec(&answer).unwrap());
        }
    }
}
