//! Pure: the states of a ledger entry, when to try again, and how a document gets into an ERP that takes drafts. No I/O, no clock.

pub mod recipe;
pub mod retry;
pub mod state;
