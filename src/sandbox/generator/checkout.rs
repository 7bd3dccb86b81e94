//! A payer pays: invoices, the payment and its stages, applications, the processing fee.

use std::sync::Arc;

use chrono::Days;

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, day_of};
use crate::sandbox::dice::Dice;
use crate::sandbox::generator::reversal::{DisputePlan, RefundPlan};
use crate::sandbox::generator::{Step, cents, id_of, payout};
use crate::sandbox::record::{Application, CreditMemo, Facts, Fee, Payment, Rail, Receivable, Record, RowNo, Split};
use crate::sandbox::scene::{Bump, Scene};

/// What a payment becomes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Processing,
    Posted,
    Paid,
    Failed,
}

/// All that the dice of a checkout have decided.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Invoices with the part of the principal that each gets.
    applications: Vec<(RowNo, i64)>,
    gross_minor: i64,
    rail: Rail,
    currency: &'static str,
    fails: bool,
    paid_after_ms: i64,
    fee_minor: i64,
    /// When a card fee stops being `delayed`, and what it is changed to later.
    fee_after_ms: i64,
    fee_again_minor: Option<i64>,
    refund: Option<RefundPlan>,
    dispute: Option<DisputePlan>,
    touch_after_ms: Option<i64>,
}

/// Issues the invoices and starts the payment.
pub(super) fn begin(scene: &mut Scene<'_>, dice: &mut Dice) {
    let customers = scene.books.table(Resource::Customers).len();
    let customer = dice.below(customers).min(dice.below(customers));
    let currency = *dice.pick(&["USD", "USD", "USD", "USD", "USD", "USD", "USD", "USD", "USD", "CAD"]);
    let invoices = *dice.pick(&[1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3]) * usize::from(!dice.chance(40));
    let rail = if dice.chance(600) { Rail::Card } else { Rail::Bank };
    let mut applications = Vec::with_capacity(invoices);
    for _ in 0..invoices {
        let minor = dice.between(2_000, 500_000);
        let part = if dice.chance(100) { minor / 2 } else { minor };
        let age_days = if dice.chance(scene.player.seeding.old_parents_per_mille) {
            dice.between(100, 400)
        } else {
            dice.between(1, 40)
        };
        // After the start nothing appears with a date in the past.
        let age_ms = if scene.books.seeding { age_days * DAY_MS } else { 0 };
        applications.push((invoice(scene, customer, minor, currency, age_ms), part));
    }
    if dice.chance(200) {
        let age_ms = if scene.books.seeding { dice.between(0, 20) * DAY_MS } else { 0 };
        invoice(scene, customer, dice.between(2_000, 500_000), currency, age_ms);
    }
    if dice.chance(50) {
        credit_memo(scene, customer, dice.between(500, 20_000), currency);
    }
    let principal = match applications.iter().map(|(_, part)| part).sum() {
        0 => dice.between(2_000, 100_000),
        principal => principal,
    };
    let (split, gross_minor) = split(dice, rail, principal);
    let payment = Payment {
        customer,
        rail,
        split: (!dice.chance(30)).then_some(split),
        settlement: None,
        posted_ms: None,
        paid_ms: None,
        failed_ms: None,
    };
    let record = Record::new(scene.at_ms, "created", Facts::Payment(payment)).money(gross_minor, currency);
    let row = scene.create(Resource::Payments, record);
    let plan = Plan {
        applications,
        gross_minor,
        rail,
        currency,
        fails: dice.chance(30),
        paid_after_ms: dice.between(8, 30) * HOUR_MS * if rail == Rail::Card { 1 } else { 3 },
        fee_minor: if rail == Rail::Card { gross_minor * 29 / 1000 + 30 } else { 100 },
        fee_after_ms: if dice.chance(10) { 4 * DAY_MS } else { dice.between(30, 360) * MINUTE_MS },
        fee_again_minor: dice.chance(20).then(|| gross_minor * 31 / 1000 + 30),
        refund: dice.chance(40).then(|| RefundPlan::draw(dice, gross_minor)),
        dispute: dice.chance(10).then(|| DisputePlan::draw(dice, rail, gross_minor)),
        touch_after_ms: dice.chance(100).then(|| dice.between(1, 20 * 24) * HOUR_MS),
    };
    let delay_ms = dice.between(2, 20) * SECOND_MS;
    scene.later(delay_ms, Step::Payment { row, stage: Stage::Processing, plan: Box::new(plan) });
}

/// The fee split and the gross amount: convenience fee, discount, or neither.
fn split(dice: &mut Dice, rail: Rail, principal: i64) -> (Split, i64) {
    let (kind, payer, merchant, discount) = match (rail, dice.below(10)) {
        (Rail::Card, 0..5) => ("recoup_custom_of_subtotal", principal * 3 / 100, 0, 0),
        (_, 5) => ("discount_fees", 0, principal * 29 / 1000, principal / 100),
        (Rail::Card | Rail::Bank, _) => ("absorb_all_fees", 0, principal * 29 / 1000, 0),
    };
    let split = Split {
        kind,
        subtotal: cents(principal),
        payer_fees: cents(payer),
        merchant_fees: cents(merchant),
        discount: cents(discount),
    };
    (split, principal + payer - discount)
}

pub(in crate::sandbox) fn invoice(
    scene: &mut Scene<'_>,
    customer: RowNo,
    minor: i64,
    currency: &'static str,
    age_ms: i64,
) -> RowNo {
    scene.player.invoices += 1;
    let created_ms = scene.at_ms - age_ms;
    let date = day_of(created_ms);
    let receivable = Receivable {
        ext_id: Arc::from(format!("INV-{}", 1_000 + scene.player.invoices)),
        customer,
        amount_paid: cents(0),
        date,
        due: date.checked_add_days(Days::new(30)).unwrap_or(date),
        paid_ms: None,
    };
    let record = Record::new(created_ms, "active", Facts::Receivable(receivable)).money(minor, currency);
    scene.create(Resource::Receivables, record)
}

pub(in crate::sandbox) fn credit_memo(
    scene: &mut Scene<'_>,
    customer: RowNo,
    minor: i64,
    currency: &'static str,
) -> RowNo {
    scene.player.memos += 1;
    let memo = CreditMemo {
        ext_id: Arc::from(format!("CM-{}", scene.player.memos)),
        customer,
        remaining: cents(minor),
        date: day_of(scene.at_ms),
    };
    let record = Record::new(scene.at_ms, "active", Facts::CreditMemo(memo)).money(minor, currency);
    scene.create(Resource::CreditMemos, record)
}

/// The payment reaches `stage`.
pub(super) fn advance(scene: &mut Scene<'_>, row: RowNo, stage: Stage, plan: Box<Plan>) {
    let at_ms = scene.stamp(scene.at_ms);
    let status = match stage {
        Stage::Processing => "processing",
        Stage::Posted => "posted",
        Stage::Paid => "paid",
        Stage::Failed => "failed",
    };
    scene.change(Resource::Payments, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Payment(payment) = &mut record.facts {
            match stage {
                Stage::Processing => {}
                Stage::Posted => payment.posted_ms = Some(at_ms),
                Stage::Paid => payment.paid_ms = Some(at_ms),
                Stage::Failed => payment.failed_ms = Some(at_ms),
            }
        }
    });
    match stage {
        Stage::Processing if plan.fails => {
            scene.later(30 * SECOND_MS, Step::Payment { row, stage: Stage::Failed, plan });
        }
        Stage::Processing => scene.later(10 * SECOND_MS, Step::Payment { row, stage: Stage::Posted, plan }),
        Stage::Posted => {
            for (receivable, part) in &plan.applications {
                apply(scene, *receivable, row, *part, plan.currency);
            }
            charge_fee(scene, row, &plan);
            scene.later(plan.paid_after_ms, Step::Payment { row, stage: Stage::Paid, plan });
        }
        Stage::Paid => follow(scene, row, &plan),
        Stage::Failed => {}
    }
}

/// What comes after the money has arrived.
fn follow(scene: &mut Scene<'_>, row: RowNo, plan: &Plan) {
    payout::settle(scene, Resource::Payments, row, plan.gross_minor, plan.currency);
    if let Some(mut refund) = plan.refund.clone() {
        refund.receivable = plan.applications.first().map(|(receivable, _)| *receivable);
        scene.later(refund.after_ms, Step::OpenRefund { payment: row, plan: refund });
    }
    if let Some(dispute) = plan.dispute.clone() {
        scene.later(dispute.after_ms, Step::OpenDispute { payment: row, plan: dispute });
    }
    if let Some(after_ms) = plan.touch_after_ms {
        scene.later(after_ms, Step::Touch { resource: Resource::Payments, row });
    }
}

/// One application of a payment to an invoice, and what it does to the invoice.
fn apply(scene: &mut Scene<'_>, receivable: RowNo, payment: RowNo, minor: i64, currency: &'static str) {
    let at_ms = scene.stamp(scene.at_ms);
    let bump = if scene.books.seeding || scene.books.quirks.changes.applications_bump_receivable {
        Bump::Now
    } else {
        scene.books.hits.count("applications_bump_receivable");
        Bump::To(scene.books.record(Resource::Receivables, receivable).updated_ms)
    };
    scene.change(Resource::Receivables, receivable, bump, |record| {
        let amount = record.amount;
        if let Facts::Receivable(facts) = &mut record.facts {
            facts.amount_paid += cents(minor);
            if amount.is_some_and(|amount| facts.amount_paid >= amount) {
                record.status = "paid".into();
                facts.paid_ms = Some(at_ms);
            }
        }
    });
    let source = ("Payment", id_of(scene, Resource::Payments, payment));
    application(scene, receivable, payment, source, minor, currency);
}

pub(in crate::sandbox) fn application(
    scene: &mut Scene<'_>,
    receivable: RowNo,
    payment: RowNo,
    source: (&'static str, Arc<str>),
    minor: i64,
    currency: &'static str,
) -> RowNo {
    let receivable_paid = match &scene.books.record(Resource::Receivables, receivable).facts {
        Facts::Receivable(facts) => facts.amount_paid,
        _ => cents(0),
    };
    let payment_status = super::status_of(scene, payment);
    let facts = Application { receivable, payment, source, receivable_paid, payment_status };
    let record = Record::new(scene.at_ms, "active", Facts::Application(facts)).money(minor, currency);
    scene.create(Resource::ReceivableTransactions, record)
}

/// A card fee begins as `delayed` without an amount; a bank fee is final at once.
fn charge_fee(scene: &mut Scene<'_>, payment: RowNo, plan: &Plan) {
    let row = new_fee(scene, payment, (plan.rail == Rail::Bank).then_some(plan.fee_minor), plan.currency);
    match plan.rail {
        Rail::Bank => payout::settle(scene, Resource::Fees, row, -plan.fee_minor, plan.currency),
        Rail::Card => {
            scene.later(plan.fee_after_ms, Step::Fee { row, minor: plan.fee_minor });
            if let Some(minor) = plan.fee_again_minor {
                scene.later(plan.fee_after_ms + 2 * DAY_MS, Step::Fee { row, minor });
            }
        }
    }
}

/// A fee of a payment; without an amount it is `delayed`.
pub(in crate::sandbox) fn new_fee(
    scene: &mut Scene<'_>,
    payment: RowNo,
    minor: Option<i64>,
    currency: &'static str,
) -> RowNo {
    let kind = if minor.is_some() { "paystand" } else { "delayed" };
    let payment_status = super::status_of(scene, payment);
    let fee = Fee { payment, dispute: None, kind: kind.into(), payment_status };
    let mut record = Record::new(scene.at_ms, "active", Facts::Fee(fee));
    record.currency = currency.into();
    record.amount = minor.map(cents);
    scene.create(Resource::Fees, record)
}

/// The fee is final, or final again with another amount.
pub(super) fn settle_fee(scene: &mut Scene<'_>, row: RowNo, minor: i64) {
    let record = Arc::clone(scene.books.record(Resource::Fees, row));
    let Facts::Fee(fee) = &record.facts else { return };
    let payment_status = super::status_of(scene, fee.payment);
    scene.change(Resource::Fees, row, Bump::Now, |record| {
        record.amount = Some(cents(minor));
        if let Facts::Fee(fee) = &mut record.facts {
            fee.kind = "paystand".into();
            fee.payment_status = payment_status;
        }
    });
    payout::settle_fee(scene, row, &record, minor);
}
