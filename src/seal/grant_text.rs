//! The JSON of a grant in the spelling of [`super::seal`], read in one forward scan: 2,200
//! instructions instead of 4,950 (docs/performance.md).

use super::{Ancestry, ClientMark, Grant, Lineage};
use crate::{clock::UnixTime, json_text::unescaped, secret::Secret};

/// Reads the JSON of a grant.
pub(super) fn parse(json: &str) -> Option<Grant> {
    parse_written(json).or_else(|| serde_json::from_str(json).ok())
}

/// Reads the one spelling that serde_json writes of a grant without an ancestry, limits and names,
/// whose strings need no escapes. `None` for any other spelling, also of a valid grant.
fn parse_written(json: &str) -> Option<Grant> {
    let (service, rest) = string(json.strip_prefix(r#"{"svc":""#)?)?;
    let (refresh_token, rest) = string(rest.strip_prefix(r#","rt":""#)?)?;
    let (issued_at, rest) = number(rest.strip_prefix(r#","iat":"#)?)?;
    let (lineage, rest) = string(rest.strip_prefix(r#","lin":""#)?)?;
    let (generation, rest) = number(rest.strip_prefix(r#","gen":"#)?)?;
    let (region, rest) = optional_string(rest, r#","reg":""#)?;
    let (client, rest) = optional_string(rest, r#","cid":""#)?;
    (rest == "}").then_some(())?;
    Some(Grant {
        service: service.into(),
        refresh_token: Secret::new(refresh_token),
        issued_at: UnixTime(issued_at),
        lineage: Lineage::parse(lineage)?,
        generation: generation.try_into().ok()?,
        region: region.map(str::to_owned),
        client: client.and_then(ClientMark::parse),
        ancestry: Ancestry::default(),
        terms: None,
    })
}

/// Splits text behind a string whose first quotation mark was taken off.
fn string(json: &str) -> Option<(&str, &str)> {
    let (text, rest) = json.split_at_checked(unescaped(json.as_bytes()))?;
    Some((text, rest.strip_prefix('"')?))
}

fn optional_string<'j>(json: &'j str, before: &str) -> Option<(Option<&'j str>, &'j str)> {
    match json.strip_prefix(before) {
        Some(rest) => string(rest).map(|(text, rest)| (Some(text), rest)),
        None => Some((None, json)),
    }
}

/// Splits text behind a whole number. JSON has neither signs nor zeros in front of one.
fn number(json: &str) -> Option<(u64, &str)> {
    let (mut value, mut digits) = (0_u64, 0);
    for byte in json.bytes().take_while(u8::is_ascii_digit) {
        let digit = u64::from(byte - b'0');
        value = value.checked_mul(10)?.checked_add(digit)?;
        digits += 1;
    }
    let is_canonical = digits == 1 || digits > 1 && !json.starts_with('0');
    is_canonical.then(|| (value, &json[digits..]))
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, option, prelude::*};

    use std::sync::Arc;

    use super::*;
    use crate::seal::{AuthIdName, Terms, limit_fields::tests::limits};

    /// None in half of the cases.
    fn terms() -> impl Strategy<Value = Option<Arc<Terms>>> {
        let name = || option::of("[a-z\"\\\\é]{1,9}( [A-Z0-9]{1,9})?");
        let terms = (limits(), name(), name()).prop_map(|(limits, user, label)| {
            let name = |text: String| AuthIdName::new(&text).unwrap();
            Terms {
                limits,
                user: user.map(name),
                label: label.map(name),
            }
        });
        option::of(terms).prop_map(|terms| terms.filter(|terms| !terms.are_none()).map(Arc::new))
    }

    fn grants() -> impl Strategy<Value = Grant> {
        let texts = ("\\PC{0,12}", "[ -~]{0,150}", option::of("[a-z0-9.]{0,8}"));
        let numbers = (any::<u64>(), any::<u32>(), option::of(any::<u64>()));
        let kids = vec("[a-z0-9]{8}", 0..2);
        (texts, numbers, kids, terms()).prop_map(
            |((service, token, region), (issued_at, generation, logged_in_at), kids, terms)| {
                Grant {
                    client: (generation % 2 == 0).then(|| ClientMark::of(&token)),
                    service: service.into(),
                    refresh_token: Secret::new(token),
                    issued_at: UnixTime(issued_at),
                    lineage: Lineage::random(),
                    generation,
                    region,
                    ancestry: Ancestry {
                        logged_in_at: logged_in_at.map(UnixTime),
                        kids: kids.into_iter().map(Into::into).collect(),
                    },
                    terms,
                }
            },
        )
    }

    #[test]
    fn the_usual_grant_is_read_without_serde() {
        let grant = Grant {
            service: "googledrive".into(),
            refresh_token: Secret::new("1//0g-never-print"),
            issued_at: UnixTime(1_800_000_000),
            lineage: Lineage::random(),
            generation: 0,
            region: None,
            client: Some(ClientMark::of("client id")),
            ancestry: Ancestry::default(),
            terms: None,
        };
        let json = serde_json::to_string(&grant).unwrap();
        assert!(parse_written(&json) == Some(grant));
    }

    proptest! {
        #[test]
        fn what_serde_json_wrote_is_read(grant in grants()) {
            let json = serde_json::to_string(&grant).unwrap();
            prop_assert!(parse(&json) == Some(grant));
        }

        /// A text that the scan takes means the same to serde_json.
        #[test]
        fn serde_json_agrees_on_every_mutation(
            grant in grants(),
            changes in vec((any::<prop::sample::Index>(), 0..3, "[\"\\\\{},:0-9+a-z \u{0}-\u{1f}é-]{0,3}"), 1..4),
        ) {
            let mut json = serde_json::to_string(&grant).unwrap();
            for (place, kind, text) in changes {
                let places: Vec<usize> = json.char_indices().map(|(place, _)| place).collect();
                let Some(&place) = places.get(place.index(places.len().max(1))) else { continue };
                let next = place + json[place..].chars().next().map_or(0, char::len_utf8);
                match kind {
                    0 => json.insert_str(place, &text),
                    1 => json.replace_range(place..next, &text),
                    _ => json.truncate(place),
                }
            }
            if let Some(read) = parse_written(&json) {
                prop_assert!(serde_json::from_str(&json).ok() == Some(read));
            }
        }
    }
}
