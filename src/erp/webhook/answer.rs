//! What an answer of the endpoint means.
//!
//! 2xx: taken. 410: gone for good. 429 and 503: patience. 409 with another envelope under this id: a person must look. Any other 5xx
//! leaves in doubt whether it was taken; everything else was not taken, and may be later.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use serde_json::Value;

use super::message::Message;
use crate::erp::ErpError;

/// Letters of an answer that are shown to people.
const SHOWN_MAX: usize = 200;

/// An answer, cut to its bound.
#[derive(Debug)]
pub(super) struct Received {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    /// It holds something else under this id, which it shows.
    Differs(String),
    Failed(ErpError),
}

pub(super) fn judge(received: &Received, message: &Message, now: DateTime<Utc>) -> Fate {
    let status = received.status;
    if status.is_success() {
        return Fate::Taken;
    }
    if let Some(held) = held(received) {
        return if message.is(&held) { Fate::Taken } else { Fate::Differs(held.to_string()) };
    }
    let reason = reason(received);
    Fate::Failed(match status {
        StatusCode::GONE => ErpError::Gone { reason },
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            ErpError::Throttled { reason, retry_after: retry_after(&received.headers, now) }
        }
        _ if status.is_server_error() => ErpError::AnswerLost { reason },
        _ => ErpError::Declined { reason },
    })
}

/// The envelope that a receiver says it holds under the id.
fn held(received: &Received) -> Option<Value> {
    if received.status != StatusCode::CONFLICT {
        return None;
    }
    let held: Value = serde_json::from_slice(&received.body).ok()?;
    (held.get("specversion").is_some() && held.get("id").is_some()).then_some(held)
}

fn reason(Received { status, headers, body }: &Received) -> String {
    let code = status.as_u16();
    if status.is_redirection() {
        let location = headers.get(LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()).into_owned());
        let location = location.map(|place| shown(&place)).unwrap_or_default();
        return format!(
            "the answer was {code}, a redirect to `{location}`, which is not followed; set url to the place itself"
        );
    }
    let text = shown(&String::from_utf8_lossy(body));
    if text.is_empty() { format!("the answer was {code}") } else { format!("the answer was {code}: {text}") }
}

fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(SHOWN_MAX).collect()
}

fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use serde_json::json;

    fn fate(status: u16, headers: &[(reqwest::header::HeaderName, &'static str)], body: &str) -> Fate {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let status = StatusCode::from_u16(status).expect("a status");
        let message = Message { id: "msg_1".to_owned(), body: ours().to_string() };
        let now = DateTime::parse_from_rfc2822("Wed, 21 Oct 2026 07:28:00 GMT").expect("a date").to_utc();
        judge(&Received { status, headers, body: body.as_bytes().to_vec() }, &message, now)
    }

    fn ours() -> Value {
        json!({"specversion": "1.0", "id": "payment:p:posted", "sequence": "2", "data": {"amount": "1.00"}})
    }

    fn failed(status: u16) -> ErpError {
        match fate(status, &[], "why") {
            Fate::Failed(error) => error,
            other => panic!("{status} is {other:?}"),
        }
    }

    #[test]
    fn every_status_has_its_meaning() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(fate(status, &[], "<html>"), Fate::Taken, "{status}");
        }
        for status in [300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 413, 422] {
            assert!(matches!(failed(status), ErpError::Declined { .. }), "{status}");
        }
        for status in [500, 501, 502, 504, 599] {
            assert!(matches!(failed(status), ErpError::AnswerLost { .. }), "{status}");
        }
        assert!(matches!(failed(410), ErpError::Gone { .. }));
        for status in [429, 503] {
            assert!(matches!(failed(status), ErpError::Throttled { retry_after: None, .. }), "{status}");
        }
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_date() {
        for (text, seconds) in
            [("120", 120), ("Wed, 21 Oct 2026 07:30:00 GMT", 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)]
        {
            let Fate::Failed(ErpError::Throttled { retry_after, .. }) = fate(429, &[(RETRY_AFTER, text)], "") else {
                panic!("429 asks for patience")
            };
            assert_eq!(retry_after, Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn a_redirect_is_named() {
        let Fate::Failed(error) = fate(302, &[(LOCATION, "https://elsewhere.test/hook")], "") else {
            panic!("it is not taken")
        };
        assert!(error.to_string().contains("redirect to `https://elsewhere.test/hook`"), "{error}");
    }

    #[test]
    fn a_conflict_counts_only_where_it_shows_an_envelope() {
        let mut held = ours();
        held["sequence"] = json!("1");
        assert_eq!(fate(409, &[], &held.to_string()), Fate::Taken);
        held["data"] = json!({"amount": "2.00"});
        assert_eq!(fate(409, &[], &held.to_string()), Fate::Differs(held.to_string()));
        assert!(matches!(fate(409, &[], r#"{"error": "busy"}"#), Fate::Failed(ErpError::Declined { .. })));
    }

    #[test]
    fn what_is_shown_of_an_answer_is_short_and_one_line() {
        let reason = failed(400).to_string();
        assert!(reason.ends_with("the answer was 400: why"), "{reason}");
        assert_eq!(shown(" a\n\u{1b}b\tc "), "a b c");
        assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN_MAX);
    }
}
