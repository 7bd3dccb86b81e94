//! The simulated Paystand as a process of its own, whose payment lists carry fees and splits.

use std::process::Stdio;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const QUIRKS: &str = r#"{"rows": {"payment_rows": "full"}}"#;
/// How far back its payments reach.
pub const DAYS: u32 = 60;
pub const PAGE_ROWS: usize = 200;

pub struct Paystand {
    pub base_url: String,
    pub client_id: String,
    pub client_secret: String,
    pub customer_id: String,
    _process: Child,
}

impl Paystand {
    pub async fn start(payments: usize) -> anyhow::Result<Self> {
        Self::start_with(payments, QUIRKS).await
    }

    pub async fn start_with(payments: usize, quirks: &str) -> anyhow::Result<Self> {
        Self::start_as(payments, quirks, &[]).await
    }

    /// One that takes `now` for the present, and goes on from there in real time.
    pub async fn start_at(payments: usize, now: DateTime<Utc>) -> anyhow::Result<Self> {
        Self::start_as(payments, QUIRKS, &["--now", &now.to_rfc3339()]).await
    }

    async fn start_as(payments: usize, quirks: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_paystand-sandbox"))
            .args(["--listen", "127.0.0.1:0", "--frozen", "--quirks", quirks])
            .args(["--payments", &payments.to_string(), "--days", &DAYS.to_string()])
            .args(more)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("a pipe")?).lines();
        let line = lines.next_line().await?.context("it says where it is")?;
        let value = |name: &str| {
            let word = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            word.map(str::to_owned).with_context(|| format!("{name} in `{line}`"))
        };
        let [base_url, client_id, client_secret, customer_id] =
            [value("base_url")?, value("client_id")?, value("client_secret")?, value("customer_id")?];
        Ok(Self { base_url, client_id, client_secret, customer_id, _process: process })
    }

    /// The server of `base_url`, and the path on it.
    pub fn place(&self) -> anyhow::Result<(&str, &str)> {
        self.base_url.trim_start_matches("http://").split_once('/').context("an address")
    }
}

/// A client without a token.
pub fn plain() -> anyhow::Result<reqwest::Client> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

/// A client with a token.
pub async fn client(base_url: &str) -> anyhow::Result<reqwest::Client> {
    use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
    let plain = plain()?;
    let credentials = serde_json::json!({
        "grant_type": "client_credentials", "scope": "auth",
        "client_id": paystand_sync::sandbox::CLIENT_ID, "client_secret": paystand_sync::sandbox::CLIENT_SECRET,
    });
    let answer: serde_json::Value = plain
        .post(format!("{base_url}/oauth/token"))
        .json(&credentials)
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    let bearer = format!("Bearer {}", answer["access_token"].as_str().context("a token")?);
    let mut headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::try_from(bearer)?)]);
    headers.insert("X-CUSTOMER-ID", HeaderValue::from_static(paystand_sync::sandbox::CUSTOMER_ID));
    Ok(reqwest::Client::builder().no_proxy().default_headers(headers).build()?)
}

/// How many payments there are.
pub async fn count(base_url: &str) -> anyhow::Result<u64> {
    let first: serde_json::Value = client(base_url).await?.get(page(base_url, 0)).send().await?.json().await?;
    first["count"].as_u64().context("a list says how many there are")
}

/// Where a page of all payments is.
pub fn page(base_url: &str, offset: usize) -> String {
    format!("{base_url}/payments/all?limit={PAGE_ROWS}&offset={offset}&order=created%20ASC")
}

/// All that were asked, and those that were too many.
pub async fn requests(client: &reqwest::Client, server: &str) -> anyhow::Result<(u64, u64)> {
    let address = format!("http://{server}/_sandbox/requests");
    let answer: serde_json::Value = client.get(address).send().await?.json().await?;
    let number = |name: &str| answer[name].as_u64().with_context(|| format!("{name} in {answer}"));
    Ok((number("total")?, number("over_limit")?))
}
