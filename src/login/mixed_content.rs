//! Mixed content: a browser lets no page on https load a script by plain http, except from
//! its own machine (W3C Mixed Content). Duplicati's old web UI fetches the
//! AuthID as a script.

use super::Origin;
use crate::public_url::PublicUrl;

/// Prospect of a page that fetches the AuthID from this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetching {
    /// No browser hinders it.
    Possible,
    /// It depends on the page's address, which the browser does not say. Under the usual
    /// Referrer-Policy that means https: only there is no `Referer` sent to http.
    Unknown,
    /// The browser blocks it.
    Blocked,
}

impl Fetching {
    /// Returns the prospect of a page at `opener`; `None` if the browser did not say where
    /// the page is.
    pub fn by(opener: Option<&Origin>, public_url: &PublicUrl) -> Self {
        if public_url.is_https() || public_url.is_loopback() {
            return Self::Possible;
        }
        match opener {
            Some(opener) if opener.is_https() => Self::Blocked,
            Some(_) => Self::Possible,
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_https_page_is_kept_from_an_http_server_and_not_on_its_own_machine() {
        let [secure, plain] = ["https://nas:8200", "http://nas:8200"];
        for (public_url, secure_page, unknown_page) in [
            ("http://auth.lan", Fetching::Blocked, Fetching::Unknown),
            ("http://192.168.1.5", Fetching::Blocked, Fetching::Unknown),
            ("https://auth.lan", Fetching::Possible, Fetching::Possible),
            ("http://localhost:1", Fetching::Possible, Fetching::Possible),
            ("http://127.0.0.1:1", Fetching::Possible, Fetching::Possible),
        ] {
            let public_url = PublicUrl::parse(public_url).unwrap();
            let by = |opener: Option<&str>| {
                let opener = opener.map(|opener| Origin::of(opener).unwrap());
                Fetching::by(opener.as_ref(), &public_url)
            };
            assert_eq!(by(Some(secure)), secure_page, "{public_url}");
            assert_eq!(by(Some(plain)), Fetching::Possible, "{public_url}");
            assert_eq!(by(None), unknown_page, "{public_url}");
        }
    }
}
