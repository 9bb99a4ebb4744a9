//! Every page of authseal, and how to get there.

use super::{browser::Browser, support::TestApp};

/// How to get to a page.
pub struct Page {
    pub address: String,
    /// What to click from there on.
    clicks: &'static [&'static str],
    pub heading: &'static str,
    /// What most people come to the page for.
    pub primary: &'static str,
}

/// A server with services, and one without.
pub struct Site {
    pub app: TestApp,
    empty: TestApp,
}

impl Site {
    pub async fn start() -> Self {
        let mut empty = TestApp::builder();
        for service in ["STABLE", "SINGLE_USE"] {
            empty = empty
                .env(&format!("TEST_{service}_CLIENT_ID"), "")
                .env(&format!("TEST_{service}_CLIENT_SECRET"), "");
        }
        Self {
            app: TestApp::start().await,
            empty: empty.start().await,
        }
    }

    /// All of them.
    pub fn pages(&self) -> Vec<Page> {
        let page = |path, clicks, heading, primary| Page {
            address: format!("{}{path}", self.app.url),
            clicks,
            heading,
            primary,
        };
        let (button, service) = (".button.primary", "a.service");
        vec![
            page("/", &[], "Where is your storage?", service),
            page("/?type=stable", &[], "Log in to Test storage", button),
            page(
                "/?type=%3Cb%3Enothing",
                &[],
                "Where is your storage?",
                service,
            ),
            page(
                "/login?id=stable",
                &["#allow"],
                "Your AuthID is ready",
                button,
            ),
            page(
                "/login?id=stable",
                &["#refuse"],
                "Test provider refused the login",
                button,
            ),
            page("/login?id=nothing", &[], "There is no such service", button),
            page(
                "/logged-in?code=c&state=s",
                &[],
                "This login can't be finished",
                button,
            ),
            page("/privacy-policy", &[], "Privacy", ".brand"),
            page("/no/such/page", &[], "There is no such page", button),
            Page {
                address: self.empty.url.clone(),
                clicks: &[],
                heading: "No service is configured yet",
                primary: ".brand",
            },
        ]
    }
}

impl Page {
    pub async fn open(&self, browser: &Browser) {
        browser.go(&self.address).await;
        for css in self.clicks {
            browser.click(css).await;
        }
        browser.see_heading(self.heading).await;
    }
}
