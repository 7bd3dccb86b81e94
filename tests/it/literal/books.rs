//! The rows of one merchant: what a list shows of each, what reading it by id shows, and when it was created and updated.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Customers,
    Receivables,
    Payments,
    Fees,
    Withdrawals,
    Transfers,
    Refunds,
    Disputes,
    CreditMemos,
    /// Below a receivable.
    Transactions,
    /// Below the report of a transfer.
    Entries,
}

/// By what and in which direction a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    pub by: Stamp,
    pub newest_first: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stamp {
    Created,
    LastUpdated,
}

/// One object.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: String,
    pub created: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub list: String,
    pub detail: String,
}

impl Row {
    /// The same literal in a list and by id; its stamps are its own.
    pub fn of(literal: &str) -> Self {
        let value: Value = serde_json::from_str(literal).expect("a literal row is JSON");
        let stamp = |name: &str| value[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
        let id = value["id"].as_str().expect("a literal row has an id").to_owned();
        let literal = literal.to_owned();
        Self { id, created: stamp("created"), updated: stamp("lastUpdated"), list: literal.clone(), detail: literal }
    }

    /// Lists show this instead.
    pub fn listed_as(mut self, literal: &str) -> Self {
        literal.clone_into(&mut self.list);
        self
    }

    /// Text of any kind, filed as if it had these stamps and this id.
    pub fn broken(id: &str, stamps: &str, text: &str) -> Self {
        let at = stamps.parse().expect("a timestamp");
        Self { id: id.to_owned(), created: at, updated: at, list: text.to_owned(), detail: text.to_owned() }
    }
}

#[derive(Debug, Default)]
pub struct Books {
    by_kind: BTreeMap<Kind, Pile>,
}

#[derive(Debug, Default)]
struct Pile {
    rows: Vec<Row>,
    place: HashMap<String, usize>,
    sorted: HashMap<Order, Vec<usize>>,
}

impl Books {
    /// Adds a row or replaces the one of its id.
    pub fn put(&mut self, kind: Kind, row: Row) {
        let pile = self.by_kind.entry(kind).or_default();
        pile.sorted.clear();
        if let Some(place) = pile.place.get(&row.id) {
            pile.rows[*place] = row;
        } else {
            pile.place.insert(row.id.clone(), pile.rows.len());
            pile.rows.push(row);
        }
    }

    /// Adds literal rows that look the same in a list and by id.
    pub fn put_all(&mut self, kind: Kind, literals: &[&str]) {
        for literal in literals {
            self.put(kind, Row::of(literal));
        }
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<&Row> {
        let pile = self.by_kind.get(&kind)?;
        pile.place.get(id).map(|place| &pile.rows[*place])
    }

    /// Rows in order; those of the same instant by id, backwards where `ties_back`.
    pub fn sorted(&mut self, kind: Kind, order: Order, ties_back: bool) -> Vec<&Row> {
        let pile = self.by_kind.entry(kind).or_default();
        let Pile { rows, sorted, .. } = pile;
        let places = sorted.entry(order).or_insert_with(|| {
            let mut places: Vec<usize> = (0..rows.len()).collect();
            places.sort_by(|one, other| {
                let stamp = |place: &usize| order.by.of(&rows[*place]);
                let by_stamp = stamp(one).cmp(&stamp(other));
                let by_stamp = if order.newest_first { by_stamp.reverse() } else { by_stamp };
                by_stamp.then_with(|| rows[*one].id.cmp(&rows[*other].id))
            });
            places
        });
        let mut shown: Vec<&Row> = places.iter().map(|place| &rows[*place]).collect();
        if ties_back {
            for tied in shown.chunk_by_mut(|one, other| order.by.of(one) == order.by.of(other)) {
                tied.reverse();
            }
        }
        shown
    }
}

impl Stamp {
    pub fn of(self, row: &Row) -> DateTime<Utc> {
        match self {
            Stamp::Created => row.created,
            Stamp::LastUpdated => row.updated,
        }
    }
}
