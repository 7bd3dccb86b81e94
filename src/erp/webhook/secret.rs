//! The signature of Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`, once per secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// What the standard asks for.
const BYTES_MIN: usize = 24;
const BYTES_MAX: usize = 64;

/// A secret that a receiver shares with us.
#[derive(Debug, Clone)]
pub struct Secret(SecretBox<Key>);

#[derive(Clone)]
struct Key(Vec<u8>);

impl secrecy::zeroize::Zeroize for Key {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl secrecy::CloneableSecret for Key {}

impl Secret {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// What is wrong with it and how one is made, without the secret.
    pub fn parse(text: &SecretString) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!("{what}; make one with: echo \"{PREFIX}$(openssl rand -base64 32)\", and give it to the receiver")
        };
        let text = text.expose_secret();
        let encoded = text.strip_prefix(PREFIX).ok_or_else(|| wrong("does not begin with whsec_"))?;
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| wrong("is not base64 after whsec_"))?;
        if !(BYTES_MIN..=BYTES_MAX).contains(&key.len()) {
            return Err(wrong(&format!("has {} bytes and needs {BYTES_MIN} to {BYTES_MAX}", key.len())));
        }
        Ok(Self(SecretBox::new(Box::new(Key(key)))))
    }

    fn signature(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0.expose_secret().0).expect("keys of any length serve");
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// The value of the header: a signature per secret.
pub(super) fn signatures(secrets: &[Secret], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.signature(id, timestamp, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Result<Secret, String> {
        Secret::parse(&SecretString::from(text))
    }

    /// From the specification of Standard Webhooks.
    #[test]
    fn the_example_of_the_standard_is_signed_as_it_says() {
        let secrets = [secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret")];
        let signed = signatures(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn during_a_rotation_there_is_a_signature_per_secret() {
        let old = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let new = secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a secret");
        let signed = signatures(&[new.clone(), old.clone()], "msg_1", 1, b"{}");
        assert_eq!(signed, format!("{} {}", new.signature("msg_1", 1, b"{}"), old.signature("msg_1", 1, b"{}")));
        assert_ne!(new.signature("msg_1", 1, b"{}"), old.signature("msg_1", 1, b"{}"));
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_shown() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***", "whsec_c2hvcnQ="] {
            let error = secret(text).expect_err("no secret");
            assert!(error.contains("openssl rand") && (text.is_empty() || !error.contains(text)), "{error}");
        }
        let shown = format!("{:?}", secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert!(shown.contains("REDACTED"), "{shown}");
    }
}
