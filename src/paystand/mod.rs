//! Edge: the Paystand X API over HTTP. Reads only; the one POST is the token's.
//!
//! [`Client`] answers one question of one merchant at a time: it obtains and renews the token, waits for a slot of the
//! rate [`Budget`], sends, checks that the answer is whole, and asks again where that can help. What comes back is the
//! raw body: the wire shapes are read elsewhere.
//!
//! | file | what it decides |
//! |---|---|
//! | `endpoint` | which route and query a question means (pure) |
//! | `client` | the questions; the renewal after a 401 |
//! | `auth` | one token at a time for everybody |
//! | `exchange` | one question: slots, attempts, waits |
//! | `limits` | what one question may cost |
//! | `transport` | one request: sockets, deadline, size |
//! | `verdict` | what an answer means (pure) |
//! | `refusal` | the error envelope in its forms (pure) |
//! | `retry` | whether and when to ask again (pure) |
//! | `pace` | when the next request may go (pure) |
//! | `budget` | who goes next |
//! | `two_clocks` | ours and the server's time |
//! | `rate_headers` | what a server says about its limit (pure) |
//! | `error` | what went wrong, and what may be done about it |
//!
//! Imports `model`, `config` and `clock`; none of the other edges. Keeps I10: secrets and tokens are
//! [`secrecy::SecretString`]s that appear in one header and one request body, and never in an address, an error or a log line. Keeps
//! its side of I4 by knowing nothing of the database.

mod auth;
mod budget;
mod client;
mod endpoint;
mod error;
mod exchange;
mod limits;
mod pace;
mod rate_headers;
mod refusal;
mod retry;
mod transport;
mod two_clocks;
mod verdict;

#[cfg(test)]
mod tests;

pub use budget::{Budget, BudgetKey, Budgets, Paused, Priority, Slot, Usage};
pub use client::{Answer, Client};
pub use endpoint::{Endpoint, has_detail};
pub use error::{Disposition, Garble, SourceError};
pub use limits::Limits;
pub use rate_headers::RateHeaders;
pub use refusal::Refusal;
