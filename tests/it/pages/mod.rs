//! What the running daemon shows, as browsers, Prometheus, systemd and strangers meet it.

mod acts;
mod boards;
mod browser;
mod machines;
mod packages;
mod seen;
mod strangers;

use std::net::TcpListener;
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::harness::{REST, Running, Site, eventually, merchant};
use crate::literal::{CUSTOMER_ID, Literal};
use crate::mirror::documented;

/// Reading, booking, delivery and a tie-out, on two slow cores.
const BOUND: Duration = Duration::from_mins(1);
pub const TOKEN: &str = "a-token-that-nobody-guesses";

/// A daemon whose port answers.
pub struct Shown {
    pub site: Site,
    pub running: Running,
    pub address: String,
}

/// What a port answered.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// An address that nobody uses.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").to_string()
}

/// A daemon for the books as documented: one payout of them is wrong.
pub async fn documented_books(server: &Literal) -> Shown {
    server.books(documented);
    Shown::start(Site::new(server).await)
}

/// A site with this adapter, and more of the section `[ops]`.
pub async fn configured(server: &Literal, rest: &str) -> Site {
    let site = Site::new(server).await;
    site.configure(&format!("{}\n{REST}\n{rest}", merchant("main", CUSTOMER_ID, &server.base_url())));
    site
}

impl Shown {
    /// Starts it with a token and frequent tie-outs, unless the site says otherwise.
    pub fn start(mut site: Site) -> Self {
        let address = free_address();
        site.set("OPS__LISTEN", &address);
        site.set("OPS__TOKEN", TOKEN);
        site.set("OPS__TIE_OUT_INTERVAL", "10s");
        let running = site.start(&[]);
        Self { site, running, address }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(client().get(self.url(path))).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(
            client()
                .post(self.url(path))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form(fields)),
        )
        .await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let started = std::time::Instant::now();
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.expect("a whole answer");
        Answer { status, headers, body, took: started.elapsed() }
    }

    /// `/status`, once it says what is wanted.
    pub async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        eventually(what, BOUND, async || {
            let Ok(response) = client().get(self.url("/status")).send().await else { return false };
            last = response.json().await.unwrap_or_default();
            holds(&last)
        })
        .await;
        last
    }

    /// Waits until everything is read, delivered and tied out.
    pub async fn settled(&self) -> Value {
        self.until("everything is read, posted and tied out", |status| {
            let merchant = &status["merchants"][0];
            let resources = merchant["resources"].as_array().map_or(&[][..], Vec::as_slice);
            let is_read =
                !resources.is_empty() && resources.iter().all(|it| it["reading"] == "current" && it["rows"].is_i64());
            let rows: i64 = resources.iter().filter_map(|it| it["rows"].as_i64()).sum();
            let is_posted = status["adapters"][0]["open"] == 0 && status["adapters"][0]["unposted"].is_array();
            is_read && rows > 0 && is_posted && merchant["tie_out"].is_object()
        })
        .await
    }
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        form.append_pair(name, value);
    }
    form.finish()
}
