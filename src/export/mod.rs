//! Pure: journal entries as text for hledger and beancount, programs that check books and that nobody here wrote.
//!
//! - One transaction per entry, with its key, its event and the links of its lines; amounts to the last digit that was booked.
//! - At the end the balance of every account in every currency is asserted, so that a line that is lost or changed on the way is
//!   found even where its transaction still balances.
//! - Text from outside is escaped or replaced: nothing in a memo or a reference can end the line that it stands on.

mod accounts;
mod beancount;
mod hledger;
mod summary;

pub use accounts::{AccountError, Accounts};
pub use beancount::beancount;
pub use hledger::hledger;

use crate::model::ids::SourceId;
use crate::model::journal::Links;

/// What is written of the links of a line, by name.
fn named(links: &Links) -> Vec<(&'static str, &str)> {
    let all = [
        ("customer_ref", links.customer_ref.as_deref()),
        ("invoice_ref", links.invoice_ref.as_deref()),
        ("receivable_id", links.receivable_id.as_ref().map(SourceId::as_str)),
        ("payment_id", links.payment_id.as_ref().map(SourceId::as_str)),
        ("fee_id", links.fee_id.as_ref().map(SourceId::as_str)),
        ("refund_id", links.refund_id.as_ref().map(SourceId::as_str)),
        ("dispute_id", links.dispute_id.as_ref().map(SourceId::as_str)),
        ("credit_memo_id", links.credit_memo_id.as_ref().map(SourceId::as_str)),
        ("transfer_id", links.transfer_id.as_ref().map(SourceId::as_str)),
        ("account_key", links.account_key.as_deref()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Whether a character ends a line, somewhere.
fn breaks_lines(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}
