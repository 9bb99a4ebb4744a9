//! Caddy, with neither an admin endpoint nor certificates that it gets by itself.

use std::{fs, fs::File};

use tokio::process::Command;

use super::proxy::{LOG, Proxy};

/// Starts it with a site on its port that has these lines; `scheme` is how it is
/// reached.
pub async fn serve(scheme: &str, lines: &str) -> Proxy {
    Proxy::start(|folder, port| {
        let text = configuration(&format!("{scheme}://:{port}"), lines);
        fs::write(folder.join("Caddyfile"), text).unwrap();
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config", "Caddyfile"])
            // Where it keeps whatever it keeps.
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder)
            .stderr(File::create(folder.join(LOG)).unwrap());
        command
    })
    .await
}

/// Only what has to do with the test, and nothing by UDP.
fn configuration(address: &str, lines: &str) -> String {
    format!(
        "{{
    admin off
    auto_https off
    servers {{
        protocols h1 h2
    }}
}}
{address} {{
    bind 127.0.0.1
    {lines}
}}
"
    )
}
