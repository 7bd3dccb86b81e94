//! The adapter for the scripted ERP, which posts by election. It takes journal entries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use paystand_sync::erp::{
    Asked, Capabilities, Delivery, Draft, Drafted, Elected, Erp, ErpError, Found, Payload, Posting, Refusal, Step,
    Wants,
};
use sha2::{Digest as _, Sha256};

use super::books::{Document, Paper, PaperLine, Refused, Stage};
use super::server::{Answer, Request, SETTLES_WITHIN, Trouble};
use super::transport::Transport;

/// A name in front of all keys of ours, so that a list shows which drafts are.
const OURS: &str = "psx-";

#[derive(Debug, Clone)]
pub struct Scripted {
    pub transport: Arc<dyn Transport>,
    pub batch_max: usize,
    pub atomic_batch: bool,
    /// Whether it says where a draft was put.
    pub hints: bool,
}

impl Scripted {
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, batch_max: 50, atomic_batch: false, hints: true }
    }

    async fn shown(&self, request: Request) -> Result<Vec<Vec<Document>>, ErpError> {
        match self.transport.call(request).await.map_err(error)? {
            Answer::Shown(documents) => Ok(documents),
            other => Err(misfit(&other)),
        }
    }
}

#[async_trait]
impl Erp for Scripted {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: false, events: false, entries: true, notices: false },
            atomic_batch: self.atomic_batch,
            searches: true,
            batch_max: self.batch_max,
            settles_within: SETTLES_WITHIN,
        }
    }

    fn target(&self) -> String {
        format!("scripted {}", self.transport.place())
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Drafted(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        Ok(())
    }
}

#[async_trait]
impl Drafted for Scripted {
    fn key(&self, delivery: &Delivery) -> String {
        short_key(delivery)
    }

    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Vec<Found>>, ErpError> {
        let keys = asked.iter().map(|it| short_key(it.delivery)).collect();
        let mut shown = self.shown(Request::Search(keys)).await?;
        let named: Vec<(usize, u64)> =
            asked.iter().enumerate().filter_map(|(place, it)| Some((place, number(it.reference?)?))).collect();
        if !named.is_empty() {
            let read = self.shown(Request::Read(named.iter().map(|(_, number)| *number).collect())).await?;
            for ((place, _), read) in named.into_iter().zip(read) {
                // A reading is newer than the search.
                let mut merged: BTreeMap<u64, Document> =
                    std::mem::take(&mut shown[place]).into_iter().map(|it| (it.number, it)).collect();
                merged.extend(read.into_iter().map(|it| (it.number, it)));
                shown[place] = merged.into_values().collect();
            }
        }
        let found = |(asked, shown): (&Asked<'_>, Vec<Document>)| {
            let paper = paper(asked.delivery);
            shown.iter().map(|document| found(document, &paper)).collect()
        };
        Ok(asked.iter().zip(shown).map(found).collect())
    }

    async fn draft(&self, deliveries: &[&Delivery]) -> Result<Vec<Step>, ErpError> {
        let papers = deliveries.iter().map(|delivery| paper(delivery)).collect();
        match self.transport.call(Request::Write(papers)).await.map_err(error)? {
            Answer::Written(written) => {
                let step = |written: Result<u64, Refused>| {
                    let number = written.map_err(refusal)?;
                    Ok(self.hints.then(|| reference(number)))
                };
                Ok(written.into_iter().map(step).collect())
            }
            other => Err(misfit(&other)),
        }
    }

    async fn release(&self, elected: &[Elected<'_>]) -> Result<Vec<Step>, ErpError> {
        let numbers = elected.iter().map(|it| number(it.reference).unwrap_or(0)).collect();
        match self.transport.call(Request::Release(numbers)).await.map_err(error)? {
            Answer::Released(released) => {
                Ok(released.into_iter().map(|step| step.map(|()| None).map_err(refusal)).collect())
            }
            other => Err(misfit(&other)),
        }
    }

    async fn drafts(&self, before: DateTime<Utc>) -> Result<Vec<Draft>, ErpError> {
        let shown = self.shown(Request::Drafts(before)).await?;
        let ours = shown.into_iter().flatten().filter(|it| it.paper.key.starts_with(OURS));
        Ok(ours.map(|it| Draft { reference: reference(it.number), key: it.paper.key }).collect())
    }

    async fn discard(&self, references: &[&str]) -> Result<(), ErpError> {
        let numbers = references.iter().filter_map(|reference| number(reference)).collect();
        self.transport.call(Request::Discard(numbers)).await.map(drop).map_err(error)
    }
}

/// The key as the scripted ERP writes it: it takes no more than forty characters.
pub fn short_key(delivery: &Delivery) -> String {
    let hash = format!("{:x}", Sha256::digest(delivery.erp_key.as_bytes()));
    format!("{OURS}{}", &hash[..36])
}

pub fn reference(number: u64) -> String {
    format!("journal/{number}")
}

pub fn number(reference: &str) -> Option<u64> {
    reference.strip_prefix("journal/")?.parse().ok()
}

/// What is to be written.
pub fn paper(delivery: &Delivery) -> Paper {
    let Payload::Entry(entry) = &delivery.payload else { panic!("only entries are asked for") };
    let line = |line: &paystand_sync::model::journal::Line| PaperLine {
        account: line.role.name().to_owned(),
        amount: line.amount.decimal(),
        customer: line.links.customer_ref.clone(),
        invoice: line.links.invoice_ref.clone(),
    };
    Paper {
        key: short_key(delivery),
        date: entry.date,
        currency: entry.currency.as_str().to_owned(),
        memo: entry.memo.clone(),
        lines: entry.lines.iter().map(line).collect(),
    }
}

fn found(document: &Document, paper: &Paper) -> Found {
    Found {
        reference: reference(document.number),
        stage: match document.stage {
            Stage::Draft => paystand_sync::erp::Stage::Draft,
            Stage::Released => paystand_sync::erp::Stage::Released,
            Stage::Void => paystand_sync::erp::Stage::Void,
        },
        differs: (document.paper != *paper).then(|| serde_json::to_string(&document.paper).expect("plain data")),
    }
}

pub fn refusal(refused: Refused) -> Refusal {
    match refused {
        Refused::Never(reason) => Refusal::Never { reason },
        Refused::NotNow(reason) => Refusal::NotNow { reason },
        Refused::Differs(held) => Refusal::Differs { held },
    }
}

pub fn error(trouble: Trouble) -> ErpError {
    match trouble {
        Trouble::Down => ErpError::Unreachable { reason: "it is down".to_owned() },
        Trouble::Lost => ErpError::AnswerLost { reason: "no answer".to_owned() },
        Trouble::Throttled { seconds } => {
            ErpError::Throttled { reason: "too many calls".to_owned(), retry_after: Some(Duration::from_secs(seconds)) }
        }
        Trouble::Unauthorized => ErpError::Unauthorized { reason: "locked out".to_owned() },
    }
}

pub fn misfit(answer: &Answer) -> ErpError {
    ErpError::Misfit { reason: format!("an answer to another question: {answer:?}") }
}
