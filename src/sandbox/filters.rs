//! What a list request asks for, by the exact rules of the API: which parameters count where, and which are ignored unless
//! another one is there.
//!
//! Pattern A is the `f.*` family. It takes effect only on some lists and only with `f.querytype=by-query-filters`; otherwise
//! every `f.*` is ignored without a word. Plain `limit`, `offset`, `order` rule everywhere else. Pattern B (`startDate`,
//! `endDate`) exists on `GET /payments/all` alone; it is read here as whole days by `created` in the merchant's zone.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::sandbox::days::days_ms;
use crate::sandbox::quirks::{Direction, InvalidFilters, ListQuirks, OrderRule};
use crate::sandbox::table::Stamp;

const LIMIT_DEFAULT: usize = 50;

/// Which parameters a list understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterRule {
    /// Pattern A.
    Dates,
    /// Pattern A and Pattern B.
    DatesOrRange,
    /// Only `limit`, `offset`, `order`.
    Plain,
    /// `f.querytype` names whose credit memos; there are no dates.
    CreditMemos,
}

/// The decoded query string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self { pairs: url::form_urlencoded::parse(text.as_bytes()).into_owned().collect() }
    }

    /// The first value of `name` that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// Rows whose `stamp` lies in `[from, until)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub stamp: Stamp,
    pub from_ms: i64,
    pub until_ms: i64,
}

/// A list request, decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Selection {
    pub span: Option<Span>,
    pub stamp: Stamp,
    pub direction: Direction,
    /// As granted: at most the cap.
    pub limit: usize,
    pub offset: usize,
}

/// A parameter that makes no sense; the name is the stored one, as errors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidFilter(pub &'static str);

/// What the server knows besides the query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub lists: &'a ListQuirks,
    /// The merchant's own zone, used where `f.timezone` is absent.
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

pub(crate) fn select(query: &Query, rule: FilterRule, setting: Setting<'_>) -> Result<Selection, InvalidFilter> {
    let forgiving = setting.lists.invalid_filters == InvalidFilters::Ignored;
    let forgive = |result: Result<Option<Span>, InvalidFilter>| match result {
        Err(_) if forgiving => Ok(None),
        other => other,
    };
    let pattern_a = match rule {
        FilterRule::Dates | FilterRule::DatesOrRange => query.get("f.querytype") == Some("by-query-filters"),
        FilterRule::Plain | FilterRule::CreditMemos => false,
    };
    let span = if pattern_a {
        forgive(window(query, setting))?
    } else if rule == FilterRule::DatesOrRange {
        forgive(range(query, setting))?
    } else {
        None
    };
    let paging = |plain: &'static str, filtered: &'static str| match rule {
        FilterRule::CreditMemos => query.get(filtered).or_else(|| query.get(plain)),
        _ if pattern_a => query.get(filtered),
        FilterRule::Dates | FilterRule::DatesOrRange | FilterRule::Plain => query.get(plain),
    };
    let number = |text: Option<&str>, name: &'static str| match text.map(str::parse::<usize>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) if forgiving => Ok(None),
        Some(Err(_)) => Err(InvalidFilter(name)),
    };
    let limit = number(paging("limit", "f.limit"), "limit")?.filter(|limit| *limit > 0).unwrap_or(LIMIT_DEFAULT);
    let offset = number(paging("offset", "f.offset"), "offset")?.unwrap_or(0);
    let default = (setting.lists.default_order_stamp, setting.lists.default_order_direction);
    let asked = match paging("order", "f.order").map(parse_order) {
        None => default,
        Some(Some(order)) => order,
        Some(None) if forgiving => default,
        Some(None) => return Err(InvalidFilter("order")),
    };
    let (stamp, direction) = match setting.lists.order {
        OrderRule::Honoured => asked,
        OrderRule::Ignored => (Stamp::Created, Direction::Desc),
        OrderRule::CreatedOnly => (Stamp::Created, asked.1),
    };
    let span = span.filter(|_| !setting.lists.date_filter_ignored);
    Ok(Selection { span, stamp, direction, limit: limit.min(setting.lists.page_cap.max(1)), offset })
}

/// Pattern A: a preset or two days, a date type, a zone.
fn window(query: &Query, setting: Setting<'_>) -> Result<Option<Span>, InvalidFilter> {
    let zone = match query.get("f.timezone") {
        None => setting.zone,
        Some(name) => name.parse().map_err(|_| InvalidFilter("timezone"))?,
    };
    let zone = setting.lists.zone_override.unwrap_or(zone);
    let stamp = match query.get("f.datetype") {
        None => setting.lists.default_datetype,
        Some("created") => Stamp::Created,
        Some("lastUpdated") => Stamp::LastUpdated,
        Some(_) => return Err(InvalidFilter("datetype")),
    };
    let (first, last) = match query.get("f.datepreset") {
        None if query.get("f.datestart").is_none() && query.get("f.dateend").is_none() => return Ok(None),
        None | Some("custom") => (day(query, "f.datestart", "datestart")?, day(query, "f.dateend", "dateend")?),
        Some(preset) => {
            let days = preset.strip_prefix("past").and_then(|rest| rest.strip_suffix("days"));
            let days = days.and_then(|days| days.parse::<u64>().ok()).ok_or(InvalidFilter("datepreset"))?;
            let today = setting.now.with_timezone(&zone).date_naive();
            (today.checked_sub_days(Days::new(days)).ok_or(InvalidFilter("datepreset"))?, today)
        }
    };
    span(stamp, first, last, zone)
}

/// Pattern B.
fn range(query: &Query, setting: Setting<'_>) -> Result<Option<Span>, InvalidFilter> {
    if query.get("startDate").is_none() && query.get("endDate").is_none() {
        return Ok(None);
    }
    let (first, last) = (day(query, "startDate", "startDate")?, day(query, "endDate", "endDate")?);
    span(Stamp::Created, first, last, setting.zone)
}

fn span(stamp: Stamp, first: NaiveDate, last: NaiveDate, zone: Tz) -> Result<Option<Span>, InvalidFilter> {
    if last < first {
        return Err(InvalidFilter("dateend"));
    }
    let (from_ms, until_ms) = days_ms(first, last, zone).ok_or(InvalidFilter("datestart"))?;
    Ok(Some(Span { stamp, from_ms, until_ms }))
}

fn day(query: &Query, name: &str, stored: &'static str) -> Result<NaiveDate, InvalidFilter> {
    query.get(name).and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).ok_or(InvalidFilter(stored))
}

fn parse_order(text: &str) -> Option<(Stamp, Direction)> {
    let mut words = text.split_whitespace();
    let stamp = match words.next()? {
        "created" => Stamp::Created,
        "lastUpdated" => Stamp::LastUpdated,
        _ => return None,
    };
    let direction = match words.next() {
        None => Direction::Asc,
        Some(word) if word.eq_ignore_ascii_case("asc") => Direction::Asc,
        Some(word) if word.eq_ignore_ascii_case("desc") => Direction::Desc,
        Some(_) => return None,
    };
    words.next().is_none().then_some((stamp, direction))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: &str = "f.datepreset=custom&f.datestart=2026-05-11&f.dateend=2026-05-12&f.datetype=lastUpdated\
                          &f.timezone=America%2FLos_Angeles&f.limit=7&f.offset=3&f.order=lastUpdated%20ASC";

    fn ask(query: &str, rule: FilterRule, lists: &ListQuirks) -> Result<Selection, InvalidFilter> {
        let now = "2026-05-20T12:00:00Z".parse().expect("instant");
        select(&Query::parse(query), rule, Setting { lists, zone: Tz::Asia__Tokyo, now })
    }

    fn plain(query: &str, rule: FilterRule) -> Selection {
        ask(query, rule, &ListQuirks::default()).expect("valid")
    }

    #[test]
    fn filters_without_a_querytype_are_ignored_silently() {
        let unfiltered =
            Selection { span: None, stamp: Stamp::Created, direction: Direction::Desc, limit: 50, offset: 0 };
        assert_eq!(plain(WINDOW, FilterRule::Dates), unfiltered);
        assert_eq!(plain(&format!("f.querytype=own&{WINDOW}"), FilterRule::Dates), unfiltered);
        let invalid = "f.datestart=nonsense&f.order=sideways";
        assert_eq!(plain(invalid, FilterRule::Dates), unfiltered);
    }

    #[test]
    fn lists_without_date_filters_ignore_all_of_them_even_with_a_querytype() {
        let query = format!("f.querytype=by-query-filters&{WINDOW}&limit=9&offset=1&order=created%20ASC");
        let selection = plain(&query, FilterRule::Plain);
        let expected = Selection { span: None, stamp: Stamp::Created, direction: Direction::Asc, limit: 9, offset: 1 };
        assert_eq!(selection, expected);
    }

    #[test]
    fn with_a_querytype_the_days_are_cut_in_the_zone_named() {
        let query = format!("f.querytype=by-query-filters&{WINDOW}&limit=9&order=created%20DESC");
        let ms = |text: &str| text.parse::<DateTime<Utc>>().expect("instant").timestamp_millis();
        let expected = Selection {
            span: Some(Span {
                stamp: Stamp::LastUpdated,
                from_ms: ms("2026-05-11T07:00:00Z"),
                until_ms: ms("2026-05-13T07:00:00Z"),
            }),
            stamp: Stamp::LastUpdated,
            direction: Direction::Asc,
            limit: 7,
            offset: 3,
        };
        assert_eq!(plain(&query, FilterRule::Dates), expected);
        let other = ListQuirks { zone_override: Some(Tz::UTC), ..ListQuirks::default() };
        let span = ask(&query, FilterRule::Dates, &other).expect("valid").span.expect("window");
        assert_eq!((span.from_ms, span.until_ms), (ms("2026-05-11T00:00:00Z"), ms("2026-05-13T00:00:00Z")));
    }

    #[test]
    fn plain_paging_does_not_reach_into_filtered_lists() {
        let selection = plain("f.querytype=by-query-filters&limit=5&offset=4", FilterRule::Dates);
        assert_eq!((selection.limit, selection.offset, selection.span), (50, 0, None));
    }

    #[test]
    fn invalid_filters_are_refused_or_ignored_as_configured() {
        let base = "f.querytype=by-query-filters&f.datepreset=custom";
        for query in [
            format!("{base}&f.datestart=2026-05-11"),
            format!("{base}&f.datestart=2026-05-11&f.dateend=2026-05-10"),
            format!("{base}&f.datestart=05-11-2026&f.dateend=2026-05-12"),
            format!("{base}&f.datestart=2026-05-11&f.dateend=2026-05-12&f.timezone=Mars/Base"),
            "f.querytype=by-query-filters&f.datepreset=someday".to_owned(),
        ] {
            assert!(ask(&query, FilterRule::Dates, &ListQuirks::default()).is_err(), "{query}");
            let ignored = ListQuirks { invalid_filters: InvalidFilters::Ignored, ..ListQuirks::default() };
            assert_eq!(ask(&query, FilterRule::Dates, &ignored).expect("ignored").span, None, "{query}");
        }
    }

    #[test]
    fn an_ignored_order_is_created_descending() {
        let query = "f.querytype=by-query-filters&f.order=lastUpdated%20ASC";
        let order = |rule: OrderRule| {
            let lists = ListQuirks { order: rule, ..ListQuirks::default() };
            let selection = ask(query, FilterRule::Dates, &lists).expect("valid");
            (selection.stamp, selection.direction)
        };
        assert_eq!(order(OrderRule::Honoured), (Stamp::LastUpdated, Direction::Asc));
        assert_eq!(order(OrderRule::Ignored), (Stamp::Created, Direction::Desc));
        assert_eq!(order(OrderRule::CreatedOnly), (Stamp::Created, Direction::Asc));
    }

    #[test]
    fn a_limit_above_the_cap_is_granted_the_cap() {
        let lists = ListQuirks { page_cap: 25, ..ListQuirks::default() };
        assert_eq!(ask("limit=100", FilterRule::Plain, &lists).expect("valid").limit, 25);
        assert_eq!(ask("", FilterRule::Plain, &lists).expect("valid").limit, 25);
    }

    #[test]
    fn presets_count_back_from_today_in_the_zone() {
        let query = "f.querytype=by-query-filters&f.datepreset=past7days&f.timezone=UTC&f.datetype=created";
        let span = plain(query, FilterRule::Dates).span.expect("window");
        assert_eq!(span.until_ms - span.from_ms, 8 * 24 * 3_600_000);
    }
}
