//! The section `[ops]`: where the daemon shows itself, to whom, and who may act.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::error::Reported;
use super::layers::Surroundings;
use super::section::Section;
use super::{OpsConfig, TlsConfig};

/// A shorter one could be guessed.
const TOKEN_CHARS_MIN: usize = 16;
const HOUR: Duration = Duration::from_hours(1);
const TIE_OUT_BOUNDS: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_hours(7 * 24);

pub(super) fn ops(section: &Section<'_>, surroundings: &Surroundings) -> Result<OpsConfig, Reported> {
    let listen = listen(section);
    let token = token(section, surroundings);
    let tls = tls(section, surroundings);
    let trusted_proxy = section.boolean("trusted_proxy", false);
    let log = section.filled("log");
    let tie_out_interval = section.duration("tie_out_interval", HOUR, &TIE_OUT_BOUNDS);
    let tie_out_entries_max = section.number("tie_out_entries_max", 25_000, 0..=100_000_000);
    let config = OpsConfig {
        listen: listen?,
        token: token?,
        tls: tls?,
        trusted_proxy: trusted_proxy?,
        log: log?,
        tie_out_interval: tie_out_interval?,
        tie_out_entries_max: tie_out_entries_max?,
    };
    match config.listen {
        Some(address) if !address.ip().is_loopback() && config.tls.is_none() && !config.trusted_proxy => {
            let text = format!(
                "is {address}, which others can reach without encryption; set `ops.tls_cert` and `ops.tls_key`, or \
                 `ops.trusted_proxy = true` where a proxy in front ends TLS, or listen on 127.0.0.1"
            );
            Err(section.refuse("listen", text))
        }
        _ => Ok(config),
    }
}

fn listen(section: &Section<'_>) -> Result<Option<SocketAddr>, Reported> {
    match section.text("listen")? {
        None => Ok(Some(SocketAddr::from(([127, 0, 0, 1], 9464)))),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            let text = format!("is no address: `{text}`; write it like \"127.0.0.1:9464\", or \"\" for none");
            section.refuse("listen", text)
        }),
    }
}

fn token(section: &Section<'_>, surroundings: &Surroundings) -> Result<Option<SecretString>, Reported> {
    let Some(token) = section.secret("token", surroundings)? else { return Ok(None) };
    if token.expose_secret().chars().count() >= TOKEN_CHARS_MIN {
        return Ok(Some(token));
    }
    let key = if section.has("token") { "token" } else { "token_file" };
    let text = format!("holds fewer than {TOKEN_CHARS_MIN} characters; `openssl rand -hex 24` makes a good one");
    Err(section.refuse(key, text))
}

fn tls(section: &Section<'_>, surroundings: &Surroundings) -> Result<Option<TlsConfig>, Reported> {
    let path = |key: &str| -> Result<Option<PathBuf>, Reported> { section.path(key, surroundings) };
    match (path("tls_cert")?, path("tls_key")?) {
        (Some(cert), Some(key)) => Ok(Some(TlsConfig { cert, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(section.refuse("tls_cert", "needs `tls_key` beside it; set both or none")),
        (None, Some(_)) => Err(section.refuse("tls_key", "needs `tls_cert` beside it; set both or none")),
    }
}
