//! A scripted ERP: a small general ledger with drafts, releases, hand edits and closed periods behind a line on which calls are lost,
//! halved, late or answered twice. What goes wrong is drawn from a seed.
//!
//! `books` is the ledger, which is also what an auditor reads; `server` takes calls; `script` draws what becomes of them; `transport`
//! carries them in this process or over HTTP; `adapter` posts by election, `unique` by a key that
//! the ERP keeps unique, `naive` as one would who knows no better.

pub mod adapter;
pub mod auditor;
pub mod books;
pub mod http;
pub mod naive;
pub mod office;
pub mod script;
pub mod server;
pub mod subject;
pub mod transport;
pub mod unique;

pub use adapter::Scripted;
pub use naive::Naive;
pub use script::Script;
pub use server::Server;
pub use subject::Bench;
pub use transport::{InProcess, Transport};
pub use unique::Unique;
