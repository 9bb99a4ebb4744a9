//! A browser, as far as authseal can tell: it keeps cookies and sends them back.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{
    HeaderValue, Request,
    header::{COOKIE, REFERER, SET_COOKIE},
};
use http_body_util::Full;

use super::{Answer, form_request, send};

/// One cookie jar.
#[derive(Clone, Debug, Default)]
pub struct Browser {
    pub cookies: BTreeMap<String, String>,
    /// The address that a proxy says it has.
    pub forwarded_for: Option<&'static str>,
}

impl Browser {
    /// Follows a link.
    pub async fn get(&mut self, url: &str) -> Answer {
        self.get_with(url, None).await
    }

    /// Follows a link on a foreign page, whose address goes along.
    pub async fn get_from(&mut self, referer: &str, url: &str) -> Answer {
        self.get_with(url, Some(referer)).await
    }

    /// Sends a form.
    pub async fn post(&mut self, url: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(form_request(url, fields)).await
    }

    async fn get_with(&mut self, url: &str, referer: Option<&str>) -> Answer {
        let mut request = Request::get(url);
        if let Some(referer) = referer {
            request = request.header(REFERER, referer);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Full<Bytes>>) -> Answer {
        let jar: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !jar.is_empty() {
            let jar = jar.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, jar);
        }
        if let Some(address) = self.forwarded_for {
            let address = HeaderValue::from_static(address);
            request.headers_mut().insert("x-forwarded-for", address);
        }
        let answer = send(request).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
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
