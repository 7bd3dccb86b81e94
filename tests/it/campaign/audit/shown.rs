//! Every row that lists show now is stored so and staged so.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Shown;
use paystand_sync::sandbox::quirks::{PaymentRows, ReceivableRows};
use rust_decimal::Decimal;

use super::tables::{Key, Stored};
use super::{Audit, text};

impl Audit<'_> {
    pub(super) fn shown(&mut self) {
        let named = self.named();
        let now: Vec<Shown> = self.truth.iter().filter(|it| it.visible_until.is_none()).cloned().collect();
        for row in now {
            if row.resource.parent().is_some() || !self.was_polled_since(&row) {
                continue;
            }
            if row.resource == Resource::Fees && self.promise.fees_closed {
                continue;
            }
            self.shown_now(&row, &named);
        }
        for (key, state, reason) in std::mem::take(&mut self.tables.unfinished) {
            let undecodable = state == "parked" && !self.is_decodable(&key);
            if !undecodable {
                self.failures.push(format!("entry {key} is {state} ({reason:?}) after everything was delivered"));
            }
        }
    }

    fn shown_now(&mut self, row: &Shown, named: &HashSet<Key>) {
        let key = (row.resource, row.id.as_str().to_owned());
        let is_due = self.is_in_reach(row) && (self.is_wanted(row) || named.contains(&key));
        if row.undecodable {
            // Without an id it cannot be asked for, whoever names it.
            if is_due && self.is_wanted(row) && !self.is_kept(row) {
                self.fail(row, "cannot be decoded, and neither archive nor exceptions have it");
            }
            self.looked_at += 1;
            return;
        }
        let Some(stored) = self.tables.records.get(&key).cloned() else {
            if is_due {
                self.fail(row, "is not stored");
            }
            return;
        };
        if !self.is_in_reach(row) {
            return;
        }
        self.looked_at += 1;
        if let Some(difference) = self.difference(row, &key, &stored) {
            self.fail(row, &format!("is stored as version {}, but {difference}", stored.version));
        }
        if let Some(difference) = self.staging_difference(&key, &stored) {
            self.fail(row, &difference);
        }
    }

    /// Whether the row is one that is read for itself: created since the start date, changed since the first poll, or of a list
    /// without dates.
    fn is_wanted(&self, row: &Shown) -> bool {
        let zone = self.stage.settings.zone;
        let created_day = row.created.with_timezone(&zone).date_naive();
        let changed = |first: &DateTime<Utc>| row.visible_from >= *first && row.last_updated >= *first;
        !row.resource.filters_by_date()
            || created_day >= self.stage.settings.start_date
            || self.first_poll.get(&row.resource).is_some_and(changed)
    }

    /// What differs between the row shown and the record in effect.
    fn difference(&self, row: &Shown, key: &Key, stored: &Stored) -> Option<String> {
        if !stored.decodable {
            return Some("cannot be decoded".to_owned());
        }
        if stored.updated_at != Some(row.last_updated) {
            return Some(format!("its lastUpdated is {:?}", stored.updated_at));
        }
        if !stored.status.as_deref().unwrap_or_default().eq_ignore_ascii_case(&row.status) {
            return Some(format!("its status is {:?} and not {}", stored.status, row.status));
        }
        let amount: Option<Decimal> = row.amount.as_ref().map(|amount| amount.parse().expect("an amount"));
        if stored.amount != amount {
            return Some(format!("its amount is {:?} and not {amount:?}", stored.amount));
        }
        if amount.is_some() && stored.currency.as_deref() != Some(row.currency.as_str()) {
            return Some(format!("its currency is {:?} and not {}", stored.currency, row.currency));
        }
        let bodies = self.tables.bodies(key);
        let in_effect_as_row = bodies.iter().any(|body| {
            body.shape == "list" && Some(&body.fingerprint) == stored.list_fingerprint.as_ref() && body.body == row.body
        });
        let in_effect_as_detail =
            bodies.iter().any(|body| body.shape == "detail" && body.version == stored.version && body.body == row.body);
        // A record that was only read by id: its detail is another shape than its row.
        let only_by_id = stored.list_fingerprint.is_none() && self.rows_differ_from_details(row.resource);
        let is_fresh = in_effect_as_row || in_effect_as_detail || only_by_id;
        (!is_fresh).then(|| "its body is another one".to_owned())
    }

    fn rows_differ_from_details(&self, resource: Resource) -> bool {
        let rows = self.stage.world.quirks().rows;
        resource == Resource::Payments && rows.payment_rows == PaymentRows::Plain
            || resource == Resource::Receivables && rows.receivable_rows == ReceivableRows::Older
    }

    fn staging_difference(&self, key: &Key, stored: &Stored) -> Option<String> {
        let Some(staged) = self.tables.staged.get(key) else { return Some("is not staged".to_owned()) };
        if staged.version != stored.version {
            return Some(format!("is staged as version {} and stored as {}", staged.version, stored.version));
        }
        (staged.amount != stored.amount || staged.status != stored.status)
            .then(|| format!("is staged as {:?} {:?}", staged.status, staged.amount))
    }

    /// Whether a body that nobody can read is kept.
    fn is_kept(&self, row: &Shown) -> bool {
        let key = (row.resource, row.id.as_str().to_owned());
        self.tables.evidence.contains(&row.body[..])
            || self.tables.bodies(&key).iter().any(|body| body.body == row.body)
    }

    /// Whether the version that an entry `<resource>:<id>:v<n>` speaks of should have been readable.
    fn is_decodable(&self, entry: &str) -> bool {
        !self.truth.iter().any(|it| it.undecodable && entry.starts_with(&format!("{}:{}:v", it.resource, it.id)))
    }

    /// Records that stored ones name as what they belong to. What cannot be decoded is parked and names nobody.
    fn named(&self) -> HashSet<Key> {
        let parked: HashSet<&[u8]> = self.truth.iter().filter(|it| it.undecodable).map(|it| &it.body[..]).collect();
        let mut named = HashSet::new();
        for ((resource, _), bodies) in &self.tables.archive {
            let fields: &[(&str, Resource)] = match resource {
                Resource::Refunds | Resource::Disputes => &[("paymentId", Resource::Payments)],
                Resource::Fees => &[("resourceId", Resource::Payments)],
                Resource::ReceivableTransactions => {
                    &[("receivableId", Resource::Receivables), ("paymentId", Resource::Payments)]
                }
                Resource::Transfers => &[("resourceId", Resource::Withdrawals)],
                _ => &[],
            };
            for body in bodies.iter().filter(|body| !parked.contains(&body.body[..])) {
                named.extend(fields.iter().filter_map(|(field, of)| Some((*of, text(&body.body, field)?))));
            }
        }
        named
    }
}
