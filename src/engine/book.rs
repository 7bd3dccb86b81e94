//! Bookkeeping of one merchant: versions that took effect become events and journal entries, in order, each once.
//!
//! One bookkeeper per merchant works at a time, under a lease. What it tells and books, what becomes of it at each adapter,
//! and that the versions are booked is one transaction, so a crash books nothing twice and forgets nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use tokio::sync::Mutex;

use super::deliver::read_again;
use super::error::StepError;
use super::work::Worker;
use crate::clock::Clock;
use crate::config::MerchantConfig;
use crate::erp::Wants;
use crate::events::Trouble;
use crate::journal::{Booking, Desk, Policy, Told};
use crate::ledger::state::State;
use crate::model::document::{Document, Facts, OwnFee};
use crate::model::event::Event;
use crate::model::ids::{AdapterName, SourceId};
use crate::model::journal::Entry;
use crate::model::money::Currency;
use crate::model::resource::Resource;
use crate::store::lease::Held;
use crate::store::{Books, Finding, Outgoing, Store, StoreError, Waiting};

/// Versions of one booking.
const BATCH_MAX: i64 = 200;

/// Classes that a later version without the trouble settles. The others tell of something that happened, and wait for a person.
const SETTLED_BY_A_VERSION: [&str; 7] = [
    "unknown_status",
    "missing_amount",
    "amount_mismatch",
    "missing_settlement",
    "currency_mismatch",
    "won_without_amount",
    "unknown_owner",
];

/// What an adapter wants of the books.
#[derive(Debug, Clone)]
pub struct Reader {
    pub adapter: AdapterName,
    pub wants: Wants,
    /// What happened before this day, in the merchant's zone, is not posted.
    pub post_from: Option<NaiveDate>,
}

/// The books of one merchant at work.
#[derive(Debug)]
pub struct Bookkeeper {
    pub merchant: Arc<MerchantConfig>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub readers: Arc<[Reader]>,
    pub held: Mutex<Held>,
}

/// The document of a waiting version.
struct Page {
    document: Document,
    recorded_at: DateTime<Utc>,
}

impl Worker for Bookkeeper {
    async fn work(&self) -> Result<usize, StepError> {
        self.book().await
    }

    fn into_held(self) -> Held {
        self.held.into_inner()
    }
}

/// Everything that one batch came to.
#[derive(Default)]
struct Ledger {
    told: Vec<Told>,
    moved: Vec<Told>,
    homes: Vec<(SourceId, SourceId)>,
    entries: Vec<(SourceId, Entry)>,
    findings: Vec<Finding>,
}

impl Bookkeeper {
    /// Books one batch; returns how many versions it took.
    pub async fn book(&self) -> Result<usize, StepError> {
        let held = self.lease().await?;
        let merchant = &self.merchant.customer_id;
        let mut waiting = self.store.waiting(merchant, BATCH_MAX).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        let ledger = self.ledger(&mut waiting).await?;
        let outgoing = self.outgoing(&ledger).await?;
        let subjects: Vec<String> =
            waiting.iter().map(|version| format!("{}:{}", version.resource, version.source_id)).collect();
        let books = Books {
            merchant,
            booked: &waiting,
            told: &ledger.told,
            moved: &ledger.moved,
            homes: &ledger.homes,
            entries: &ledger.entries,
            findings: &ledger.findings,
            settles: (&SETTLED_BY_A_VERSION, &subjects),
            ledger: &outgoing,
            now: self.clock.now(),
        };
        self.store.book(&held, &books).await?;
        for told in &ledger.told {
            tracing::debug!(%merchant, event_key = %told.event.key, kind = told.event.kind.name(), "told");
        }
        Ok(waiting.len())
    }

    /// What these versions come to.
    async fn ledger(&self, waiting: &mut [Waiting]) -> Result<Ledger, StoreError> {
        let mut ledger = Ledger::default();
        let pages = documents(waiting, &mut ledger);
        let mut desk = self.remind(&pages).await?;
        for Page { document, recorded_at } in &pages {
            ledger.keep(desk.take(document, *recorded_at), &desk);
        }
        self.explain(&mut desk, &mut ledger).await?;
        Ok(ledger)
    }

    async fn lease(&self) -> Result<Held, StoreError> {
        let mut held = self.held.lock().await;
        self.store.renew(&mut held, self.clock.now()).await?;
        Ok(held.clone())
    }

    /// A desk that knows what was told of the records and accounts that these documents touch.
    async fn remind(&self, pages: &[Page]) -> Result<Desk, StoreError> {
        let merchant = &self.merchant.customer_id;
        let policy = Policy {
            zone: self.merchant.timezone,
            reopen_invoice: self.merchant.refunds_reopen_invoice,
            losses: self.merchant.dispute_losses,
        };
        let mut desk = Desk::new(policy);
        let named: HashSet<SourceId> = pages.iter().flat_map(|page| names(&page.document)).collect();
        let homes = self.store.homes(merchant, &named).await?;
        let mut roots = named;
        for (id, root) in homes {
            roots.insert(root.clone());
            desk.recall_home(id, root);
        }
        let is_transfer = |page: &&Page| page.document.resource() == Resource::Transfers;
        let changed = pages.iter().filter(is_transfer).map(|page| page.document.id.clone()).collect();
        let transfers: HashSet<SourceId> = pages.iter().filter_map(|page| transfer_of(&page.document)).collect();
        for (transfer, currency) in self.store.transfer_currencies(merchant, &transfers).await? {
            if let Some(currency) = Currency::parse(&currency) {
                desk.recall_currency(transfer, currency);
            }
        }
        let (roots, reported) = self.store.report_neighbours(merchant, &changed, &roots).await?;
        let pages = pages.iter().map(|page| (page.document.resource(), page.document.id.clone()));
        let reported = transfers.into_iter().chain(reported).map(|transfer| (Resource::Transfers, transfer));
        let records: Vec<(Resource, SourceId)> = pages.chain(reported).collect();
        for told in self.store.events_of(merchant, &records, &roots).await? {
            desk.recall(told);
        }
        Ok(desk)
    }

    /// Tells what several records say together: which credit memos paid what payments lack.
    async fn explain(&self, desk: &mut Desk, ledger: &mut Ledger) -> Result<(), StoreError> {
        let customers = desk.customers_to_explain();
        if customers.is_empty() {
            return Ok(());
        }
        let merchant = &self.merchant.customer_id;
        let (memos, short) = self.store.to_explain(merchant, &customers).await?;
        let memos: Vec<_> = memos.into_iter().map(|memo| (Resource::CreditMemos, memo)).collect();
        for told in self.store.events_of(merchant, &memos, &short).await? {
            desk.recall(told);
        }
        let booking = desk.explain_credits();
        ledger.keep(booking, desk);
        Ok(())
    }

    /// What each adapter gets of the new events and entries.
    async fn outgoing(&self, ledger: &Ledger) -> Result<Vec<Outgoing>, StoreError> {
        let mut outgoing = Vec::new();
        let booked = self.events_booked(ledger).await?;
        for reader in self.readers.iter() {
            let state = |occurred_at: DateTime<Utc>| {
                let day = occurred_at.with_timezone(&self.merchant.timezone).date_naive();
                if reader.post_from.is_some_and(|from| day < from) { State::Baseline } else { State::Pending }
            };
            let out = |(what, key, text): (_, &str, String), root: Option<&SourceId>, event: &Event| {
                let state = state(event.occurred_at);
                Outgoing {
                    adapter: reader.adapter.clone(),
                    what,
                    key: key.to_owned(),
                    resource: event.resource,
                    id: event.id.clone(),
                    root: root.cloned(),
                    state,
                    baseline: None,
                    nets: None,
                    text: (state == State::Pending).then_some(text),
                }
            };
            if reader.wants.events {
                let told = ledger.told.iter();
                outgoing.extend(told.map(|Told { event, root }| {
                    let itself = ("event", event.key.as_str(), text(event));
                    out(itself, root.as_ref(), event)
                }));
            }
            if reader.wants.entries {
                let entries = ledger.entries.iter().zip(&booked);
                let mut entries: Vec<Outgoing> = entries
                    .map(|((root, entry), event)| out(("entry", &entry.key, text(entry)), Some(root), event))
                    .collect();
                if reader.post_from.is_some() {
                    self.correct_baseline(reader, ledger, &mut entries).await?;
                }
                outgoing.extend(entries);
            }
        }
        Ok(outgoing)
    }

    /// What takes back an entry from before the adapter's first day goes out as one with what replaces it: the target holds only the
    /// opening balance.
    async fn correct_baseline(
        &self,
        reader: &Reader,
        ledger: &Ledger,
        outgoing: &mut [Outgoing],
    ) -> Result<(), StoreError> {
        let reversed: Vec<&str> = ledger.entries.iter().filter_map(|(_, entry)| entry.reverses.as_deref()).collect();
        let mut baseline = self.store.baselined(&self.merchant.customer_id, &reader.adapter, &reversed).await?;
        baseline.extend(outgoing.iter().filter(|it| it.state == State::Baseline).map(|it| it.key.clone()));
        for (place, (_, reversal)) in ledger.entries.iter().enumerate() {
            let Some(original) = reversal.reverses.as_ref().filter(|key| baseline.contains(*key)) else { continue };
            if outgoing[place].state == State::Baseline {
                continue;
            }
            outgoing[place].baseline = Some(original.clone());
            let replaces = |(_, entry): &(SourceId, Entry)| {
                entry.event_key == reversal.event_key
                    && entry.currency == reversal.currency
                    && entry.reverses.is_none()
                    && entry.lines.iter().any(|line| reversal.lines.iter().any(|other| other.role == line.role))
            };
            let next = ledger.entries.iter().enumerate().skip(place + 1).find(|(_, entry)| replaces(entry));
            if let Some((next, _)) = next.filter(|(next, _)| outgoing[*next].nets.is_none()) {
                (outgoing[place].state, outgoing[place].text) = (State::NotApplicable, None);
                outgoing[next].baseline = Some(original.clone());
                outgoing[next].nets = Some(reversal.key.clone());
            }
        }
        Ok(())
    }

    /// The event that each entry books. It may have been told before, and its payment is only now seen to post.
    async fn events_booked(&self, ledger: &Ledger) -> Result<Vec<Event>, StoreError> {
        let told: HashMap<&str, &Event> =
            ledger.told.iter().map(|told| (told.event.key.as_str(), &told.event)).collect();
        let mut events = Vec::with_capacity(ledger.entries.len());
        for (_, entry) in &ledger.entries {
            if let Some(event) = told.get(entry.event_key.as_str()) {
                events.push((*event).clone());
                continue;
            }
            let event = self.store.event(&self.merchant.customer_id, &entry.event_key).await?;
            events.push(event.ok_or_else(|| StoreError::Corrupt(format!("the event of entry {}", entry.key)))?);
        }
        Ok(events)
    }
}

impl Ledger {
    fn keep(&mut self, booking: Booking, desk: &Desk) {
        self.findings.extend(booking.troubles.iter().map(finding));
        self.told.extend(booking.told);
        self.moved.extend(booking.moved);
        self.homes.extend(booking.homes);
        for entry in booking.entries {
            let root = desk.root_of_event(&entry.event_key).expect("what is booked was told").clone();
            self.entries.push((root, entry));
        }
    }
}

/// Reads the archived bodies anew, which are let go of. What cannot be read was raised when it was stored.
fn documents(waiting: &mut [Waiting], ledger: &mut Ledger) -> Vec<Page> {
    let mut pages = Vec::with_capacity(waiting.len());
    for version in waiting {
        let body = version.take_body();
        let record = (version.resource.as_str(), version.source_id.as_str());
        match read_again(record, version.parent_id.as_deref(), &body) {
            Ok(document) => pages.push(Page { document, recorded_at: version.recorded_at }),
            Err(reason) => ledger.findings.push(Finding {
                class: "unbookable_record",
                subject: format!("{}:{}", version.resource, version.source_id),
                detail: format!("its archived body cannot be read again: {reason}"),
                evidence: None,
            }),
        }
    }
    pages
}

/// An event or an entry as it is delivered.
fn text(itself: &impl Serialize) -> String {
    serde_json::to_string(itself).expect("text, numbers as text, and no map with other keys")
}

/// Every id by which the accounts that a document touches may be known.
fn names(document: &Document) -> Vec<SourceId> {
    let own_fees = |fees: &Option<Vec<OwnFee>>| fees.iter().flatten().filter_map(|fee| fee.id.clone()).collect();
    let mut names: Vec<SourceId> = match &document.facts {
        Facts::Refund(refund) => own_fees(&refund.fees),
        Facts::Dispute(dispute) => own_fees(&dispute.fees),
        Facts::ReceivableTransaction(row) => row.payment_id.iter().cloned().collect(),
        _ => Vec::new(),
    };
    names.push(document.id.clone());
    names.extend(document.subject().cloned());
    names.extend(document.owner().cloned());
    names
}

fn transfer_of(document: &Document) -> Option<SourceId> {
    match &document.facts {
        Facts::TransferEntry(entry) => entry.transfer_id.clone(),
        _ => None,
    }
}

fn finding(trouble: &Trouble) -> Finding {
    Finding {
        class: trouble.class,
        subject: format!("{}:{}", trouble.resource, trouble.id),
        detail: trouble.detail.clone(),
        evidence: None,
    }
}
