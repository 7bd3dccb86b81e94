//! What every HTTP client of ours holds to, whoever it talks to.
//!
//! - No redirect is followed: it would carry secrets elsewhere. Nothing is repeated behind our back.
//! - Plain http is for this machine only; callers refuse other addresses before they ask for a client.

use reqwest::{Client, ClientBuilder, redirect, retry};
use rustls::crypto::ring;
use url::Url;

/// Builds the client for `url`, with whatever else `builder` says.
pub fn client(url: &Url, builder: ClientBuilder) -> reqwest::Result<Client> {
    // An error means that a provider is installed already, by the database driver or by another client.
    let _already_installed = ring::default_provider().install_default();
    let builder = builder
        .user_agent(concat!("paystand-sync/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    if url.scheme() == "https" {
        return builder.https_only(true).build();
    }
    // No proxy may see it, and it works where no CA certificates are installed.
    let no_tls =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    builder.no_proxy().tls_backend_preconfigured(no_tls).build()
}

/// An error with everything that led to it, in one line.
#[must_use]
pub fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
