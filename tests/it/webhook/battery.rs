//! The battery, unchanged. What counts is the receiver's own log.

#![expect(clippy::print_stderr, reason = "a report is worth reading")]

use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::conformance::{Subject, battery};
use paystand_sync::erp::{Delivery, Erp, ErpError};
use secrecy::SecretString;

use super::receiver::{Receiver, serve};
use super::{NEW, settings, webhook};
use crate::harness::Database;

/// Nobody at a receiver edits or deletes what it was told.
#[derive(Debug)]
struct Endpoint {
    url: String,
    receiver: Receiver,
}

#[async_trait]
impl Subject for Endpoint {
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError> {
        Ok(webhook(settings(&self.url, &[NEW])))
    }

    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        let is_it = |envelope: &serde_json::Value| {
            let source = envelope["source"].as_str().unwrap_or_default();
            envelope["id"] == delivery.key.as_str() && source.ends_with(&format!(":{}", delivery.merchant))
        };
        let taken = self.receiver.taken();
        Ok(taken.into_iter().filter(|message| is_it(&message.envelope())).map(|message| message.id).collect())
    }
}

#[tokio::test]
async fn webhook_passes() {
    let served = serve().await;
    let subject = Endpoint { url: served.url.clone(), receiver: served.receiver.clone() };
    let database = Database::fresh().await;
    let report = battery(&SecretString::from(database.url), "mr1", &subject).await.expect("the battery begins");
    eprintln!("{report}");
    assert!(report.has_passed(), "{report}");
}
