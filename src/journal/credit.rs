//! Credit memos at checkout: a payment smaller than what it was applied to, and a memo of the customer that shrank by the difference.
//!
//! Neither names the other. A shortfall is explained by one drop of exactly its amount, or by all open drops of the customer
//! together; anything else stays open for a person. What was used of a memo before it was first read is a drop like any other, but may
//! have been used elsewhere.

use rust_decimal::Decimal;

use crate::model::event::{Event, Fact, Kind, MemoFact, Remainder};
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency, Money};
use crate::model::resource::Resource;

/// What a payment lacks of what was applied to invoices in its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shortfall {
    pub payment_id: SourceId,
    pub customer_ref: String,
    pub currency: Currency,
    /// Positive.
    pub amount: Decimal,
}

/// A memo became smaller, and no payment is known to have used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Drop {
    memo_id: SourceId,
    pub customer_ref: String,
    currency: Option<Currency>,
    amount: Decimal,
    /// The event that told it.
    told_by: Event,
    /// Happened before the memo was first read.
    is_old: bool,
}

/// The drops in the history of one memo that nothing explains yet.
pub(super) fn open_drops(history: &[Event]) -> Vec<Drop> {
    let explained: Vec<&str> = history
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Remainder(remainder) => Some(remainder.explains.as_str()),
            _ => None,
        })
        .collect();
    let changes: Vec<(&Event, &MemoFact)> = history
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Memo(memo) => Some((event, memo)),
            _ => None,
        })
        .collect();
    let old = changes.first().and_then(|first| drop_between(first.1.amount?, first.1, *first));
    let old = old.map(|drop| Drop { is_old: true, ..drop });
    let news = changes.windows(2).filter_map(|pair| drop_between(pair[0].1.remaining?, pair[0].1, pair[1]));
    old.into_iter().chain(news).filter(|drop| !explained.contains(&drop.told_by.key.as_str())).collect()
}

fn drop_between(from: Amount, before: &MemoFact, (event, after): (&Event, &MemoFact)) -> Option<Drop> {
    let amount = from.decimal() - after.remaining?.decimal();
    let customer_ref = after.customer_ref.clone().or_else(|| before.customer_ref.clone())?;
    let currency = after.currency.clone();
    let (memo_id, told_by) = (event.id.clone(), event.clone());
    let drop = Drop { memo_id, customer_ref, currency, amount, told_by, is_old: false };
    (amount > Decimal::ZERO).then_some(drop)
}

/// The events that explain shortfalls, each with the payment whose money it is about.
pub(super) fn explain(
    shortfalls: &[Shortfall],
    mut drops: Vec<Drop>,
    times: impl Fn(&SourceId) -> usize,
) -> Vec<(Event, SourceId)> {
    let mut events: Vec<(Event, SourceId)> = Vec::new();
    for shortfall in shortfalls {
        let fits = |drop: &Drop| {
            drop.customer_ref == shortfall.customer_ref
                && drop.currency.as_ref().is_none_or(|currency| *currency == shortfall.currency)
        };
        let single = drops.iter().position(|drop| fits(drop) && drop.amount == shortfall.amount);
        let counts = |drop: &Drop, with_old: bool| fits(drop) && (with_old || !drop.is_old);
        let explains = |with_old: &bool| {
            let counted = drops.iter().filter(|drop| counts(drop, *with_old));
            counted.map(|drop| drop.amount).sum::<Decimal>() == shortfall.amount
        };
        let together = [false, true].into_iter().find(explains);
        let used: Vec<Drop> = match (single, together) {
            (Some(place), _) => vec![drops.remove(place)],
            (None, Some(with_old)) => drops.extract_if(.., |drop| counts(drop, with_old)).collect(),
            (None, None) => Vec::new(),
        };
        for drop in used {
            let before = events.iter().filter(|(event, _)| event.id == drop.memo_id).count();
            events.push((drop.used_by(shortfall, times(&drop.memo_id) + before + 1), shortfall.payment_id.clone()));
        }
    }
    events
}

impl Drop {
    fn used_by(&self, shortfall: &Shortfall, n: usize) -> Event {
        let money = Money { amount: Amount::from(self.amount), currency: shortfall.currency.clone() };
        let remainder = Remainder {
            money,
            payment_id: shortfall.payment_id.clone(),
            credit_memo_id: self.memo_id.clone(),
            customer_ref: self.customer_ref.clone(),
            explains: self.told_by.key.clone(),
        };
        let record = (Resource::CreditMemos, &self.memo_id);
        Event::nth(n, Kind::CreditMemoApplied, record, self.told_by.occurred_at, Fact::Remainder(remainder))
    }
}
