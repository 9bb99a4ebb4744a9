//! Realm of a login token. Brands of one provider have servers of their own, and a login
//! token is good at one of them, once.

use std::fmt;

use url::Url;

/// A realm and the host of its servers, as a login token and a table name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    name: String,
    /// With a port unless it is 443.
    host: String,
}

impl Realm {
    /// Makes the realm of a table. `None` if the name is not 1 to 64 letters, digits, `.`,
    /// `-` and `_`, or if `host` is anything but a host name, which may have a port.
    pub fn new(name: &str, host: &str) -> Option<Self> {
        let url = Url::parse(&format!("https://{host}")).ok()?;
        // A path, a user or blanks would be dropped silently.
        let is_bare = host.bytes().all(|byte| is_plain(byte) || byte == b':');
        Self::at(name, &url).filter(|_| is_bare)
    }

    /// Reads the realm of a login token, whose `well_known_link` is the address of the
    /// realm's metadata. `None` also if that address is not https.
    pub fn of_link(name: &str, well_known_link: &str) -> Option<Self> {
        Self::at(name, &Url::parse(well_known_link).ok()?)
    }

    fn at(name: &str, url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        // The crate `url` accepts quotes in a host, and both texts are shown in a table.
        let is_named = (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
        if url.scheme() != "https" || !is_named || !host.bytes().all(is_plain) {
            return None;
        }
        Some(Self {
            name: name.to_owned(),
            host: match url.port() {
                Some(port) => format!("{host}:{port}"),
                None => host.to_owned(),
            },
        })
    }

    /// Its name. Keycloak compares it letter by letter.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its host in small letters, with a port unless it is 443.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "realm {} at {}", self.name, self.host)
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_the_host_of_a_table_or_another_one() {
        let table = Realm::new("jottacloud", "id.jottacloud.com").unwrap();
        let check = |name: &str, link: &str, expected: bool| {
            let found = Realm::of_link(name, link).as_ref() == Some(&table);
            assert_eq!(found, expected, "{name} {link}");
        };
        let path = "/auth/realms/jottacloud/.well-known/openid-configuration";
        for (host, expected) in [
            ("https://id.jottacloud.com", true),
            ("HTTPS://ID.JottaCloud.COM", true),
            ("https://id.jottacloud.com:443", true),
            ("https://id.jottacloud.com:8443", false),
            ("http://id.jottacloud.com", false),
            ("ftp://id.jottacloud.com", false),
            ("id.jottacloud.com", false),
            ("//id.jottacloud.com", false),
            ("https://id.jottacloud.com.", false),
            ("https://id.jottacloud.com.evil.example", false),
            ("https://id.jottacloud.com@evil.example", false),
            ("https://evil.example/id.jottacloud.com", false),
            ("https://xid.jottacloud.com", false),
            ("https://id-jottacloud.com", false),
            ("https://id.j\u{43e}ttacloud.com", false),
            ("https://id.jottacloud.com\\@evil.example", true),
            ("https://[::1]", false),
            ("", false),
        ] {
            check("jottacloud", &format!("{host}{path}"), expected);
        }
        for name in ["Jottacloud", "jottacloud ", "telia_se", "", "a\"b"] {
            check(name, &format!("https://id.jottacloud.com{path}"), false);
        }
    }

    #[test]
    fn a_table_names_a_bare_host() {
        for host in [
            "",
            "https://id.example",
            "id.example/",
            "id.example/path",
            "user@id.example",
            "id.example:x",
            " id.example",
            "id.example?",
        ] {
            assert_eq!(Realm::new("realm", host), None, "{host}");
        }
        let with_port = Realm::new("realm", "ID.example:8443").unwrap();
        assert_eq!(with_port.to_string(), "realm realm at id.example:8443");
        assert_eq!(
            Realm::new("realm", "id.example:443").unwrap().host(),
            "id.example"
        );
        assert_eq!(Realm::new("no realm", "id.example"), None);
    }
}
