//! More than one window of a browser.

use fantoccini::wd::WindowHandle;
use tokio::time::{sleep, timeout};

use super::{
    browser::{Browser, POLL_EVERY},
    support::PATIENCE,
};

impl Browser {
    /// Goes on in another window.
    pub async fn switch(&self, window: &WindowHandle) {
        self.client.switch_to_window(window.clone()).await.unwrap();
    }

    /// Clicks what opens a window, and goes on in there.
    pub async fn click_for_window(&self, css: &str) -> WindowHandle {
        let before = self.windows().await;
        self.click(css).await;
        let mut opened = None;
        self.until("no window opens", |windows| {
            opened = windows.iter().find(|one| !before.contains(one)).cloned();
            opened.is_some()
        })
        .await;
        let window = opened.unwrap();
        self.switch(&window).await;
        window
    }

    /// Returns when that window is closed. No window is in front then.
    pub async fn see_closed(&self, window: &WindowHandle) {
        self.until("the window stays open", |windows| !windows.contains(window))
            .await;
    }

    /// Closes all windows but the first, and goes on in that.
    pub async fn close_popups(&self) {
        for window in self.windows().await {
            if window != self.first_window {
                self.switch(&window).await;
                self.client.close_window().await.unwrap();
            }
        }
        self.switch(&self.first_window).await;
    }

    async fn windows(&self) -> Vec<WindowHandle> {
        self.client.windows().await.unwrap()
    }

    /// WebDriver tells of windows only when it is asked.
    async fn until(&self, otherwise: &str, mut is_so: impl FnMut(&[WindowHandle]) -> bool) {
        let asking = async {
            while !is_so(&self.windows().await) {
                sleep(POLL_EVERY).await;
            }
        };
        if timeout(PATIENCE, asking).await.is_err() {
            panic!("{otherwise}: {:?}", self.windows().await);
        }
    }
}
