//! What the server decided to answer, free of HTTP machinery, and the error envelope.

use std::time::Duration;

use bytes::Bytes;

/// One request as the simulated API sees it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    pub method: &'a str,
    /// Without the `/v3` base.
    pub path: &'a str,
    pub query: &'a str,
    /// The token of `Authorization: Bearer …`.
    pub bearer: Option<&'a str>,
    /// `X-CUSTOMER-ID`.
    pub customer_id: Option<&'a str>,
    pub body: &'a [u8],
}

/// How the bytes reach the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    #[default]
    Whole,
    /// After a while.
    Late(Duration),
    /// In pieces that take this long together.
    Slow(Duration),
    /// The connection is reset before the status line.
    ResetBefore,
    /// The connection is reset in the middle of the body.
    ResetInside,
    /// Never.
    Hang,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    pub delivery: Delivery,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: body.into(),
            delivery: Delivery::Whole,
        }
    }

    /// An answer without the envelope: an OAuth style text, or nothing.
    pub(crate) fn bare(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { content_type, ..Self::json(status, body) }
    }
}

/// Why a request is refused, in the words of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: u16,
    /// `details.code`.
    pub code: &'static str,
    /// `details.detailCode`.
    pub detail_code: &'static str,
    /// `details.parameter`, by its stored name.
    pub parameter: Option<&'static str>,
    pub explanation: &'static str,
}

impl Refusal {
    pub(crate) const fn new(status: u16, code: &'static str, explanation: &'static str) -> Self {
        Self { status, code, detail_code: "", parameter: None, explanation }
    }

    /// The published error envelope; `status` is text there.
    pub(crate) fn answer(self, reference: &str) -> Answer {
        let name = match self.status {
            400 => "badRequest",
            401 => "unauthorized",
            402 => "paymentRequired",
            403 => "forbidden",
            404 => "notFound",
            405 => "methodNotAllowed",
            422 => "unprocessableEntity",
            429 => "tooManyRequests",
            503 => "serviceUnavailable",
            _ => "internalServerError",
        };
        let kind = if self.status >= 500 { "serverError" } else { "requestError" };
        let mut details = serde_json::json!({
            "code": self.code,
            "detailCode": self.detail_code,
            "description": "Requirements not met.",
            "value": null,
            "explanation": self.explanation,
        });
        if let Some(parameter) = self.parameter {
            details["parameter"] = parameter.into();
        }
        let body = serde_json::json!({"error": {
            "name": name,
            "status": self.status.to_string(),
            "type": kind,
            "description": "Problem with the request.",
            "details": details,
            "ref": reference,
        }});
        Answer::json(self.status, body.to_string())
    }
}
