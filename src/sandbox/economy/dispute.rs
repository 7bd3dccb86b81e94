//! Card chargebacks and ACH returns, and the fee that each costs whatever its end.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::economy::Step;
use crate::sandbox::economy::deal::DisputeState;
use crate::sandbox::economy::notes::{Cash, Entry, role};
use crate::sandbox::economy::plan::{DisputeEnd, DisputePlan};
use crate::sandbox::economy::{fee, purse::Item};
use crate::sandbox::generator::{self, cents, id_of};
use crate::sandbox::record::{Dispute, Facts, Fee, OwnFee, Rail, Record, RowNo};
use crate::sandbox::scene::{Bump, Scene};

const FEE_MINOR: i64 = 3_500;

/// Money leaves at once, and so does the fee.
pub(super) fn open(scene: &mut Scene<'_>, number: usize) {
    let deal = &scene.economy.deals[number];
    let (Some(plan), payment, bank) = (deal.plan.dispute, deal.payment, deal.plan.rail == Rail::Bank) else { return };
    let cash = deal.part(plan.per_mille);
    let in_field = plan.fee_shown & 0b001 != 0;
    let own = (plan.fee_shown & 0b110 != 0).then(|| fee::own_id(scene));
    let mut fees = Vec::new();
    if let Some(id) = own.as_ref().filter(|_| plan.fee_shown & 0b010 != 0) {
        fees.push(OwnFee { id: Arc::clone(id), amount: cents(FEE_MINOR), currency: cash.home });
    }
    let facts = Facts::Dispute(Dispute {
        payment,
        settlement: cash.is_foreign().then(|| (cents(cash.settled_minor), cash.home)),
        bank,
        amount_won: cents(0),
        fee: in_field.then(|| cents(FEE_MINOR)),
        fees,
        reason: if bank { "Insufficient Funds" } else { "fraudulent" },
        closed: false,
        payment_status: generator::status_of(scene, payment),
    });
    let record = Record::new(scene.at_ms, "created", facts).money(cash.minor, cash.currency);
    let row = scene.create(Resource::Disputes, record);
    let id = id_of(scene, Resource::Disputes, row);
    scene.economy.deals[number].dispute = Some(DisputeState { row, id, cash, lost: false });
    move_clearing(scene, number, cash.negated(), role::DISPUTES, "created");
    charge(scene, number, plan, own.as_ref());
    if let Some(id) = own.filter(|_| plan.fee_shown & 0b100 != 0) {
        list_fee(scene, number, row, id);
    }
    plan_life(scene, number, plan, bank);
}

/// The fee in the notes (unless only a report tells it) and in the purse.
fn charge(scene: &mut Scene<'_>, number: usize, plan: DisputePlan, own: Option<&Arc<str>>) {
    let economy = &mut *scene.economy;
    let deal = &economy.deals[number];
    let Some(state) = &deal.dispute else { return };
    let noted = plan.fee_shown != 0;
    if noted {
        economy.notes.post(&[fee_entry(deal.cash.home, FEE_MINOR)]);
    }
    let source_id = own.filter(|_| economy.installation.entry_by_fee).unwrap_or(&state.id);
    let item = Item { noted, ..deal.item("fee", source_id, &"active".into(), -FEE_MINOR) };
    economy.purse.put(deal.payment, item);
    for (bit, variant) in
        [(0b001, "dispute_fee_in_field"), (0b010, "dispute_fee_in_dispute_fees"), (0b100, "dispute_fee_in_fees_list")]
    {
        if plan.fee_shown & bit != 0 {
            economy.tally.count(variant);
        }
    }
}

pub(super) fn fee_entry(currency: &'static str, minor: i64) -> Entry {
    Entry::pair(currency, role::DISPUTE_FEES, role::CLEARING, minor)
}

/// The fee as a row of `GET /fees`.
fn list_fee(scene: &mut Scene<'_>, number: usize, dispute: RowNo, id: Arc<str>) {
    let deal = &scene.economy.deals[number];
    let (payment, home) = (deal.payment, deal.cash.home);
    let payment_status = generator::status_of(scene, payment);
    let fee = Fee { payment, dispute: Some(dispute), kind: "paystand".into(), payment_status };
    let mut record = Record::new(scene.at_ms, "active", Facts::Fee(fee)).money(FEE_MINOR, home);
    record.id = id;
    scene.create(Resource::Fees, record);
}

fn plan_life(scene: &mut Scene<'_>, number: usize, plan: DisputePlan, bank: bool) {
    let step = |status| Step::Dispute { deal: number, status };
    scene.deal_later(2 * MINUTE_MS, step("processing"));
    if bank {
        scene.deal_later(HOUR_MS, step("lost"));
        return;
    }
    if plan.end == DisputeEnd::Failed {
        scene.deal_later(DAY_MS, step("failed"));
        return;
    }
    if scene.economy.installation.active_disputes {
        scene.deal_later(DAY_MS, step("active"));
    } else {
        scene.deal_later(DAY_MS, step("acceptingEvidence"));
        scene.deal_later(3 * DAY_MS, step("underReview"));
    }
    let first = if matches!(plan.end, DisputeEnd::Won | DisputeEnd::PartlyWon) { "won" } else { "lost" };
    scene.deal_later(8 * DAY_MS, step(first));
    if plan.end == DisputeEnd::LostThenWon {
        scene.deal_later(14 * DAY_MS, step("won"));
    }
}

pub(super) fn advance(scene: &mut Scene<'_>, number: usize, status: &'static str) {
    let deal = &scene.economy.deals[number];
    let (Some(state), Some(plan)) = (deal.dispute.clone(), deal.plan.dispute) else { return };
    let mut won = state.cash;
    if plan.end == DisputeEnd::PartlyWon {
        (won.minor, won.settled_minor) = ((won.minor / 2).max(1), (won.settled_minor / 2).max(1));
    }
    scene.change(Resource::Disputes, state.row, Bump::Now, |record| {
        record.status = status.into();
        if let Facts::Dispute(dispute) = &mut record.facts {
            dispute.amount_won = cents(if status == "won" { won.minor } else { 0 });
            dispute.closed = matches!(status, "won" | "lost" | "failed");
        }
    });
    let bank = scene.economy.deals[number].plan.rail == Rail::Bank;
    match status {
        "won" => win(scene, number, &state, won),
        "lost" => {
            scene.economy.tally.count(if bank { "ach_return" } else { "chargeback_lost" });
            lose(scene, state.cash.currency, state.cash.minor);
        }
        "failed" => {
            scene.economy.tally.count("dispute_failed");
            move_clearing(scene, number, state.cash, role::DISPUTES, "failed");
        }
        _ => return,
    }
    if let Some(state) = &mut scene.economy.deals[number].dispute {
        state.lost = status == "lost";
    }
}

/// What was won comes back, the rest is lost for good; a loss that was noted before is undone.
fn win(scene: &mut Scene<'_>, number: usize, state: &DisputeState, won: Cash) {
    let Cash { minor, currency, .. } = state.cash;
    if state.lost {
        lose(scene, currency, -minor);
    }
    scene.economy.tally.count(match (state.lost, won.minor < minor) {
        (true, _) => "chargeback_won_after_loss",
        (false, true) => "chargeback_partly_won",
        (false, false) => "chargeback_won",
    });
    move_clearing(scene, number, won, role::DISPUTES, "won");
    lose(scene, currency, minor - won.minor);
}

fn lose(scene: &mut Scene<'_>, currency: &'static str, minor: i64) {
    scene.economy.notes.post(&[Entry::pair(currency, role::DISPUTE_LOSSES, role::DISPUTES, minor)]);
}

/// Clearing takes or gives money of the dispute, and a payout will carry it.
fn move_clearing(scene: &mut Scene<'_>, number: usize, cash: Cash, other: &'static str, status: &'static str) {
    let economy = &mut *scene.economy;
    let deal = &economy.deals[number];
    let Some(state) = &deal.dispute else { return };
    economy.notes.post(&Entry::clearing(cash, &[(other, -cash.minor)]));
    economy.purse.put(deal.payment, deal.item("dispute", &state.id, &status.into(), cash.settled_minor));
}
