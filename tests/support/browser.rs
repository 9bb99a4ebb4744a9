//! A browser, as far as authseal can tell: it keeps cookies and sends them back.

use std::collections::BTreeMap;

use super::{Answer, get};

/// One cookie jar.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Follows a link.
    pub async fn get(&mut self, url: &str) -> Answer {
        let jar: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let jar = jar.join("; ");
        let headers = [("cookie", jar.as_str())];
        let answer = get(url, if jar.is_empty() { &[] } else { &headers }).await;
        for cookie in answer.headers.get_all("set-cookie") {
            self.keep(cookie.to_str().unwrap());
        }
        answer
    }

    fn keep(&mut self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let removed = attributes
            .split(';')
            .any(|attribute| attribute.trim() == "Max-Age=0");
        if removed {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
