//! Which rows a list answers with, and in what envelope.

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::sandbox::table::Stamp;

/// What `count` of the envelope means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountMeaning {
    #[default]
    Total,
    Page,
    Absent,
}

/// What is around the rows of a list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    #[default]
    Full,
    /// `results` and `count`, no `settings`.
    NoSettings,
    /// Just the array.
    BareArray,
}

/// What becomes of the order asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderRule {
    #[default]
    Honoured,
    /// Always `created DESC`, which looks sorted.
    Ignored,
    /// By `created`, in the direction asked for.
    CreatedOnly,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Asc,
    #[default]
    Desc,
}

/// The answer to a filter that makes no sense.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidFilters {
    #[default]
    Status400,
    Status422,
    /// As if the filter were not there.
    Ignored,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ListQuirks {
    /// The largest page, whatever `limit` asks for. Default 1000.
    pub page_cap: usize,
    pub count: CountMeaning,
    pub envelope: Envelope,
    pub order: OrderRule,
    /// The order of a list that names none. Default `created DESC`.
    pub default_order_stamp: Stamp,
    pub default_order_direction: Direction,
    /// What `f.datetype` means when it is absent. Default `created`.
    pub default_datetype: Stamp,
    pub invalid_filters: InvalidFilters,
    /// Date windows are accepted and not applied.
    pub date_filter_ignored: bool,
    /// Days are cut in this zone whatever `f.timezone` says.
    #[serde(with = "zone_name")]
    pub zone_override: Option<Tz>,
    /// Rows of one timestamp come in another order at every request.
    pub unstable_ties: bool,
    /// A page is answered with the page before it, once.
    pub repeated_page_per_mille: u16,
    /// A page shows one of its rows twice, and for it the last row not at all.
    pub doubled_row_per_mille: u16,
    /// A page that has rows is answered with none; never twice running for the same offset.
    pub empty_page_per_mille: u16,
    /// A page grants fewer rows than asked for, at least one.
    pub short_page_per_mille: u16,
    /// A lagging replica answers a row with the body it had before. Order and window of the page hold for that body too.
    pub old_body_per_mille: u16,
    /// The same for an object read by id.
    pub old_detail_per_mille: u16,
    /// The replica's older rows may also break the order of the page and lie outside its window.
    pub old_body_breaks_order: bool,
}

impl Default for ListQuirks {
    fn default() -> Self {
        Self {
            page_cap: 1000,
            count: CountMeaning::Total,
            envelope: Envelope::Full,
            order: OrderRule::Honoured,
            default_order_stamp: Stamp::Created,
            default_order_direction: Direction::Desc,
            default_datetype: Stamp::Created,
            invalid_filters: InvalidFilters::Status400,
            date_filter_ignored: false,
            zone_override: None,
            unstable_ties: false,
            repeated_page_per_mille: 0,
            doubled_row_per_mille: 0,
            empty_page_per_mille: 0,
            short_page_per_mille: 0,
            old_body_per_mille: 0,
            old_detail_per_mille: 0,
            old_body_breaks_order: false,
        }
    }
}

/// A zone by its IANA name.
mod zone_name {
    use chrono_tz::Tz;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(zone: &Option<Tz>, serializer: S) -> Result<S::Ok, S::Error> {
        zone.map(Tz::name).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tz>, D::Error> {
        let name: Option<String> = Option::deserialize(deserializer)?;
        name.map(|name| name.parse().map_err(|_| D::Error::custom(format!("`{name}` is not a zone")))).transpose()
    }
}
