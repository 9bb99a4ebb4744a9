//! A program on an origin of its own that opens authseal, as Duplicati's web UIs
//! do, and the popup that it opens.

use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use super::{
    browser::Browser,
    support::{ScriptedProvider, answer},
};

pub const PAGE: &str = include_str!("opener/page.html");

/// Names and an address that the browser takes for this machine. No stranger can
/// have a page at the first three.
pub const LOCALHOST: &str = "localhost";
pub const HOME_NAME: &str = "duplicati.lan";
pub const PRIVATE_ADDRESS: &str = "192.168.77.5";
pub const FOREIGN: &str = "evil.test";

/// A web server that has nothing but that program.
pub struct Opener {
    server: ScriptedProvider,
}

impl Opener {
    pub fn start() -> Self {
        let server = ScriptedProvider::start(|asked| {
            let policy = match asked.request_line.starts_with("GET /silent") {
                true => "Referrer-Policy: no-referrer\r\n",
                false => "",
            };
            let headers = format!("Content-Type: text/html; charset=utf-8\r\n{policy}");
            answer("200 OK", &headers, PAGE)
        });
        Self { server }
    }

    /// It under this host name.
    pub fn origin(&self, host: &str) -> String {
        self.server.url("").replace("127.0.0.1", host)
    }

    /// The current UI, with the authseal at `base`.
    pub fn current_ui(&self, host: &str, base: &str) -> String {
        format!("{}/?base={base}&type=stable", self.origin(host))
    }

    /// The same, but its browser tells nobody whence a link came.
    pub fn silent_ui(&self, host: &str, base: &str) -> String {
        format!("{}/silent?base={base}&type=stable", self.origin(host))
    }

    /// The old UI, which polls with a token.
    pub fn old_ui(&self, host: &str, base: &str, service: &str, token: &str) -> String {
        old_ui_at(&self.origin(host), base, service, token)
    }
}

/// The page of `opener/page.html` at this origin, as the old UI.
pub fn old_ui_at(origin: &str, base: &str, service: &str, token: &str) -> String {
    format!("{origin}/?base={base}&type={service}&token={token}")
}

/// Two windows of a browser.
pub struct Popup {
    opener: WindowHandle,
    pub window: WindowHandle,
}

impl Popup {
    /// Opens a program's page, has it open authseal, and goes on in there.
    pub async fn open(browser: &Browser, address: &str) -> Self {
        browser.go(address).await;
        let opener = browser.client.window().await.unwrap();
        let window = browser.click_for_window("#open").await;
        Self { opener, window }
    }

    /// Goes on in the program.
    pub async fn to_opener(&self, browser: &Browser) {
        browser.switch(&self.opener).await;
    }

    /// Goes on in authseal.
    pub async fn to_popup(&self, browser: &Browser) {
        browser.switch(&self.window).await;
    }

    /// What the program is answered when it polls.
    pub async fn poll(&self, browser: &Browser) -> Value {
        self.to_opener(browser).await;
        let number = browser.run("poll(); return answers.length + 1").await;
        browser.see_text("last", &format!("answer {number}")).await;
        browser.run("return answers.at(-1)").await
    }

    /// What the program received, once its window is the only one of the two.
    pub async fn received_and_closed(&self, browser: &Browser) -> String {
        browser.see_closed(&self.window).await;
        self.to_opener(browser).await;
        browser.text("#authid").await
    }

    /// Every message that the opener's window got from the popup until now. Exact,
    /// because one more is sent, and messages keep their order.
    pub async fn messages(&self, browser: &Browser) -> Vec<String> {
        self.to_popup(browser).await;
        let last = browser
            .run(
                "const last = `last ${performance.now()}`;
                 window.opener.postMessage(last, '*');
                 return last",
            )
            .await;
        self.to_opener(browser).await;
        browser.see_text("last", last.as_str().unwrap()).await;
        let messages = browser.run("return messages").await;
        self.to_popup(browser).await;
        let messages: Vec<String> = serde_json::from_value(messages).unwrap();
        let is_ours = |message: &String| message.starts_with("last ");
        assert_eq!(json!(messages.last()), last);
        messages.into_iter().filter(|m| !is_ours(m)).collect()
    }
}

/// From authseal's page for one service to its result, in the window in front.
pub async fn log_in(browser: &Browser) {
    browser.click(".button.primary").await;
    browser.click("#allow").await;
    browser.find("#authid").await;
    browser.find("button[data-copy]:not([hidden])").await;
}

/// The same, where a program polls for the AuthID, and the person hands it over.
pub async fn log_in_and_hand_over(browser: &Browser) {
    browser.click(".button.primary").await;
    browser.click("#allow").await;
    browser.see_heading("Hand over your AuthID?").await;
    browser.click(".button.primary").await;
    browser.see_heading("Done: sent to Duplicati").await;
}

/// Presses the button after which the opener closes the window.
pub async fn press_and_be_closed(browser: &Browser, css: &str) {
    let button = browser.find(css).await;
    let _ = button.click().await;
}

/// The same as [`log_in`], when the window may be closed before that page can be seen.
pub async fn log_in_and_be_closed(browser: &Browser) {
    browser.click(".button.primary").await;
    press_and_be_closed(browser, "#allow").await;
}
