//! A real nginx in front of several servers.

use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{eventually, free_port};

/// It is ended when dropped.
pub struct Nginx {
    pub url: String,
    _child: Child,
    _folder: TempDir,
}

impl Nginx {
    /// Spreads requests at random over the servers on these ports.
    pub async fn start(ports: &[u16]) -> Self {
        loop {
            let folder = tempfile::tempdir().unwrap();
            let port = free_port();
            std::fs::write(folder.path().join("nginx.conf"), configuration(port, ports)).unwrap();
            let mut child = Command::new("nginx")
                .args(["-e", "error.log", "-c", "nginx.conf", "-p"])
                .arg(folder.path())
                .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("nginx is installed: tests/run --prepare");
            if is_up(port, &mut child).await {
                return Self {
                    url: format!("http://127.0.0.1:{port}"),
                    _child: child,
                    _folder: folder,
                };
            }
        }
    }
}

/// One process, so that it ends with its handle. A server that is down is passed
/// over at once, and tried again with the next request.
fn configuration(port: u16, servers: &[u16]) -> String {
    let servers: String = servers
        .iter()
        .map(|server| format!("server 127.0.0.1:{server} max_fails=0;\n"))
        .collect();
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    large_client_header_buffers 4 32k;
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
    }}
}}
"
    )
}

/// Waits until it accepts; `false` if it ends instead.
async fn is_up(port: u16, child: &mut Child) -> bool {
    eventually("nginx accepts", async || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", port)).await;
        connected.is_ok().then_some(true)
    })
    .await
}
