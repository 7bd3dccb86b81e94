//! Once a day all settled money is paid out: a withdrawal, its transfers, their reports.
//!
//! Per currency; a day that nets to nothing or less is carried forward. The entries of a transfer sum to its amount.

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::model::resource::Resource;
use crate::sandbox::books::Report;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::generator::{Step, cents, id_of};
use crate::sandbox::record::{Entry, Facts, Record, RowNo, Transfer, Withdrawal, Word};
use crate::sandbox::scene::{Bump, Scene};

pub(in crate::sandbox) const TIME_OF_DAY_MS: i64 = 21 * HOUR_MS + 30 * MINUTE_MS;

const CURRENCIES: [&str; 2] = ["USD", "CAD"];

/// Money that moved, signed: what one line of a report says.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    kind: &'static str,
    source_id: Arc<str>,
    source_status: Word,
    customer: Option<RowNo>,
    minor: i64,
    currency: &'static str,
}

/// Money that the next payout carries.
pub(super) fn settle(scene: &mut Scene<'_>, resource: Resource, row: RowNo, minor: i64, currency: &'static str) {
    let kind = match resource {
        Resource::Payments => "payment",
        Resource::Fees => "fee",
        Resource::Refunds => "refund",
        Resource::Disputes => "dispute",
        _ => "adjustment",
    };
    push(scene, kind, resource, row, minor, currency);
}

/// A dispute's fee: a line of its own under the dispute's id.
pub(super) fn settle_dispute_fee(scene: &mut Scene<'_>, dispute: RowNo, minor: i64, currency: &'static str) {
    push(scene, "fee", Resource::Disputes, dispute, minor, currency);
}

/// A fee that was `delayed`, or the difference to what it was before.
pub(super) fn settle_fee(scene: &mut Scene<'_>, row: RowNo, before: &Record, minor: i64) {
    let currency = currency_of(before);
    match before.amount {
        None => settle(scene, Resource::Fees, row, -minor, currency),
        Some(_) => push(scene, "adjustment", Resource::Fees, row, minor_of(before) - minor, currency),
    }
}

fn push(scene: &mut Scene<'_>, kind: &'static str, resource: Resource, row: RowNo, minor: i64, currency: &'static str) {
    let record = Arc::clone(scene.books.record(resource, row));
    let payment = match record.parent() {
        Some((Resource::Payments, payment)) => Some(Arc::clone(scene.books.record(Resource::Payments, payment))),
        _ => None,
    };
    let customer = match &payment.as_ref().unwrap_or(&record).facts {
        Facts::Payment(payment) => Some(payment.customer),
        _ => None,
    };
    let item = Item {
        kind,
        source_id: Arc::clone(&record.id),
        source_status: record.status.clone(),
        customer,
        minor,
        currency,
    };
    scene.player.unsettled.push(item);
}

/// The payout of the day.
pub(super) fn daily(scene: &mut Scene<'_>) {
    for currency in CURRENCIES {
        let unsettled = std::mem::take(&mut scene.player.unsettled);
        let (items, others): (Vec<_>, Vec<_>) = unsettled.into_iter().partition(|item| item.currency == currency);
        scene.player.unsettled = others;
        if sum(&items) > 0 {
            withdraw(scene, items, currency);
        } else {
            scene.player.unsettled.extend(items);
        }
    }
    scene.later(DAY_MS, Step::DailyPayout);
}

fn sum(items: &[Item]) -> i64 {
    items.iter().map(|item| item.minor).sum()
}

fn withdraw(scene: &mut Scene<'_>, items: Vec<Item>, currency: &'static str) {
    let to_post_ms = scene.stamp(scene.at_ms);
    let facts = Withdrawal { to_post_ms, transfers: Vec::new() };
    let record = Record::new(scene.at_ms, "processing", Facts::Withdrawal(facts)).money(sum(&items), currency);
    let withdrawal = scene.create(Resource::Withdrawals, record);
    for part in parts(scene, items) {
        let row = new_transfer(scene, withdrawal, sum(&part), currency, "processing");
        for (after_ms, status) in [(5 * MINUTE_MS, "sending"), (2 * HOUR_MS, "posted"), (40 * HOUR_MS, "paid")] {
            scene.later(after_ms, Step::Transfer { row, withdrawal, status });
        }
        scene.later(3 * HOUR_MS, Step::Report { transfer: row, items: part });
    }
    embed_transfers(scene, withdrawal, None);
}

/// Usually one transfer; now and then two, where both would be positive.
fn parts(scene: &mut Scene<'_>, items: Vec<Item>) -> Vec<Vec<Item>> {
    let day = u64::try_from(scene.at_ms / DAY_MS).unwrap_or(0);
    let middle = items.len() / 2;
    let splits = items.len() >= 4 && sum(&items[..middle]) > 0 && sum(&items[middle..]) > 0;
    if splits && scene.player.dice(1, day).chance(150) {
        let mut first = items;
        let second = first.split_off(middle);
        vec![first, second]
    } else {
        vec![items]
    }
}

pub(in crate::sandbox) fn new_transfer(
    scene: &mut Scene<'_>,
    withdrawal: RowNo,
    minor: i64,
    currency: &'static str,
    status: &'static str,
) -> RowNo {
    let to_post_ms = scene.stamp(scene.at_ms);
    let transfer = Transfer { withdrawal, to_post_ms, settled_ms: None, failed_ms: None };
    let record = Record::new(scene.at_ms, status, Facts::Transfer(transfer)).money(minor, currency);
    let row = scene.create(Resource::Transfers, record);
    let id = scene.books.fresh_id("rp");
    scene.books.reports.insert(row, Report { id, status: "processing".into(), amount: cents(minor) });
    row
}

/// Writes the transfers into their withdrawal, and its new status.
pub(in crate::sandbox) fn embed_transfers(scene: &mut Scene<'_>, withdrawal: RowNo, status: Option<&'static str>) {
    let rows: Vec<RowNo> = scene.books.children(Resource::Transfers, withdrawal).copied().collect();
    let transfers: Vec<_> =
        rows.into_iter().map(|row| (row, scene.books.record(Resource::Transfers, row).status.clone())).collect();
    scene.change(Resource::Withdrawals, withdrawal, Bump::Now, |record| {
        if let Some(status) = status {
            record.status = status.into();
        }
        if let Facts::Withdrawal(facts) = &mut record.facts {
            facts.transfers = transfers;
        }
    });
}

/// The transfer and its withdrawal reach `status`.
pub(in crate::sandbox) fn advance(scene: &mut Scene<'_>, row: RowNo, withdrawal: RowNo, status: &'static str) {
    let at_ms = scene.stamp(scene.at_ms);
    scene.change(Resource::Transfers, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Transfer(transfer) = &mut record.facts {
            match status {
                "paid" => transfer.settled_ms = Some(at_ms),
                "failed" => transfer.failed_ms = Some(at_ms),
                _ => {}
            }
        }
    });
    embed_transfers(scene, withdrawal, Some(status));
}

/// The report of a transfer is complete: its entries can be read.
pub(super) fn report(scene: &mut Scene<'_>, transfer: RowNo, items: Vec<Item>) {
    for item in items {
        let entry = Entry {
            transfer,
            kind: item.kind.into(),
            source_id: item.source_id,
            source_status: item.source_status,
            customer: item.customer,
        };
        let record = Record::new(scene.at_ms, "active", Facts::Entry(entry)).money(item.minor, item.currency);
        scene.create(Resource::TransferEntries, record);
    }
    if let Some(report) = scene.books.reports.get_mut(&transfer) {
        report.status = "completed".into();
    }
}

/// One more entry, whose amount the report follows.
pub(super) fn new_entry(scene: &mut Scene<'_>, transfer: RowNo, minor: i64) -> RowNo {
    let currency = currency_of(scene.books.record(Resource::Transfers, transfer));
    let entry = Entry {
        transfer,
        kind: "adjustment".into(),
        source_id: id_of(scene, Resource::Transfers, transfer),
        source_status: "active".into(),
        customer: None,
    };
    let record = Record::new(scene.at_ms, "active", Facts::Entry(entry)).money(minor, currency);
    let row = scene.create(Resource::TransferEntries, record);
    if let Some(report) = scene.books.reports.get_mut(&transfer) {
        report.amount += cents(minor);
    }
    row
}

/// Whole cents of a record's amount; what this business makes has no smaller parts.
pub(super) fn minor_of(record: &Record) -> i64 {
    record.amount.and_then(|amount| (amount * Decimal::ONE_HUNDRED).to_i64()).unwrap_or(0)
}

pub(super) fn currency_of(record: &Record) -> &'static str {
    CURRENCIES.into_iter().find(|currency| *currency == record.currency).unwrap_or("USD")
}
