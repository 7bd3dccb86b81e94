//! An adapter as one would write it who knows no better: it looks for the key, and where there is nothing it creates and releases. It
//! claims that its target refuses a second effect of one key by itself, which this target does not.

use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::erp::{Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Posting, Receipt, Refusal, Wants};

use super::adapter::{error, misfit, paper, reference, refusal, short_key};
use super::books::{Document, Refused, Stage};
use super::server::{Answer, Request, SETTLES_WITHIN};
use super::transport::Transport;

#[derive(Debug, Clone)]
pub struct Naive(pub Arc<dyn Transport>);

impl Naive {
    async fn look(&self, delivery: &Delivery) -> Result<Option<Outcome>, ErpError> {
        let shown = match self.0.call(Request::Search(vec![short_key(delivery)])).await.map_err(error)? {
            Answer::Shown(shown) => shown.into_iter().flatten().find(|it| it.stage == Stage::Released),
            other => return Err(misfit(&other)),
        };
        let outcome = |it: Document| {
            let receipt = Receipt { reference: reference(it.number) };
            let differs = Refusal::Differs { held: format!("{:?}", it.paper) };
            if it.paper == paper(delivery) { Ok(receipt) } else { Err(differs) }
        };
        Ok(shown.map(outcome))
    }

    async fn create(&self, delivery: &Delivery) -> Result<Outcome, ErpError> {
        let written = match self.0.call(Request::Write(vec![paper(delivery)])).await.map_err(error)? {
            Answer::Written(written) => written.into_iter().next(),
            other => return Err(misfit(&other)),
        };
        let number = match written {
            Some(Ok(number)) => number,
            Some(Err(refused)) => return Ok(Err(refusal(refused))),
            None => return Err(misfit(&Answer::Written(Vec::new()))),
        };
        let released: Result<(), Refused> = match self.0.call(Request::Release(vec![number])).await.map_err(error)? {
            Answer::Released(released) => released.into_iter().next().unwrap_or(Ok(())),
            other => return Err(misfit(&other)),
        };
        Ok(released.map(|()| Receipt { reference: reference(number) }).map_err(refusal))
    }
}

#[async_trait]
impl Erp for Naive {
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
impl Keyed for Naive {
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        let mut found = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            found.push(self.look(delivery).await?);
        }
        Ok(found)
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let outcome = match self.look(delivery).await? {
                Some(outcome) => outcome,
                None => self.create(delivery).await?,
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}
