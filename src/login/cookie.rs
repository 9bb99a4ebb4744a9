//! The cookie of one login.

use cookie::{Cookie, SameSite, time};

use super::LIFETIME;
use crate::{public_url::PublicUrl, secret::Secret};

/// Names and attributes of the cookie for one nonce.
#[derive(Debug)]
pub struct LoginCookie {
    name: String,
    secure: bool,
}

impl LoginCookie {
    /// The cookie of the login with this nonce. Under https its name forbids
    /// other hosts and http to set it (`__Host-`, RFC 6265bis section 4.1.3.2).
    pub fn new(public_url: &PublicUrl, nonce: &str) -> Self {
        let secure = public_url.is_https();
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}authseal-{nonce}"),
            secure,
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

    /// Lax, because the provider's redirect is a cross-site navigation.
    fn with(&self, value: &str, seconds: u64) -> String {
        Cookie::build((&self.name, value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
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
            LoginCookie::new(&url, "N").set(&Secret::new("v"))
        };
        assert_eq!(
            cookie("https://a.example"),
            "__Host-authseal-N=v; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600"
        );
        assert_eq!(
            cookie("http://localhost:8080"),
            "authseal-N=v; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"
        );
    }

    #[test]
    fn each_login_finds_its_own_among_many() {
        let url = PublicUrl::parse("http://localhost").unwrap();
        let headers = ["a=b; authseal-ONE=1", "authseal-TWO=2; c=d"];
        let find = |nonce| LoginCookie::new(&url, nonce).find(headers);
        assert_eq!(find("ONE").as_deref(), Some("1"));
        assert_eq!(find("TWO").as_deref(), Some("2"));
        assert_eq!(find("THREE"), None);
    }
}
