//! Where a message may go: to public addresses, and to those of the own network and of this machine only where that is allowed.
//!
//! A name may mean something else each time it is asked for, so what is judged is the addresses that are connected to, at the time
//! they are looked up ([`gate`]).

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// How names are looked up.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// As this machine does it.
#[derive(Debug)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Where we may connect to.
#[derive(Debug, Clone)]
pub struct Reach {
    allow_private: bool,
    /// Plain http never leaves this machine.
    loopback_only: bool,
}

/// An address that nothing is sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place} {reason}")]
pub(super) struct Refused {
    place: String,
    reason: &'static str,
}

const PRIVATE: &str =
    "is not a public address; set allow_private = true if the receiver is meant to be in your own network";
const IN_THE_CLEAR: &str = "is not this machine, and plain http is for this machine only; use https";

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Unknown(String),
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl Reach {
    /// Judges the address itself, where the URL names no host but one.
    ///
    /// # Errors
    /// What is wrong, with its fix.
    pub fn of(url: &Url, allow_private: bool) -> Result<Self, String> {
        let loopback_only = match url.scheme() {
            "https" => false,
            "http" => true,
            other => return Err(format!("url has the scheme `{other}`; use https")),
        };
        let reach = Self { allow_private, loopback_only };
        let refused = match url.host() {
            Some(Host::Ipv4(ip)) => reach.admit(&ip.to_string(), IpAddr::V4(ip)),
            Some(Host::Ipv6(ip)) => reach.admit(&ip.to_string(), IpAddr::V6(ip)),
            // Whatever it leads to is judged then.
            Some(Host::Domain(_)) => Ok(()),
            None => return Err("url names no host".to_owned()),
        };
        refused.map(|()| reach).map_err(|refused| refused.to_string())
    }

    /// The addresses of a URL's host now, all of which may be connected to.
    pub(super) async fn addresses(&self, url: &Url, lookup: &dyn Lookup) -> Result<Vec<IpAddr>, Failure> {
        match url.host() {
            Some(Host::Domain(name)) => self.look_up(name, lookup).await,
            Some(Host::Ipv4(ip)) => Ok(vec![IpAddr::V4(ip)]),
            Some(Host::Ipv6(ip)) => Ok(vec![IpAddr::V6(ip)]),
            None => Ok(Vec::new()),
        }
    }

    /// One address that is refused refuses the name: nobody has both for a reason that we want.
    async fn look_up(&self, name: &str, lookup: &dyn Lookup) -> Result<Vec<IpAddr>, Failure> {
        let found = lookup.addresses(name).await;
        let found = found.map_err(|error| Failure::Unknown(format!("{name} is not found: {error}")))?;
        if found.is_empty() {
            return Err(Failure::Unknown(format!("{name} has no address")));
        }
        for address in &found {
            self.admit(&format!("{name} leads to {address}, which"), *address)?;
        }
        Ok(found)
    }

    fn admit(&self, place: &str, address: IpAddr) -> Result<(), Refused> {
        let refused = |reason| Err(Refused { place: place.to_owned(), reason });
        match address.to_canonical() {
            ip if self.loopback_only && !ip.is_loopback() => refused(IN_THE_CLEAR),
            ip if !self.allow_private && !is_public(ip) => refused(PRIVATE),
            _ => Ok(()),
        }
    }
}

/// Whether an address is anybody's on the internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_shared = a == 100 && (b & 0xc0) == 64;
    let is_of_protocols = a == 192 && b == 0 && c == 0;
    let is_of_relays = a == 192 && b == 88 && c == 99;
    let is_of_benchmarks = a == 198 && (b & 0xfe) == 18;
    let special = ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation();
    !(a == 0 || a >= 224 || is_shared || is_of_protocols || is_of_relays || is_of_benchmarks || special)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let bytes = ip.octets();
    let embedded = |at: usize| is_public_v4(Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]));
    match (segments[0], segments[1]) {
        // Translated to IPv4 on the way.
        (0x64, 0xff9b) => bytes[4..12] == [0; 8] && embedded(12),
        (0x2002, _) => embedded(2),
        // Protocols, documentation.
        (0x2001, block) => block >= 0x200 && block != 0xdb8,
        (0x3fff, block) => block >= 0x1000,
        // Everything that is given out lies in 2000::/3.
        (block, _) => (block & 0xe000) == 0x2000,
    }
}

/// Looks names up for the client, and lets through only what may be connected to.
pub(super) fn gate(reach: Reach, lookup: Arc<dyn Lookup>) -> Gate {
    Gate { reach, lookup }
}

#[derive(Debug)]
pub(super) struct Gate {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Gate {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, lookup) = (self.reach.clone(), Arc::clone(&self.lookup));
        Box::pin(async move {
            let found = reach.look_up(name.as_str(), &*lookup).await?;
            let addresses: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}

/// The first cause of this kind.
pub(super) fn in_the_chain<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = Some(error);
    while let Some(next) = cause {
        if let Some(found) = next.downcast_ref::<E>() {
            return Some(found);
        }
        cause = next.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2001:4860::1",
        ] {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "3fff::1",
            "64:ff9b::a00:1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
    }

    fn reach(url: &str, allow_private: bool) -> Result<Reach, String> {
        Reach::of(&url.parse().expect("a URL"), allow_private)
    }

    #[test]
    fn a_url_that_names_an_address_is_judged_at_once() {
        for url in [
            "https://10.0.0.5/hook",
            "https://[::1]/hook",
            "https://[::ffff:10.0.0.5]/hook",
            "http://127.0.0.1:8080/hook",
            "https://169.254.169.254/latest",
            "https://0x7f.1/hook",
        ] {
            let refused = reach(url, false).expect_err(url);
            assert!(refused.contains("allow_private = true"), "{refused}");
            assert!(reach(url, true).is_ok(), "{url}");
        }
        assert!(reach("https://1.1.1.1/hook", false).is_ok());
        for allow_private in [false, true] {
            let refused = reach("http://10.0.0.5/hook", allow_private).expect_err("in the clear");
            assert!(refused.contains("use https"), "{refused}");
            assert!(reach("ftp://1.1.1.1/hook", allow_private).is_err());
        }
    }

    #[derive(Debug)]
    struct Says(Vec<IpAddr>);

    #[async_trait]
    impl Lookup for Says {
        async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(self.0.clone())
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_every_address_it_leads_to() {
        let says = |texts: &[&str]| Says(texts.iter().map(|text| text.parse().expect("an address")).collect());
        let url: Url = "https://hooks.example.com/".parse().expect("a URL");
        let strict = reach(url.as_str(), false).expect("a name");
        assert!(strict.addresses(&url, &says(&["1.1.1.1"])).await.is_ok());
        for found in [&["10.0.0.5"][..], &["1.1.1.1", "10.0.0.5"], &["::ffff:127.0.0.1"]] {
            let refused = strict.addresses(&url, &says(found)).await.expect_err("refused").to_string();
            assert!(refused.starts_with("hooks.example.com leads to "), "{refused}");
            assert!(refused.contains("is not a public address"), "{refused}");
        }
        let none = strict.addresses(&url, &says(&[])).await;
        assert!(matches!(none, Err(Failure::Unknown(_))), "{none:?}");
        let wide = reach(url.as_str(), true).expect("a name");
        assert!(wide.addresses(&url, &says(&["10.0.0.5"])).await.is_ok());
        let in_the_clear = reach("http://localhost/", true).expect("a name");
        let refused = in_the_clear.addresses(&"http://localhost/".parse().expect("a URL"), &says(&["10.0.0.5"])).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("use https")));
    }
}
