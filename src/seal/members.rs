//! The members of an AuthID's content, as JSON (docs/format.md).
//!
//! In an AuthID with limits or names, the refresh token has another name. An authseal from before
//! there were limits ignores members that it does not know, and finds no refresh token: so it
//! refuses the AuthID, and does not use it without its limits. From then on, members that are not
//! known are refused, because a newer authseal may have written a limit there.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Ancestry, AuthIdName, ClientMark, Grant, Lineage, Terms, UseLimits, client_mark};
use crate::{clock::UnixTime, secret::Secret};

/// The members, in the order in which they are written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ContentMembers<'a> {
    #[serde(rename = "svc", borrow)]
    service: Cow<'a, str>,
    #[serde(rename = "rt", default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Cow<'a, Secret>>,
    #[serde(rename = "lrt", default, skip_serializing_if = "Option::is_none")]
    refresh_token_on_terms: Option<Cow<'a, Secret>>,
    #[serde(rename = "iat")]
    issued_at: UnixTime,
    #[serde(rename = "lin")]
    lineage: Lineage,
    #[serde(rename = "gen")]
    generation: u32,
    #[serde(
        rename = "reg",
        borrow,
        default,
        skip_serializing_if = "Option::is_none"
    )]
    region: Option<Cow<'a, str>>,
    #[serde(
        rename = "cid",
        default,
        deserialize_with = "client_mark::lenient",
        skip_serializing_if = "Option::is_none"
    )]
    client: Option<ClientMark>,
    #[serde(rename = "anc", default, skip_serializing_if = "is_plain")]
    ancestry: Cow<'a, Ancestry>,
    #[serde(
        rename = "lim",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    limits: Option<Cow<'a, UseLimits>>,
    #[serde(
        rename = "usr",
        borrow,
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    user: Option<Cow<'a, str>>,
    #[serde(
        rename = "lbl",
        borrow,
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    label: Option<Cow<'a, str>>,
}

fn is_plain(ancestry: &Ancestry) -> bool {
    ancestry.is_plain()
}

/// Refuses `null`, which would read as no limit.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let terms = self.terms.as_deref().filter(|terms| !terms.are_none());
        let token = Cow::Borrowed(&self.refresh_token);
        let (refresh_token, refresh_token_on_terms) = match terms {
            None => (Some(token), None),
            Some(_) => (None, Some(token)),
        };
        let limits = terms.map(|terms| &terms.limits);
        let limits = limits.filter(|limits| !limits.is_none());
        ContentMembers {
            service: self.service.as_str().into(),
            refresh_token,
            refresh_token_on_terms,
            issued_at: self.issued_at,
            lineage: self.lineage,
            generation: self.generation,
            region: self.region.as_deref().map(Cow::Borrowed),
            client: self.client,
            ancestry: Cow::Borrowed(&self.ancestry),
            limits: limits.map(Cow::Borrowed),
            user: terms.and_then(Terms::user).map(Cow::Borrowed),
            label: terms.and_then(Terms::label).map(Cow::Borrowed),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let members = ContentMembers::deserialize(deserializer)?;
        let terms = members
            .terms()
            .ok_or_else(|| D::Error::custom("malformed limits or names"))?;
        let token = match terms.are_none() {
            true => (members.refresh_token, members.refresh_token_on_terms),
            false => (members.refresh_token_on_terms, members.refresh_token),
        };
        let (Some(refresh_token), None) = token else {
            return Err(D::Error::custom(
                "the refresh token stands in another member",
            ));
        };
        Ok(Self {
            service: members.service.into(),
            refresh_token: refresh_token.into_owned(),
            issued_at: members.issued_at,
            lineage: members.lineage,
            generation: members.generation,
            region: members.region.map(Cow::into_owned),
            client: members.client,
            ancestry: members.ancestry.into_owned(),
            terms: (!terms.are_none()).then(|| Arc::new(terms)),
        })
    }
}

impl ContentMembers<'_> {
    /// Returns `None` if a member has a value that no authseal writes.
    fn terms(&self) -> Option<Terms> {
        let name = |text: &Option<Cow<'_, str>>| text.as_deref().map(AuthIdName::sealed);
        Some(Terms {
            limits: self.limits.as_deref().cloned().unwrap_or_default(),
            user: match name(&self.user) {
                Some(name) => Some(name?),
                None => None,
            },
            label: match name(&self.label) {
                Some(name) => Some(name?),
                None => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"{"svc":"googledrive","#;
    const BEHIND: &str = r#""iat":1,"lin":"oKGio6SlpqeoqaqrrK2urw","gen":0"#;

    fn read(token: &str, more: &str) -> Option<Grant> {
        serde_json::from_str(&format!(r#"{BEFORE}"{token}":"r",{BEHIND}{more}}}"#)).ok()
    }

    #[test]
    fn the_refresh_token_has_another_name_beside_limits_and_names() {
        let of_terms = [
            r#","lim":"8AAAAAk""#,
            r#","usr":"anna""#,
            r#","lbl":"laptop""#,
        ];
        for more in of_terms {
            assert!(read("lrt", more).unwrap().terms.is_some(), "{more}");
            assert_eq!(read("rt", more), None, "{more}");
        }
        assert_eq!(read("rt", "").unwrap().terms, None);
        assert_eq!(read("lrt", ""), None);
        assert_eq!(read("lrt", r#","rt":"r","usr":"anna""#), None);
    }

    /// The members that version 0.1.0 reads; it ignores others.
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it shows which members must be there")]
    struct Before {
        svc: String,
        rt: String,
        iat: u64,
        lin: String,
        r#gen: u32,
    }

    #[test]
    fn an_authseal_from_before_there_were_limits_finds_no_refresh_token() {
        let json = |grant: &Grant| serde_json::to_string(grant).unwrap();
        let limited = read("lrt", r#","lim":"8AAAAAk""#).unwrap();
        assert!(serde_json::from_str::<Before>(&json(&limited)).is_err());
        let plain = limited.without_terms();
        assert!(serde_json::from_str::<Before>(&json(&plain)).is_ok());
    }

    #[test]
    fn an_authid_without_limits_and_names_has_the_same_json_as_before_there_were_any() {
        let written = serde_json::to_string(&read("rt", "").unwrap()).unwrap();
        assert_eq!(written, format!(r#"{BEFORE}"rt":"r",{BEHIND}}}"#));
        let without = Grant {
            terms: Some(Arc::default()),
            ..read("rt", "").unwrap()
        };
        assert_eq!(serde_json::to_string(&without).unwrap(), written);
    }

    #[test]
    fn members_that_are_not_known_or_malformed_are_refused() {
        for more in [
            r#","new":1"#,
            r#","anc":{"new":1}"#,
            r#","lim":"8AAAAAk","usr":null"#,
            r#","usr":"anna","lim":null"#,
            r#","usr":"anna","lim":"""#,
            // Stray bits, an unknown field, a time that is cut off.
            r#","usr":"anna","lim":"8AAAAAl""#,
            r#","usr":"anna","lim":"_w""#,
            r#","usr":"anna","lim":"8AAAAA""#,
            r#","lim":"8AAAAAk","usr":"an\u0007na""#,
            r#","lim":"8AAAAAk","usr":"""#,
        ] {
            assert_eq!(read("lrt", more), None, "{more}");
            assert_eq!(read("rt", more), None, "{more}");
        }
    }
}
