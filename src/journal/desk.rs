//! Where documents come in and events and entries go out.
//!
//! A desk knows only what it was reminded of: whoever keeps the books in a database recalls the events of the records and roots
//! that a document touches, in the order in which they were told, and then lets it take the document. Kept in memory from the
//! first document on, it needs no reminding. Both give the same events and entries.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::account::{Account, Policy};
use super::credit::{self, Shortfall};
use crate::events::{Trouble, tell};
use crate::model::document::{Document, Facts, SubjectType};
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::SourceId;
use crate::model::journal::Entry;
use crate::model::money::Currency;
use crate::model::resource::Resource;

/// An event with the root whose account took it; `None` where it moves no money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub event: Event,
    pub root: Option<SourceId>,
}

/// What one document came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Booking {
    pub told: Vec<Told>,
    /// Keys of events told before whose root is known only now: they come last in its account.
    pub moved: Vec<Told>,
    /// Records by which a report may name money of a root.
    pub homes: Vec<(SourceId, SourceId)>,
    pub entries: Vec<Entry>,
    pub troubles: Vec<Trouble>,
}

/// See the module.
#[derive(Debug)]
pub struct Desk {
    policy: Policy,
    histories: HashMap<(Resource, SourceId), Vec<Event>>,
    homes: HashMap<SourceId, SourceId>,
    /// Currencies of transfers, which the lines of their reports do not say.
    currencies: HashMap<SourceId, Currency>,
    /// Lines of reports and fees of disputes, by the unknown record that they name.
    waiting: HashMap<SourceId, Vec<Event>>,
    accounts: HashMap<SourceId, Account>,
    /// The account that took an event, by its key.
    roots: HashMap<String, SourceId>,
    /// Accounts that have lines of a transfer's report.
    reported: HashMap<SourceId, BTreeSet<SourceId>>,
    /// Keys of the events that it knows.
    known: HashSet<String>,
}

impl Desk {
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            histories: HashMap::new(),
            homes: HashMap::new(),
            currencies: HashMap::new(),
            waiting: HashMap::new(),
            accounts: HashMap::new(),
            roots: HashMap::new(),
            reported: HashMap::new(),
            known: HashSet::new(),
        }
    }

    /// Reminds of what was told before, in the order of telling; a moved event counts from when it moved. What the desk knows
    /// already it does not take again.
    pub fn recall(&mut self, told: Told) {
        let Told { event, root } = told;
        if !self.known.insert(event.key.clone()) {
            return;
        }
        if let Some(root) = root {
            self.roots.insert(event.key.clone(), root.clone());
            if self.is_waiting(&event, &root) {
                self.waiting.entry(root).or_default().push(event.clone());
            } else {
                self.note_report(&event, &root);
                let _ = self.account(&root).take(&event);
                for reader in self.readers_of(&event) {
                    let _ = self.account(&reader).transfer_changed(&event);
                }
            }
        }
        self.histories.entry((event.resource, event.id.clone())).or_default().push(event);
    }

    /// Reminds of the root of a record.
    pub fn recall_home(&mut self, id: SourceId, root: SourceId) {
        self.homes.insert(id, root);
    }

    /// Reminds of the currency of a transfer.
    pub fn recall_currency(&mut self, transfer: SourceId, currency: Currency) {
        self.currencies.insert(transfer, currency);
    }

    /// The root of the account that took an event.
    #[must_use]
    pub fn root_of_event(&self, key: &str) -> Option<&SourceId> {
        self.roots.get(key)
    }

    /// Tells and books what a document says that was not known, first stored at `seen_at`.
    pub fn take(&mut self, document: &Document, seen_at: DateTime<Utc>) -> Booking {
        let mut booking = Booking::default();
        let document = &self.with_currency(document);
        // First, for what waited for this record may tell something of it.
        self.settle_home(document, &mut booking, seen_at);
        let history = self.histories.get(&(document.resource(), document.id.clone()));
        let telling = tell(history.map(Vec::as_slice).unwrap_or_default(), document, seen_at);
        booking.troubles.extend(telling.troubles);
        for event in telling.events {
            let root = self.root_of(document, &event);
            self.tell_one(event, root, &mut booking);
        }
        booking
    }

    /// Customers of whom a payment at this desk lacks money that a credit memo may have paid, or a memo has shrunk.
    #[must_use]
    pub fn customers_to_explain(&self) -> BTreeSet<String> {
        let short = self.shortfalls().into_iter().map(|shortfall| shortfall.customer_ref);
        short.chain(self.open_drops().into_iter().map(|drop| drop.customer_ref)).collect()
    }

    /// Tells which credit memos paid what payments lack, as far as amounts tell it.
    pub fn explain_credits(&mut self) -> Booking {
        let mut booking = Booking::default();
        let times = |memo: &SourceId| {
            let history = self.histories.get(&(Resource::CreditMemos, memo.clone()));
            history.into_iter().flatten().filter(|event| event.kind == Kind::CreditMemoApplied).count()
        };
        for (event, payment) in credit::explain(&self.shortfalls(), self.open_drops(), times) {
            self.tell_one(event, Some(payment), &mut booking);
        }
        booking
    }

    fn shortfalls(&self) -> Vec<Shortfall> {
        let mut shortfalls: Vec<Shortfall> = self
            .accounts
            .iter()
            .filter_map(|(root, account)| {
                let charge = account.charge()?;
                let lacking = -account.remainder()?;
                let shortfall = Shortfall {
                    payment_id: root.clone(),
                    customer_ref: charge.customer_ref.clone()?,
                    currency: charge.gross.currency.clone(),
                    amount: lacking,
                };
                (lacking > Decimal::ZERO).then_some(shortfall)
            })
            .collect();
        shortfalls.sort_by(|a, b| a.payment_id.cmp(&b.payment_id));
        shortfalls
    }

    fn open_drops(&self) -> Vec<credit::Drop> {
        let memos = self.histories.iter().filter(|((resource, _), _)| *resource == Resource::CreditMemos);
        let mut memos: Vec<_> = memos.collect();
        memos.sort_by(|a, b| a.0.cmp(b.0));
        memos.into_iter().flat_map(|(_, history)| credit::open_drops(history)).collect()
    }

    /// A line of a report is in the currency of its transfer.
    fn with_currency(&mut self, document: &Document) -> Document {
        let mut document = document.clone();
        match &document.facts {
            Facts::Transfer(_) => {
                if let Some(currency) = &document.currency {
                    self.currencies.insert(document.id.clone(), currency.clone());
                }
            }
            Facts::TransferEntry(entry) if document.currency.is_none() => {
                let currency = entry.transfer_id.as_ref().and_then(|transfer| self.currencies.get(transfer));
                document.currency = currency.cloned();
            }
            _ => {}
        }
        document
    }

    fn account(&mut self, root: &SourceId) -> &mut Account {
        let policy = self.policy;
        self.accounts.entry(root.clone()).or_insert_with(|| Account::new(policy, root.clone()))
    }

    fn tell_one(&mut self, event: Event, root: Option<SourceId>, booking: &mut Booking) {
        self.note(&event, root.as_ref(), booking);
        let Some(root) = root else { return };
        if self.is_waiting(&event, &root) {
            self.wait(event, root, booking);
            return;
        }
        self.name_alias(&event, &root, booking);
        self.post(&event, &root, booking);
    }

    /// The account of `root` takes an event that was noted, and what follows from it.
    fn post(&mut self, event: &Event, root: &SourceId, booking: &mut Booking) {
        self.note_report(event, root);
        let taken = self.account(root).take(event);
        booking.entries.extend(taken.entries);
        for reader in self.readers_of(event) {
            booking.entries.extend(self.account(&reader).transfer_changed(event));
        }
        booking.troubles.extend(taken.troubles);
        for follower in taken.events {
            self.note(&follower, Some(root), booking);
            self.name_alias(&follower, root, booking);
        }
    }

    /// An account that takes a line of a report hears what becomes of the transfer.
    fn note_report(&mut self, event: &Event, root: &SourceId) {
        let Fact::ReportLine(line) = &event.fact else { return };
        let Some(transfer) = &line.transfer_id else { return };
        if self.reported.entry(transfer.clone()).or_default().insert(root.clone()) {
            let history = self.histories.get(&(Resource::Transfers, transfer.clone())).cloned().unwrap_or_default();
            for change in history.iter().filter(|change| is_life_of_transfer(change.kind)) {
                let _ = self.account(root).transfer_changed(change);
            }
        }
    }

    fn readers_of(&self, event: &Event) -> Vec<SourceId> {
        let readers = self.reported.get(&event.id).filter(|_| is_life_of_transfer(event.kind));
        readers.into_iter().flatten().cloned().collect()
    }

    /// Nobody knows yet whose money a report line is; an adjustment is booked until somebody does.
    fn wait(&mut self, line: Event, root: SourceId, booking: &mut Booking) {
        let is_adjustment = matches!(&line.fact, Fact::ReportLine(it) if it.kind() == Some(SubjectType::Adjustment));
        if is_adjustment {
            let n = self.times(&line, Kind::AdjustmentReported) + 1;
            let record = (line.resource, &line.id);
            let reported = Event::nth(n, Kind::AdjustmentReported, record, line.occurred_at, line.fact.clone());
            self.tell_one(reported, Some(root.clone()), booking);
        }
        self.waiting.entry(root).or_default().push(line);
    }

    fn note(&mut self, event: &Event, root: Option<&SourceId>, booking: &mut Booking) {
        self.known.insert(event.key.clone());
        if let Some(root) = root {
            self.roots.insert(event.key.clone(), root.clone());
        }
        self.histories.entry((event.resource, event.id.clone())).or_default().push(event.clone());
        booking.told.push(Told { event: event.clone(), root: root.cloned() });
    }

    fn times(&self, event: &Event, kind: Kind) -> usize {
        let history = self.histories.get(&(event.resource, event.id.clone()));
        history.into_iter().flatten().filter(|event| event.kind == kind).count()
    }

    /// Fees inside other records have ids too, by which a report may name them.
    fn name_alias(&mut self, event: &Event, root: &SourceId, booking: &mut Booking) {
        let alias = match &event.fact {
            Fact::DisputeFee(fee) => fee.fee_id.as_ref(),
            Fact::FeeReturn(fee) if event.kind == Kind::FeeRefunded => fee.fee_id.as_ref(),
            _ => None,
        };
        if let Some(alias) = alias {
            self.learn_home(alias, root, event.occurred_at, booking);
        }
    }

    /// A record that reports may name has come: its money is that of its payment.
    fn settle_home(&mut self, document: &Document, booking: &mut Booking, seen_at: DateTime<Utc>) {
        if let Some(root) = self.home_of(document) {
            self.learn_home(&document.id, &root, seen_at, booking);
        }
    }

    fn home_of(&self, document: &Document) -> Option<SourceId> {
        match document.resource() {
            Resource::Payments => Some(document.id.clone()),
            Resource::Fees | Resource::Refunds | Resource::Disputes => match (document.subject(), document.owner()) {
                (Some(payment), _) => Some(self.homes.get(payment).unwrap_or(payment).clone()),
                // A fee of a dispute that has not come yet waits for it.
                (None, Some(owner)) => self.homes.get(owner).cloned(),
                (None, None) => Some(document.id.clone()),
            },
            _ => None,
        }
    }

    /// From now on `id` is money of `root`; what waited for it goes there.
    fn learn_home(&mut self, id: &SourceId, root: &SourceId, at: DateTime<Utc>, booking: &mut Booking) {
        if self.homes.contains_key(id) {
            return;
        }
        self.homes.insert(id.clone(), root.clone());
        booking.homes.push((id.clone(), root.clone()));
        for line in self.waiting.remove(id).unwrap_or_default() {
            if matches!(line.fact, Fact::Fee(_)) {
                self.learn_home(&line.id, root, at, booking);
            }
            self.roots.insert(line.key.clone(), root.clone());
            booking.moved.push(Told { event: line.clone(), root: Some(root.clone()) });
            let reported = self.times(&line, Kind::AdjustmentReported);
            if reported > self.times(&line, Kind::AdjustmentExplained) {
                let record = (line.resource, &line.id);
                let explained = Event::nth(reported, Kind::AdjustmentExplained, record, at, Fact::Plain);
                self.tell_one(explained, Some(id.clone()), booking);
            }
            self.post(&line, root, booking);
        }
    }

    /// Whose money an event is about.
    fn root_of(&self, document: &Document, event: &Event) -> Option<SourceId> {
        match document.resource() {
            Resource::Customers | Resource::Receivables | Resource::Withdrawals | Resource::CreditMemos => None,
            Resource::Transfers => Some(document.id.clone()),
            Resource::Payments | Resource::Fees | Resource::Refunds | Resource::Disputes => {
                self.homes.get(&document.id).or_else(|| document.owner()).cloned()
            }
            Resource::ReceivableTransactions => match &event.fact {
                Fact::Application(application) => {
                    Some(application.payment_id.clone().unwrap_or_else(|| document.id.clone()))
                }
                _ => None,
            },
            Resource::TransferEntries => {
                let named = document.subject().unwrap_or(&document.id);
                Some(self.homes.get(named).unwrap_or(named).clone())
            }
        }
    }

    /// Whether a report line, or the fee of a dispute, stands under the record that it names because nobody knows whose money that is.
    fn is_waiting(&self, event: &Event, root: &SourceId) -> bool {
        match &event.fact {
            Fact::ReportLine(line) if event.kind == Kind::TransferReported => {
                let names_root = line.named_id.as_ref().unwrap_or(&event.id) == root;
                names_root && !self.homes.contains_key(root) && line.kind() != Some(SubjectType::Payment)
            }
            Fact::Fee(fee) => fee.dispute_id.as_ref() == Some(root) && !self.homes.contains_key(root),
            _ => false,
        }
    }
}

const fn is_life_of_transfer(kind: Kind) -> bool {
    matches!(kind, Kind::TransferPaid | Kind::TransferFailed | Kind::TransferReversed)
}
