//! Somebody at another address than the proxy's.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

use crate::support::Answer;

/// Where proxies connect from.
pub const PROXY: &str = "127.0.0.1";
/// This machine has every address of 127.0.0.0/8.
pub const INSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// GET with these headers, from that address.
pub async fn get_from(from: Ipv4Addr, url: &str, headers: &[(&str, &str)]) -> Answer {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(from.into()));
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let mut request = Request::get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8(body.into()).unwrap(),
    }
}
