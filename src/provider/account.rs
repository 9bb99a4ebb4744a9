//! Name of the account that a login gave access to, if the token answer contains it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::Service;
use crate::{invisible::is_invisible, outbound::Received, secret::Secret};

/// Maximum length of a name. An email address has at most 254 characters.
const MAX_CHARACTERS: usize = 254;

/// Claims of an id_token that name the account to its user, the best one first (OpenID
/// Connect Core section 5.1; `upn` and `unique_name` are Microsoft's, `display_name` is
/// Huawei's). `sub` is not one of them: its user does not know it.
const CLAIMS: [&str; 6] = [
    "email",
    "preferred_username",
    "upn",
    "unique_name",
    "name",
    "display_name",
];

/// Returns the name of the account from the answer to a login. It is kept as a secret,
/// because only the page of the user who logged in may show it.
pub(super) fn named(received: &Received, service: &Service) -> Option<Secret> {
    let (_, body) = received.so_far()?;
    let answer: Map<String, Value> = serde_json::from_slice(&body).ok()?;
    let client_id = &service.credentials.client_id;
    in_id_token(&answer, client_id).or_else(|| first(&answer, &service.provider.account_members))
}

/// Returns a name to show; `None` if nothing of it is visible.
pub(super) fn secret(name: &str) -> Option<Secret> {
    let name = tidied(name);
    (!name.is_empty()).then(|| Secret::new(name))
}

/// Reads an id_token for this client. Its signature is not verified: the token came over
/// TLS straight from the token endpoint, where OpenID Connect Core section 3.1.3.7 point 6
/// does not require it. The name is shown, and no decision depends on it.
fn in_id_token(answer: &Map<String, Value>, client_id: &str) -> Option<Secret> {
    let token = answer.get("id_token")?.as_str()?;
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    let is_for_us = match claims.get("aud")? {
        Value::String(audience) => audience == client_id,
        Value::Array(audiences) => audiences.iter().any(|audience| audience == client_id),
        _ => false,
    };
    is_for_us.then(|| first(&claims, &CLAIMS)).flatten()
}

/// Returns the first of these members that has a value for people. Zero stands for nobody.
fn first(members: &Map<String, Value>, names: &[impl AsRef<str>]) -> Option<Secret> {
    names
        .iter()
        .find_map(|name| match members.get(name.as_ref())? {
            Value::String(text) if text != "0" => secret(text),
            Value::Number(number) if number.as_f64() != Some(0.0) => secret(&number.to_string()),
            _ => None,
        })
}

/// Returns a name on one line, without characters that hide or reorder others.
fn tidied(text: &str) -> String {
    let visible = text.chars().filter(|char| {
        !char.is_control() && !is_invisible(*char) && !matches!(char, '\u{2028}' | '\u{2029}')
    });
    let name: String = visible.take(MAX_CHARACTERS).collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLIENT_ID: &str = "client-1";

    fn id_token(claims: &Value) -> String {
        let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
        format!("eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln")
    }

    fn check(answer: &Value, members: &[&str], expected: Option<&str>) {
        let map = answer.as_object().unwrap();
        let found = in_id_token(map, CLIENT_ID).or_else(|| first(map, members));
        let found = found.as_ref().map(Secret::expose);
        assert_eq!(found, expected, "{answer}");
    }

    fn check_claims(claims: &Value, expected: Option<&str>) {
        check(&json!({ "id_token": id_token(claims) }), &[], expected);
    }

    #[test]
    fn an_id_token_names_the_account_by_the_best_of_its_claims() {
        check_claims(
            &json!({"aud": CLIENT_ID, "sub": "248289761001", "name": "Jane Doe",
                    "preferred_username": "j.doe", "email": "janedoe@example.com"}),
            Some("janedoe@example.com"),
        );
        check_claims(
            &json!({"aud": [CLIENT_ID, "another"], "upn": "abeli@contoso.example"}),
            Some("abeli@contoso.example"),
        );
        check_claims(
            &json!({"aud": CLIENT_ID, "email": "", "preferred_username": null, "name": "Ann"}),
            Some("Ann"),
        );
        check_claims(&json!({"aud": CLIENT_ID, "sub": "248289761001"}), None);
    }

    #[test]
    fn an_id_token_for_another_client_or_in_another_form_names_nobody() {
        let email = "janedoe@example.com";
        check_claims(&json!({"aud": "another", "email": email}), None);
        check_claims(&json!({"aud": ["another"], "email": email}), None);
        check_claims(&json!({"email": email}), None);
        check_claims(&json!({"aud": CLIENT_ID, "email": [email]}), None);
        for token in ["", "a.b", "a.?.c", "eyJhbGciOiJub25lIn0.e30.", "..", "x"] {
            check(&json!({ "id_token": token }), &[], None);
        }
        check(&json!({ "id_token": {"email": email} }), &[], None);
    }

    #[test]
    fn members_of_the_answer_name_the_account_where_the_table_lists_them() {
        let dropbox = json!({"access_token": "a", "account_id": "dbid:AAH4f99", "uid": "12345"});
        check(&dropbox, &["account_id"], Some("dbid:AAH4f99"));
        check(&dropbox, &[], None);
        check(&json!({"userid": 10123}), &["userid", "uid"], Some("10123"));
        check(&json!({"uid": 10123}), &["userid", "uid"], Some("10123"));
        let zero = json!({"userid": 0, "uid": 10123});
        check(&zero, &["userid", "uid"], Some("10123"));
        check(&json!({"userid": 0, "uid": "0"}), &["userid", "uid"], None);
        check(&json!({"alias": "\u{0}"}), &["alias"], None);
        let both = json!({"account_id": "1", "id_token": id_token(
            &json!({"aud": CLIENT_ID, "email": "janedoe@example.com"}),
        )});
        check(&both, &["account_id"], Some("janedoe@example.com"));
    }

    #[test]
    fn a_name_is_one_bounded_line_without_hidden_characters() {
        assert_eq!(tidied(" Ann\r\n\u{202e}Lee\u{200b} "), "AnnLee");
        for hidden in ['\u{ad}', '\u{61c}', '\u{2028}', '\u{3164}', '\u{e0041}'] {
            assert_eq!(tidied(&format!("Ann{hidden}Lee")), "AnnLee");
        }
        assert_eq!(tidied(&"ä".repeat(1000)).chars().count(), MAX_CHARACTERS);
    }
}
