//! Once a day what is payable is paid out, per currency: a withdrawal, its transfers, their reports.
//!
//! A day that nets to nothing or less pays nothing and is carried. The items of a transfer that failed for good go back and are
//! carried again; a report tells them once more.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::economy::notes::{Cash, Entry, role};
use crate::sandbox::economy::purse::{self, Item};
use crate::sandbox::economy::{Step, dispute, purpose, sight};
use crate::sandbox::generator::{self, id_of};
use crate::sandbox::record::{self, Facts, Record, RowNo, Withdrawal};
use crate::sandbox::scene::Scene;

const CURRENCIES: [&str; 2] = ["USD", "CAD"];

#[derive(Debug)]
pub(super) struct Payout {
    pub id: Arc<str>,
    transfer: RowNo,
    withdrawal: RowNo,
    pub minor: i64,
    pub currency: &'static str,
    pub status: &'static str,
    pub items: Vec<Item>,
    /// Its items are in it; otherwise they went back because it failed.
    pub holds: bool,
    pub reported: bool,
}

/// The payout of the day.
pub(super) fn daily(scene: &mut Scene<'_>) {
    let day = u64::try_from(scene.at_ms / DAY_MS).unwrap_or(0);
    let mut dice = scene.economy.dice(purpose::DAY, day);
    let currencies = if scene.economy.seeding.one_currency { &CURRENCIES[..1] } else { &CURRENCIES[..] };
    for currency in currencies.iter().copied() {
        if dice.chance(30) && sight(scene).reports {
            adjust(scene, &mut dice, currency);
        }
        let items = scene.economy.purse.take(currency);
        if purse::sum(&items) > 0 {
            withdraw(scene, &mut dice, items, currency);
        } else {
            if purse::sum(&items) < 0 {
                scene.economy.tally.count("deficit_carried");
            }
            scene.economy.purse.put_back(items);
        }
    }
    scene.deal_later(DAY_MS, Step::DailyPayout);
}

/// Money that moves for a reason which no record explains.
fn adjust(scene: &mut Scene<'_>, dice: &mut Dice, currency: &'static str) {
    let minor = dice.between(1, 5_000) * if dice.chance(500) { 1 } else { -1 };
    let item = Item {
        kind: "adjustment",
        source_id: scene.books.fresh_id("ad"),
        source_status: "active".into(),
        customer: None,
        deal: None,
        minor,
        currency,
        noted: false,
    };
    scene.economy.purse.put_back(vec![item]);
}

fn withdraw(scene: &mut Scene<'_>, dice: &mut Dice, items: Vec<Item>, currency: &'static str) {
    let to_post_ms = scene.stamp(scene.at_ms);
    let facts = Facts::Withdrawal(Withdrawal { to_post_ms, transfers: Vec::new() });
    let record = Record::new(scene.at_ms, "processing", facts).money(purse::sum(&items), currency);
    let withdrawal = scene.create(Resource::Withdrawals, record);
    for item in items.iter().filter(|item| item.kind == "payment") {
        if let Some(deal) = item.deal {
            scene.economy.deals[deal].carried = true;
        }
    }
    for items in parts(scene, dice, items) {
        let minor = purse::sum(&items);
        let transfer = generator::payout::new_transfer(scene, withdrawal, minor, currency, "processing");
        let id = id_of(scene, Resource::Transfers, transfer);
        let (status, holds, reported) = ("processing", true, false);
        let surprising = items.iter().any(|item| !item.noted);
        let payouts = &mut scene.economy.payouts;
        payouts.push(Payout { id, transfer, withdrawal, minor, currency, status, items, holds, reported });
        let number = payouts.len() - 1;
        plan_life(scene, dice, number, surprising);
    }
    generator::payout::embed_transfers(scene, withdrawal, None);
}

/// Usually one transfer; now and then two, where both would be positive.
fn parts(scene: &mut Scene<'_>, dice: &mut Dice, items: Vec<Item>) -> Vec<Vec<Item>> {
    let middle = items.len() / 2;
    let splits = middle > 0 && purse::sum(&items[..middle]) > 0 && purse::sum(&items[middle..]) > 0;
    if splits && dice.chance(200) {
        scene.economy.tally.count("split_transfer");
        let mut first = items;
        let second = first.split_off(middle);
        vec![first, second]
    } else {
        vec![items]
    }
}

fn plan_life(scene: &mut Scene<'_>, dice: &mut Dice, payout: usize, surprising: bool) {
    let mut step = |after_ms, status| scene.deal_later(after_ms, Step::Transfer { payout, status });
    step(5 * MINUTE_MS, "sending");
    let fate = dice.below(100);
    let reported = if fate < 5 {
        // It fails before its report is there, or after.
        step(2 * HOUR_MS, "failed");
        scene.deal_later(4 * HOUR_MS, Step::GiveBack { payout });
        fate < 2
    } else {
        step(2 * HOUR_MS, "posted");
        step(40 * HOUR_MS, "paid");
        match fate {
            5..9 => {
                step(90 * HOUR_MS, "failed");
                scene.deal_later(91 * HOUR_MS, Step::GiveBack { payout });
            }
            9..12 => {
                step(90 * HOUR_MS, "failed");
                step(120 * HOUR_MS, "paid");
            }
            _ => {}
        }
        true
    };
    // A report that tells what nothing else does is never later than its transfer.
    let late = dice.chance(80) && !surprising && fate >= 12;
    if reported {
        let after_ms = if late { 50 * HOUR_MS } else { HOUR_MS };
        scene.deal_later(after_ms, Step::Report { payout });
    }
}

/// The transfer reaches `status`.
pub(super) fn advance(scene: &mut Scene<'_>, number: usize, status: &'static str) {
    let economy = &mut *scene.economy;
    let payout = &mut economy.payouts[number];
    let (transfer, withdrawal) = (payout.transfer, payout.withdrawal);
    let before = std::mem::replace(&mut payout.status, status);
    let entry = [Entry::pair(payout.currency, role::BANK, role::CLEARING, payout.minor)];
    match (before, status) {
        (_, "paid") => {
            economy.notes.post(&entry);
            if before == "failed" {
                economy.tally.count("transfer_paid_again");
            }
        }
        ("paid", _) => {
            economy.notes.reverse(&entry);
            economy.tally.count("transfer_failed_after_payment");
        }
        (_, "failed") => economy.tally.count("transfer_failed_before_payment"),
        _ => {}
    }
    let reversed = before == "paid" && payout.reported && economy.installation.report_reversed;
    if let Some(report) = scene.books.reports.get_mut(&transfer).filter(|_| reversed || before == "failed")
        && payout.reported
    {
        report.status = if status == "paid" { "completed" } else { "reversed" }.into();
    }
    generator::payout::advance(scene, transfer, withdrawal, status);
}

/// What a transfer did not deliver will be in a later one.
pub(super) fn give_back(scene: &mut Scene<'_>, number: usize) {
    let economy = &mut *scene.economy;
    let payout = &mut economy.payouts[number];
    payout.holds = false;
    economy.purse.put_back(payout.items.clone());
}

/// The report of a transfer is complete. What nothing else tells is noted now.
pub(super) fn report(scene: &mut Scene<'_>, number: usize) {
    let economy = &mut *scene.economy;
    let payout = &mut economy.payouts[number];
    payout.reported = true;
    for item in payout.items.iter_mut().filter(|item| !item.noted) {
        item.noted = true;
        if item.kind == "fee" {
            economy.tally.count("dispute_fee_in_report_only");
            economy.notes.post(&[dispute::fee_entry(item.currency, -item.minor)]);
        } else {
            economy.tally.count("adjustment");
            let cash = Cash::home(item.minor, item.currency);
            economy.notes.post(&Entry::clearing(cash, &[(role::ADJUSTMENTS, -item.minor)]));
        }
    }
    let (transfer, items) = (payout.transfer, payout.items.clone());
    for item in items {
        let entry = record::Entry {
            transfer,
            kind: scene.economy.installation.entry_kind(item.kind),
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
