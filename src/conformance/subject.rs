//! What the author of an adapter tells the battery about it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::erp::{Delivery, Erp, ErpError};

/// Whether something could be done at the target by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    Done,
    /// There is no such thing at this target, or no way to do it from here: the case does not apply.
    OutOfReach,
}

/// An adapter under test: how it is made, and how one looks into its target without it.
///
/// What these methods tell of the target is the truth by which the adapter is judged. So they go to the target's own tables or screens,
/// never through the adapter's `find`.
#[async_trait]
pub trait Subject: std::fmt::Debug + Send + Sync {
    /// An adapter with connections of its own, on the same target each time, as another process would have it.
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError>;

    /// Everything in the books of the target that stands for this delivery, under the key of this generation, named as receipts
    /// name it. One document twice in the books is named twice.
    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError>;

    /// Everything that stands for this delivery and is not in the books: held, unposted.
    async fn drafts(&self, _delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(Vec::new())
    }

    /// Waits for as long as its adapter says that requests may take to have their effect and searches to show it
    /// ([`settles_within`](crate::erp::Capabilities::settles_within)): in the target's time, for the battery's own clock runs ahead.
    async fn settle(&self) -> Result<(), ErpError> {
        Ok(())
    }

    /// Makes the customers and invoices that these deliveries name.
    async fn make_ready(&self, _deliveries: &[Delivery]) -> Result<(), ErpError> {
        Ok(())
    }

    /// Has the target refuse documents of this delivery's date, for now.
    async fn close_period(&self, _delivery: &Delivery) -> Result<Hand, ErpError> {
        Ok(Hand::OutOfReach)
    }

    /// Takes that back.
    async fn open_period(&self, _delivery: &Delivery) -> Result<(), ErpError> {
        Ok(())
    }

    /// Changes the amount of a document, draft or in the books, as a person at the target might.
    async fn edit(&self, _delivery: &Delivery, _reference: &str) -> Result<Hand, ErpError> {
        Ok(Hand::OutOfReach)
    }

    /// Deletes a document, draft or in the books, as a person at the target might.
    async fn delete(&self, _delivery: &Delivery, _reference: &str) -> Result<Hand, ErpError> {
        Ok(Hand::OutOfReach)
    }
}
