//! Reads the books of an ERP again and compares them with what was posted to it: every reference both ways, every payout on the bank
//! account, every account that is posted to. What differs becomes an exception; what agrees again settles it.
//!
//! Only what was posted before the reading began is compared, so deliveries may go on meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Engine;
use super::deliver::{DIFFERS, DUPLICATE_RELEASED, GONE, VOID, concrete};
use super::error::StepError;
use super::reconcile::{Class, Judged, TieOut};
use crate::erp::{Asked, Delivery, Drafted, Erp, ErpError, Keyed, OtherLine, Payload, Posting, ReadBack, Refusal};
use crate::ledger::recipe::{self, Next, Trouble};
use crate::model::ids::{AdapterName, MerchantId, SourceId};
use crate::model::journal::Role;
use crate::reconcile::{AccountTotal, PayoutProof, Sums, Unsettled};
use crate::store::{Claimed, Finding, Settlement};

/// A document that was released is a draft again, or was taken off its invoice.
pub const UNDONE: &str = "document_undone";
/// The ERP holds a document under a key of ours that was never posted from here.
const UNKNOWN: Class = Class { name: "unknown_document", resolution: "it is not in the books any more, or known" };
/// An account of the ERP does not show what was posted to it.
const ACCOUNT_MISMATCH: Class = Class { name: "account_mismatch", resolution: "the ERP and the ledger agree" };
/// The bank account of the ERP does not show a payout as it was paid.
const PAYOUT_NOT_BANKED: Class = Class { name: "payout_not_banked", resolution: "the ERP shows it as it was paid" };

/// What may be wrong about one entry.
const ENTRY_CLASSES: [&str; 5] = [GONE, VOID, DIFFERS, DUPLICATE_RELEASED, UNDONE];
const RESOLUTION: &str = "the ERP shows it as it was posted";
/// Lines of others that are shown.
const OTHERS_MAX: u32 = 100;
/// Entries between two lines in the log.
const PROGRESS: u64 = 5_000;

/// What the books of one ERP show of one merchant.
#[derive(Debug, Serialize)]
pub struct BooksRead {
    pub adapter: AdapterName,
    /// Entries that were compared.
    pub entries: u64,
    /// Documents that were.
    pub documents: u64,
    pub accounts: Vec<AccountTotal>,
    pub unsettled: Vec<Unsettled>,
    /// What others put on the clearing account, such as its opening balance.
    pub others: Vec<Other>,
    /// One sentence for each difference.
    pub differences: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Other {
    pub reference: String,
    pub date: chrono::NaiveDate,
    pub amount: crate::model::money::Amount,
}

impl From<OtherLine> for Other {
    fn from(line: OtherLine) -> Self {
        Self { reference: line.reference, date: line.date, amount: line.amount.into() }
    }
}

/// One reading.
struct Reading<'a> {
    engine: &'a Engine,
    adapter: &'a AdapterName,
    erp: &'a dyn Erp,
    merchant: &'a MerchantId,
    accounts: BTreeMap<Role, String>,
    until: DateTime<Utc>,
    sums: Sums,
    entries: u64,
    documents: u64,
    findings: BTreeMap<&'static str, Vec<Finding>>,
    /// Subjects that agree, of those with an open exception.
    agreed: Vec<(&'static str, String)>,
    open: HashMap<&'static str, BTreeSet<String>>,
}

impl Engine {
    /// Reads the books of every adapter that has some into what was tied out.
    ///
    /// # Errors
    /// [`StepError::Erp`] where an ERP does not answer.
    pub async fn read_books(&self, answers: &mut [TieOut]) -> Result<(), StepError> {
        for answer in answers {
            for (adapter, erp) in &self.adapters {
                if let Some(books) = erp.read_back() {
                    let reading = Reading::new(self, (adapter, &**erp), &answer.merchant).await?;
                    answer.books.push(reading.read(books, &answer.reconciliation.payouts).await?);
                }
            }
        }
        Ok(())
    }
}

impl<'a> Reading<'a> {
    async fn new(
        engine: &'a Engine,
        (adapter, erp): (&'a AdapterName, &'a dyn Erp),
        merchant: &'a MerchantId,
    ) -> Result<Self, StepError> {
        let mut open = HashMap::new();
        for class in ENTRY_CLASSES {
            let subjects = engine.store.open_subjects(merchant, class, &Settlement::subject(adapter, "")).await?;
            open.insert(class, subjects.into_iter().collect());
        }
        let accounts = engine.config.erp.get(adapter).map(super::accounts).unwrap_or_default();
        let (until, sums) = (engine.circumstances.clock.now(), Sums::default());
        let (findings, agreed) = (BTreeMap::new(), Vec::new());
        Ok(Self {
            engine,
            adapter,
            erp,
            merchant,
            accounts,
            until,
            sums,
            entries: 0,
            documents: 0,
            findings,
            agreed,
            open,
        })
    }

    async fn read(mut self, books: &dyn ReadBack, payouts: &[PayoutProof]) -> Result<BooksRead, StepError> {
        self.read_documents(books).await?;
        self.read_entries().await?;
        let underway = self.engine.store.transfers_not_posted(self.adapter, self.merchant).await?;
        let underway: BTreeSet<SourceId> = underway.into_iter().map(|it| SourceId::new(it.source_id)).collect();
        let unsettled = self.sums.unsettled(payouts, |transfer| underway.contains(transfer));
        let accounts = self.sums.accounts();
        for payout in &unsettled {
            let subject = self.subject(&format!("transfers:{}", payout.transfer_id));
            let Unsettled { transfer_id, paid, banked } = payout;
            let detail =
                format!("payout {transfer_id} paid {paid}, and the bank account of {} shows {banked}", self.adapter);
            self.find(PAYOUT_NOT_BANKED.name, subject, detail);
        }
        for total in accounts.iter().filter(|total| !total.agrees()) {
            let AccountTotal { account, ours, theirs } = total;
            let detail = format!("{ours} was posted to {account} of {}, and its documents show {theirs}", self.adapter);
            self.find(ACCOUNT_MISMATCH.name, self.subject(account), detail);
        }
        let others = books.others(Role::Clearing, OTHERS_MAX).await?.into_iter().map(Other::from).collect();
        let differences = self.findings.values().flatten().map(|finding| finding.detail.clone()).collect();
        let Reading { entries, documents, adapter, .. } = self;
        self.judge().await?;
        Ok(BooksRead { adapter: adapter.clone(), entries, documents, accounts, unsettled, others, differences })
    }

    fn subject(&self, about: &str) -> String {
        Settlement::subject(self.adapter, about)
    }

    fn find(&mut self, class: &'static str, subject: String, detail: String) {
        self.findings.entry(class).or_default().push(Finding { class, subject, detail, evidence: None });
    }

    /// From the ERP to the ledger: every document with a key of ours.
    async fn read_documents(&mut self, books: &dyn ReadBack) -> Result<(), StepError> {
        let environment = self.engine.config.environment().ok_or(StepError::NoMerchant)?;
        let prefix = Delivery::world_key(environment.name(), self.merchant, "", 1);
        let mut after: Option<String> = None;
        loop {
            let page = books.documents(&prefix, after.as_deref()).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.reference.clone());
            let named: Vec<(&str, &str)> = page.iter().map(|it| (&*it.key, &*it.reference)).collect();
            let elected = self.engine.store.elected_documents(self.adapter, &named).await?;
            let elected: HashMap<String, Option<DateTime<Utc>>> = elected.into_iter().collect();
            for document in &page {
                self.documents += 1;
                match elected.get(&document.reference) {
                    // What was posted since is for the next time.
                    Some(posted) if posted.is_none_or(|at| at > self.until) => {}
                    Some(_) => document.lines.iter().for_each(|line| self.sums.add_line(&line.account, line.amount)),
                    None => {
                        let (reference, key) = (&document.reference, &document.key);
                        let detail =
                            format!("{} holds {reference} under {key}, which was never posted from here", self.adapter);
                        self.find(UNKNOWN.name, self.subject(reference), detail);
                    }
                }
            }
        }
    }

    /// From the ledger to the ERP: every entry that is posted.
    async fn read_entries(&mut self) -> Result<(), StepError> {
        let limit = i64::try_from(self.erp.capabilities().batch_max).unwrap_or(i64::MAX);
        let mut after = String::new();
        loop {
            let whose = (self.adapter, self.merchant);
            let page = self.engine.store.posted_entries(whose, &after, self.until, limit).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.key);
            self.compare(page).await?;
            if self.entries % PROGRESS < u64::try_from(limit).unwrap_or(u64::MAX) {
                tracing::info!(adapter = %self.adapter, entries = self.entries, "reading the books of the ERP");
            }
        }
    }

    async fn compare(&mut self, page: Vec<Claimed>) -> Result<(), StepError> {
        let environment = self.engine.config.environment().ok_or(StepError::NoMerchant)?;
        let mut deliveries = Vec::with_capacity(page.len());
        for mut entry in page {
            let elected = entry.elected.take();
            match concrete(&mut entry, environment) {
                Ok(delivery) => deliveries.push((delivery, elected)),
                Err(reason) => tracing::error!(key = entry.key, reason, "a posted entry cannot be read"),
            }
        }
        let troubles = match self.erp.posting() {
            Posting::Keyed(erp) => keyed(erp, &deliveries).await?,
            Posting::Drafted(erp) => drafted(erp, &deliveries).await?,
        };
        for ((delivery, _), trouble) in deliveries.iter().zip(troubles) {
            self.entries += 1;
            if let Payload::Entry(entry) = &delivery.payload {
                self.sums.add_entry(entry, &self.accounts, trouble.is_none());
            }
            let subject = self.subject(&delivery.key);
            if let Some((class, what)) = trouble {
                self.find(class, subject, format!("{} at {}: {what}", delivery.key, self.adapter));
            } else {
                let open = self.open.iter().filter(|(_, subjects)| subjects.contains(&subject));
                self.agreed.extend(open.map(|(class, _)| (*class, subject.clone())));
            }
        }
        Ok(())
    }

    /// Raises what was found and settles what agrees.
    async fn judge(mut self) -> Result<(), StepError> {
        let prefix = self.subject("");
        for class in [UNKNOWN, ACCOUNT_MISMATCH, PAYOUT_NOT_BANKED] {
            let findings = self.findings.remove(class.name).unwrap_or_default();
            let judged = Judged { prefix: &prefix, unsure: &[] };
            self.engine.judge(self.merchant, class, findings, judged).await?;
        }
        let held = self.engine.tie_out_lease(self.merchant).await?;
        let now = self.engine.circumstances.clock.now();
        for (class, subject) in &self.agreed {
            self.engine.store.settle_exception(&held, self.merchant, class, subject, RESOLUTION, now).await?;
        }
        for finding in self.findings.values().flatten() {
            self.engine.store.raise(&held, self.merchant, finding, now).await?;
        }
        self.engine.give_back(&held).await;
        Ok(())
    }
}

/// What is wrong about one entry: its class, and what the ERP shows.
type Wrong = Option<(&'static str, String)>;

async fn keyed(erp: &dyn Keyed, deliveries: &[(Delivery, Option<String>)]) -> Result<Vec<Wrong>, ErpError> {
    let asked: Vec<Delivery> = deliveries.iter().map(|(delivery, _)| delivery.clone()).collect();
    let wrong = |found| match found {
        None => Some((GONE, "the document is not there any more".to_owned())),
        Some(Err(Refusal::Differs { held })) => Some((DIFFERS, format!("it holds something else: {held}"))),
        Some(Err(Refusal::Never { .. } | Refusal::NotNow { .. } | Refusal::NotTried | Refusal::Failed(_)) | Ok(_)) => {
            None
        }
    };
    Ok(erp.find(&asked).await?.into_iter().map(wrong).collect())
}

async fn drafted(erp: &dyn Drafted, deliveries: &[(Delivery, Option<String>)]) -> Result<Vec<Wrong>, ErpError> {
    let asked: Vec<Asked<'_>> =
        deliveries.iter().map(|(delivery, elected)| Asked { delivery, reference: elected.as_deref() }).collect();
    let found = erp.find(&asked).await?;
    Ok(asked.iter().zip(found).map(|(asked, found)| wrong(recipe::next(&found, asked.reference))).collect())
}

fn wrong(next: Next) -> Wrong {
    match next {
        Next::Posted(_) => None,
        Next::Stop(Trouble::Gone(reference)) => Some((GONE, format!("the document {reference} is not there any more"))),
        Next::Stop(Trouble::Void(reference)) => Some((VOID, format!("the document {reference} was taken back"))),
        Next::Stop(Trouble::Differs { held, .. }) => Some((DIFFERS, format!("it shows something else: {held}"))),
        Next::Stop(Trouble::SeveralReleased(references)) => {
            let references = references.join(", ");
            Some((DUPLICATE_RELEASED, format!("several documents of its key are in the books: {references}")))
        }
        Next::Release(reference) => {
            Some((UNDONE, format!("the document {reference} is a draft again, or was taken off its invoice")))
        }
        Next::Draft | Next::Elect(_) => Some((GONE, "the document is not there any more".to_owned())),
    }
}
