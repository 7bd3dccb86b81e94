//! A simulated business in the double sense: invoices, checkouts, fees, refunds, disputes, payouts, and the books that they make.
//!
//! Stands beside `generator` and runs on the same agenda, for the past and live. Invariants: whatever happens is noted here at
//! the instant at which it happens ([`notes`]), independently of what lists show and of every reader; each movement of clearing
//! is in one place ([`purse`]) until a payout carries it; the entries of a report sum to its transfer. What nobody published is
//! drawn once per merchant ([`installation`]) and then shown the same way throughout.
//!
//! Rows that tests or churn create stand outside the notes.

mod checkout;
mod deal;
mod dispute;
mod fee;
mod installation;
mod notes;
mod payment;
mod payout;
mod plan;
mod purse;
mod refund;
mod tally;
#[cfg(test)]
mod tests;
mod truth;

use std::collections::BTreeMap;

use crate::sandbox::agenda::Change;
use crate::sandbox::days::{DAY_MS, HOUR_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::generator::{self, Business, Seeding};
use crate::sandbox::quirks::{PaymentRows, Quirks, ReportAnswer};
use crate::sandbox::record::RowNo;
use crate::sandbox::scene::Scene;

use deal::Deal;
use installation::Installation;
use notes::Notes;
use payout::Payout;
use plan::{Plan, Sight};
use purse::Purse;
use tally::Tally;

pub use tally::VARIANTS;
pub use truth::{BooksTruth, PayoutTruth};

/// One thing that happens next. Numbers of deals and payouts are places in the lists of [`Economy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Invoices are issued for the deal of this number.
    Issue(u64),
    Checkout {
        deal: usize,
    },
    Payment {
        deal: usize,
        status: &'static str,
    },
    ApplyLater {
        deal: usize,
    },
    PayRest {
        deal: usize,
    },
    Fee {
        deal: usize,
        minor: i64,
    },
    OpenRefund {
        deal: usize,
        refund: usize,
    },
    Refund {
        deal: usize,
        refund: usize,
        status: &'static str,
    },
    OpenDispute {
        deal: usize,
    },
    Dispute {
        deal: usize,
        status: &'static str,
    },
    DailyPayout,
    Transfer {
        payout: usize,
        status: &'static str,
    },
    /// A failed transfer will not be tried again.
    GiveBack {
        payout: usize,
    },
    Report {
        payout: usize,
    },
}

/// What the simulated business of one merchant remembers.
#[derive(Debug)]
pub(crate) struct Economy {
    seeding: Seeding,
    merchant: usize,
    installation: Installation,
    deals: Vec<Deal>,
    notes: Notes,
    purse: Purse,
    payouts: Vec<Payout>,
    /// What of each invoice nobody has paid.
    open: BTreeMap<RowNo, i64>,
    tally: Tally,
    /// While the past is played: its end.
    past_until_ms: Option<i64>,
}

/// Purposes of dice.
mod purpose {
    pub(super) const INSTALLATION: u64 = 100;
    pub(super) const DEAL: u64 = 101;
    pub(super) const REST: u64 = 102;
    pub(super) const DAY: u64 = 103;
    pub(super) const ROWS: u64 = 104;
}

impl Economy {
    pub(crate) fn new(seeding: Seeding, merchant: usize) -> Self {
        let mut dice = dice(&seeding, merchant, purpose::INSTALLATION, 0);
        Self {
            installation: Installation::draw(&mut dice),
            seeding,
            merchant,
            deals: Vec::new(),
            notes: Notes::default(),
            purse: Purse::default(),
            payouts: Vec::new(),
            open: BTreeMap::new(),
            tally: Tally::default(),
            past_until_ms: None,
        }
    }

    fn dice(&self, purpose: u64, number: u64) -> Dice {
        dice(&self.seeding, self.merchant, purpose, number)
    }
}

fn dice(seeding: &Seeding, merchant: usize, purpose: u64, number: u64) -> Dice {
    Dice::of(&[seeding.seed, u64::try_from(merchant).unwrap_or(0), purpose, number])
}

/// Half of all economies list payments in full, whatever the quirks say; others leave it to them.
pub(crate) fn bend(quirks: &mut Quirks, seeding: &Seeding) {
    if seeding.business == Business::Economy && dice(seeding, 0, purpose::ROWS, 0).chance(500) {
        quirks.rows.payment_rows = PaymentRows::Full;
    }
}

/// Plays the past of one merchant up to `now_ms`; what lies ahead is left on the agenda.
pub(crate) fn play_past(scene: &mut Scene<'_>, now_ms: i64) {
    let Seeding { payments, customers, days, live_payments_per_day, frozen, .. } = scene.economy.seeding;
    let start_ms = now_ms - i64::from(days.max(1)) * DAY_MS;
    count_installation(scene);
    let customers = if customers == 0 { (payments / 8).max(3) } else { customers };
    for number in 0..customers {
        let age_ms = i64::try_from(number).unwrap_or(0) % 90 * DAY_MS + HOUR_MS;
        scene.at_ms = start_ms - age_ms;
        generator::new_customer(scene);
    }
    let first_payout_ms = start_ms.div_euclid(DAY_MS) * DAY_MS + generator::payout::TIME_OF_DAY_MS;
    scene.agenda.plan(first_payout_ms, scene.merchant, Change::Deal(Step::DailyPayout));
    let count = u64::try_from(payments).unwrap_or(u64::MAX);
    let slot_ms = (now_ms - start_ms) / i64::try_from(count).unwrap_or(i64::MAX).max(1);
    for number in 0..count {
        let position = i64::try_from(number).unwrap_or(0);
        scene.agenda.plan(start_ms + slot_ms * position, scene.merchant, Change::Deal(Step::Issue(number)));
    }
    scene.economy.past_until_ms = Some(now_ms);
    while let Some((due_ms, _, change)) = scene.agenda.due(now_ms) {
        scene.at_ms = due_ms;
        if let Change::Deal(step) = change {
            play(scene, step);
        }
    }
    scene.economy.past_until_ms = None;
    scene.at_ms = now_ms;
    if live_payments_per_day > 0 && !frozen {
        scene.deal_later(generator::pause_ms(live_payments_per_day), Step::Issue(count));
    }
}

fn count_installation(scene: &mut Scene<'_>) {
    let full = scene.books.quirks.rows.payment_rows == PaymentRows::Full;
    let economy = &mut *scene.economy;
    economy.installation.count(&mut economy.tally);
    economy.tally.count(if full { "payment_rows_full" } else { "payment_rows_plain" });
}

/// Does one step.
pub(crate) fn play(scene: &mut Scene<'_>, step: Step) {
    match step {
        Step::Issue(number) => {
            let mut dice = scene.economy.dice(purpose::DEAL, number);
            let one_currency = scene.economy.seeding.one_currency;
            let plan = Plan::draw(&mut dice, &scene.economy.installation, sight(scene), one_currency);
            checkout::issue(scene, &mut dice, plan);
            if scene.economy.past_until_ms.is_none() {
                let pause_ms = generator::pause_ms(scene.economy.seeding.live_payments_per_day);
                scene.deal_later(pause_ms, Step::Issue(number + 1));
            }
        }
        Step::Checkout { deal } => checkout::begin(scene, deal),
        Step::PayRest { deal } => checkout::pay_rest(scene, deal),
        Step::Payment { deal, status } => payment::advance(scene, deal, status),
        Step::ApplyLater { deal } => payment::apply_later(scene, deal),
        Step::Fee { deal, minor } => fee::settle(scene, deal, minor),
        Step::OpenRefund { deal, refund } => refund::open(scene, deal, refund),
        Step::Refund { deal, refund, status } => refund::advance(scene, deal, refund, status),
        Step::OpenDispute { deal } => dispute::open(scene, deal),
        Step::Dispute { deal, status } => dispute::advance(scene, deal, status),
        Step::DailyPayout => payout::daily(scene),
        Step::Transfer { payout, status } => payout::advance(scene, payout, status),
        Step::GiveBack { payout } => payout::give_back(scene, payout),
        Step::Report { payout } => payout::report(scene, payout),
    }
}

/// What clients of this world can see now.
fn sight(scene: &Scene<'_>) -> Sight {
    let access = &scene.books.quirks.access;
    Sight { reports: access.report == ReportAnswer::Normal, fees_list: !access.fees_unauthorized }
}
