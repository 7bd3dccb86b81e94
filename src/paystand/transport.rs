//! One request and its whole response: sockets, deadline, size. It can send a GET with a token and the POST that obtains
//! one, nothing else.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::RequestBuilder;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::clock::Clock;
use crate::config::MerchantConfig;
use crate::http;
use crate::paystand::error::SourceError;
use crate::paystand::limits::Limits;
use crate::paystand::rate_headers::{RateHeaders, server_date};
use crate::paystand::verdict::Received;

/// Within the deadline of the request, a host that does not answer at all is noticed sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CUSTOMER_HEADER: &str = "x-customer-id";

/// The connections to one base address.
#[derive(Debug)]
pub struct Transport {
    http: reqwest::Client,
    customer_id: HeaderValue,
    request_timeout: Duration,
    answer_bytes_max: usize,
    clock: Arc<dyn Clock>,
}

/// No whole response.
#[derive(Debug)]
pub enum Broken {
    Unreachable(reqwest::Error),
    TimedOut { within: Duration },
    TooLarge,
}

impl Transport {
    pub fn new(merchant: &MerchantConfig, limits: Limits, clock: Arc<dyn Clock>) -> Result<Self, SourceError> {
        let misconfigured = |reason: String| SourceError::Misconfigured { reason };
        check_base(&merchant.base_url).map_err(misconfigured)?;
        let customer_id = HeaderValue::from_str(merchant.customer_id.as_str())
            .map_err(|_| misconfigured("customer_id cannot be sent in a header".to_owned()))?;
        // Every request needs a slot of the budget, which none that is repeated behind our back would have.
        let builder = reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT);
        let http = http::client(&merchant.base_url, builder).map_err(|error| {
            let reason = http::causes(&error);
            misconfigured(format!("{reason}; are CA certificates installed (package ca-certificates)?"))
        })?;
        let Limits { request_timeout, answer_bytes_max, attempts_max: _, second_clock: _ } = limits;
        Ok(Self { http, customer_id, request_timeout, answer_bytes_max, clock })
    }

    /// GET with both headers of the API.
    pub async fn get(&self, address: &Url, token: &SecretString) -> Result<(Received, RateHeaders), Broken> {
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut bearer = HeaderValue::try_from(bearer).expect("a token is checked when it is issued");
        bearer.set_sensitive(true);
        let request = self
            .http
            .get(address.clone())
            .header(AUTHORIZATION, bearer)
            .header(CUSTOMER_HEADER, self.customer_id.clone());
        self.send(request).await
    }

    /// The POST that obtains a token.
    pub async fn post_for_token(&self, address: &Url, body: &SecretString) -> Result<(Received, RateHeaders), Broken> {
        let body = Bytes::copy_from_slice(body.expose_secret().as_bytes());
        self.send(self.http.post(address.clone()).header(CONTENT_TYPE, "application/json").body(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<(Received, RateHeaders), Broken> {
        let request = request.header(ACCEPT, "application/json");
        // The clock's deadline and not that of reqwest, so that a simulated clock can let a request hang.
        let deadline = self.clock.deadline(self.request_timeout);
        tokio::select! {
            biased;
            whole = self.exchange(request) => whole,
            () = deadline => Err(Broken::TimedOut { within: self.request_timeout }),
        }
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<(Received, RateHeaders), Broken> {
        // The address is named by the endpoint of the error already.
        let unreachable = |error: reqwest::Error| Broken::Unreachable(error.without_url());
        let mut response = request.send().await.map_err(unreachable)?;
        let headers = response.headers();
        let server_date = server_date(headers);
        let rate = RateHeaders::read(headers, server_date.unwrap_or_else(|| self.clock.now()));
        let is_html = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let status = response.status().as_u16();

        // Room for what is announced at once, for growing would take twice as much; a packed answer announces nothing.
        let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        let mut body = Vec::with_capacity(announced.min(self.answer_bytes_max));
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > self.answer_bytes_max {
                return Err(Broken::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        body.shrink_to_fit();
        Ok((Received { status, is_html, server_date, retry_after: rate.retry_after, body: body.into() }, rate))
    }
}

/// Asserts again what the configuration promises: nothing secret travels in the clear or in an address.
fn check_base(base: &Url) -> Result<(), String> {
    let is_loopback = match base.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback() || ip == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(ip)) => ip == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match base.scheme() {
        "https" => {}
        "http" if is_loopback => {}
        "http" => return Err("base_url is plain http to another host; use https".to_owned()),
        scheme => return Err(format!("base_url has the scheme `{scheme}`; use https")),
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err("base_url holds a user or password; credentials belong in client_id and client_secret".to_owned());
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err("base_url ends in a query or fragment".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_travels_in_the_clear() {
        for (base, is_allowed) in [
            ("https://api.paystand.co/v3", true),
            ("http://127.0.0.1:8970/v3", true),
            ("http://[::1]:8970/v3", true),
            ("http://localhost:8970/v3", true),
            ("http://api.paystand.co/v3", false),
            ("http://localhost.example.com/v3", false),
            ("ftp://127.0.0.1/v3", false),
            ("https://user:secret@api.paystand.co/v3", false),
            ("https://api.paystand.co/v3?key=secret", false),
        ] {
            assert_eq!(check_base(&Url::parse(base).unwrap()).is_ok(), is_allowed, "{base}");
        }
    }
}
