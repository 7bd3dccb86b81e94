//! The line as an adapter: every call becomes a value and goes over it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::sent::drafted;
use super::{Answer, Sent, Wire};
use crate::erp::{
    Alarm, Asked, Capabilities, Delivery, Draft, Drafted, Elected, Erp, ErpError, Found, Keyed, Outcome, Posting, Step,
};

#[async_trait]
impl Erp for Wire {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn target(&self) -> String {
        self.inner.target()
    }

    fn posting(&self) -> Posting<'_> {
        match self.inner.posting() {
            Posting::Keyed(_) => Posting::Keyed(self),
            Posting::Drafted(_) => Posting::Drafted(self),
        }
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        self.inner.prepare().await
    }

    async fn tend(&self, now: DateTime<Utc>) -> Result<Vec<Alarm>, ErpError> {
        self.inner.tend(now).await
    }

    fn schedule(&self) -> &[std::time::Duration] {
        self.inner.schedule()
    }
}

#[async_trait]
impl Keyed for Wire {
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        match self.carry(Sent::FindKeyed(deliveries.to_vec())).await? {
            Answer::FoundKeyed(found) => Ok(found),
            other => unexpected(&other),
        }
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        match self.carry(Sent::Write(deliveries.to_vec())).await? {
            Answer::Outcomes(outcomes) => Ok(outcomes),
            other => unexpected(&other),
        }
    }
}

#[async_trait]
impl Drafted for Wire {
    fn key(&self, delivery: &Delivery) -> String {
        drafted(&*self.inner).key(delivery)
    }

    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Found>>, ErpError> {
        let asked = asked.iter().map(|it| (it.delivery.clone(), it.reference.map(str::to_owned))).collect();
        match self.carry(Sent::FindDrafted(asked)).await? {
            Answer::FoundDrafted(found) => Ok(found),
            other => unexpected(&other),
        }
    }

    async fn draft(&self, deliveries: &[&Delivery]) -> Result<Vec<Step>, ErpError> {
        match self.carry(Sent::Draft(deliveries.iter().map(|it| (*it).clone()).collect())).await? {
            Answer::Steps(steps) => Ok(steps),
            other => unexpected(&other),
        }
    }

    async fn release(&self, elected: &[Elected<'_>]) -> Result<Vec<Step>, ErpError> {
        let elected = elected.iter().map(|it| (it.delivery.clone(), it.reference.to_owned())).collect();
        match self.carry(Sent::Release(elected)).await? {
            Answer::Steps(steps) => Ok(steps),
            other => unexpected(&other),
        }
    }

    async fn drafts(&self, before: DateTime<Utc>) -> Result<Vec<Draft>, ErpError> {
        match self.carry(Sent::Drafts(before)).await? {
            Answer::Drafts(drafts) => Ok(drafts),
            other => unexpected(&other),
        }
    }

    async fn discard(&self, references: &[&str]) -> Result<(), ErpError> {
        self.carry(Sent::Discard(references.iter().map(|it| (*it).to_owned()).collect())).await.map(drop)
    }
}

fn unexpected<T>(answer: &Answer) -> T {
    panic!("every call has an answer of its own kind: {answer:?}")
}
