//! What keeps strangers out: headers that tell the browser to load and run nothing else, hosts that are ours, and the token.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::{Front, page};

/// No script at all, nothing from elsewhere, no frame around us.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// On loopback only the machine itself may ask, so a name of some other host means that a page from there made a browser of this machine
/// ask us (DNS rebinding).
pub async fn hosts(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let is_private = front.config.listen.is_some_and(|it| it.ip().is_loopback()) && !front.config.trusted_proxy;
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| request.uri().host());
    if is_private && named.is_some_and(|host| !is_loopback(host)) {
        let sentence =
            "This port is for this machine only: ask for localhost, or set ops.trusted_proxy behind a proxy.";
        return (StatusCode::MISDIRECTED_REQUEST, page::plain("Not here", sentence)).into_response();
    }
    next.run(request).await
}

/// Of `Host`: with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a form may act: the token is right, and it was sent from a page of ours.
pub fn may_act(headers: &HeaderMap, given: &str, wanted: Option<&SecretString>) -> Result<(), &'static str> {
    let Some(wanted) = wanted else { return Err("This page is for reading only: no ops.token is configured.") };
    let from = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    if !matches!(from, None | Some("same-origin" | "none")) {
        return Err("The form was sent from another site.");
    }
    if is_same(given, wanted.expose_secret()) { Ok(()) } else { Err("The token is not the right one.") }
}

/// Takes as long whatever is given: hashes are compared, all of them.
fn is_same(given: &str, wanted: &str) -> bool {
    Sha256::digest(given.as_bytes()).ct_eq(&Sha256::digest(wanted.as_bytes())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "127.0.0.2", "[::1]:9464", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:9464", "10.0.0.1:9464", "[2001:db8::1]:9464", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn only_the_token_from_a_page_of_ours_may_act() {
        let token = SecretString::from("0123456789abcdef");
        let from =
            |site: &'static str| HeaderMap::from_iter([("sec-fetch-site".parse().unwrap(), site.parse().unwrap())]);
        assert!(may_act(&HeaderMap::new(), "0123456789abcdef", Some(&token)).is_ok());
        assert!(may_act(&from("same-origin"), "0123456789abcdef", Some(&token)).is_ok());
        assert!(may_act(&from("cross-site"), "0123456789abcdef", Some(&token)).is_err());
        assert!(may_act(&from("same-site"), "0123456789abcdef", Some(&token)).is_err());
        for wrong in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
            assert!(may_act(&HeaderMap::new(), wrong, Some(&token)).is_err());
        }
        assert!(may_act(&HeaderMap::new(), "", None).is_err());
    }
}
