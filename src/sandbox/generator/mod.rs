//! The simulated business: customers, checkouts with their lifecycles, payouts.
//!
//! It only plans steps and makes changes through [`Scene`]; the server does not depend on what it does, so another one can
//! stand beside it. Each checkout has dice of its own, so that one more or less changes no other.

pub(in crate::sandbox) mod checkout;
pub(crate) mod fresh;
pub(in crate::sandbox) mod payout;
mod reversal;

use rust_decimal::Decimal;
use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::agenda::{Agenda, Change};
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::record::{Customer, Facts, Record, RowNo, Word};
use crate::sandbox::scene::Scene;

/// Which business a world runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Business {
    /// Plausible rows in every table.
    #[default]
    Generator,
    /// An economy that keeps its own books: [`World::books_truth`](crate::sandbox::World::books_truth).
    Economy,
}

/// How much there is at the start, and how much comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seeding {
    pub business: Business,
    pub seed: u64,
    /// Payments per merchant, created over the last `days`; everything else follows from them. (An economy adds a few: what
    /// a partial payment left open is paid too.)
    pub payments: usize,
    /// Payer customers per merchant; 0 is one for eight payments, at least three.
    pub customers: usize,
    pub days: u32,
    /// Invoices issued 100 to 400 days before their payment. Default 20.
    pub old_parents_per_mille: u16,
    /// Checkouts per merchant and day after the start. Default 0.
    pub live_payments_per_day: u32,
    /// An economy does business in the merchant's own currency only.
    pub one_currency: bool,
    /// Nothing happens by itself after the start: no lifecycle goes on.
    pub frozen: bool,
}

impl Default for Seeding {
    fn default() -> Self {
        Self {
            business: Business::Generator,
            seed: 1,
            payments: 200,
            customers: 0,
            days: 30,
            old_parents_per_mille: 20,
            live_payments_per_day: 0,
            one_currency: false,
            frozen: false,
        }
    }
}

/// What the simulated business of one merchant remembers.
#[derive(Debug)]
pub(crate) struct Player {
    seeding: Seeding,
    merchant: usize,
    /// Money that no payout has carried yet.
    unsettled: Vec<payout::Item>,
    invoices: u64,
    customers: u64,
    memos: u64,
}

/// One thing that the simulated business does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next checkout after the start, by number.
    Checkout(u64),
    Payment {
        row: RowNo,
        stage: checkout::Stage,
        plan: Box<checkout::Plan>,
    },
    Fee {
        row: RowNo,
        minor: i64,
    },
    OpenRefund {
        payment: RowNo,
        plan: reversal::RefundPlan,
    },
    Refund {
        row: RowNo,
        status: &'static str,
        receivable: Option<RowNo>,
    },
    OpenDispute {
        payment: RowNo,
        plan: reversal::DisputePlan,
    },
    Dispute {
        row: RowNo,
        status: &'static str,
        won_minor: i64,
    },
    Touch {
        resource: Resource,
        row: RowNo,
    },
    DailyPayout,
    Transfer {
        row: RowNo,
        withdrawal: RowNo,
        status: &'static str,
    },
    Report {
        transfer: RowNo,
        items: Vec<payout::Item>,
    },
}

impl Player {
    pub(crate) fn new(seeding: Seeding, merchant: usize) -> Self {
        Self { seeding, merchant, unsettled: Vec::new(), invoices: 0, customers: 0, memos: 0 }
    }

    /// Dice for one purpose and number.
    fn dice(&self, purpose: u64, number: u64) -> Dice {
        Dice::of(&[self.seeding.seed, u64::try_from(self.merchant).unwrap_or(0), purpose, number])
    }
}

/// Plays the past of one merchant up to `now_ms`; what lies ahead is left on the agenda.
pub(crate) fn play_past(scene: &mut Scene<'_>, now_ms: i64) {
    let Seeding { payments, customers, days, live_payments_per_day, frozen, .. } = scene.player.seeding;
    let start_ms = now_ms - i64::from(days.max(1)) * DAY_MS;
    let customers = if customers == 0 { (payments / 8).max(3) } else { customers };
    for number in 0..customers {
        let age_ms = i64::try_from(number).unwrap_or(0) % 90 * DAY_MS + HOUR_MS;
        scene.at_ms = start_ms - age_ms;
        new_customer(scene);
    }
    scene.at_ms = start_ms;
    let first_payout_ms = start_ms.div_euclid(DAY_MS) * DAY_MS + payout::TIME_OF_DAY_MS;
    scene.agenda.plan(first_payout_ms, scene.merchant, Change::Play(Step::DailyPayout));
    let count = i64::try_from(payments).unwrap_or(i64::MAX);
    for number in 0..payments {
        let position = i64::try_from(number).unwrap_or(0);
        // Within its slot; the last one ends before now.
        let slot_ms = (now_ms - start_ms) / count.max(1);
        let mut dice = scene.player.dice(0, u64::try_from(number).unwrap_or(0));
        let at_ms = start_ms + slot_ms * position + dice.between(0, (slot_ms - 1).max(0));
        catch_up(scene, at_ms);
        scene.at_ms = at_ms;
        checkout::begin(scene, &mut dice);
    }
    catch_up(scene, now_ms);
    scene.at_ms = now_ms;
    if live_payments_per_day > 0 && !frozen {
        let number = u64::try_from(payments).unwrap_or(0);
        scene.later(pause_ms(live_payments_per_day), Step::Checkout(number));
    }
}

/// Does what is due before `until_ms` while the past is played.
fn catch_up(scene: &mut Scene<'_>, until_ms: i64) {
    while let Some((due_ms, _, change)) = scene.agenda.due(until_ms) {
        scene.at_ms = due_ms;
        if let Change::Play(step) = change {
            play(scene, step);
        }
    }
}

/// Does one step.
pub(crate) fn play(scene: &mut Scene<'_>, step: Step) {
    match step {
        Step::Checkout(number) => {
            let mut dice = scene.player.dice(0, number);
            checkout::begin(scene, &mut dice);
            scene.later(pause_ms(scene.player.seeding.live_payments_per_day), Step::Checkout(number + 1));
        }
        Step::Payment { row, stage, plan } => checkout::advance(scene, row, stage, plan),
        Step::Fee { row, minor } => checkout::settle_fee(scene, row, minor),
        Step::OpenRefund { payment, plan } => reversal::open_refund(scene, payment, &plan),
        Step::Refund { row, status, receivable } => reversal::advance_refund(scene, row, status, receivable),
        Step::OpenDispute { payment, plan } => reversal::open_dispute(scene, payment, &plan),
        Step::Dispute { row, status, won_minor } => reversal::advance_dispute(scene, row, status, won_minor),
        Step::Touch { resource, row } => scene.touch(resource, row),
        Step::DailyPayout => payout::daily(scene),
        Step::Transfer { row, withdrawal, status } => payout::advance(scene, row, withdrawal, status),
        Step::Report { transfer, items } => payout::report(scene, transfer, items),
    }
}

pub(in crate::sandbox) fn pause_ms(per_day: u32) -> i64 {
    (DAY_MS / i64::from(per_day.max(1))).max(MINUTE_MS / 60)
}

pub(crate) fn new_customer(scene: &mut Scene<'_>) -> RowNo {
    scene.player.customers += 1;
    let payer_id = scene.books.fresh_id("py");
    let customer = Customer { number: scene.player.customers, payer_id };
    let record = Record::new(scene.at_ms, "active", Facts::Customer(customer));
    scene.create(Resource::Customers, record)
}

/// Nothing is planned any more where the business is frozen.
pub(crate) fn freeze(agenda: &mut Agenda, seeding: &Seeding) {
    if seeding.frozen {
        agenda.freeze();
    }
}

pub(in crate::sandbox) fn cents(minor: i64) -> Decimal {
    Decimal::new(minor, 2)
}

pub(in crate::sandbox) fn status_of(scene: &Scene<'_>, payment: RowNo) -> Word {
    scene.books.record(Resource::Payments, payment).status.clone()
}

pub(in crate::sandbox) fn id_of(scene: &Scene<'_>, resource: Resource, row: RowNo) -> Arc<str> {
    Arc::clone(&scene.books.record(resource, row).id)
}
