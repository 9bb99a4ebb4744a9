//! Ways on which an AuthID can travel unencrypted, which `authseal check` names.

use super::settings::check;

#[tokio::test]
async fn check_says_where_an_authid_can_travel_unencrypted() {
    const HTTP_URL: &str = "AUTHSEAL_PUBLIC_URL is http, so every AuthID travels unencrypted";
    const OPEN: &str = "a client that is told http:// sends its AuthID unencrypted";
    for (public_url, listen, expected) in [
        ("https://auth.example", "127.0.0.1:8080", None),
        ("https://auth.example", "192.168.1.5:8080", None),
        ("https://auth.example", "[fd00::5]:8080", None),
        ("https://auth.example", "unix:/run/a.sock", None),
        ("http://localhost:8080", "[::1]:8080", None),
        ("https://auth.example", "0.0.0.0:8080", Some(OPEN)),
        ("https://auth.example", "[::]:8080", Some(OPEN)),
        ("https://auth.example", "203.0.113.5:80", Some(OPEN)),
        ("http://auth.example", "127.0.0.1:8080", Some(HTTP_URL)),
        ("http://auth.example", "0.0.0.0:8080", Some(HTTP_URL)),
    ] {
        let printed = check(&[
            ("AUTHSEAL_PUBLIC_URL", public_url),
            ("AUTHSEAL_LISTEN", listen),
        ])
        .await;
        let name = format!("{public_url} {listen}: {}", printed.text);
        let line = printed
            .text
            .lines()
            .find(|line| line.starts_with("In the clear"));
        match expected {
            Some(words) => assert!(line.is_some_and(|line| line.contains(words)), "{name}"),
            None => assert_eq!(line, None, "{name}"),
        }
    }
}
