//! Money of two currencies: no single entry holds both.

use rust_decimal::Decimal;

use super::slot::Part;
use crate::model::journal::{Line, Links, Role};
use crate::model::money::Money;

/// Entries that move `sign` × `money` through clearing against `others`, which are in the currency of `money`. Where it settles
/// in another currency, clearing moves in that one, and both sides meet in `fx_difference`.
pub(super) fn through_clearing(
    sign: Decimal,
    money: &Money,
    settlement: Option<&Money>,
    links: &Links,
    others: Vec<(Role, Decimal)>,
) -> Vec<Part> {
    let amount = sign * money.amount.decimal();
    let cash_side = if settlement.is_some() { Role::FxDifference } else { Role::Clearing };
    let mut lines = vec![Line::new(cash_side, amount, links)];
    lines.extend(others.into_iter().map(|(role, amount)| Line::new(role, amount, links)));
    let mut parts = vec![(money.currency.clone(), lines)];
    if let Some(settlement) = settlement {
        let settled = sign * settlement.amount.decimal();
        let lines = vec![Line::new(Role::Clearing, settled, links), Line::new(Role::FxDifference, -settled, links)];
        parts.push((settlement.currency.clone(), lines));
    }
    parts
}
