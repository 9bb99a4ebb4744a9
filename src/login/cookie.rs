//! Cookies of a visit, a login, a hand-over, and a browser in which the password was
//! entered.

use std::time::Duration;

use cookie::{Cookie, SameSite, time};

use super::{LIFETIME, hand_over, password};
use crate::{public_url::PublicUrl, secret::Secret};

/// Name and attributes of one cookie.
#[derive(Debug)]
pub struct SealedCookie {
    name: String,
    path: String,
    secure: bool,
    same_site: SameSite,
    lifetime: Duration,
}

impl SealedCookie {
    /// Cookie sent from `/login` to the provider's callback. It is `SameSite=Lax`,
    /// because the provider's redirect is a cross-site navigation.
    pub fn of_login(public_url: &PublicUrl, nonce: &str) -> Self {
        Self::new(public_url, &format!("authseal-{nonce}"), SameSite::Lax)
    }

    /// Cookie sent from the start page to `/login`. It is `SameSite=Strict`, so that it
    /// only comes with a link on our own page, which names the recipient of the AuthID. A
    /// link on a foreign page straight to `/login` brings no cookie, and so hands over
    /// nothing.
    pub fn of_visit(public_url: &PublicUrl, nonce: &str) -> Self {
        let name = format!("authseal-visit-{nonce}");
        Self::new(public_url, &name, SameSite::Strict)
    }

    /// Cookie sent from the page that asks to the click that hands over. It is
    /// `SameSite=Strict`, so that no foreign page can click for the person.
    pub fn of_hand_over(public_url: &PublicUrl, nonce: &str) -> Self {
        let name = format!("authseal-hand-over-{nonce}");
        Self {
            lifetime: hand_over::TOKEN_LIFETIME,
            ..Self::new(public_url, &name, SameSite::Strict)
        }
    }

    /// Session cookie of a browser in which the password was entered. It is
    /// `SameSite=Lax`, because Duplicati opens the start page from another site.
    pub fn of_session(public_url: &PublicUrl) -> Self {
        Self {
            // Duplicati's own links lack the prefix of PUBLIC_URL.
            path: "/".to_owned(),
            lifetime: password::LIFETIME,
            ..Self::new(public_url, "authseal-session", SameSite::Lax)
        }
    }

    /// Cookie of a browser in which the password was entered before.
    pub fn of_known_browser(public_url: &PublicUrl) -> Self {
        Self {
            path: "/".to_owned(),
            lifetime: password::KNOWN_FOR,
            ..Self::new(public_url, "authseal-known", SameSite::Lax)
        }
    }

    /// Adds the `__Host-` prefix to the name under https: it forbids other hosts and
    /// plain http to set the cookie (RFC 6265bis section 4.1.3.2). The prefix requires
    /// the path `/`, whatever prefix PUBLIC_URL has. It is worth more than a path, which
    /// does not protect a cookie from other software on the same host.
    fn new(public_url: &PublicUrl, name: &str, same_site: SameSite) -> Self {
        let secure = public_url.is_https();
        let (name_prefix, path) = match secure {
            true => ("__Host-", "/".to_owned()),
            false => ("", format!("{}/", public_url.prefix())),
        };
        Self {
            name: format!("{name_prefix}{name}"),
            path,
            secure,
            same_site,
            lifetime: LIFETIME,
        }
    }

    /// Returns the `Set-Cookie` value that sets the cookie.
    pub fn set(&self, sealed: &Secret) -> String {
        self.with(sealed.expose(), self.lifetime.as_secs())
    }

    /// Returns the `Set-Cookie` value that removes the cookie.
    pub fn remove(&self) -> String {
        self.with("", 0)
    }

    /// Finds the cookie's value in the `Cookie` headers of a request.
    pub fn find<'a>(&self, headers: impl IntoIterator<Item = &'a str>) -> Option<String> {
        headers
            .into_iter()
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == self.name)
            .map(|cookie| cookie.value().to_owned())
    }

    fn with(&self, value: &str, seconds: u64) -> String {
        Cookie::build((&self.name, value))
            .path(&self.path)
            .http_only(true)
            .secure(self.secure)
            .same_site(self.same_site)
            .max_age(time::Duration::seconds(seconds.cast_signed()))
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_attributes_follow_the_scheme() {
        let cookie = |url| {
            let url = PublicUrl::parse(url).unwrap();
            SealedCookie::of_login(&url, "N").set(&Secret::new("v"))
        };
        assert_eq!(
            cookie("https://a.example"),
            "__Host-authseal-N=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert_eq!(
            cookie("http://localhost:8080"),
            "authseal-N=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
        assert_eq!(
            cookie("http://localhost:8080/seal"),
            "authseal-N=v; HttpOnly; SameSite=Lax; Path=/seal/; Max-Age=600"
        );
        assert!(cookie("https://a.example/seal").contains("; Path=/; "));
        let url = PublicUrl::parse("https://a.example").unwrap();
        let visit = SealedCookie::of_visit(&url, "N").set(&Secret::new("v"));
        assert!(visit.contains("SameSite=Strict"), "{visit}");
    }

    #[test]
    fn each_login_finds_its_own_among_many() {
        let url = PublicUrl::parse("http://localhost").unwrap();
        let headers = ["a=b; authseal-ONE=1", "authseal-TWO=2; c=d"];
        let find = |nonce| SealedCookie::of_login(&url, nonce).find(headers);
        assert_eq!(find("ONE").as_deref(), Some("1"));
        assert_eq!(find("TWO").as_deref(), Some("2"));
        assert_eq!(find("THREE"), None);
    }
}
