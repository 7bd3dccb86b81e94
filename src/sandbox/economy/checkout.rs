//! Invoices are issued; a payer checks out.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::economy::deal::{Deal, Line};
use crate::sandbox::economy::notes::Cash;
use crate::sandbox::economy::plan::{Fate, Plan, Pricing, Story, home_of};
use crate::sandbox::economy::{Step, purpose, sight};
use crate::sandbox::generator::{self, cents, id_of};
use crate::sandbox::record::{Facts, Payment, Rail, Record, RowNo, Split};
use crate::sandbox::scene::Scene;

/// Issues the invoices of a new deal and plans its checkout.
pub(super) fn issue(scene: &mut Scene<'_>, dice: &mut Dice, plan: Plan) {
    let customers = scene.books.table(Resource::Customers).len();
    let customer = dice.below(customers).min(dice.below(customers));
    let (invoices, currency) = (invoices_of(plan.story), plan.currency);
    let mut lines = Vec::with_capacity(invoices);
    for _ in 0..invoices {
        let minor = dice.between(2_000, 300_000);
        let old = scene.books.seeding && dice.chance(scene.economy.seeding.old_parents_per_mille);
        // After the start nothing appears with a date in the past.
        let age_ms = if old { dice.between(100, 400) * DAY_MS } else { 0 };
        let part = if matches!(plan.story, Story::Partial { .. }) { minor / 2 } else { minor };
        lines.push(new_line(scene, customer, minor, part, currency, age_ms));
    }
    let memo = (plan.story == Story::Memo).then(|| {
        let used = lines[0].part / dice.between(3, 10);
        let minor = if dice.chance(500) { used } else { used + dice.between(100, 20_000) };
        (generator::checkout::credit_memo(scene, customer, minor, currency), used)
    });
    let extra = match plan.story {
        Story::Overpaid => dice.between(100, 20_000),
        Story::Unlinked { .. } => dice.between(2_000, 100_000),
        _ => 0,
    };
    let deal = new_deal(scene, customer, lines, memo, extra, plan);
    let delay_ms = dice.between(10 * MINUTE_MS, 4 * DAY_MS);
    // In the past every checkout begins before its end.
    let room_ms = scene.economy.past_until_ms.map_or(delay_ms, |until_ms| (until_ms - scene.at_ms).max(0));
    scene.deal_later(delay_ms.min(room_ms), Step::Checkout { deal });
}

fn invoices_of(story: Story) -> usize {
    match story {
        Story::Invoices(count) => count,
        Story::Unlinked { .. } | Story::Rest => 0,
        Story::Partial { .. } | Story::Overpaid | Story::Memo => 1,
    }
}

/// A new invoice of which `part` is to be paid.
pub(super) fn new_line(
    scene: &mut Scene<'_>,
    customer: RowNo,
    minor: i64,
    part: i64,
    currency: &'static str,
    age_ms: i64,
) -> Line {
    let receivable = generator::checkout::invoice(scene, customer, minor, currency, age_ms);
    scene.economy.open.insert(receivable, minor);
    Line { receivable, id: id_of(scene, Resource::Receivables, receivable), part, shown: part, reopened: 0 }
}

/// `extra` is what the payer pays beyond the invoices.
fn new_deal(
    scene: &mut Scene<'_>,
    customer: RowNo,
    mut lines: Vec<Line>,
    memo: Option<(RowNo, i64)>,
    extra: i64,
    plan: Plan,
) -> usize {
    let installation = scene.economy.installation;
    let used = memo.map_or(0, |(_, used)| used);
    let subtotal = lines.iter().map(|line| line.part).sum::<i64>() + extra - used;
    let discount = if plan.pricing == Pricing::Discount { subtotal / 100 } else { 0 };
    let payer_fees = if plan.pricing == Pricing::Convenience { subtotal * 3 / 100 } else { 0 };
    if let [line] = lines.as_mut_slice() {
        line.shown -= if installation.discount_net { discount } else { 0 };
        line.shown -= if installation.memo_net { used } else { 0 };
    }
    let minor = subtotal + payer_fees - discount;
    let cash = Cash {
        minor,
        currency: plan.currency,
        settled_minor: minor * plan.rate / 10_000,
        home: home_of(plan.currency),
    };
    let number = scene.economy.deals.len();
    let deal = Deal {
        number,
        plan,
        customer,
        lines,
        memo,
        subtotal,
        payer_fees,
        discount,
        cash,
        payment: 0,
        id: Arc::from(""),
        entries: Vec::new(),
        fee: None,
        first_fee: None,
        carried: false,
        refunds: Vec::new(),
        dispute: None,
    };
    scene.economy.deals.push(deal);
    number
}

/// The payer checks out.
pub(super) fn begin(scene: &mut Scene<'_>, number: usize) {
    let deal = &scene.economy.deals[number];
    let settlement = deal.cash.is_foreign().then(|| (cents(deal.cash.settled_minor), deal.cash.home));
    let payment = Payment {
        customer: deal.customer,
        rail: deal.plan.rail,
        split: split(deal),
        settlement,
        posted_ms: None,
        paid_ms: None,
        failed_ms: None,
    };
    let (minor, currency) = (deal.cash.minor, deal.cash.currency);
    let record = Record::new(scene.at_ms, "created", Facts::Payment(payment)).money(minor, currency);
    let row = scene.create(Resource::Payments, record);
    let id = id_of(scene, Resource::Payments, row);
    let deal = &mut scene.economy.deals[number];
    (deal.payment, deal.id) = (row, id);
    let at_once = deal.plan.fate == Fate::PaidAtOnce;
    count(scene, number);
    let (delay_ms, status) = if at_once { (MINUTE_MS, "paid") } else { (5 * SECOND_MS, "processing") };
    scene.deal_later(delay_ms, Step::Payment { deal: number, status });
}

fn split(deal: &Deal) -> Option<Split> {
    let kind = match deal.plan.pricing {
        Pricing::Convenience => "recoup_custom_of_subtotal",
        Pricing::Discount => "discount_fees",
        Pricing::Absorb => "absorb_all_fees",
        Pricing::Unsplit => return None,
    };
    let borne = if deal.payer_fees == 0 { deal.subtotal * 29 / 1000 } else { 0 };
    Some(Split {
        kind,
        subtotal: cents(deal.subtotal),
        payer_fees: cents(deal.payer_fees),
        merchant_fees: cents(borne),
        discount: cents(deal.discount),
    })
}

fn count(scene: &mut Scene<'_>, number: usize) {
    let economy = &mut *scene.economy;
    let plan = &economy.deals[number].plan;
    economy.tally.count(match plan.story {
        Story::Invoices(1) => "one_invoice",
        Story::Invoices(_) => "several_invoices",
        Story::Partial { .. } => "partial",
        Story::Overpaid => "overpaid",
        Story::Unlinked { .. } => "unlinked",
        Story::Memo => "credit_memo_used",
        Story::Rest => "rest_paid",
    });
    economy.tally.count(match plan.pricing {
        Pricing::Convenience => "convenience_fee",
        Pricing::Discount => "discount",
        Pricing::Absorb => "absorbed",
        Pricing::Unsplit => "without_fee_split",
    });
    economy.tally.count(if plan.rail == Rail::Card { "card" } else { "bank" });
    match plan.currency {
        "EUR" => economy.tally.count("foreign_currency"),
        "CAD" => economy.tally.count("second_currency"),
        _ => {}
    }
}

/// A checkout for what the partial payment of `number` has left open.
pub(super) fn pay_rest(scene: &mut Scene<'_>, number: usize) {
    let mut dice = scene.economy.dice(purpose::REST, u64::try_from(number).unwrap_or(0));
    let first = &scene.economy.deals[number];
    let (customer, currency, line) = (first.customer, first.cash.currency, first.lines[0].clone());
    let open = scene.economy.open.get(&line.receivable).copied().unwrap_or(0);
    if open > 0 {
        let plan = Plan::rest(&mut dice, &scene.economy.installation, sight(scene), currency);
        let line = Line { part: open, shown: open, reopened: 0, ..line };
        let deal = new_deal(scene, customer, vec![line], None, 0, plan);
        let delay_ms = dice.between(1, 5) * HOUR_MS;
        scene.deal_later(delay_ms, Step::Checkout { deal });
    }
}
