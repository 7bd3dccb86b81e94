//! What the API says when it refuses: the error envelope in every form it has been seen in. Pure.
//!
//! Documented is `{"error": {"status": "422", "description": …, "details": {"code": …, "explanation": …}, "ref": …}}`, any
//! member of which may be absent; `{"error": "insufficient_scope"}`, an empty body and an HTML page occur as well
//! (Paystand X docs, "Errors"). `details.value` may echo payment data and is never kept.

use std::fmt;

use serde_json::Value;

/// Text of the envelope is shown up to this many characters.
const TEXT_CHARS_MAX: usize = 300;

/// One refusal, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; the envelope's own is ignored.
    pub status: u16,
    /// `details.code`, else `name`, else the bare string: `validationError`, `insufficient_scope` …
    pub code: Option<String>,
    /// `details.explanation`, else the description.
    pub explanation: Option<String>,
    /// The occurrence, for Paystand's support.
    pub reference: Option<String>,
}

impl Refusal {
    /// Reads whatever came with `status`. What cannot be read is left out, not guessed.
    pub(super) fn read(status: u16, body: &[u8]) -> Self {
        let error = match serde_json::from_slice(body) {
            Ok(Value::Object(mut envelope)) => match envelope.remove("error") {
                Some(Value::String(code)) => {
                    let explanation = text(envelope.get("error_description"));
                    return Self { status, code: shown(&code), explanation, reference: text(envelope.get("ref")) };
                }
                Some(error) => error,
                // Some gateways send the members without the `error` around them.
                None => Value::Object(envelope),
            },
            Ok(_) | Err(_) => Value::Null,
        };
        let details = &error["details"];
        Self {
            status,
            code: text(details.get("code")).or_else(|| text(error.get("name"))),
            explanation: text(details.get("explanation"))
                .or_else(|| text(details.get("description")))
                .or_else(|| text(error.get("description")))
                .or_else(|| text(error.get("message"))),
            reference: text(error.get("ref")),
        }
    }

    /// Removes `secret` from every text, should the server have echoed it (I10).
    pub(super) fn without(mut self, secret: &str) -> Self {
        if !secret.is_empty() {
            for text in [&mut self.code, &mut self.explanation, &mut self.reference].into_iter().flatten() {
                *text = text.replace(secret, "…");
            }
        }
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(explanation) = &self.explanation {
            write!(f, ": {explanation}")?;
        }
        if let Some(reference) = &self.reference {
            write!(f, " (ref {reference})")?;
        }
        Ok(())
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).and_then(shown)
}

/// One bounded line of it; `None` if nothing is left.
fn shown(text: &str) -> Option<String> {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(TEXT_CHARS_MAX).collect();
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_envelope_is_read_by_its_most_telling_members() {
        let body = br#"{"error": {"name": "unprocessableEntity", "status": "422", "type": "requestError",
            "description": "Problem with the request.", "details": {"code": "validationError", "detailCode": "",
            "description": "Requirements not met.", "parameter": "amount", "value": "4242424242424242",
            "explanation": "amount is required"}, "ref": "0f3c9a7714de4b0c8a51d2be90aa6c1e"}}"#;
        let refusal = Refusal::read(422, body);
        assert_eq!(
            refusal.to_string(),
            "422 validationError: amount is required (ref 0f3c9a7714de4b0c8a51d2be90aa6c1e)"
        );
        assert!(!format!("{refusal:?}").contains("4242"));
    }

    #[test]
    fn the_description_stands_in_for_a_missing_explanation() {
        let refusal =
            Refusal::read(500, br#"{"error":{"name":"serverError","description":"Try\nlater","details":null}}"#);
        assert_eq!(refusal.to_string(), "500 serverError: Try later");
    }

    #[test]
    fn a_bare_string_is_the_code() {
        let refusal = Refusal::read(403, br#"{"error":"insufficient_scope"}"#);
        assert_eq!(refusal.code.as_deref(), Some("insufficient_scope"));
    }

    #[test]
    fn unreadable_bodies_leave_only_the_status() {
        for body in
            ["", "<html><body>Bad gateway cs_secret</body></html>", "null", "[]", "\"text\"", "{\"error\":{\"de"]
        {
            let expected = Refusal { status: 502, code: None, explanation: None, reference: None };
            assert_eq!(Refusal::read(502, body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn long_text_is_cut_and_an_echoed_secret_is_removed() {
        let body = format!(r#"{{"error":{{"description":"bad cs_secret {}"}}}}"#, "x".repeat(9_000));
        let refusal = Refusal::read(400, body.as_bytes()).without("cs_secret");
        let explanation = refusal.explanation.unwrap();
        assert!(explanation.starts_with("bad … xxx") && explanation.len() < 400);
    }
}
