//! What an ERP shows of a key.

/// How far a document of the ERP has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Without any effect on the books: held, unposted.
    Draft,
    /// In the books.
    Released,
    /// In the books, and releasing it again has more to do beside it, such as applying it to an invoice.
    Unfinished,
    /// Taken back by somebody: voided, cancelled.
    Void,
}

impl Stage {
    /// Whether it is in the books.
    #[must_use]
    pub const fn is_live(self) -> bool {
        match self {
            Stage::Released | Stage::Unfinished => true,
            Stage::Draft | Stage::Void => false,
        }
    }
}

/// One document that an ERP holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How the ERP names it, such as `account.move/17`.
    pub reference: String,
    pub stage: Stage,
    /// What it shows where that is not what was to be delivered.
    pub differs: Option<String>,
}
