//! What the dice decide about one checkout before it begins.

use crate::sandbox::days::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::sandbox::dice::Dice;
use crate::sandbox::economy::installation::Installation;
use crate::sandbox::record::Rail;

/// What the payer pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    Invoices(usize),
    /// Half of one invoice; the rest perhaps by a later checkout.
    Partial {
        rest: bool,
    },
    /// One invoice and more than it asks for.
    Overpaid,
    /// Nothing that the payer names; perhaps it is applied later.
    Unlinked {
        applied_later: bool,
    },
    /// One invoice, less a credit memo.
    Memo,
    /// What an earlier partial payment left open.
    Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pricing {
    Convenience,
    Discount,
    Absorb,
    /// The payment has no fee split at all.
    Unsplit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Paid,
    /// Never `processing` nor `posted` for anybody to see.
    PaidAtOnce,
    FailsEarly,
    FailsAfterPosting,
}

/// What becomes of a fee after it was final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FeeChange {
    Higher,
    /// As it was at first.
    Back,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefundEnd {
    Paid,
    Failed,
    Reversed,
    PaidAgain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RefundPlan {
    pub after_ms: i64,
    /// Of the gross amount.
    pub per_mille: i64,
    pub returns_fee: bool,
    pub end: RefundEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DisputeEnd {
    Lost,
    Won,
    PartlyWon,
    LostThenWon,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DisputePlan {
    pub after_ms: i64,
    pub per_mille: i64,
    pub end: DisputeEnd,
    /// Where the fee shows: bit 0 `disputeFee`, bit 1 `fees[]` of the dispute, bit 2 `/fees`. None: only in a report.
    pub fee_shown: u8,
}

/// What clients of this world can see at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    pub reports: bool,
    pub fees_list: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub story: Story,
    pub pricing: Pricing,
    pub currency: &'static str,
    /// Merchant's currency for ten thousand of the payment's.
    pub rate: i64,
    pub rail: Rail,
    pub fate: Fate,
    pub paid_after_ms: i64,
    pub fee_after_ms: i64,
    pub fee_changes: Vec<(i64, FeeChange)>,
    pub refunds: Vec<RefundPlan>,
    pub dispute: Option<DisputePlan>,
}

/// The currency in which the merchant is paid out.
pub(super) fn home_of(currency: &'static str) -> &'static str {
    if currency == "EUR" { "USD" } else { currency }
}

impl Plan {
    /// `one_currency` leaves all else as it would be.
    pub(super) fn draw(dice: &mut Dice, installation: &Installation, sight: Sight, one_currency: bool) -> Self {
        let story = match dice.below(100) {
            0..52 => Story::Invoices(1),
            52..66 => Story::Invoices(2 + dice.below(2)),
            66..76 => Story::Partial { rest: dice.chance(500) },
            76..82 => Story::Overpaid,
            82..90 => Story::Unlinked { applied_later: dice.chance(400) },
            _ => Story::Memo,
        };
        let drawn = *dice.pick(&["USD", "USD", "USD", "USD", "USD", "USD", "CAD", "EUR"]);
        let currency = if one_currency { "USD" } else { drawn };
        Self::of(dice, installation, sight, story, currency)
    }

    /// The checkout that pays what a partial one left open.
    pub(super) fn rest(dice: &mut Dice, installation: &Installation, sight: Sight, currency: &'static str) -> Self {
        Self::of(dice, installation, sight, Story::Rest, currency)
    }

    fn of(dice: &mut Dice, installation: &Installation, sight: Sight, story: Story, currency: &'static str) -> Self {
        let rail = if dice.chance(600) { Rail::Card } else { Rail::Bank };
        let fate = fate(dice, rail, story);
        let mut plan = Self {
            story,
            pricing: pricing(dice, installation, story),
            currency,
            rate: if currency == "EUR" { dice.between(10_200, 11_900) } else { 10_000 },
            rail,
            fate,
            paid_after_ms: dice.between(8, 30) * HOUR_MS * if rail == Rail::Card { 1 } else { 3 },
            fee_after_ms: if dice.chance(80) { 4 * DAY_MS } else { dice.between(30, 360) * MINUTE_MS },
            fee_changes: if rail == Rail::Card { fee_changes(dice) } else { Vec::new() },
            refunds: Vec::new(),
            dispute: None,
        };
        if matches!(fate, Fate::Paid | Fate::PaidAtOnce) {
            if dice.chance(200) && story != (Story::Unlinked { applied_later: true }) {
                plan.refunds = refunds(dice);
            } else if dice.chance(200) {
                plan.dispute = Some(dispute(dice, rail, currency, sight));
            }
        }
        plan
    }
}

fn fate(dice: &mut Dice, rail: Rail, story: Story) -> Fate {
    match dice.below(100) {
        0..4 => Fate::FailsEarly,
        // A memo that was used, and a rest that relies on the first part, are never undone.
        4..6 if !matches!(story, Story::Memo | Story::Partial { rest: true } | Story::Unlinked { .. }) => {
            Fate::FailsAfterPosting
        }
        6..12 if rail == Rail::Card => Fate::PaidAtOnce,
        _ => Fate::Paid,
    }
}

/// Where amounts are shown without the discount, one row alone tells whose discount it is; what else leaves a remainder (a
/// memo, too much money) never meets a discount.
fn pricing(dice: &mut Dice, installation: &Installation, story: Story) -> Pricing {
    let discounted = match story {
        Story::Invoices(1) | Story::Partial { .. } | Story::Rest => true,
        Story::Invoices(_) => !installation.discount_net,
        Story::Overpaid | Story::Unlinked { .. } | Story::Memo => false,
    };
    match dice.below(10) {
        0..4 if !matches!(story, Story::Unlinked { .. }) => Pricing::Convenience,
        4..6 if discounted => Pricing::Discount,
        6 => Pricing::Unsplit,
        _ => Pricing::Absorb,
    }
}

fn fee_changes(dice: &mut Dice) -> Vec<(i64, FeeChange)> {
    let late_ms = dice.between(3, 8) * DAY_MS;
    match dice.below(20) {
        0 => vec![(10 * MINUTE_MS, FeeChange::Higher)],
        1 | 2 => vec![(late_ms, FeeChange::Higher)],
        3 => vec![(late_ms, FeeChange::Higher), (late_ms + 2 * DAY_MS, FeeChange::Back)],
        4 => vec![(late_ms, FeeChange::Higher), (late_ms + HOUR_MS, FeeChange::Back)],
        _ => Vec::new(),
    }
}

fn refunds(dice: &mut Dice) -> Vec<RefundPlan> {
    let per_milles: &[i64] = match dice.below(3) {
        0 => &[1000],
        1 => &[333],
        _ => &[400, 350],
    };
    let mut after_ms = 0;
    per_milles
        .iter()
        .map(|per_mille| {
            after_ms += dice.between(1, 200) * HOUR_MS;
            let end = match dice.below(10) {
                0 => RefundEnd::Failed,
                1 | 2 => RefundEnd::Reversed,
                3 => RefundEnd::PaidAgain,
                _ => RefundEnd::Paid,
            };
            RefundPlan { after_ms, per_mille: *per_mille, returns_fee: dice.chance(400), end }
        })
        .collect()
}

fn dispute(dice: &mut Dice, rail: Rail, currency: &'static str, sight: Sight) -> DisputePlan {
    let bank = rail == Rail::Bank;
    // What part of another currency was won is nowhere said in the merchant's.
    let partly = if currency == "EUR" { DisputeEnd::Won } else { DisputeEnd::PartlyWon };
    let ends = [DisputeEnd::Lost, DisputeEnd::Won, partly, DisputeEnd::LostThenWon, DisputeEnd::Failed];
    let end = if bank { DisputeEnd::Lost } else { *dice.pick(&ends) };
    let mut fee_shown = u8::try_from(dice.below(8)).unwrap_or(0);
    if currency == "EUR" {
        // `disputeFee` has no currency of its own.
        fee_shown &= 0b110;
    }
    if !sight.fees_list {
        fee_shown &= 0b011;
    }
    if fee_shown == 0 && !sight.reports {
        fee_shown = 0b010;
    }
    DisputePlan {
        after_ms: dice.between(1, if bank { 80 } else { 30 }) * DAY_MS,
        per_mille: if dice.chance(250) { 600 } else { 1000 },
        end,
        fee_shown,
    }
}
