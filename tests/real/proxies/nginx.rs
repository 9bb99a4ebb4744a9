//! nginx, with as little of its own as it can have.

use std::fs;

use tokio::process::Command;

use super::proxy::{LOG, Proxy};

/// Starts it with what `http` gives for its port, inside the block of that name.
pub async fn start(http: impl Fn(u16) -> String) -> Proxy {
    Proxy::start(|folder, port| {
        fs::write(folder.join("nginx.conf"), configuration(&http(port))).unwrap();
        let mut command = Command::new("nginx");
        command
            .args(["-e", LOG, "-c", "nginx.conf", "-p"])
            .arg(folder)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    })
    .await
}

/// One server, with these lines in its block.
pub async fn serve(lines: &str) -> Proxy {
    start(|port| format!("server {{ listen 127.0.0.1:{port}; {lines} }}")).await
}

/// One that leads there, over connections that it keeps.
pub async fn keeping_connections(to: &str) -> Proxy {
    start(|port| {
        let pass = pass("authseal");
        format!(
            "upstream authseal {{ server {to}; keepalive 32; }}
            server {{ listen 127.0.0.1:{port}; location / {{ {pass} }} }}"
        )
    })
    .await
}

/// What a location needs that leads there: a host and port, with or without a path,
/// or an upstream's name.
pub fn pass(to: &str) -> String {
    format!(
        "proxy_pass http://{to};
         proxy_http_version 1.1;
         proxy_set_header Connection \"\";\n"
    )
}

/// One process, so that it ends with its handle.
fn configuration(http: &str) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log {LOG};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {http}
}}
"
    )
}
