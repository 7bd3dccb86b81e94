//! The adapter for a scripted ERP that keeps keys unique by itself.

use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::erp::{Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Posting, Receipt, Refusal, Wants};

use super::adapter::{error, misfit, paper, reference, refusal, short_key};
use super::books::Document;
use super::server::{Answer, Request, SETTLES_WITHIN};
use super::transport::Transport;

#[derive(Debug, Clone)]
pub struct Unique(pub Arc<dyn Transport>);

#[async_trait]
impl Erp for Unique {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: false, events: false, entries: true, notices: false },
            atomic_batch: false,
            searches: true,
            batch_max: 50,
            settles_within: SETTLES_WITHIN,
        }
    }

    fn target(&self) -> String {
        format!("scripted {}", self.0.place())
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Keyed(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        Ok(())
    }
}

#[async_trait]
impl Keyed for Unique {
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        let keys = deliveries.iter().map(short_key).collect();
        let shown = match self.0.call(Request::Search(keys)).await.map_err(error)? {
            Answer::Shown(shown) => shown,
            other => return Err(misfit(&other)),
        };
        let outcome = |(delivery, shown): (&Delivery, Vec<Document>)| {
            let document = shown.into_iter().next()?;
            let receipt = Receipt { reference: reference(document.number) };
            let differs = Refusal::Differs { held: format!("{:?}", document.paper) };
            Some(if document.paper == paper(delivery) { Ok(receipt) } else { Err(differs) })
        };
        Ok(deliveries.iter().zip(shown).map(outcome).collect())
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let papers = deliveries.iter().map(paper).collect();
        match self.0.call(Request::Post(papers)).await.map_err(error)? {
            Answer::Written(written) => {
                let outcome = |written: Result<u64, _>| written.map(reference).map(|reference| Receipt { reference });
                Ok(written.into_iter().map(|it| outcome(it).map_err(refusal)).collect())
            }
            other => Err(misfit(&other)),
        }
    }
}
