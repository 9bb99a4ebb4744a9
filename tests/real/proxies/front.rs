//! An authseal that only a proxy's clients see.

use tokio::net::TcpListener;

use super::Proxy;
use crate::support::{PublicDemo, TestApp, TestAppBuilder};

/// All of them end with it.
pub struct Front {
    pub app: TestApp,
    pub proxy: Proxy,
    /// What browsers see, the prefix included.
    pub public_url: String,
    _demo: PublicDemo,
}

impl Front {
    /// Starts `proxy`, which is told where authseal is (host and port), and an
    /// authseal that is seen there, with what `more` adds.
    pub async fn start(
        proxy: impl AsyncFnOnce(&str) -> Proxy,
        scheme: &str,
        prefix: &str,
        more: impl FnOnce(TestAppBuilder) -> TestAppBuilder,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let proxy = proxy(&address.to_string()).await;
        let public_url = format!("{}{prefix}", proxy.url(scheme));
        let demo = PublicDemo::start(&public_url).await;
        let app = more(demo.app().listener(listener));
        Self {
            app: app.start().await,
            proxy,
            public_url,
            _demo: demo,
        }
    }
}
