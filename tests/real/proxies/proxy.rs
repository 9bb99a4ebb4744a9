//! A proxy as a process of the test's own.

use std::{fs, path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::support::{eventually, free_port};

/// Where a proxy writes what goes wrong, in its folder.
pub const LOG: &str = "error.log";

/// Somebody else may take the port at the same moment, but not again and again.
const TRIES: usize = 10;

/// A running proxy on a port of 127.0.0.1. It is ended when dropped.
pub struct Proxy {
    pub port: u16,
    folder: TempDir,
    _child: Child,
}

impl Proxy {
    /// Starts what `command` gives for a folder and a port, and waits until it
    /// accepts.
    pub async fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        let mut log = String::new();
        for _ in 0..TRIES {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            let mut child = command(folder.path(), port)
                .current_dir(folder.path())
                .stdin(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("it is installed: tests/run --prepare");
            let is_up = is_up(port, &mut child).await;
            let proxy = Self {
                port,
                folder,
                _child: child,
            };
            if is_up {
                return proxy;
            }
            log = proxy.log();
        }
        panic!("the proxy does not start: {log}");
    }

    /// Its address, by a name that is another site than the demo provider's, so that
    /// cookies matter as they do in the world.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}", self.port)
    }

    /// What went wrong so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join(LOG)).unwrap_or_default()
    }
}

/// Waits until it accepts; `false` if it ends instead.
async fn is_up(port: u16, child: &mut Child) -> bool {
    eventually("the proxy accepts", async || {
        if child.try_wait().unwrap().is_some() {
            return Some(false);
        }
        let connected = TcpStream::connect(("127.0.0.1", port)).await;
        connected.is_ok().then_some(true)
    })
    .await
}
