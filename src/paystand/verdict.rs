//! What an answer means: an answer at last, a fault worth another attempt, or a refusal. Pure.
//!
//! A 2xx counts only if its body is one complete JSON value: a truncated page, an HTML page or no body at all are faults of
//! the source and never an empty page. Text inside the JSON is not looked at: a row that cannot be decoded is for whoever
//! reads the rows.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::paystand::endpoint::Endpoint;
use crate::paystand::error::{Garble, SourceError};
use crate::paystand::refusal::Refusal;
use crate::paystand::retry::Fault;

/// A response read to its end.
#[derive(Debug, Clone)]
pub struct Received {
    pub status: u16,
    pub is_html: bool,
    pub server_date: Option<DateTime<Utc>>,
    pub retry_after: Option<Duration>,
    pub body: Bytes,
}

#[derive(Debug)]
pub enum Verdict {
    Whole,
    Again(Fault),
    Final(SourceError),
}

/// Judges what came from `endpoint`. `secret` is what was sent with the question and must not come back in an error.
pub fn judge(endpoint: &Endpoint, received: &Received, secret: &str) -> Verdict {
    let endpoint = endpoint.clone();
    let refusal = || Refusal::read(received.status, &received.body).without(secret);
    match received.status {
        200..=299 => judge_success(endpoint, received, refusal),
        300..=399 => Verdict::Final(SourceError::Redirected { endpoint, status: received.status }),
        429 => Verdict::Again(Fault::Throttled),
        408 | 425 | 500..=599 => {
            Verdict::Again(Fault::Failed { refusal: refusal(), retry_after: received.retry_after })
        }
        status => Verdict::Final(refused(endpoint, status, refusal())),
    }
}

fn refused(endpoint: Endpoint, status: u16, refusal: Refusal) -> SourceError {
    match (&endpoint, status) {
        (Endpoint::Token, 400 | 401 | 422) => SourceError::BadCredentials { refusal },
        (_, 403) => SourceError::Forbidden { endpoint, refusal },
        (Endpoint::Token, _) => SourceError::NoToken { refusal },
        (_, 401) => SourceError::Unauthorized { endpoint, refusal },
        (_, 404) => SourceError::NotFound { endpoint, refusal },
        _ => SourceError::Refused { endpoint, refusal },
    }
}

fn judge_success(endpoint: Endpoint, received: &Received, refusal: impl FnOnce() -> Refusal) -> Verdict {
    let garbled = |garble| Verdict::Again(Fault::Garbled(garble));
    let is_bare_value_welcome = match endpoint {
        // The body is undocumented and may be a bare string.
        Endpoint::Timezone => true,
        Endpoint::Token | Endpoint::List(..) | Endpoint::Detail(..) | Endpoint::TransferReport(_) => false,
    };
    match inspect(&received.body) {
        Ok(Content::Object { is_error: false } | Content::Array) => Verdict::Whole,
        Ok(Content::Object { is_error: true }) => Verdict::Final(match endpoint {
            Endpoint::Token => SourceError::NoToken { refusal: refusal() },
            Endpoint::List(..) | Endpoint::Detail(..) | Endpoint::TransferReport(_) | Endpoint::Timezone => {
                SourceError::Refused { endpoint, refusal: refusal() }
            }
        }),
        Ok(Content::Bare) if is_bare_value_welcome => Verdict::Whole,
        Ok(Content::Bare) => garbled(Garble::UnexpectedKind),
        Err(Garble::NotJson | Garble::Truncated) if received.is_html => garbled(Garble::Html),
        Err(garble) => garbled(garble),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// An error envelope has a member `error` and none of what an answer has.
    Object {
        is_error: bool,
    },
    Array,
    Bare,
}

/// Reads the whole text once, keeping nothing.
fn inspect(body: &[u8]) -> Result<Content, Garble> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace()).ok_or(Garble::Empty)?;
    let parsed = match first {
        b'{' => serde_json::from_slice(body).map(|Members { is_error }| Content::Object { is_error }),
        b'[' => serde_json::from_slice(body).map(|IgnoredAny| Content::Array),
        _ => serde_json::from_slice(body).map(|IgnoredAny| Content::Bare),
    };
    parsed.map_err(|error| match first {
        b'<' => Garble::Html,
        _ if error.is_eof() => Garble::Truncated,
        _ => Garble::NotJson,
    })
}

/// The members of the outermost object, as far as they tell an envelope of errors from an answer.
struct Members {
    is_error: bool,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let (mut has_error, mut has_answer) = (false, false);
        while let Some(key) = map.next_key_seed(Key)? {
            match key {
                Member::Error => has_error |= map.next_value::<Option<IgnoredAny>>()?.is_some(),
                Member::Answer => has_answer |= map.next_value::<Option<IgnoredAny>>()?.is_some(),
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Members { is_error: has_error && !has_answer })
    }
}

enum Member {
    Error,
    Answer,
    Other,
}

/// Keys are compared as bytes, so that one that is not UTF-8 spoils nothing.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Member;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E>(self, key: &[u8]) -> Result<Member, E> {
        Ok(match key {
            b"error" => Member::Error,
            b"results" | b"id" | b"access_token" => Member::Answer,
            _ => Member::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_complete_json_value_is_an_answer() {
        for (body, expected) in [
            (&br#"{"results": [], "count": 0}"#[..], Ok(Content::Object { is_error: false })),
            (b" [1, 2] \n", Ok(Content::Array)),
            (br#""America/Los_Angeles""#, Ok(Content::Bare)),
            (b"null", Ok(Content::Bare)),
            (b"", Err(Garble::Empty)),
            (b" \r\n", Err(Garble::Empty)),
            (b"<!doctype html><title>Sorry</title>", Err(Garble::Html)),
            (br#"{"results": [{"id": "a"}"#, Err(Garble::Truncated)),
            (br#"{"results": [{"id": "a"#, Err(Garble::Truncated)),
            (br#"{"results": []} {"results": []}"#, Err(Garble::NotJson)),
            (b"Bad Gateway", Err(Garble::NotJson)),
        ] {
            assert_eq!(inspect(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn odd_text_inside_whole_json_passes() {
        for body in [
            &b"{\"results\": [{\"memo\": \"\xff\xfe\"}]}"[..],
            b"{\"\xff\": 1, \"id\": \"a\"}",
            br#"{"results": [{"memo": "\u0000"}], "n": 1.2345678901234567890123e400}"#,
            br#"{"id": 1, "id": 2}"#,
        ] {
            assert_eq!(inspect(body), Ok(Content::Object { is_error: false }), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_error_envelope_is_no_answer_and_an_answer_with_an_error_member_is() {
        let is_error = |body: &str| inspect(body.as_bytes()) == Ok(Content::Object { is_error: true });
        assert!(is_error(r#"{"error": {"description": "no"}}"#));
        assert!(is_error(r#"{"error": "insufficient_scope", "results": null}"#));
        assert!(!is_error(r#"{"error": null, "other": 1}"#));
        assert!(!is_error(r#"{"id": "pm1", "error": "declined"}"#));
        assert!(!is_error(r#"{"results": [], "error": {}}"#));
    }
}
