//! Money that the merchant gives back: paid, failed, reversed, paid again; with or without the fee.

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::economy::Step;
use crate::sandbox::economy::deal::{Deal, RefundState};
use crate::sandbox::economy::notes::{Cash, Entry, role};
use crate::sandbox::economy::plan::RefundEnd;
use crate::sandbox::economy::{fee, payment};
use crate::sandbox::generator::{self, cents, id_of};
use crate::sandbox::record::{Facts, OwnFee, Record, Refund, Word};
use crate::sandbox::scene::{Bump, Scene};

pub(super) fn open(scene: &mut Scene<'_>, number: usize, refund: usize) {
    let deal = &scene.economy.deals[number];
    let plan = deal.plan.refunds[refund];
    let cash = settled_anew(deal, plan.per_mille);
    let final_fee = deal.fee.and_then(|(_, minor)| minor).filter(|_| plan.returns_fee);
    let fee_minor = final_fee.map(|minor| fee::returned(minor, cash.minor, deal.cash.minor));
    let facts = Facts::Refund(Refund {
        payment: deal.payment,
        settlement: cash.is_foreign().then(|| (cents(cash.settled_minor), cash.home)),
        fees_refunded: fee_minor.is_some(),
        fees: Vec::new(),
        reason: None,
        payment_status: generator::status_of(scene, deal.payment),
    });
    let record = Record::new(scene.at_ms, "created", facts).money(cash.minor, cash.currency);
    let row = scene.create(Resource::Refunds, record);
    let fee = fee_minor.map(|minor| (fee::own_id(scene), minor));
    let id = id_of(scene, Resource::Refunds, row);
    let state = RefundState { row, id, cash, fee, reopens: Vec::new(), entries: Vec::new(), shown: false };
    // They open in the order in which they were planned, so that both lists have it at the same place.
    scene.economy.deals[number].refunds.push(state);
    let step = |status| Step::Refund { deal: number, refund, status };
    scene.deal_later(MINUTE_MS, step("processing"));
    match plan.end {
        RefundEnd::Failed => scene.deal_later(20 * MINUTE_MS, step("failed")),
        RefundEnd::Paid => scene.deal_later(20 * MINUTE_MS, step("paid")),
        RefundEnd::Reversed | RefundEnd::PaidAgain => {
            scene.deal_later(20 * MINUTE_MS, step("paid"));
            scene.deal_later(2 * DAY_MS, step("reversed"));
        }
    }
    if plan.end == RefundEnd::PaidAgain {
        scene.deal_later(3 * DAY_MS + HOUR_MS, step("paid"));
    }
    let kind = match (plan.per_mille, refund) {
        (1000, _) => "refund_full",
        (_, 0) => "refund_partial",
        _ => "refund_multiple",
    };
    scene.economy.tally.count(kind);
}

/// A part of the payment, in the merchant's currency at another rate than it came in.
fn settled_anew(deal: &Deal, per_mille: i64) -> Cash {
    let part = deal.part(per_mille);
    if !part.is_foreign() {
        return part;
    }
    Cash { settled_minor: (part.minor * (deal.plan.rate + 137) / 10_000).max(1), ..part }
}

pub(super) fn advance(scene: &mut Scene<'_>, number: usize, refund: usize, status: &'static str) {
    let state = &scene.economy.deals[number].refunds[refund];
    let (row, again, own_fee) = (state.row, !state.entries.is_empty(), state.fee.clone());
    let home = state.cash.home;
    scene.change(Resource::Refunds, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Refund(facts) = &mut record.facts {
            facts.reason = (status == "failed").then_some("card account closed");
            if let (Some((id, minor)), "paid", []) = (own_fee, status, facts.fees.as_slice()) {
                facts.fees.push(OwnFee { id, amount: cents(minor), currency: home });
            }
        }
    });
    match status {
        "paid" if again => {
            scene.economy.tally.count("refund_paid_again");
            pay(scene, number, refund, 1);
        }
        "paid" => {
            prepare(scene, number, refund);
            pay(scene, number, refund, 1);
        }
        "reversed" => {
            scene.economy.tally.count("refund_reversed");
            pay(scene, number, refund, -1);
        }
        "failed" => scene.economy.tally.count("refund_failed"),
        _ => {}
    }
}

/// What this refund means whenever it is paid.
fn prepare(scene: &mut Scene<'_>, number: usize, refund: usize) {
    let economy = &mut *scene.economy;
    let rows = economy.installation.refund_rows;
    let deal = &mut economy.deals[number];
    let reopens = reopens(deal, deal.refunds[refund].cash.minor);
    let state = &mut deal.refunds[refund];
    state.entries = Entry::clearing(state.cash.negated(), &[(role::REFUNDS, state.cash.minor)]);
    if let Some((_, minor)) = &state.fee {
        economy.tally.count("refund_fees_returned");
        let entry = Entry::pair(state.cash.home, role::CLEARING, role::PROCESSING_FEE_EXPENSE, *minor);
        state.entries.push(entry);
    }
    if rows {
        let entry =
            |(_, minor): &(usize, i64)| Entry::pair(state.cash.currency, role::RECEIVABLE, role::REFUNDS, *minor);
        state.entries.extend(reopens.iter().map(entry));
    }
    state.reopens = reopens;
}

/// What a refund takes from the lines of its payment, first to last.
fn reopens(deal: &Deal, minor: i64) -> Vec<(usize, i64)> {
    let mut rest = minor;
    let mut reopens = Vec::new();
    for (line, facts) in deal.lines.iter().enumerate() {
        let part = rest.min(facts.shown - facts.reopened);
        if part > 0 {
            rest -= part;
            reopens.push((line, part));
        }
    }
    reopens
}

/// The refund is paid (`sign` 1) or taken back (-1).
fn pay(scene: &mut Scene<'_>, number: usize, refund: usize, sign: i64) {
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    let state = deal.refunds[refund].clone();
    if sign > 0 {
        economy.notes.post(&state.entries);
    } else {
        economy.notes.reverse(&state.entries);
    }
    let status: Word = if sign > 0 { "paid" } else { "reversed" }.into();
    economy.purse.put(deal.payment, deal.item("refund", &state.id, &status, -sign * state.cash.settled_minor));
    if let Some((id, minor)) = &state.fee {
        economy.purse.put(deal.payment, deal.item("fee", id, &"active".into(), sign * minor));
    }
    let payment = deal.payment;
    let installation = economy.installation;
    for (line, minor) in &state.reopens {
        let line = &mut scene.economy.deals[number].lines[*line];
        line.reopened += sign * minor;
        let (receivable, id) = (line.receivable, line.id.clone());
        if installation.refund_lowers_paid {
            payment::raise_paid(scene, receivable, -sign * minor);
        }
        if installation.refund_rows {
            scene.economy.notes.credit(&id, -sign * minor);
        }
        if installation.refund_rows && !state.shown {
            let shown = if installation.refund_rows_negative { -minor } else { *minor };
            let source = ("Refund", state.id.clone());
            generator::checkout::application(scene, receivable, payment, source, shown, state.cash.currency);
        }
    }
    scene.economy.deals[number].refunds[refund].shown = true;
}
