//! What is news: how one sighting of a record relates to what is stored of it.
//!
//! - A version is news when the body changed *within its source shape*; list rows and details differ in fields, and one
//!   fingerprint for both would flip at every poll.
//! - The first sighting in a higher shape is news only if the document it yields differs; in a lower shape only if it is newer.
//! - An older body that arrives late is archived and changes nothing newer.
//! - The same `lastUpdated` with another body is ambiguous (a lagging replica, or a second write within the second), and so is
//!   a status that moves back: the record is read again by id and the later answer wins.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use crate::model::document::{Document, Facts};
use crate::model::record::{Fingerprint, Observation, Shape};

/// What is stored of a record, as far as news are judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The version in effect.
    pub version: i64,
    /// The last number given to any body of it.
    pub version_last: i64,
    pub embedded: Option<Fingerprint>,
    pub list: Option<Fingerprint>,
    pub detail: Option<Fingerprint>,
    /// Of the document in effect; `None` where it cannot be decoded.
    pub content: Option<Fingerprint>,
    /// Status of the document in effect.
    pub status: Option<String>,
    pub updated_at: Option<DateTime<Utc>>,
}

impl Known {
    #[must_use]
    pub fn fingerprint(&self, shape: Shape) -> Option<Fingerprint> {
        match shape {
            Shape::Embedded => self.embedded,
            Shape::List => self.list,
            Shape::Detail => self.detail,
        }
    }

    fn highest_shape(&self) -> Option<Shape> {
        [Shape::Detail, Shape::List, Shape::Embedded].into_iter().find(|shape| self.fingerprint(*shape).is_some())
    }
}

/// How a sighting relates to what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Seen before, just so.
    None,
    /// A new version: of a new record, or a later body of a known one.
    Version,
    /// Another shape of the version in effect: archived under it.
    OtherShape,
    /// An older body that arrives late: archived, in effect nothing changes.
    Late,
    /// Cannot be told from a stale answer: read the record again by id.
    Ambiguous,
}

/// Judges one sighting. `content` is the fingerprint of the document that the body yields, `None` where it cannot be decoded.
#[must_use]
pub fn judge(known: Option<&Known>, seen: &Observation, document: Option<&Document>) -> News {
    let Some(known) = known else { return News::Version };
    let content = document.map(Document::content);
    match known.fingerprint(seen.shape) {
        Some(fingerprint) if fingerprint == seen.fingerprint => News::None,
        Some(_) => judge_change(known, seen, document),
        None => judge_first_in_shape(known, seen, content),
    }
}

/// The shape was seen before with another body.
fn judge_change(known: &Known, seen: &Observation, document: Option<&Document>) -> News {
    match (known.updated_at, seen.updated_at) {
        (Some(before), Some(now)) if now < before => News::Late,
        (Some(before), Some(now)) if now == before && seen.shape != Shape::Detail => News::Ambiguous,
        _ if moves_back(known, document) && seen.shape != Shape::Detail => News::Ambiguous,
        _ if known.highest_shape() > Some(seen.shape) && seen.shape == Shape::Embedded => {
            if seen.updated_at > known.updated_at { News::Version } else { News::OtherShape }
        }
        _ => News::Version,
    }
}

fn judge_first_in_shape(known: &Known, seen: &Observation, content: Option<Fingerprint>) -> News {
    if seen.updated_at < known.updated_at {
        return News::Late;
    }
    if seen.updated_at > known.updated_at {
        return News::Version;
    }
    let says_more = known.highest_shape() < Some(seen.shape);
    if says_more && content != known.content { News::Version } else { News::OtherShape }
}

fn moves_back(known: &Known, document: Option<&Document>) -> bool {
    let (Some(before), Some(document)) = (known.status.as_deref(), document) else { return false };
    document.moves_back_from(before)
}

/// Which of two bodies of equal `lastUpdated` a detail bears out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The stored body stands; the other one was stale.
    Stored,
    /// The body just seen is the later one.
    Seen,
}

/// Rules between a stored body and one just seen by a detail read after both: the later one is that with which it agrees on every
/// member in which they differ and that it shows; how it spells the others says nothing. `None` where that does not tell.
#[must_use]
pub fn rule(detail: &[u8], stored: &[u8], seen: &[u8]) -> Option<Ruling> {
    type Members = serde_json::Map<String, serde_json::Value>;
    let members = |body: &[u8]| serde_json::from_slice::<Members>(body).ok();
    let (detail, stored, seen) = (members(detail)?, members(stored)?, members(seen)?);
    let names: HashSet<&String> = stored.keys().chain(seen.keys()).collect();
    let telling: Vec<&String> =
        names.into_iter().filter(|name| stored.get(*name) != seen.get(*name) && detail.contains_key(*name)).collect();
    let agrees = |other: &Members| telling.iter().all(|name| detail.get(*name) == other.get(*name));
    match (telling.is_empty(), agrees(&stored), agrees(&seen)) {
        (true, _, _) | (false, false, false) | (false, true, true) => None,
        (false, true, false) => Some(Ruling::Stored),
        (false, false, true) => Some(Ruling::Seen),
    }
}

/// The same by what the bodies mean, where their shapes spell one thing in two ways. Where that does not tell either, the body just
/// seen counts: a version too many is harmless, a lost one is not.
#[must_use]
pub fn rule_by_meaning(detail: &Document, stored: &Document, seen: &Document) -> Ruling {
    if tells_the_same(detail, stored) && !tells_the_same(detail, seen) { Ruling::Stored } else { Ruling::Seen }
}

/// Whether a row and a detail of one `lastUpdated` cannot both be right: one of them comes from a lagging replica.
#[must_use]
pub fn contradicts(row: &Document, detail: &Document) -> bool {
    row.updated_at == detail.updated_at && !tells_the_same(row, detail)
}

/// By what every shape of a record shows.
fn tells_the_same(one: &Document, other: &Document) -> bool {
    let paid = |document: &Document| match &document.facts {
        Facts::Receivable(receivable) => receivable.amount_paid,
        Facts::Customer(_)
        | Facts::ReceivableTransaction(_)
        | Facts::Payment(_)
        | Facts::Fee(_)
        | Facts::Refund(_)
        | Facts::Dispute(_)
        | Facts::Transfer(_)
        | Facts::TransferEntry(_)
        | Facts::Withdrawal(_)
        | Facts::CreditMemo(_) => None,
    };
    one.status() == other.status() && one.amount == other.amount && paid(one) == paid(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::SourceId;
    use crate::model::resource::Resource;
    use bytes::Bytes;

    fn at(second: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_770_000_000 + second, 0)
    }

    fn seen(shape: Shape, body: u8, second: i64) -> Observation {
        Observation {
            resource: Resource::Payments,
            id: SourceId::new("p"),
            shape,
            body: Bytes::new(),
            fingerprint: Fingerprint([body; 32]),
            created_at: at(0),
            updated_at: at(second),
            parent: None,
        }
    }

    fn known(list: Option<u8>, detail: Option<u8>, second: i64) -> Known {
        Known {
            version: 1,
            version_last: 1,
            embedded: None,
            list: list.map(|byte| Fingerprint([byte; 32])),
            detail: detail.map(|byte| Fingerprint([byte; 32])),
            content: None,
            status: None,
            updated_at: at(second),
        }
    }

    #[test]
    fn unknown_record_is_a_version() {
        assert_eq!(judge(None, &seen(Shape::List, 1, 0), None), News::Version);
    }

    #[test]
    fn list_and_detail_that_differ_do_not_flip() {
        let known = known(Some(1), Some(2), 5);
        assert_eq!(judge(Some(&known), &seen(Shape::List, 1, 5), None), News::None);
        assert_eq!(judge(Some(&known), &seen(Shape::Detail, 2, 5), None), News::None);
    }

    #[test]
    fn later_body_is_a_version_and_an_older_one_is_late() {
        let known = known(Some(1), None, 5);
        assert_eq!(judge(Some(&known), &seen(Shape::List, 9, 6), None), News::Version);
        assert_eq!(judge(Some(&known), &seen(Shape::List, 9, 4), None), News::Late);
        assert_eq!(judge(Some(&known), &seen(Shape::Detail, 9, 4), None), News::Late);
    }

    #[test]
    fn equal_second_with_another_body_is_ambiguous_on_a_list_and_decided_by_a_detail() {
        let known = known(Some(1), Some(2), 5);
        assert_eq!(judge(Some(&known), &seen(Shape::List, 9, 5), None), News::Ambiguous);
        assert_eq!(judge(Some(&known), &seen(Shape::Detail, 9, 5), None), News::Version);
    }

    #[test]
    fn first_detail_of_the_same_content_is_no_version() {
        assert_eq!(judge(Some(&known(Some(1), None, 5)), &seen(Shape::Detail, 2, 5), None), News::OtherShape);
    }

    #[test]
    fn embedded_sighting_of_a_listed_record_counts_only_when_newer() {
        let known = known(Some(1), None, 5);
        assert_eq!(judge(Some(&known), &seen(Shape::Embedded, 7, 5), None), News::OtherShape);
        assert_eq!(judge(Some(&known), &seen(Shape::Embedded, 7, 6), None), News::Version);
    }

    #[test]
    fn detail_rules_between_two_bodies_of_one_second() {
        let (a, b) = (br#"{"id":"p","meta":{"n":1}}"#, br#"{"id":"p","meta":{"n":2}}"#);
        let detail = br#"{"id":"p","fees":[],"meta":{"n":2}}"#;
        assert_eq!(rule(detail, a, b), Some(Ruling::Seen));
        assert_eq!(rule(detail, b, a), Some(Ruling::Stored));
        assert_eq!(rule(detail, a, a), None);
    }

    #[test]
    fn only_what_differs_decides_so_that_a_detail_may_spell_the_rest_in_another_way() {
        let (a, b) = (
            br#"{"id":"r","dateDue":"05-13-2026","amountPaid":"0.00"}"#,
            br#"{"id":"r","dateDue":"05-13-2026","amountPaid":"9.00"}"#,
        );
        let detail = br#"{"id":"r","dateDue":"2026-05-13T00:00:00.000Z","amountPaid":"0.00"}"#;
        assert_eq!(rule(detail, a, b), Some(Ruling::Stored));
        assert_eq!(rule(detail, b, a), Some(Ruling::Seen));
    }

    #[test]
    fn a_difference_that_the_detail_does_not_show_tells_nothing() {
        let (a, b) = (br#"{"id":"r","rank":1}"#, br#"{"id":"r","rank":2}"#);
        assert_eq!(rule(br#"{"id":"r"}"#, a, b), None);
    }
}
