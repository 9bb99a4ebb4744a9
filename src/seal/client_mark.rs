//! Mark of the client id that a login was made with.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::base64url;

const BYTES: usize = 3;

/// The first 24 bits of the SHA-256 hash of a client id.
///
/// A provider refuses a refresh token that it issued to another client id, and not every
/// provider says so. By its mark an AuthID tells. It decides nothing: only the words of an
/// error depend on it. So it may be short, and a wrong match (one in 16 million) costs an
/// explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientMark([u8; BYTES]);

impl ClientMark {
    /// Returns the mark of this client id.
    pub fn of(client_id: &str) -> Self {
        let hash = digest(&SHA256, client_id.as_bytes());
        let mut mark = [0; BYTES];
        mark.copy_from_slice(&hash.as_ref()[..BYTES]);
        Self(mark)
    }
}

impl ClientMark {
    /// Reads a mark. `None` for text of another length, which a later version may write: its
    /// AuthIDs must open here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut mark = [0; BYTES];
        let length = base64url::decode(text, &mut mark)?;
        (length == BYTES).then_some(Self(mark))
    }
}

impl Serialize for ClientMark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// Reads a mark, for serde.
pub(super) fn lenient<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<ClientMark>, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    Ok(ClientMark::parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Grant;

    fn client(member: &str) -> Option<ClientMark> {
        let json = format!(
            r#"{{"svc":"googledrive","rt":"r","iat":1,"lin":"oKGio6SlpqeoqaqrrK2urw","gen":0{member}}}"#
        );
        serde_json::from_str::<Grant>(&json).unwrap().client
    }

    #[test]
    fn a_mark_is_four_characters_and_reads_back() {
        let mark = ClientMark::of("1234.apps.googleusercontent.com");
        let written = serde_json::to_string(&mark).unwrap();
        assert_eq!(written.len(), "\"AAAA\"".len());
        assert_eq!(client(&format!(r#","cid":{written}"#)), Some(mark));
        assert_ne!(mark, ClientMark::of("1235.apps.googleusercontent.com"));
    }

    #[test]
    fn an_authid_without_a_mark_or_with_another_kind_of_it_opens() {
        assert_eq!(client(""), None);
        for other in ["", "AAA", "AAAAA", "AAAAAAAAAAAAAAAA", "????"] {
            assert_eq!(client(&format!(r#","cid":"{other}""#)), None, "{other}");
        }
    }
}
