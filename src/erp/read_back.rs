//! What stands in the books of a target, read again: who keeps the books is asked what is in them, long after it said that it took it.

use async_trait::async_trait;
use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Erp, ErpError};
use crate::model::journal::Role;

/// A document with one of our keys that is in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedDocument {
    /// As the target writes it.
    pub key: String,
    /// As receipts name it.
    pub reference: String,
    pub lines: Vec<BookedLine>,
}

/// One line of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedLine {
    /// The account's code.
    pub account: String,
    /// Debit where positive, credit where negative, in the currency of the books.
    pub amount: Decimal,
}

/// What somebody else put on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherLine {
    /// The document, as receipts name ours.
    pub reference: String,
    pub date: NaiveDate,
    pub amount: Decimal,
}

/// A target whose books can be read.
#[async_trait]
pub trait ReadBack: Erp {
    /// The next documents in the books whose key begins with `prefix`, behind the one that `after` names, in an order that does not
    /// change; none where there are no more.
    async fn documents(&self, prefix: &str, after: Option<&str>) -> Result<Vec<BookedDocument>, ErpError>;

    /// What stands on the account of a role and is not ours, oldest first, `limit` lines at most.
    async fn others(&self, role: Role, limit: u32) -> Result<Vec<OtherLine>, ErpError>;
}
