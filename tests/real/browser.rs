//! A browser without a window, driven through WebDriver: Chromium, or Firefox by `firefox.rs`.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, wd::WindowHandle};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    other_program::OtherProgram,
    support::{PATIENCE, eventually, free_port},
};

/// Nothing of its own accord, and no window. Without the sandbox, because root
/// has none, and containers rarely.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // The hosts of opener.rs are this machine, and nothing else is anywhere.
    "--host-resolver-rules=MAP duplicati.lan 127.0.0.1, MAP 192.168.77.5 127.0.0.1, \
     MAP evil.test 127.0.0.1, MAP auth.lan 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, \
     EXCLUDE 127.0.0.1",
];

/// How often chromedriver is asked for what it does not tell.
pub const POLL_EVERY: Duration = Duration::from_millis(50);

/// One browser with a profile of its own: what `other` has, this one hasn't.
pub struct Browser {
    /// The session, for what this type has no word for.
    pub client: Client,
    pub(super) first_window: WindowHandle,
    session: String,
    port: u16,
    _driver: OtherProgram,
    _folder: TempDir,
}

impl Browser {
    /// A fresh Chromium, as large as a desktop's, in light colours.
    pub async fn open() -> Self {
        Self::open_in("en").await
    }

    /// The same, whose user prefers this language.
    pub async fn open_in(language: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = ARGUMENTS.map(String::from).to_vec();
        arguments.push(format!(
            "--user-data-dir={}/profile",
            folder.path().display()
        ));
        arguments.push(format!("--accept-lang={language}"));
        let capabilities = json!({
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let command = Command::new("chromedriver");
        let browser = Self::start(command, "started successfully", capabilities, folder).await;
        browser.resize(1280, 900).await;
        browser.prefer("light").await;
        browser
    }

    /// Starts a driver, which says that it is `ready`, and a browser by it.
    pub(super) async fn start(
        mut command: Command,
        ready: &str,
        mut capabilities: Value,
        folder: TempDir,
    ) -> Self {
        // What the browser leaves behind goes with the folder.
        // A port of the tests' own: with 0, chromedriver takes a free one for IPv4
        // and ends if it is taken for IPv6.
        let port = free_port();
        command
            .arg(format!("--port={port}"))
            .env("TMPDIR", folder.path());
        let (driver, ()) =
            OtherProgram::start(&mut command, |line| line.contains(ready).then_some(())).await;
        // For the opener on https.
        capabilities["acceptInsecureCerts"] = true.into();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.as_object().unwrap().clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap_or_else(|error| panic!("no browser: {error}\n{}", driver.complaints()));
        Self {
            first_window: client.window().await.unwrap(),
            session: client.session_id().await.unwrap().unwrap(),
            client,
            port,
            _driver: driver,
            _folder: folder,
        }
    }

    /// Opens an address, and returns when it has loaded.
    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// The address of the page.
    pub async fn address(&self) -> String {
        self.client.current_url().await.unwrap().into()
    }

    /// The first element of this CSS selector, as soon as there is one.
    pub async fn find(&self, css: &str) -> Element {
        self.wait_for(Locator::Css(css)).await
    }

    /// Returns when the page's heading is this.
    pub async fn see_heading(&self, heading: &str) {
        let xpath = format!("//h1[normalize-space()=\"{heading}\"]");
        self.wait_for(Locator::XPath(&xpath)).await;
    }

    async fn wait_for(&self, locator: Locator<'_>) -> Element {
        match self
            .client
            .wait()
            .at_most(PATIENCE)
            .every(POLL_EVERY)
            .for_element(locator)
            .await
        {
            Ok(element) => element,
            Err(error) => panic!(
                "{locator:?} is not at {} ({error}):\n{}",
                self.address().await,
                self.client.source().await.unwrap_or_default()
            ),
        }
    }

    /// Clicks the first element of this CSS selector, once the page has loaded: Firefox may lose a
    /// click before that.
    pub async fn click(&self, css: &str) {
        self.find(css).await;
        eventually("the page has loaded", async || {
            let state = self.run("return document.readyState").await;
            (state == "complete").then_some(())
        })
        .await;
        self.find(css).await.click().await.unwrap();
    }

    /// Types into the field of this CSS selector.
    pub async fn fill(&self, css: &str, text: &str) {
        self.find(css).await.send_keys(text).await.unwrap();
    }

    /// What the field of this CSS selector holds.
    pub async fn value(&self, css: &str) -> String {
        let value = self.find(css).await.prop("value").await.unwrap();
        value.unwrap_or_default()
    }

    /// The text of the first element of this CSS selector, as a person sees it.
    pub async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Returns when the element with this id says this.
    pub async fn see_text(&self, id: &str, text: &str) {
        let xpath = format!("//*[@id=\"{id}\" and normalize-space()=\"{text}\"]");
        self.wait_for(Locator::XPath(&xpath)).await;
    }

    /// Runs a script in the page: a function body.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, vec![]).await.unwrap()
    }

    /// Runs a script that is an expression of a promise, and waits for that.
    pub async fn run_async(&self, promise: &str) -> Value {
        let script = format!(
            "const done = arguments[0];
             ({promise}).then(done, (error) => done(`failed: ${{error}}`));"
        );
        self.client.execute_async(&script, vec![]).await.unwrap()
    }

    /// Writes what the page looks like to a PNG file; for whoever mends a test.
    #[allow(dead_code, reason = "for debugging only")]
    pub async fn screenshot(&self, file: impl AsRef<std::path::Path>) {
        let png = self.client.screenshot().await.unwrap();
        std::fs::write(file, png).unwrap();
    }
}

/// A driver ends its browser with the session, and leaves it behind when it is killed.
impl Drop for Browser {
    fn drop(&mut self) {
        let shut_down = || {
            let mut driver = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            driver.set_read_timeout(Some(Duration::from_secs(20)))?;
            write!(
                driver,
                "DELETE /session/{} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
                self.session, self.port
            )?;
            driver.read_to_end(&mut Vec::new())
        };
        let _: std::io::Result<usize> = shut_down();
    }
}
