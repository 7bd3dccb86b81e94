//! What the entries of one batch came to, and what a person must see of it.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Parcel, class_of};
use crate::erp::{ErpError, Receipt, Refusal};
use crate::ledger::recipe::Trouble;
use crate::ledger::retry::{Class, Verdict, is_counted, scheduled, verdict};
use crate::ledger::state::{Event, State};
use crate::model::ids::{AdapterName, MerchantId};
use crate::store::{Claimed, Finding, Settlement};

/// The ERP will never take an entry as it is.
pub const REFUSED: &str = "refused_by_erp";
/// The ERP does not take an entry now, such as for a closed period or a missing invoice. It is tried again by itself.
pub const HELD: &str = "held_by_erp";
/// The ERP holds something else under the key of an entry.
pub const DIFFERS: &str = "payload_differs";
/// What is to be sent under a key is not what was sent under it before.
pub const PAYLOAD_CHANGED: &str = "payload_changed";
/// Several documents of one key are in the books of the ERP.
pub const DUPLICATE_RELEASED: &str = "duplicate_released";
/// The document that was elected for an entry is not in the ERP any more.
pub const GONE: &str = "document_gone";
/// The document of an entry was taken back in the ERP.
pub const VOID: &str = "document_void";
/// Two entries have the same key at the ERP.
pub const KEY_TAKEN: &str = "erp_key_taken";

/// All of them: an entry that is posted settles those about it.
pub(super) const CLASSES: [&str; 8] =
    [REFUSED, HELD, DIFFERS, PAYLOAD_CHANGED, DUPLICATE_RELEASED, GONE, VOID, KEY_TAKEN];

/// How the target of an adapter is waited for.
#[derive(Debug)]
pub(super) struct Plan {
    /// As [`crate::erp::Erp::schedule`].
    pub schedule: Vec<Duration>,
    /// The target takes nothing, and a person knows.
    pub is_overdue: bool,
}

/// What the entries of one batch came to so far.
#[derive(Debug)]
pub(super) struct Settled {
    adapter: AdapterName,
    now: DateTime<Utc>,
    /// Whether the batch is one entry.
    alone: bool,
    settlements: Vec<Settlement>,
    findings: Vec<(MerchantId, Finding)>,
    /// Money of which something was not taken: what comes after it waits.
    stopped: HashSet<(String, String)>,
    plan: Plan,
    /// What deliveries came to that were calls of their own and failed.
    failures: Vec<ErpError>,
    has_posted: bool,
}

impl Settled {
    pub fn new(adapter: AdapterName, now: DateTime<Utc>, alone: bool, plan: Plan) -> Self {
        let (settlements, findings, stopped) = (Vec::new(), Vec::new(), HashSet::new());
        let (failures, has_posted) = (Vec::new(), false);
        Self { adapter, now, alone, settlements, findings, stopped, plan, failures, has_posted }
    }

    pub fn all(&self) -> (&[Settlement], &[(MerchantId, Finding)]) {
        (&self.settlements, &self.findings)
    }

    pub fn has_posted(&self) -> bool {
        self.has_posted
    }

    /// What failed for the target as a whole, of deliveries that were calls of their own: that it is gone or asks for patience, and
    /// anything else where it took nothing at all.
    pub fn call_failed(&self) -> Option<ErpError> {
        let gone = self.failures.iter().find(|it| matches!(it, ErpError::Gone { .. }));
        let asks = |it: &ErpError| if let ErpError::Throttled { retry_after, .. } = it { *retry_after } else { None };
        let throttled = self.failures.iter().filter(|it| matches!(it, ErpError::Throttled { .. }));
        // Whoever asks for the most patience gets it.
        let throttled = throttled.max_by_key(|it| asks(it));
        let any = self.failures.last().filter(|_| !self.has_posted);
        gone.or(throttled).or(any).cloned()
    }

    /// Whether something before it about the same money was not taken.
    pub fn is_stopped(&self, parcel: &Parcel) -> bool {
        money(&parcel.entry).is_some_and(|money| self.stopped.contains(&money))
    }

    pub fn posted(&mut self, parcel: &Parcel, receipt: Receipt) {
        let payload_sha256 = Some(parcel.payload_sha256);
        let settlement = self.settlement(&parcel.entry, Event::Confirmed);
        self.has_posted = true;
        self.settlements.push(Settlement { receipt: Some(receipt.reference), payload_sha256, ..settlement });
    }

    /// The call failed as a whole. `in_doubt` where something of the parcel may have taken effect before.
    pub fn failed(&mut self, parcel: &Parcel, error: &ErpError, in_doubt: bool) {
        let verdict = self.verdict(class_of(error), &parcel.entry);
        self.waits(parcel, verdict, error.to_string(), in_doubt);
    }

    /// It was a call of its own, and that failed.
    fn failed_by_itself(&mut self, parcel: &Parcel, error: ErpError) {
        let (adapter, class) = (self.adapter.clone(), class_of(&error));
        let is_failure = is_counted(class);
        let failures = u32::try_from(parcel.entry.failures).unwrap_or(u32::MAX).saturating_add(u32::from(is_failure));
        let Plan { schedule, is_overdue } = &self.plan;
        let verdict = scheduled(class, (attempts(&parcel.entry), failures), schedule, *is_overdue);
        let reason = error.to_string();
        if verdict.event == Event::Hindered {
            let key = &parcel.entry.key;
            let detail =
                format!("{adapter} did not take {key} {failures} times: {reason}; it is tried again by itself");
            self.refuse(&parcel.entry, (verdict, HELD), reason, detail, None);
        } else {
            self.waits(parcel, verdict, reason, false);
        }
        if let Some(settlement) = self.settlements.last_mut() {
            settlement.is_failure = is_failure;
        }
        self.failures.push(error);
    }

    /// Its fate is unknown, though no call failed: a document that was written is not shown yet. It waits by itself, whatever else was
    /// in the batch: whenever it is asked for too early, another draft is written.
    pub fn unseen(&mut self, parcel: &Parcel) {
        let verdict = verdict(Class::AnswerLost, attempts(&parcel.entry), true);
        self.waits(parcel, verdict, "what was written is not shown yet".to_owned(), true);
    }

    fn waits(&mut self, parcel: &Parcel, verdict: Verdict, reason: String, in_doubt: bool) {
        let event = if in_doubt { Event::AnswerLost } else { verdict.event };
        let is_lost = event == Event::AnswerLost;
        let settlement = self.settlement(&parcel.entry, event);
        self.stop(&parcel.entry);
        self.settlements.push(Settlement {
            reason: Some(reason),
            due_at: self.now + TimeDelta::from_std(verdict.wait).expect("the retry table is bounded"),
            payload_sha256: is_lost.then_some(parcel.payload_sha256),
            payload: is_lost.then(|| parcel.delivery.payload.text().into_owned()),
            ..settlement
        });
    }

    /// The target did not take this one.
    pub fn refused(&mut self, parcel: &Parcel, refusal: Refusal) {
        let (adapter, key) = (self.adapter.clone(), &parcel.entry.key);
        match refusal {
            Refusal::Never { reason } => {
                let detail = format!("{adapter} did not take {key}: {reason}");
                self.refuse(&parcel.entry, (self.verdict(Class::Never, &parcel.entry), REFUSED), reason, detail, None);
            }
            Refusal::NotNow { reason } => {
                let detail = format!("{adapter} does not take {key} for now: {reason}; it is tried again by itself");
                self.refuse(&parcel.entry, (self.verdict(Class::NotNow, &parcel.entry), HELD), reason, detail, None);
            }
            Refusal::Failed(error) => self.failed_by_itself(parcel, error),
            Refusal::Differs { held } => self.differs(parcel, &held),
            Refusal::NotTried => {
                let reason = "something before it was not taken";
                let verdict = self.verdict(Class::NotTried, &parcel.entry);
                self.waits(parcel, verdict, reason.to_owned(), false);
            }
        }
    }

    /// Nothing more is written about this key until a person has looked.
    pub fn stopped(&mut self, parcel: &Parcel, trouble: Trouble) {
        let (class, reason) = match trouble {
            Trouble::Differs { held, .. } => return self.differs(parcel, &held),
            Trouble::SeveralReleased(references) => (
                DUPLICATE_RELEASED,
                format!("several documents of one key are in the books: {}", references.join(", ")),
            ),
            Trouble::Gone(reference) => (GONE, format!("the document {reference} is not there any more")),
            Trouble::Void(reference) => (VOID, format!("the document {reference} was taken back")),
        };
        let detail = format!("{} at {}: {reason}", parcel.entry.key, self.adapter);
        self.refuse(&parcel.entry, (self.verdict(Class::Never, &parcel.entry), class), reason, detail, None);
    }

    /// The ERP's form of the key belongs to another entry.
    pub fn key_taken(&mut self, parcel: &Parcel) {
        let reason = "another entry has the same key there".to_owned();
        let detail = format!("{} at {}: {reason}", parcel.entry.key, self.adapter);
        self.refuse(&parcel.entry, (self.verdict(Class::Never, &parcel.entry), KEY_TAKEN), reason, detail, None);
    }

    fn differs(&mut self, parcel: &Parcel, held: &str) {
        let reason = "the ERP holds something else under this key".to_owned();
        let detail = format!("{} holds something else than {} under its key", self.adapter, parcel.entry.key);
        let evidence = json!({ "ours": parcel.delivery.payload.text(), "theirs": held });
        self.refuse(
            &parcel.entry,
            (self.verdict(Class::Never, &parcel.entry), DIFFERS),
            reason,
            detail,
            Some(evidence.to_string()),
        );
    }

    /// What is to be sent is not what was sent before, of which `sent` is left.
    pub fn changed(&mut self, parcel: &Parcel, sent: Option<&str>) {
        let reason = "what is to be sent is not what was sent under this key before".to_owned();
        let detail = format!("{} for {}: {reason}", parcel.entry.key, self.adapter);
        let evidence = json!({ "now": parcel.delivery.payload.text(), "before": sent });
        self.refuse(
            &parcel.entry,
            (self.verdict(Class::Never, &parcel.entry), PAYLOAD_CHANGED),
            reason,
            detail,
            Some(evidence.to_string()),
        );
    }

    /// What the entry speaks of cannot be read.
    pub fn unreadable(&mut self, entry: &Claimed, reason: String) {
        let detail = format!("{} cannot be sent to {}: {reason}", entry.key, self.adapter);
        self.refuse(entry, (self.verdict(Class::Never, entry), REFUSED), reason, detail, None);
    }

    fn refuse(
        &mut self,
        entry: &Claimed,
        (verdict, shown_as): (Verdict, &'static str),
        reason: String,
        detail: String,
        evidence: Option<String>,
    ) {
        let subject = Settlement::subject(&self.adapter, &entry.key);
        let evidence = evidence.map(String::into_bytes);
        let finding = Finding { class: shown_as, subject, detail, evidence };
        let settlement = self.settlement(entry, verdict.event);
        self.stop(entry);
        self.settlements.push(Settlement {
            reason: Some(reason),
            due_at: self.now + TimeDelta::from_std(verdict.wait).expect("the retry table is bounded"),
            ..settlement
        });
        self.findings.push((MerchantId::new(&entry.merchant), finding));
    }

    fn verdict(&self, class: Class, entry: &Claimed) -> Verdict {
        verdict(class, attempts(entry), self.alone)
    }

    fn stop(&mut self, entry: &Claimed) {
        self.stopped.extend(money(entry));
    }

    fn settlement(&self, entry: &Claimed, event: Event) -> Settlement {
        Settlement {
            merchant: MerchantId::new(&entry.merchant),
            key: entry.key.clone(),
            is_later_version: entry.what == "document" && entry.version > 1,
            attempt: entry.attempts,
            state: State::InFlight.after(event).expect("every answer to an attempt is in the table"),
            reason: None,
            receipt: None,
            due_at: self.now,
            payload_sha256: None,
            payload: None,
            is_failure: false,
        }
    }
}

fn attempts(entry: &Claimed) -> u32 {
    u32::try_from(entry.attempts).unwrap_or(u32::MAX)
}

fn money(entry: &Claimed) -> Option<(String, String)> {
    entry.root.as_ref().map(|root| (entry.merchant.clone(), root.clone()))
}
