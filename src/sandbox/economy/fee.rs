//! What a payment costs the merchant: `delayed` first on cards, then final, sometimes changed again.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::economy::Step;
use crate::sandbox::economy::notes::{Entry, role};
use crate::sandbox::economy::plan::{Fate, FeeChange};
use crate::sandbox::generator::{self, cents, id_of};
use crate::sandbox::record::{Facts, Rail};
use crate::sandbox::scene::{Bump, Scene};

const BANK_FEE_MINOR: i64 = 100;

/// A card fee begins as `delayed` without an amount; a bank fee is final at once. Both in the merchant's currency.
pub(super) fn charge(scene: &mut Scene<'_>, number: usize) {
    let deal = &scene.economy.deals[number];
    let (payment, home, settled) = (deal.payment, deal.cash.home, deal.cash.settled_minor);
    let plan = deal.plan.clone();
    if plan.rail == Rail::Bank {
        let row = generator::checkout::new_fee(scene, payment, Some(BANK_FEE_MINOR), home);
        scene.economy.deals[number].fee = Some((row, None));
        note(scene, number, BANK_FEE_MINOR);
        return;
    }
    let row = generator::checkout::new_fee(scene, payment, None, home);
    scene.economy.deals[number].fee = Some((row, None));
    scene.economy.tally.count("fee_delayed");
    // Nobody computes what a payment costs that fails first.
    if plan.fate == Fate::FailsAfterPosting {
        return;
    }
    let first = settled * 29 / 1000 + 30;
    scene.deal_later(plan.fee_after_ms, Step::Fee { deal: number, minor: first });
    for (after_ms, change) in plan.fee_changes {
        let minor = match change {
            FeeChange::Higher => settled * 34 / 1000 + 31,
            FeeChange::Back => first,
        };
        scene.deal_later(plan.fee_after_ms + after_ms, Step::Fee { deal: number, minor });
    }
}

/// The fee is final, or final again with another amount.
pub(super) fn settle(scene: &mut Scene<'_>, number: usize, minor: i64) {
    let deal = &scene.economy.deals[number];
    let Some((row, _)) = deal.fee else { return };
    let payment_status = generator::status_of(scene, deal.payment);
    scene.change(Resource::Fees, row, Bump::Now, |record| {
        record.amount = Some(cents(minor));
        if let Facts::Fee(fee) = &mut record.facts {
            fee.kind = "paystand".into();
            fee.payment_status = payment_status;
        }
    });
    note(scene, number, minor);
}

/// The final amount, or the difference to the one before, in the notes and in the purse.
fn note(scene: &mut Scene<'_>, number: usize, minor: i64) {
    let row = scene.economy.deals[number].fee.map_or(0, |(row, _)| row);
    let id = id_of(scene, Resource::Fees, row);
    let economy = &mut *scene.economy;
    let deal = &mut economy.deals[number];
    let before = deal.fee.replace((row, Some(minor))).and_then(|(_, before)| before);
    let difference = minor - before.unwrap_or(0);
    economy.notes.post(&[Entry::pair(deal.cash.home, role::PROCESSING_FEE_EXPENSE, role::CLEARING, difference)]);
    if before.is_none() {
        deal.first_fee = Some(minor);
        economy.purse.put(deal.payment, deal.item("fee", &id, &"active".into(), -minor));
        if deal.carried {
            economy.tally.count("fee_final_after_payout");
        }
        return;
    }
    if deal.first_fee == Some(minor) {
        economy.tally.count("fee_changed_back");
    }
    // A fee that came back from a failed payout may have been changed in a later one: then it stays as it was.
    let whole = economy.purse.fee_mut(deal.payment, &id).filter(|item| item.minor == -before.unwrap_or(0));
    if let Some(item) = whole {
        item.minor = -minor;
        economy.tally.count("fee_changed_before_payout");
    } else {
        economy.purse.put(deal.payment, deal.item("adjustment", &id, &"active".into(), -difference));
        economy.tally.count("fee_changed_after_payout");
    }
}

/// What of a final fee comes back with a part of its payment.
pub(super) fn returned(minor: i64, part: i64, whole: i64) -> i64 {
    minor * part / whole.max(1)
}

/// An id for a fee inside another object.
pub(super) fn own_id(scene: &mut Scene<'_>) -> Arc<str> {
    scene.books.fresh_id("fe")
}
