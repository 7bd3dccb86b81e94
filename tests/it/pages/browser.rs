//! Chromium, driven as a person would: keys, eyes, and the console that must stay empty.
//!
//! `scripts/test` installs it. Without it a test fails, unless `PAYSTAND_SYNC_WITHOUT` names `chromium`.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::free_address;
use crate::harness::eventually;

const START_BOUND: Duration = Duration::from_mins(1);

/// One window. Dropping it ends the browser.
pub struct Browser {
    pub client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `None` where whoever runs the tests says that there is none.
    pub async fn open() -> Option<Self> {
        let (browser, driver) = ("/usr/bin/chromium", "/usr/bin/chromedriver");
        let is_there = [browser, driver].into_iter().all(|it| std::path::Path::new(it).is_file());
        let without = std::env::var("PAYSTAND_SYNC_WITHOUT").unwrap_or_default();
        assert!(
            is_there || without.split_whitespace().any(|name| name == "chromium"),
            "chromium is not installed: run scripts/test, which installs it, or say PAYSTAND_SYNC_WITHOUT=chromium"
        );
        if !is_there {
            return None;
        }
        let profile = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let port = address.rsplit(':').next().expect("a port");
        let driver = Command::new(driver)
            .arg(format!("--port={port}"))
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the driver starts");
        let driver = Driver(Some(driver));
        let url = format!("http://{address}");
        eventually("the driver answers", START_BOUND, async || {
            super::client().get(format!("{url}/status")).send().await.is_ok()
        })
        .await;
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1200,1000",
            &format!("--user-data-dir={}", profile.path().join("profile").display()),
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "binary": browser, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let capabilities = capabilities.as_object().expect("an object").clone();
        let connecting = ClientBuilder::new(HttpConnector::new());
        let connecting = { connecting }.capabilities(capabilities).connect(&url).await;
        Some(Self { client: connecting.expect("a window"), driver: driver.into_inner(), _profile: profile })
    }

    /// What the console says, and what was refused or not found.
    pub async fn console(&self) -> Vec<String> {
        let log = self.command("se/log", json!({ "type": "browser" })).await;
        log.as_array().into_iter().flatten().map(|entry| entry["message"].to_string()).collect()
    }

    /// Shows the page as on a screen of that width, in light or dark.
    pub async fn look(&self, width: u32, scheme: &str) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.tell_chromium("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.tell_chromium("Emulation.setEmulatedMedia", media).await;
    }

    /// What the page's own objects say.
    pub async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.expect("the script runs")
    }

    /// Presses keys wherever the focus is.
    pub async fn press(&self, keys: &str) {
        self.client.active_element().await.expect("something has the focus").send_keys(keys).await.expect("typed");
    }

    /// The whole page as a picture, where somebody wants to look at it: `SCREENSHOTS=folder`.
    pub async fn picture(&self, name: &str) {
        let Ok(folder) = std::env::var("SCREENSHOTS") else { return };
        let answer = self
            .command(
                "goog/cdp/execute",
                json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": true } }),
            )
            .await;
        let data = answer["data"].as_str().expect("a picture");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).expect("base64");
        std::fs::write(std::path::Path::new(&folder).join(name), bytes).expect("written");
    }

    async fn tell_chromium(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Own { path, body }).await.expect("the driver obeys")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A driver that ends should the window not open.
struct Driver(Option<Child>);

impl Driver {
    fn into_inner(mut self) -> Child {
        self.0.take().expect("taken once")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command that only this driver knows.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
