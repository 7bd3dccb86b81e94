//! One request for rows of a list, and the answer, free of HTTP.

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::model::ids::SourceId;
use crate::model::resource::Resource;

/// Which timestamp of a row a window or an order means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stamp {
    Created,
    LastUpdated,
}

/// Whole calendar days in a zone, both ends included: the only filter the API has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub stamp: Stamp,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub zone: Tz,
}

/// The order asked for. The server may ignore it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub stamp: Stamp,
    pub direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    NewestFirst,
    OldestFirst,
}

/// One page of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub resource: Resource,
    /// The receivable of receivable transactions, the transfer of report entries; `None` for every other list.
    pub parent: Option<SourceId>,
    /// Only for resources that filter by date.
    pub window: Option<Window>,
    pub order: Order,
    pub offset: u64,
    pub limit: u32,
}

/// The rows of one answer, each as the exact bytes that came.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Bytes>,
    /// `count` of the envelope; whether it means all matching rows or those of this page is for the reader to find out.
    pub count: Option<u64>,
    /// The `Date` header of the answer.
    pub server_date: Option<DateTime<Utc>>,
}
