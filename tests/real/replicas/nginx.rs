//! A real nginx in front of several servers.

use crate::proxies::{Proxy, nginx};

/// It is ended when dropped.
pub struct Nginx {
    pub url: String,
    _proxy: Proxy,
}

impl Nginx {
    /// Spreads requests at random over the servers on these ports. A server that is
    /// down is passed over at once, and tried again with the next request.
    pub async fn start(ports: &[u16]) -> Self {
        let servers: String = ports
            .iter()
            .map(|server| format!("server 127.0.0.1:{server} max_fails=0;\n"))
            .collect();
        let proxy = nginx::start(|port| configuration(port, &servers)).await;
        Self {
            url: format!("http://127.0.0.1:{}", proxy.port),
            _proxy: proxy,
        }
    }
}

fn configuration(port: u16, servers: &str) -> String {
    format!(
        "large_client_header_buffers 4 32k;
    upstream authseal {{
        random;
        {servers}
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://authseal;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
        }}
    }}"
    )
}
