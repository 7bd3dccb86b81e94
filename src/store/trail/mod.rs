//! Everything that is known of one thing, from the source's bytes to the ERP's receipt: for a person who asks what became of it.
//!
//! Bodies and payloads are masked here, before they leave (I10). Queries go by indexes, so asking is cheap in a large database.

mod answer;
mod find;
mod read;

pub use answer::{Attempt, Delivery, Entry, Explanation, Line, Raised, Said, Seal, Subject, Told, Version};

use super::{Store, StoreError};

impl Store {
    /// What is known under a name that a person has: an id of Paystand, an invoice number, a key of ours, or a document of the ERP.
    /// One answer for each thing that the name may mean.
    pub async fn explain(&self, name: &str) -> Result<Vec<Explanation>, StoreError> {
        let mut explanations = Vec::new();
        for subject in find::subjects(&self.pool, name).await? {
            explanations.push(read::explanation(&self.pool, subject).await?);
        }
        Ok(explanations)
    }
}
