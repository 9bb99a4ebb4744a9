//! A page, and how to get there.

use super::{browser::Browser, support::TestApp};

pub struct Page {
    /// The authseal that it is of.
    pub server: String,
    /// Where to begin.
    pub address: String,
    /// What to do from there on.
    steps: Vec<Step>,
    pub heading: &'static str,
    /// What most people come to the page for.
    pub primary: &'static str,
}

pub enum Step {
    /// Press what opens a popup.
    Popup,
    /// Press what opens a page of this authseal beside this one.
    NewTab(&'static str),
    /// Load the popup again: chromedriver saw none of its requests.
    Reload,
    Click(&'static str),
    Type(&'static str, String),
    /// Wait for what tells the page from the one before, under the same heading.
    See(&'static str),
}

/// A page of this authseal.
pub fn page<const N: usize>(
    app: &TestApp,
    path: &str,
    steps: [Step; N],
    heading: &'static str,
    primary: &'static str,
) -> Page {
    Page {
        server: app.url.clone(),
        address: format!("{}{path}", app.url),
        steps: steps.into(),
        heading,
        primary,
    }
}

/// One in the popup that the program at `address` opens.
pub fn opened<const N: usize>(
    app: &TestApp,
    address: String,
    steps: [Step; N],
    heading: &'static str,
    primary: &'static str,
) -> Page {
    let mut page = page(app, "", steps, heading, primary);
    page.steps.insert(0, Step::Popup);
    Page { address, ..page }
}

impl Page {
    /// True if another program opens it.
    pub fn is_in_a_popup(&self) -> bool {
        matches!(self.steps.first(), Some(Step::Popup))
    }

    pub async fn open(&self, browser: &Browser) {
        self.go(browser).await;
        browser.see_heading(self.heading).await;
    }

    /// Opens it in a browser of this language.
    pub async fn open_in(&self, browser: &Browser, language: &str) {
        self.go(browser).await;
        browser.find(self.primary).await;
        browser.find(&format!("html[lang={language}]")).await;
    }

    async fn go(&self, browser: &Browser) {
        browser.close_popups().await;
        browser.go(&self.address).await;
        for step in &self.steps {
            match step {
                Step::Popup => {
                    browser.click_for_window("#open").await;
                }
                Step::NewTab(css) => {
                    browser.click_for_window(css).await;
                }
                Step::Reload => browser.client.refresh().await.unwrap(),
                Step::Click(css) => browser.click(css).await,
                Step::Type(css, text) => browser.fill(css, text).await,
                Step::See(css) => drop(browser.find(css).await),
            }
        }
    }
}
