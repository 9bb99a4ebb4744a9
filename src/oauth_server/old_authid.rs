//! AuthIDs of Duplicati's own oauth-server. V2 AuthIDs hold their refresh token in clear:
//! `v2:<service>:<refresh token>`. V1 AuthIDs, `<32 hex digits>:<password>`, name an
//! encrypted file and its password.
//!
//! The lineage of such a login is a hash of its refresh token (V2) or its 32 hex digits
//! (V1), so every server derives the same lineage every time.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    seal::{self, Lineage},
    secret::Secret,
};

/// Limit of a V1 password, above any that oauth-server made. Each of the hash rounds
/// reads the whole password.
const MAX_PASSWORD_BYTES: usize = 256;

/// A parsed AuthID of oauth-server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OldAuthId {
    /// A V2 AuthID in clear.
    Clear {
        /// Id of the service.
        service: String,
        /// The refresh token.
        refresh_token: Secret,
    },
    /// A V1 AuthID.
    Stored {
        /// Name of the file: 32 hex digits.
        id: String,
        /// Passphrase of the file.
        password: Secret,
    },
}

impl OldAuthId {
    /// Parses an AuthID, which may have quotes or the name of an option around it, or stand
    /// in a target URL. Returns `None` for any other form, such as a sealed AuthID, even a
    /// damaged one.
    pub fn parse(text: &str) -> Option<Self> {
        // As it is first: a refresh token or a password may end with a quote.
        Self::parse_exact(text)
            .or_else(|| Self::parse_exact(seal::bare(text)))
            .or_else(|| Self::parse_exact(&seal::from_url(text)?))
    }

    fn parse_exact(authid: &str) -> Option<Self> {
        match authid.strip_prefix("v2:") {
            Some(rest) => {
                let (service, refresh_token) = rest.split_once(':')?;
                let is_one = !service.is_empty()
                    && !refresh_token.is_empty()
                    && !looks_sealed(refresh_token)
                    && refresh_token.bytes().all(|byte| byte.is_ascii_graphic());
                is_one.then(|| Self::Clear {
                    service: service.to_owned(),
                    refresh_token: Secret::new(refresh_token),
                })
            }
            None => {
                let (id, password) = authid.split_once(':')?;
                let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
                let is_password = (1..=MAX_PASSWORD_BYTES).contains(&password.len());
                (is_id && is_password).then(|| Self::Stored {
                    id: id.to_ascii_lowercase(),
                    password: Secret::new(password),
                })
            }
        }
    }

    /// Returns the lineage of the login. A V2 AuthID has the same one for every service
    /// name.
    pub fn lineage(&self) -> Lineage {
        match self {
            Self::Clear { refresh_token, .. } => Lineage::derived(&["v2", refresh_token.expose()]),
            Self::Stored { id, .. } => Lineage::derived(&["v1", id]),
        }
    }

    /// Returns a hash of the whole AuthID, which is remembered once the AuthID has proven
    /// to be good.
    pub(super) fn proof(&self) -> Lineage {
        match self {
            Self::Clear { refresh_token, .. } => {
                Lineage::derived(&["v2 is good", refresh_token.expose()])
            }
            Self::Stored { id, password } => {
                Lineage::derived(&["v1 is good", id, password.expose()])
            }
        }
    }

    /// Returns the name of the form for metrics and logs.
    pub fn form(&self) -> &'static str {
        match self {
            Self::Clear { .. } => "v2",
            Self::Stored { .. } => "v1",
        }
    }
}

/// True if the text may be a compact JWE (RFC 7516 section 7.1), also one that was cut or
/// extended: a damaged sealed AuthID must not be taken for a refresh token and sent to a
/// provider. Those of authseal have an empty second part. A provider's refresh token that
/// starts like one is a JWT (RFC 7519): three parts, and no `enc` in the first.
fn looks_sealed(text: &str) -> bool {
    if !text.starts_with("eyJ") {
        return text.contains("..");
    }
    let parts: Vec<&str> = text.split('.').collect();
    let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap_or_default();
    let is_jwt = parts.len() == 3
        && parts.iter().all(|part| !part.is_empty())
        && serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>(&header)
            .is_ok_and(|header| !header.contains_key("enc"));
    !is_jwt
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn each_form_is_known_and_nothing_else() {
        let ours = "eyJlbmMiOiJBMjU2R0NNIiwia2lkIjoicDZlayIsImFsZyI6ImRpciJ9..aXY.Y3Q.dGFn";
        let whole = format!("v2:googledrive:{ours}");
        for damaged in [
            &whole[..],
            &format!("{whole}."),
            &format!("{whole}{whole}"),
            &whole.replacen("eyJ", "fyJ", 1),
            &whole.replacen("..", ".x.", 1),
        ] {
            assert_eq!(OldAuthId::parse(damaged), None, "{damaged}");
        }
        for length in 18..whole.len() {
            assert_eq!(OldAuthId::parse(&whole[..length]), None, "{length}");
        }
        let long = format!("{ID}:{}", "x".repeat(257));
        let not_hex = format!("../../../../../etc/passwd{}:x", &ID[..7]);
        let with_nul = format!("{}\0:x", &ID[..31]);
        for (authid, form) in [
            ("v2:googledrive:1//0gabc-_", Some("v2")),
            ("\u{feff}\"v2:googledrive:1//0gabc-_\",\r\n", Some("v2")),
            (&format!("--authid='{ID}:password'"), Some("v1")),
            ("v2%3Agoogledrive%3A1%2F%2F0gabc", Some("v2")),
            (
                "\"googledrive://f?x=y&authid=v2%3Agoogledrive%3A1%2F%2F0gabc&z\"",
                Some("v2"),
            ),
            ("googledrive://f?authid=v2%3Agoogledrive%3AeyJlbmMi", None),
            ("googledrive://f?other=v2%3Agoogledrive%3Atoken", None),
            // Refresh tokens of Keycloak are JWTs of three parts; those of Microsoft have
            // dots too.
            (
                "v2:jottacloud:eyJhbGciOiJIUzI1NiJ9.eyJpc3Mi.abc",
                Some("v2"),
            ),
            ("v2:onedrivev2:M.C5_BAY.0.U.-Cq*!$", Some("v2")),
            (&format!("{ID}:password"), Some("v1")),
            (&format!("{}:pass:word", ID.to_uppercase()), Some("v1")),
            (&long, None),
            ("v2:googledrive:", None),
            ("v2::token", None),
            ("v2:googledrive:to ken", None),
            ("v2:googledrive", None),
            (ID, None),
            (&format!("{ID}:"), None),
            (&format!("{ID}0:x"), None),
            (&not_hex, None),
            (&with_nul, None),
            ("", None),
        ] {
            let found = OldAuthId::parse(authid).map(|old| old.form());
            assert_eq!(found, form, "{authid:?}");
        }
    }

    #[test]
    fn a_lineage_is_the_logins_and_no_others() {
        let lineage = |authid: &str| OldAuthId::parse(authid).unwrap().lineage();
        assert_eq!(lineage("v2:a:token"), lineage("v2:a:token"));
        // Two names of one service, or two services of one application.
        assert_eq!(lineage("v2:a:token"), lineage("v2:b:token"));
        assert_ne!(lineage("v2:a:token"), lineage("v2:a:other"));
        // A guessed password counts for the same login as the right one.
        assert_eq!(lineage(&format!("{ID}:x")), lineage(&format!("{ID}:y")));
    }
}
