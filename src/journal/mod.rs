//! Pure: from events to balanced entries by account role.
//!
//! Each event books only what it alone knows, so that order and lateness never change a sum:
//!
//! - an [`Account`] folds the events about the money of one payment (or one transfer) in the order in which they were told, and an
//!   entry that it made never changes: what is corrected is reversed and booked anew (I8);
//! - what stands in the books is kept by a slot: telling a fact again replaces what stands there, and replaces nothing where it
//!   says the same;
//! - an application waits until its payment has posted, and is taken back with it;
//! - every entry balances in its currency; two currencies are two entries against `fx_difference`.
//!
//! A [`Desk`] holds the accounts, knows which record's money is whose, and is what callers speak to.

mod account;
mod credit;
mod currency;
mod desk;
mod fees;
mod reports;
mod slot;

#[cfg(test)]
mod tests;

pub use account::{Account, Policy, Taken};
pub use desk::{Booking, Desk, Told};
