//! The demo provider for an authseal that browsers see at another address than the
//! one where it listens.

use std::{io::Write, time::Duration};

use authseal::{clock::Clock, demo::DemoProvider};
use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    TestApp, TestAppBuilder,
    demo_settings::{demo_provider, demo_tables},
};

/// It ends when dropped.
pub struct PublicDemo {
    pub provider: DemoProvider,
    public_url: String,
    tables: NamedTempFile,
    _running: DropGuard,
}

impl PublicDemo {
    /// Knows the redirect URI of this PUBLIC_URL, and no other.
    pub async fn start(public_url: &str) -> Self {
        let shutdown = CancellationToken::new();
        let provider = demo_provider(
            TcpListener::bind("127.0.0.1:0").await.unwrap().into(),
            public_url,
            Duration::from_secs(3600),
            Clock::system(),
            shutdown.clone(),
        );
        let mut tables = NamedTempFile::new().unwrap();
        tables.write_all(demo_tables(&provider).as_bytes()).unwrap();
        Self {
            provider,
            public_url: public_url.to_owned(),
            tables,
            _running: shutdown.drop_guard(),
        }
    }

    /// An authseal that is seen there, and asks this provider.
    pub fn app(&self) -> TestAppBuilder {
        TestApp::builder()
            .env("AUTHSEAL_PUBLIC_URL", &self.public_url)
            .env("AUTHSEAL_PROVIDERS", self.tables.path().to_str().unwrap())
    }
}
