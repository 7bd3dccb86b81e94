//! A payment walks its lifecycle, and invoices are paid by it.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, SECOND_MS};
use crate::sandbox::economy::notes::{Entry, role};
use crate::sandbox::economy::plan::{Fate, Story};
use crate::sandbox::economy::{Step, checkout, fee};
use crate::sandbox::generator::{self, cents};
use crate::sandbox::record::{Facts, Record, RowNo};
use crate::sandbox::scene::{Bump, Scene};

/// The payment reaches `status`.
pub(super) fn advance(scene: &mut Scene<'_>, number: usize, status: &'static str) {
    show(scene, number, status);
    let deal = &scene.economy.deals[number];
    let posted = !deal.entries.is_empty();
    match status {
        "processing" => {
            let next = if deal.plan.fate == Fate::FailsEarly { "failed" } else { "posted" };
            scene.deal_later(20 * SECOND_MS, Step::Payment { deal: number, status: next });
        }
        "posted" => {
            let delay_ms = deal.plan.paid_after_ms;
            let next = if deal.plan.fate == Fate::FailsAfterPosting { "failed" } else { "paid" };
            post(scene, number);
            scene.deal_later(delay_ms, Step::Payment { deal: number, status: next });
        }
        "paid" => {
            if !posted {
                scene.economy.tally.count("paid_at_once");
                post(scene, number);
            }
            arrive(scene, number);
        }
        _ if posted => undo(scene, number),
        _ => scene.economy.tally.count("failed_before_posting"),
    }
}

fn show(scene: &mut Scene<'_>, number: usize, status: &'static str) {
    let at_ms = scene.stamp(scene.at_ms);
    let row = scene.economy.deals[number].payment;
    scene.change(Resource::Payments, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Payment(payment) = &mut record.facts {
            match status {
                "posted" => payment.posted_ms = Some(at_ms),
                "paid" => {
                    payment.posted_ms = payment.posted_ms.or(Some(at_ms));
                    payment.paid_ms = Some(at_ms);
                }
                "failed" => payment.failed_ms = Some(at_ms),
                _ => {}
            }
        }
    });
}

/// The money is taken: it is noted, and the invoices have it.
fn post(scene: &mut Scene<'_>, number: usize) {
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    let principal = deal.cash.minor + deal.discount - deal.payer_fees;
    let others = [
        (role::DISCOUNTS, deal.discount),
        (role::CONVENIENCE_FEE_INCOME, -deal.payer_fees),
        (role::UNAPPLIED_CASH, -principal),
    ];
    deal.note(&mut economy.notes, Entry::clearing(deal.cash, &others));
    economy.notes.leave(&deal.id, principal);
    let item = deal.item("payment", &deal.id, &"paid".into(), deal.cash.settled_minor);
    let payment = deal.payment;
    economy.purse.hold(payment);
    economy.purse.put(payment, item);
    use_memo(scene, number);
    for line in 0..scene.economy.deals[number].lines.len() {
        apply(scene, number, line);
    }
    fee::charge(scene, number);
}

/// The memo that the payer used at checkout has less left.
fn use_memo(scene: &mut Scene<'_>, number: usize) {
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    let Some((memo, used)) = deal.memo else { return };
    if !economy.installation.memo_net {
        // The row will credit the memo's part too, as if it were money of the payment.
        let entry = Entry::pair(deal.cash.currency, role::RECEIVABLE, role::UNAPPLIED_CASH, used);
        deal.note(&mut economy.notes, vec![entry]);
        economy.notes.leave(&deal.id, used);
    }
    scene.change(Resource::CreditMemos, memo, Bump::Now, |record| {
        if let Facts::CreditMemo(memo) = &mut record.facts {
            memo.remaining -= cents(used);
        }
    });
}

/// One line of the deal as an application of its payment.
fn apply(scene: &mut Scene<'_>, number: usize, line: usize) {
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    let (payment, currency, id) = (deal.payment, deal.cash.currency, Arc::clone(&deal.id));
    let line = deal.lines[line].clone();
    let mut credited = line.shown;
    if economy.installation.discount_net {
        credited += deal.discount;
    }
    let entry = Entry::pair(currency, role::UNAPPLIED_CASH, role::RECEIVABLE, credited);
    deal.note(&mut economy.notes, vec![entry]);
    economy.notes.credit(&line.id, credited);
    economy.notes.leave(&id, -credited);
    if let Some(open) = economy.open.get_mut(&line.receivable) {
        *open -= line.part;
    }
    raise_paid(scene, line.receivable, line.part);
    let source = ("Payment", id);
    generator::checkout::application(scene, line.receivable, payment, source, line.shown, currency);
}

/// `amountPaid` of an invoice moves, and its status with it.
pub(super) fn raise_paid(scene: &mut Scene<'_>, receivable: RowNo, minor: i64) {
    let at_ms = scene.stamp(scene.at_ms);
    let bump = if scene.books.seeding || scene.books.quirks.changes.applications_bump_receivable {
        Bump::Now
    } else {
        scene.books.hits.count("applications_bump_receivable");
        Bump::To(scene.books.record(Resource::Receivables, receivable).updated_ms)
    };
    scene.change(Resource::Receivables, receivable, bump, |record| {
        let Record { amount, status, facts, .. } = record;
        if let Facts::Receivable(facts) = facts {
            facts.amount_paid += cents(minor);
            let paid = amount.is_some_and(|amount| facts.amount_paid >= amount);
            *status = if paid { "paid" } else { "active" }.into();
            facts.paid_ms = paid.then_some(facts.paid_ms.unwrap_or(at_ms));
        }
    });
}

/// What comes after the money has become available.
fn arrive(scene: &mut Scene<'_>, number: usize) {
    let deal = &scene.economy.deals[number];
    let (story, refunds, dispute) = (deal.plan.story, deal.plan.refunds.clone(), deal.plan.dispute);
    let payment = deal.payment;
    scene.economy.purse.release(payment);
    for (refund, plan) in refunds.iter().enumerate() {
        scene.deal_later(plan.after_ms, Step::OpenRefund { deal: number, refund });
    }
    if let Some(plan) = dispute {
        scene.deal_later(plan.after_ms, Step::OpenDispute { deal: number });
    }
    match story {
        Story::Partial { rest: true } => scene.deal_later(2 * DAY_MS, Step::PayRest { deal: number }),
        Story::Unlinked { applied_later: true } => scene.deal_later(30 * HOUR_MS, Step::ApplyLater { deal: number }),
        _ => {}
    }
}

/// Money that named no invoice finds one.
pub(super) fn apply_later(scene: &mut Scene<'_>, number: usize) {
    scene.economy.tally.count("unlinked_applied_later");
    let deal = &scene.economy.deals[number];
    let (customer, currency, part) = (deal.customer, deal.cash.currency, deal.subtotal * 3 / 4);
    // The invoice asks for somewhat more than there is.
    let line = checkout::new_line(scene, customer, part + part / 10, part, currency, 0);
    let lines = &mut scene.economy.deals[number].lines;
    lines.push(line);
    let last = lines.len() - 1;
    apply(scene, number, last);
}

/// The payment failed although it had been posted: it and its applications are taken back.
fn undo(scene: &mut Scene<'_>, number: usize) {
    scene.economy.tally.count("failed_after_posting");
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    economy.notes.reverse(&deal.entries);
    economy.notes.unapplied.remove(&deal.id);
    economy.purse.drop_payment(deal.payment);
    let lowers = economy.installation.failure_lowers_paid;
    for line in deal.lines.clone() {
        let deal = &scene.economy.deals[number];
        let net = if scene.economy.installation.discount_net { deal.discount } else { 0 };
        scene.economy.notes.credit(&line.id, -(line.shown + net));
        if lowers {
            raise_paid(scene, line.receivable, -line.part);
        }
    }
}
