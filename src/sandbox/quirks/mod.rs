//! Every way in which the simulated server may be unpleasant, each off by default.
//!
//! Rates are per mille. What concerns the shape of a row is decided by the row's id, so it stays the same at every reading;
//! everything else is drawn from the one generator of the world.

mod access;
mod changes;
mod faults;
mod lists;
mod rows;

use serde::{Deserialize, Serialize};

pub use access::{AccessQuirks, LimitWindow, RateHeaders, RateLimit, RefusalBody, ReportAnswer, TimezoneBody};
pub use changes::ChangeQuirks;
pub use faults::FaultQuirks;
pub use lists::{CountMeaning, Direction, Envelope, InvalidFilters, ListQuirks, OrderRule};
pub use rows::{MoneyStyle, PaymentRows, ReceivableRows, RowQuirks};

/// All quirks, by what they touch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// What a row looks like.
    pub rows: RowQuirks,
    /// Which rows a list answers with.
    pub lists: ListQuirks,
    /// When and how rows change and become visible.
    pub changes: ChangeQuirks,
    /// Tokens, refused routes and the rate limit.
    pub access: AccessQuirks,
    /// What goes wrong on the way.
    pub faults: FaultQuirks,
}

/// The names under which [`crate::sandbox::World::hits`] counts: the fields, and for a choice its less obvious values.
pub const HIT_NAMES: [&str; 68] = [
    "money",
    "receivable_rows",
    "payment_rows",
    "null_for_absent",
    "capital_status",
    "entry_ids",
    "missing_optional_per_mille",
    "extra_fields_per_mille",
    "unknown_status_per_mille",
    "unknown_fee_type_per_mille",
    "undecodable_per_mille",
    "nul_note_per_mille",
    "late_field_from",
    "milliseconds",
    "grain_seconds",
    "page_cap",
    "count_page",
    "count_absent",
    "envelope",
    "order_ignored",
    "order_created_only",
    "default_order_direction",
    "default_datetype",
    "invalid_filters",
    "date_filter_ignored",
    "zone_override",
    "unstable_ties",
    "repeated_page_per_mille",
    "doubled_row_per_mille",
    "empty_page_per_mille",
    "short_page_per_mille",
    "old_body_per_mille",
    "old_detail_per_mille",
    "lag_new_per_mille",
    "lag_update_per_mille",
    "same_second_per_mille",
    "unbumped_per_mille",
    "children_bump_parent",
    "applications_bump_receivable",
    "updates_per_page",
    "creates_per_page",
    "removes_per_page",
    "timer_seconds",
    "fees_unauthorized",
    "timezone_refused",
    "timezone_body",
    "report_disabled",
    "report_pending",
    "token_requests_max",
    "expires_in_text",
    "refusal_body",
    "constant_ref",
    "rate_limit",
    "throttled_per_mille",
    "throttled_retry_after",
    "server_error_per_mille",
    "unavailable_per_mille",
    "reset_before_per_mille",
    "reset_inside_per_mille",
    "truncated_per_mille",
    "html_per_mille",
    "empty_body_per_mille",
    "slow_body_per_mille",
    "slow_start_per_mille",
    "hang_per_mille",
    "outage_until",
    "date_offset_seconds",
    "date_absent",
];

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn a_file_names_only_what_differs() {
        let text = r#"{"lists": {"page_cap": 25, "count": "absent", "zone_override": "Asia/Tokyo"}}"#;
        let quirks: Quirks = serde_json::from_str(text).expect("quirks");
        let lists = ListQuirks {
            page_cap: 25,
            count: CountMeaning::Absent,
            zone_override: Some(Tz::Asia__Tokyo),
            ..ListQuirks::default()
        };
        assert_eq!(quirks, Quirks { lists, ..Quirks::default() });
        let copy: Quirks = serde_json::from_str(&serde_json::to_string(&quirks).expect("json")).expect("quirks");
        assert_eq!(copy, quirks);
    }

    #[test]
    fn a_misspelt_quirk_is_refused() {
        assert!(serde_json::from_str::<Quirks>(r#"{"lists": {"pagecap": 25}}"#).is_err());
    }
}
