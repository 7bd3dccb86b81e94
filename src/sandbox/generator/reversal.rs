//! Money that goes back: refunds, card disputes, ACH returns.

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::generator::{Step, cents, checkout, id_of, payout, status_of};
use crate::sandbox::record::{Dispute, Facts, Rail, Record, Refund, RowNo};
use crate::sandbox::scene::{Bump, Scene};

const DISPUTE_FEE_MINOR: i64 = 3_500;

#[derive(Debug, Clone)]
pub(crate) struct RefundPlan {
    pub after_ms: i64,
    minor: i64,
    fails: bool,
    fees_refunded: bool,
    /// The invoice that shows the refund in its transactions.
    pub receivable: Option<RowNo>,
}

impl RefundPlan {
    pub(super) fn draw(dice: &mut Dice, gross_minor: i64) -> Self {
        Self {
            after_ms: dice.between(1, 240) * HOUR_MS,
            minor: if dice.chance(500) { gross_minor } else { (gross_minor / 3).max(1) },
            fails: dice.chance(100),
            fees_refunded: dice.chance(200),
            receivable: None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct DisputePlan {
    pub after_ms: i64,
    bank: bool,
    minor: i64,
    won_minor: i64,
}

impl DisputePlan {
    pub(super) fn draw(dice: &mut Dice, rail: Rail, gross_minor: i64) -> Self {
        let bank = rail == Rail::Bank;
        let won_minor = if bank { 0 } else { *dice.pick(&[0, gross_minor, gross_minor / 2]) };
        Self { after_ms: dice.between(1, if bank { 80 } else { 40 }) * DAY_MS, bank, minor: gross_minor, won_minor }
    }
}

pub(super) fn open_refund(scene: &mut Scene<'_>, payment: RowNo, plan: &RefundPlan) {
    let row = new_refund(scene, payment, plan.minor, plan.fees_refunded, "created");
    scene.later(MINUTE_MS, Step::Refund { row, status: "processing", receivable: plan.receivable });
    let last = if plan.fails { "failed" } else { "paid" };
    scene.later(20 * MINUTE_MS, Step::Refund { row, status: last, receivable: plan.receivable });
}

pub(super) fn new_refund(
    scene: &mut Scene<'_>,
    payment: RowNo,
    minor: i64,
    fees_refunded: bool,
    status: &'static str,
) -> RowNo {
    let currency = scene.books.record(Resource::Payments, payment).currency.clone();
    let refund = Refund {
        payment,
        settlement: None,
        fees_refunded,
        fees: Vec::new(),
        reason: None,
        payment_status: status_of(scene, payment),
    };
    let record = Record::new(scene.at_ms, status, Facts::Refund(refund)).money(minor, currency);
    scene.create(Resource::Refunds, record)
}

pub(super) fn advance_refund(scene: &mut Scene<'_>, row: RowNo, status: &'static str, receivable: Option<RowNo>) {
    scene.change(Resource::Refunds, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Refund(refund) = &mut record.facts {
            refund.reason = (status == "failed").then_some("card account closed");
        }
    });
    let record = scene.books.record(Resource::Refunds, row).clone();
    let (Facts::Refund(refund), "paid") = (&record.facts, status) else { return };
    let minor = payout::minor_of(&record);
    let currency = payout::currency_of(&record);
    payout::settle(scene, Resource::Refunds, row, -minor, currency);
    if let Some(receivable) = receivable {
        let source = ("Refund", id_of(scene, Resource::Refunds, row));
        checkout::application(scene, receivable, refund.payment, source, minor, currency);
    }
}

pub(super) fn open_dispute(scene: &mut Scene<'_>, payment: RowNo, plan: &DisputePlan) {
    let row = new_dispute(scene, payment, plan.minor, plan.bank, "created");
    let currency = payout::currency_of(scene.books.record(Resource::Disputes, row));
    payout::settle(scene, Resource::Disputes, row, -plan.minor, currency);
    payout::settle_dispute_fee(scene, row, -DISPUTE_FEE_MINOR, currency);
    scene.later(2 * MINUTE_MS, Step::Dispute { row, status: "processing", won_minor: 0 });
    let last = if plan.won_minor > 0 { "won" } else { "lost" };
    if plan.bank {
        scene.later(HOUR_MS, Step::Dispute { row, status: "lost", won_minor: 0 });
    } else {
        scene.later(3 * DAY_MS, Step::Dispute { row, status: "underReview", won_minor: 0 });
        scene.later(10 * DAY_MS, Step::Dispute { row, status: last, won_minor: plan.won_minor });
    }
}

pub(super) fn new_dispute(
    scene: &mut Scene<'_>,
    payment: RowNo,
    minor: i64,
    bank: bool,
    status: &'static str,
) -> RowNo {
    let currency = scene.books.record(Resource::Payments, payment).currency.clone();
    let dispute = Dispute {
        payment,
        settlement: None,
        bank,
        amount_won: cents(0),
        fee: Some(cents(DISPUTE_FEE_MINOR)),
        fees: Vec::new(),
        reason: if bank { "Insufficient Funds" } else { "fraudulent" },
        closed: false,
        payment_status: status_of(scene, payment),
    };
    let record = Record::new(scene.at_ms, status, Facts::Dispute(dispute)).money(minor, currency);
    scene.create(Resource::Disputes, record)
}

pub(super) fn advance_dispute(scene: &mut Scene<'_>, row: RowNo, status: &'static str, won_minor: i64) {
    scene.change(Resource::Disputes, row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Dispute(dispute) = &mut record.facts {
            dispute.amount_won = cents(won_minor);
            dispute.closed = matches!(status, "won" | "lost");
        }
    });
    if won_minor > 0 {
        let currency = payout::currency_of(scene.books.record(Resource::Disputes, row));
        payout::settle(scene, Resource::Disputes, row, won_minor, currency);
    }
}
