//! What WebDriver has no standard command for, and Chromium has.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use fantoccini::wd::WebDriverCompatibleCommand;
use http::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::browser::Browser;

impl Browser {
    /// Gives the page this size in CSS pixels. A window can't be as narrow as a
    /// phone.
    pub async fn resize(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// Makes "light" or "dark" the system's colours, and no colour a moving one.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// No page that is opened from now on runs a script.
    pub async fn disable_scripts(&self) {
        self.devtools(
            "Emulation.setScriptExecutionDisabled",
            json!({"value": true}),
        )
        .await;
    }

    /// Takes every server for whom it says it is, in the window in front.
    pub async fn accept_any_certificate(&self) {
        let ignore = json!({"ignore": true});
        self.devtools("Security.setIgnoreCertificateErrors", ignore)
            .await;
    }

    /// Lets pages read the clipboard, so that a test can.
    pub async fn let_pages_read_the_clipboard(&self) {
        let permissions = json!({"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]});
        self.devtools("Browser.grantPermissions", permissions).await;
    }

    /// Writes the whole page to a PNG file, also what is seen only after scrolling.
    pub async fn screenshot_of_all(&self, file: &Path) {
        let all = json!({"format": "png", "captureBeyondViewport": true});
        let png = self.devtools("Page.captureScreenshot", all).await;
        let png = BASE64.decode(png["data"].as_str().unwrap()).unwrap();
        fs::write(file, png).unwrap();
    }

    /// Every request since the last call: the page it was made for, and its own
    /// address.
    pub async fn requests(&self) -> Vec<(String, String)> {
        let entries = self.log("performance").await;
        entries
            .iter()
            .filter_map(|entry| {
                let event: Value = serde_json::from_str(entry["message"].as_str()?).ok()?;
                let event = &event["message"];
                let sent = event["method"] == "Network.requestWillBeSent";
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let params = &event["params"];
                sent.then(|| {
                    (
                        text(&params["documentURL"]),
                        text(&params["request"]["url"]),
                    )
                })
            })
            .collect()
    }

    /// What the console complained of since the last call. That an address gave an
    /// error status is no complaint.
    pub async fn complaints(&self) -> Vec<Value> {
        let mut entries = self.log("browser").await;
        entries.retain(|entry| entry["source"] != "network");
        entries
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.issue("se/log", json!({"type": kind})).await;
        entries.as_array().unwrap().clone()
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let call = json!({"cmd": command, "params": parameters});
        self.issue("goog/cdp/execute", call).await
    }

    async fn issue(&self, path: &'static str, body: Value) -> Value {
        let call = Call { path, body };
        self.client.issue_cmd(call).await.unwrap()
    }
}

/// A POST to a path below the session's.
#[derive(Debug)]
struct Call {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Call {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
