//! What the pages ask of the engine. Edges import no engine, so it comes as a trait.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use super::view::{Exception, Health, Overview, Trail};

/// What a person does on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Has the entry that an exception is about tried again.
    Retry(i64),
    /// Settles an exception by hand.
    Resolve(i64),
    /// Stops delivery to an adapter.
    Pause(String),
    /// Lets it go on.
    Resume(String),
}

/// Who answers the pages.
#[async_trait]
pub trait Desk: Debug + Send + Sync {
    /// The last look at everything; `None` before the first. Costs nothing.
    fn overview(&self) -> Option<Arc<Overview>>;

    /// Asks the database, within a bounded time.
    async fn health(&self) -> Health;

    /// An open exception by its number.
    ///
    /// # Errors
    /// A sentence for the person who asked.
    async fn exception(&self, id: i64) -> Result<Option<Exception>, String>;

    /// What a word means: an id, the number of an invoice, or what an ERP calls a document.
    ///
    /// # Errors
    /// A sentence for the person who asked.
    async fn search(&self, word: &str) -> Result<Vec<Trail>, String>;

    /// Does something in the name of a person; returns what it came to.
    ///
    /// # Errors
    /// A sentence for that person.
    async fn act(&self, act: &Act, actor: &str, reason: &str) -> Result<String, String>;
}
