//! What goes wrong at the source, and what may be done about it.

use std::sync::Arc;
use std::time::Duration;

use crate::paystand::endpoint::Endpoint;
use crate::paystand::refusal::Refusal;

/// Why there is no answer. Whatever asking again could mend has been asked again by then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// The client cannot be built from the configuration of the merchant.
    #[error("the client for Paystand cannot be built: {reason}")]
    Misconfigured { reason: String },

    /// No connection, or it broke before the answer was whole.
    #[error("{endpoint}: no connection to Paystand, or it broke ({attempts} attempts)")]
    Unreachable {
        endpoint: Endpoint,
        attempts: u32,
        #[source]
        source: Arc<reqwest::Error>,
    },

    #[error("{endpoint}: no whole answer within {} s ({attempts} attempts)", within.as_secs())]
    TimedOut { endpoint: Endpoint, attempts: u32, within: Duration },

    /// A 2xx whose body is not one complete JSON answer. Never an empty page.
    #[error("{endpoint}: the answer {garble} ({attempts} attempts)")]
    Garbled { endpoint: Endpoint, attempts: u32, garble: Garble },

    /// A 5xx to every attempt.
    #[error("{endpoint}: Paystand failed with {refusal} ({attempts} attempts)")]
    ServerFault { endpoint: Endpoint, attempts: u32, refusal: Refusal },

    /// A 5xx that came back with the same `ref`: the request itself breaks the server.
    #[error("{endpoint}: Paystand fails on this request each time with {refusal}")]
    AlwaysFails { endpoint: Endpoint, refusal: Refusal },

    /// A 429, or a pause that an earlier 429 asked for and that is too long to sit out here.
    #[error("{endpoint}: Paystand's rate limit is reached; not before {} s", resume_in.as_secs())]
    Throttled { endpoint: Endpoint, resume_in: Duration },

    /// 401 with a token renewed for this request: this route, or this id, is closed to these credentials.
    #[error("{endpoint}: not open to these credentials: {refusal}")]
    Unauthorized { endpoint: Endpoint, refusal: Refusal },

    #[error("{endpoint}: forbidden: {refusal}")]
    Forbidden { endpoint: Endpoint, refusal: Refusal },

    /// 400, 401 or 422 on the token route.
    #[error("Paystand does not accept client_id and client_secret: {refusal}")]
    BadCredentials { refusal: Refusal },

    /// The token route refused in another way; its address is probably not that of the API.
    #[error("Paystand issues no token at this base_url: {refusal}")]
    NoToken { refusal: Refusal },

    /// A token came without the scope `auth`; every request with it would be refused.
    #[error("Paystand issued a token without the scope `auth`; API access is probably not enabled for this merchant")]
    Unscoped,

    #[error("{endpoint}: not found: {refusal}")]
    NotFound { endpoint: Endpoint, refusal: Refusal },

    /// Another 4xx, or an error envelope with status 200.
    #[error("{endpoint}: refused: {refusal}")]
    Refused { endpoint: Endpoint, refusal: Refusal },

    /// Redirects are not followed: they would carry the token elsewhere.
    #[error("{endpoint}: answered with a redirect ({status}); base_url is probably not that of the API")]
    Redirected { endpoint: Endpoint, status: u16 },

    #[error("{endpoint}: the answer exceeds {bytes_max} bytes")]
    TooLarge { endpoint: Endpoint, bytes_max: usize },

    /// The id cannot be put into a path.
    #[error("{route}: `{id}` cannot be asked for")]
    UnusableId { route: &'static str, id: String },
}

/// What is wrong with the body of a 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Garble {
    #[error("is empty")]
    Empty,
    #[error("is an HTML page")]
    Html,
    #[error("ends in the middle of its JSON")]
    Truncated,
    #[error("is not JSON")]
    NotJson,
    /// JSON, but neither an object nor a list.
    #[error("is JSON of an unexpected kind")]
    UnexpectedKind,
    /// A token answer without a token.
    #[error("holds no access_token")]
    NoToken,
}

/// What the caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The source is in trouble; the next poll asks again.
    Retry,
    /// The source asked for a pause of this length.
    Later(Duration),
    /// The object named by the id does not exist (any more).
    Missing,
    /// This route is closed to these credentials; use its fallback and look again some day. Where the route names an id, the
    /// refusal may be about that object alone.
    Unavailable,
    /// This question will not be answered as it stands; a person must see it. Other questions are not affected.
    Park,
    /// Nothing of this merchant can be read until a person changes something.
    Stop,
}

impl SourceError {
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            SourceError::Unreachable { .. }
            | SourceError::TimedOut { .. }
            | SourceError::Garbled { .. }
            | SourceError::ServerFault { .. } => Disposition::Retry,
            SourceError::Throttled { resume_in, .. } => Disposition::Later(*resume_in),
            SourceError::NotFound { endpoint, .. } => match endpoint.id() {
                Some(_) => Disposition::Missing,
                None => Disposition::Unavailable,
            },
            SourceError::Unauthorized { .. } => Disposition::Unavailable,
            SourceError::Forbidden { refusal, .. } => match refusal.code.as_deref() {
                // Without a code nothing says that only this route is meant.
                Some("insufficient_scope") | None => Disposition::Stop,
                Some(_) => Disposition::Unavailable,
            },
            SourceError::AlwaysFails { .. }
            | SourceError::Refused { .. }
            | SourceError::TooLarge { .. }
            | SourceError::UnusableId { .. } => Disposition::Park,
            SourceError::Misconfigured { .. }
            | SourceError::BadCredentials { .. }
            | SourceError::NoToken { .. }
            | SourceError::Unscoped
            | SourceError::Redirected { .. } => Disposition::Stop,
        }
    }

    /// Whether the source could not be reached or did not let us in: exit code 3.
    #[must_use]
    pub fn is_no_access(&self) -> bool {
        match self.disposition() {
            Disposition::Retry | Disposition::Later(_) | Disposition::Unavailable | Disposition::Stop => true,
            Disposition::Missing | Disposition::Park => false,
        }
    }

    /// What an operator does first; one sentence.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            SourceError::Misconfigured { .. } => "correct the merchant's block of the configuration",
            SourceError::Unreachable { .. } | SourceError::TimedOut { .. } => {
                "check base_url, the network and Paystand's status; polling continues"
            }
            SourceError::Garbled { .. } | SourceError::ServerFault { .. } => {
                "check Paystand's status and any proxy in between; polling continues"
            }
            SourceError::Throttled { .. } => {
                "lower requests_per_minute if other programs use the same client_id; polling continues by itself"
            }
            SourceError::Unauthorized { .. } => {
                "check customer_id, and with Paystand whether the token may read this route"
            }
            SourceError::Forbidden { .. } | SourceError::Unscoped => {
                "ask Paystand to enable API access with the scope `auth` for this client_id"
            }
            SourceError::BadCredentials { .. } => {
                "check client_id and client_secret, and that they belong to this environment"
            }
            SourceError::NoToken { .. } | SourceError::Redirected { .. } => "check base_url",
            SourceError::NotFound { .. } => {
                "nothing if the object was removed; otherwise check base_url and customer_id"
            }
            SourceError::AlwaysFails { .. } | SourceError::Refused { .. } | SourceError::UnusableId { .. } => {
                "report it to Paystand with the ref, then retry the exception"
            }
            SourceError::TooLarge { .. } => "raise sync.answer_bytes_max or lower sync.page_rows",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::SourceId;
    use crate::model::resource::Resource;

    fn refusal(code: Option<&str>) -> Refusal {
        Refusal { status: 403, code: code.map(str::to_owned), explanation: None, reference: None }
    }

    #[test]
    fn a_404_is_about_the_object_only_where_the_route_names_one() {
        let not_found = |endpoint| SourceError::NotFound { endpoint, refusal: refusal(None) };
        let id = SourceId::new("pm1");
        assert_eq!(not_found(Endpoint::Detail(Resource::Payments, id)).disposition(), Disposition::Missing);
        assert_eq!(not_found(Endpoint::List(Resource::Payments, None)).disposition(), Disposition::Unavailable);
    }

    #[test]
    fn a_missing_scope_stops_and_another_403_closes_one_route() {
        let forbidden = |code| SourceError::Forbidden { endpoint: Endpoint::Timezone, refusal: refusal(code) };
        assert_eq!(forbidden(Some("insufficient_scope")).disposition(), Disposition::Stop);
        assert_eq!(forbidden(None).disposition(), Disposition::Stop);
        assert_eq!(forbidden(Some("reportDisabled")).disposition(), Disposition::Unavailable);
    }
}
