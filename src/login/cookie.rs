//! The cookies of one visit and one login.

use cookie::{Cookie, SameSite, time};

use super::LIFETIME;
use crate::{public_url::PublicUrl, secret::Secret};

/// Names and attributes of the cookie for one nonce.
#[derive(Debug)]
pub struct NonceCookie {
    name: String,
    secure: bool,
    same_site: SameSite,
}

impl NonceCookie {
    /// From `/login` to the provider's callback: Lax, because the provider's
    /// redirect is a cross-site navigation.
    pub fn of_login(public_url: &PublicUrl, nonce: &str) -> Self {
        Self::new(public_url, &format!("authseal-{nonce}"), SameSite::Lax)
    }

    /// From the start page to `/login`: Strict, so that it only comes when
    /// somebody follows a link on our own page, which says who will receive the
    /// AuthID. A link on a foreign page straight to `/login` brings none, and so
    /// hands over nothing.
    pub fn of_visit(public_url: &PublicUrl, nonce: &str) -> Self {
        let name = format!("authseal-visit-{nonce}");
        Self::new(public_url, &name, SameSite::Strict)
    }

    /// Under https the name forbids other hosts and http to set it (`__Host-`,
    /// RFC 6265bis section 4.1.3.2).
    fn new(public_url: &PublicUrl, name: &str, same_site: SameSite) -> Self {
        let secure = public_url.is_https();
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}{name}"),
            secure,
            same_site,
        }
    }

    /// The `Set-Cookie` value that gives it to the browser.
    pub fn set(&self, sealed: &Secret) -> String {
        self.with(sealed.expose(), LIFETIME.as_secs())
    }

    /// The `Set-Cookie` value that takes it back.
    pub fn remove(&self) -> String {
        self.with("", 0)
    }

    /// Its value among a request's `Cookie` headers.
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
            .path("/")
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
            NonceCookie::of_login(&url, "N").set(&Secret::new("v"))
        };
        assert_eq!(
            cookie("https://a.example"),
            "__Host-authseal-N=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert_eq!(
            cookie("http://localhost:8080"),
            "authseal-N=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
        let url = PublicUrl::parse("https://a.example").unwrap();
        let visit = NonceCookie::of_visit(&url, "N").set(&Secret::new("v"));
        assert!(visit.contains("SameSite=Strict"), "{visit}");
    }

    #[test]
    fn each_login_finds_its_own_among_many() {
        let url = PublicUrl::parse("http://localhost").unwrap();
        let headers = ["a=b; authseal-ONE=1", "authseal-TWO=2; c=d"];
        let find = |nonce| NonceCookie::of_login(&url, nonce).find(headers);
        assert_eq!(find("ONE").as_deref(), Some("1"));
        assert_eq!(find("TWO").as_deref(), Some("2"));
        assert_eq!(find("THREE"), None);
    }
}
