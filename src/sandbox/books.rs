//! Everything one merchant has: the tables, which rows belong to which, transfer reports, and the history of what lists showed.
//!
//! Knows nothing of time or chance; `scene` decides when a change happens and when lists show it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::model::resource::Resource;
use crate::sandbox::dice::{Dice, push_letters};
use crate::sandbox::hits::Hits;
use crate::sandbox::quirks::{PaymentRows, Quirks};
use crate::sandbox::record::{Record, RowNo, Word};
use crate::sandbox::render;
use crate::sandbox::table::Table;
use crate::sandbox::truth::History;

/// A merchant and its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantProfile {
    pub client_id: String,
    pub client_secret: String,
    pub customer_id: String,
    /// What `GET /customers/timezone` answers, and where days are cut when `f.timezone` is absent.
    pub timezone: Tz,
}

impl MerchantProfile {
    /// The merchant that every sandbox has.
    #[must_use]
    pub fn main() -> Self {
        Self {
            client_id: super::CLIENT_ID.to_owned(),
            client_secret: super::CLIENT_SECRET.to_owned(),
            customer_id: super::CUSTOMER_ID.to_owned(),
            timezone: Tz::America__Los_Angeles,
        }
    }

    /// Another merchant, with credentials of its own that follow from `label`.
    #[must_use]
    pub fn named(label: &str, timezone: Tz) -> Self {
        Self {
            client_id: format!("cid_{label}"),
            client_secret: format!("cs_{label}"),
            customer_id: format!("mr_{label}"),
            timezone,
        }
    }
}

/// The report of one transfer.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub id: Arc<str>,
    pub status: Word,
    pub amount: Decimal,
}

#[derive(Debug)]
pub(crate) struct Books {
    pub profile: MerchantProfile,
    pub quirks: Arc<Quirks>,
    pub hits: Arc<Hits>,
    pub history: History,
    /// By transfer.
    pub reports: HashMap<RowNo, Report>,
    tables: [Table; Resource::ALL.len()],
    /// Rows of a resource by the row that they belong to, oldest first.
    children: HashMap<(Resource, RowNo), Vec<RowNo>>,
    ids: Dice,
    /// While the world is seeded, lists show everything at once and no history is kept.
    pub seeding: bool,
}

impl Books {
    pub(crate) fn new(
        profile: MerchantProfile,
        ids: Dice,
        quirks: Arc<Quirks>,
        hits: Arc<Hits>,
        history: bool,
    ) -> Self {
        Self {
            profile,
            quirks,
            hits,
            history: History::new(history),
            reports: HashMap::new(),
            tables: std::array::from_fn(|_| Table::unindexed()),
            children: HashMap::new(),
            ids,
            seeding: true,
        }
    }

    /// Ends seeding at `now_ms`: from here on changes are shown and remembered one by one.
    pub(crate) fn open(&mut self, now_ms: i64) {
        self.seeding = false;
        self.tables.iter_mut().for_each(Table::index_all);
        self.show_all(now_ms);
    }

    /// Other quirks from `now_ms` on; rows that look different now are shown anew.
    pub(crate) fn set_quirks(&mut self, quirks: Arc<Quirks>, now_ms: i64) {
        let same_rows = self.quirks.rows == quirks.rows;
        self.quirks = quirks;
        if !same_rows {
            for resource in Resource::ALL {
                for row in 0..self.table(resource).len() {
                    self.table_mut(resource).row_mut(row).body = None;
                }
            }
            self.show_all(now_ms);
        }
    }

    fn show_all(&mut self, now_ms: i64) {
        if self.history.is_kept() {
            for resource in Resource::ALL {
                for row in 0..self.table(resource).len() {
                    self.remember(resource, row, now_ms);
                }
            }
        }
    }

    pub(crate) fn table(&self, resource: Resource) -> &Table {
        &self.tables[resource as usize]
    }

    pub(crate) fn table_mut(&mut self, resource: Resource) -> &mut Table {
        &mut self.tables[resource as usize]
    }

    /// The newest version of a row, listed or not.
    pub(crate) fn record(&self, resource: Resource, row: RowNo) -> &Arc<Record> {
        &self.table(resource).row(row).current
    }

    /// Rows of `resource` that belong to the row `parent` of the resource above it, removed ones left out.
    pub(crate) fn children(&self, resource: Resource, parent: RowNo) -> impl DoubleEndedIterator<Item = &RowNo> {
        let rows = self.children.get(&(resource, parent)).map(Vec::as_slice).unwrap_or_default();
        rows.iter().filter(move |row| !self.table(resource).row(**row).removed)
    }

    /// The bank account that takes payouts of one currency.
    #[expect(clippy::unused_self, reason = "an account belongs to the merchant")]
    pub(crate) fn bank_id(&self, currency: &str) -> String {
        format!("bk7u4y1t8r5e2w9q6p3o0{}", currency.to_ascii_lowercase())
    }

    /// A fresh opaque id of 24 characters.
    pub(crate) fn fresh_id(&mut self, prefix: &str) -> Arc<str> {
        let mut id = String::with_capacity(24);
        id.push_str(prefix);
        push_letters(&mut id, &mut self.ids, 24_usize.saturating_sub(prefix.len()));
        Arc::from(id)
    }

    /// Takes in a new row, which lists do not show yet. A record without an id gets one.
    pub(crate) fn add(&mut self, resource: Resource, mut record: Record) -> RowNo {
        if record.id.is_empty() {
            record.id = self.fresh_id(prefix(resource));
        }
        let parent = record.parent();
        let row = self.table_mut(resource).add(Arc::new(record));
        // The children of a payment and of a dispute must not mix: a dispute's fee is found through the dispute alone.
        let found_by_id_only = resource == Resource::Fees && parent.is_some_and(|(of, _)| of == Resource::Disputes);
        if let Some((_, parent)) = parent.filter(|_| !found_by_id_only) {
            self.children.entry((resource, parent)).or_default().push(row);
        }
        row
    }

    /// Lists show `record` from `at_ms` on, unless they already show a newer version.
    pub(crate) fn publish(&mut self, resource: Resource, row: RowNo, record: Arc<Record>, at_ms: i64) {
        if self.table_mut(resource).list(row, record) && !self.seeding {
            self.remember(resource, row, at_ms);
        }
    }

    /// The row is gone from lists and by id, and from the row of a payment that shows what belongs to it.
    pub(crate) fn remove(&mut self, resource: Resource, row: RowNo, at_ms: i64) {
        self.table_mut(resource).remove(row);
        if let Some(entry) = self.table_mut(resource).row_mut(row).shown.take() {
            self.history.close(entry, at_ms);
        }
        let parent = self.record(resource, row).parent().filter(|(of, _)| *of == Resource::Payments);
        if let Some((payments, payment)) = parent
            && self.quirks.rows.payment_rows == PaymentRows::Full
        {
            self.refresh(payments, payment, at_ms);
        }
    }

    /// The row looks different although it did not change itself.
    pub(crate) fn refresh(&mut self, resource: Resource, row: RowNo, at_ms: i64) {
        self.table_mut(resource).row_mut(row).body = None;
        if !self.seeding {
            self.remember(resource, row, at_ms);
        }
    }

    /// The row as lists show it; `None` where they do not.
    pub(crate) fn list_body(&mut self, resource: Resource, row: RowNo) -> Option<Bytes> {
        let slot = self.table(resource).row(row);
        if let Some(body) = &slot.body {
            return Some(body.clone());
        }
        let body = render::list_row(self, row, slot.listed.as_ref()?);
        self.table_mut(resource).row_mut(row).body = Some(body.clone());
        Some(body)
    }

    fn remember(&mut self, resource: Resource, row: RowNo, at_ms: i64) {
        if !self.history.is_kept() {
            return;
        }
        let Some(body) = self.list_body(resource, row) else { return };
        let slot = self.tables[resource as usize].row_mut(row);
        if let Some(listed) = &slot.listed {
            slot.shown = Some(self.history.show(slot.shown, resource, listed, body, &self.quirks.rows, at_ms));
        }
    }
}

const fn prefix(resource: Resource) -> &'static str {
    match resource {
        Resource::Customers => "pc",
        Resource::Receivables => "rc",
        Resource::Payments => "pm",
        Resource::ReceivableTransactions => "rt",
        Resource::Fees => "fe",
        Resource::Refunds => "rf",
        Resource::Disputes => "dp",
        Resource::Withdrawals => "wd",
        Resource::Transfers => "tr",
        Resource::TransferEntries => "te",
        Resource::CreditMemos => "cm",
    }
}
