//! Pure: the states of a ledger entry and when to try again. No I/O, no clock.

pub mod retry;
pub mod state;
