//! What lists showed, and when: the record against which an independent auditor compares.
//!
//! Kept from what was rendered for lists, by no code that a client shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::model::ids::{MerchantId, SourceId};
use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::days::instant;
use crate::sandbox::quirks::RowQuirks;
use crate::sandbox::record::Record;
use crate::sandbox::render::pen::{is_undecodable, shown_status};
use crate::sandbox::table::Stamp;

/// One version of one row as lists showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    pub merchant: MerchantId,
    pub resource: Resource,
    /// For report entries, whose rows carry no id unless a quirk says so, an internal one.
    pub id: SourceId,
    /// The row's bytes.
    #[serde(serialize_with = "as_text")]
    pub body: Bytes,
    pub created: DateTime<Utc>,
    pub last_updated: DateTime<Utc>,
    /// As lists show it, except for `current` of the older receivable shape, which is `active` here.
    pub status: String,
    /// In plain digits, whatever form the row gives it.
    pub amount: Option<String>,
    pub currency: String,
    /// A quirk has made this row unreadable.
    pub undecodable: bool,
    pub visible_from: DateTime<Utc>,
    /// Absent while lists still show it.
    pub visible_until: Option<DateTime<Utc>>,
}

#[derive(Debug)]
struct Version {
    resource: Resource,
    record: Arc<Record>,
    status: String,
    undecodable: bool,
    body: Bytes,
    from_ms: i64,
    until_ms: Option<i64>,
}

/// Every version that lists of one merchant have shown, in the order in which they appeared.
#[derive(Debug)]
pub(crate) struct History {
    kept: bool,
    versions: Vec<Version>,
}

impl History {
    pub(crate) fn new(kept: bool) -> Self {
        Self { kept, versions: Vec::new() }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// Lists show `body` from `at_ms` on in place of the version `before`; returns where the new one is kept.
    pub(crate) fn show(
        &mut self,
        before: Option<usize>,
        resource: Resource,
        record: &Arc<Record>,
        body: Bytes,
        quirks: &RowQuirks,
        at_ms: i64,
    ) -> usize {
        if let Some(before) = before {
            if self.versions[before].body == body {
                return before;
            }
            self.close(before, at_ms);
        }
        self.versions.push(Version {
            resource,
            status: shown_status(record, quirks),
            undecodable: is_undecodable(&record.id, quirks),
            record: Arc::clone(record),
            body,
            from_ms: at_ms,
            until_ms: None,
        });
        self.versions.len() - 1
    }

    pub(crate) fn close(&mut self, version: usize, at_ms: i64) {
        self.versions[version].until_ms = Some(at_ms);
    }

    pub(crate) fn all(&self, merchant: &str) -> impl Iterator<Item = Shown> {
        self.since(merchant, 0)
    }

    /// Without the first `from` versions.
    pub(crate) fn since(&self, merchant: &str, from: usize) -> impl Iterator<Item = Shown> {
        self.versions.iter().skip(from).map(move |version| version.shown(merchant))
    }
}

impl Version {
    fn shown(&self, merchant: &str) -> Shown {
        Shown {
            merchant: MerchantId::new(merchant),
            resource: self.resource,
            id: SourceId::new(&*self.record.id),
            body: self.body.clone(),
            created: instant(self.record.created_ms),
            last_updated: instant(self.record.updated_ms),
            status: self.status.clone(),
            amount: self.record.amount.map(|amount| amount.to_string()),
            currency: self.record.currency.to_string(),
            undecodable: self.undecodable,
            visible_from: instant(self.from_ms),
            visible_until: self.until_ms.map(instant),
        }
    }
}

/// The rows that lists of one merchant show now, oldest first; `visible_from` is the last change, as history may not be kept.
pub(crate) fn rows_now(books: &mut Books, resource: Resource) -> Vec<Shown> {
    let index = books.table(resource).index(Stamp::Created);
    let rows: Vec<_> = (0..index.len()).map(|position| index.at(position).1).collect();
    let merchant = books.profile.customer_id.clone();
    rows.into_iter()
        .filter_map(|row| {
            let body = books.list_body(resource, row)?;
            let record = Arc::clone(books.table(resource).row(row).listed.as_ref()?);
            let quirks = &books.quirks.rows;
            let version = Version {
                resource,
                status: shown_status(&record, quirks),
                undecodable: is_undecodable(&record.id, quirks),
                from_ms: record.updated_ms,
                until_ms: None,
                record,
                body,
            };
            Some(version.shown(&merchant))
        })
        .collect()
}

/// Amounts of the rows that lists of one merchant show now, by currency. Rows without an amount count for nothing.
pub(crate) fn add_sums(books: &Books, resource: Resource, sums: &mut BTreeMap<String, Decimal>) {
    let index = books.table(resource).index(Stamp::Created);
    for position in 0..index.len() {
        let (_, row) = index.at(position);
        if let Some(record) = &books.table(resource).row(row).listed
            && let Some(amount) = record.amount
        {
            *sums.entry(record.currency.to_string()).or_default() += amount;
        }
    }
}

fn as_text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}
