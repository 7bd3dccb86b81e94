//! What was told of a record, and what is being told now.

use chrono::{DateTime, Utc};

use crate::model::document::Document;
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Money};
use crate::model::resource::Resource;

/// A reason to ask a person: what a document says cannot be told as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub class: &'static str,
    pub resource: Resource,
    pub id: SourceId,
    /// One sentence.
    pub detail: String,
}

/// What a document tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telling {
    pub events: Vec<Event>,
    pub troubles: Vec<Trouble>,
}

/// The history of one record while a document of it is read.
#[derive(Debug)]
pub(super) struct Told<'a> {
    before: &'a [Event],
    now: Telling,
    pub(super) document: &'a Document,
    seen_at: DateTime<Utc>,
}

impl<'a> Told<'a> {
    pub(super) fn new(before: &'a [Event], document: &'a Document, seen_at: DateTime<Utc>) -> Self {
        Self { before, now: Telling::default(), document, seen_at }
    }

    /// All events of the record, oldest first.
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.before.iter().chain(&self.now.events)
    }

    /// The last one of any of these kinds.
    pub(super) fn last(&self, kinds: &[Kind]) -> Option<&Event> {
        self.events().rev().find(|event| kinds.contains(&event.kind))
    }

    /// Whether the last one of `kinds` is a `kind`.
    pub(super) fn stands(&self, kind: Kind, kinds: &[Kind]) -> bool {
        self.last(kinds).is_some_and(|event| event.kind == kind)
    }

    /// What the last `kind` said that `money` settles as.
    pub(super) fn settled_before(&self, kind: Kind, money: &Money) -> Option<Money> {
        match self.last(&[kind]).map(|event| &event.fact) {
            Some(Fact::Refund(before) | Fact::Dispute(before)) if before.money == *money => before.settlement.clone(),
            _ => None,
        }
    }

    /// When the version that is read says that it was changed.
    pub(super) fn updated_at(&self) -> DateTime<Utc> {
        self.document.updated_at.or(self.document.created_at).unwrap_or(self.seen_at)
    }

    /// When the record came to be.
    pub(super) fn created_at(&self) -> DateTime<Utc> {
        self.document.created_at.or(self.document.updated_at).unwrap_or(self.seen_at)
    }

    /// Tells one more event of this record.
    pub(super) fn tell(&mut self, kind: Kind, occurred_at: DateTime<Utc>, fact: Fact) {
        let n = self.events().filter(|event| event.kind == kind).count() + 1;
        let record = (self.document.resource(), &self.document.id);
        self.now.events.push(Event::nth(n, kind, record, occurred_at, fact));
    }

    /// Tells `fact` where the last one of its kind said something else, or nothing was said.
    pub(super) fn tell_news(&mut self, kind: Kind, occurred_at: DateTime<Utc>, fact: Fact) {
        if self.last(&[kind]).is_none_or(|event| event.fact != fact) {
            self.tell(kind, occurred_at, fact);
        }
    }

    pub(super) fn trouble(&mut self, class: &'static str, detail: String) {
        let (resource, id) = (self.document.resource(), self.document.id.clone());
        self.now.troubles.push(Trouble { class, resource, id, detail });
    }

    /// A status or type that nobody documented.
    pub(super) fn unknown(&mut self, what: &str, word: &str) {
        let detail =
            format!("the {what} `{word}` is not documented; nothing is booked until a person decides what it means");
        self.trouble("unknown_status", detail);
    }

    /// The amount of the document, without which no money moves.
    pub(super) fn money(&mut self) -> Option<Money> {
        self.money_of(self.document.amount, "amount")
    }

    /// Some amount in the currency of the document.
    pub(super) fn money_of(&mut self, amount: Option<Amount>, what: &str) -> Option<Money> {
        match (amount, self.document.currency.clone()) {
            (Some(amount), Some(currency)) => Some(Money { amount, currency }),
            (None, _) => {
                self.trouble("missing_amount", format!("money moves, and there is no {what}"));
                None
            }
            (Some(_), None) => {
                self.trouble("missing_amount", "money moves, and there is no currency".to_owned());
                None
            }
        }
    }

    pub(super) fn finish(self) -> Telling {
        self.now
    }
}
