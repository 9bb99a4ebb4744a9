//! Reasons why pasted text is no login token.

use crate::{
    login::{NotALoginToken, RealmOwnerHere},
    pages::{Language, Markup},
};

/// Says what is wrong with the text, and what to do.
pub(in crate::server) fn not_a_login_token(language: Language, why: &NotALoginToken) -> Markup {
    let t = language.texts();
    let other = match why {
        NotALoginToken::Empty => return t.token_empty(),
        NotALoginToken::AuthId => return t.token_is_an_authid(),
        NotALoginToken::NotBase64 => return t.token_not_whole(),
        NotALoginToken::NotJson => return t.token_not_json(),
        NotALoginToken::NoRealm => return t.token_no_realm(),
        NotALoginToken::OfAnotherRealm(other) => other,
    };
    let (realm, here) = (other.realm(), other.here());
    let (realm, host) = (realm.name(), realm.host());
    match other.owner() {
        RealmOwnerHere::Offered(name) => t.token_of_offered(name, realm, host, here),
        RealmOwnerHere::Withheld(name, how) => {
            t.token_of_withheld(name, realm, host, &language.english(how))
        }
        RealmOwnerHere::Unknown => t.token_of_unknown(here, realm, host),
    }
}
