//! Which rows a query means, exactly as documented.
//!
//! Without `f.querytype=by-query-filters`, and on lists that do not filter, every `f.…` parameter is ignored and paging is `limit`,
//! `offset`, `order`. With it, paging is `f.limit`, `f.offset`, `f.order` and the plain ones are ignored. Days are whole calendar
//! days in `f.timezone`, the end day included.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::books::{Order, Row, Stamp};

pub type Query = BTreeMap<String, String>;

/// A list question, understood.
#[derive(Debug)]
pub struct Question {
    pub limit: usize,
    pub offset: usize,
    pub order: Order,
    window: Option<Window>,
}

/// From the first instant up to but not including the second.
type Window = (Stamp, DateTime<Utc>, DateTime<Utc>);

impl Question {
    /// `filters`: whether this list knows the filters at all. The error is what a 400 explains.
    pub fn read(query: &Query, filters: bool) -> Result<Self, String> {
        let is_filtered = filters && query.get("f.querytype").is_some_and(|it| it == "by-query-filters");
        let prefix = if is_filtered { "f." } else { "" };
        let get = |name: &str| query.get(&format!("{prefix}{name}")).map(String::as_str);
        let number = |name: &str, default: usize| match get(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("{name} is not a number")),
        };
        Ok(Self {
            limit: number("limit", 50)?,
            offset: number("offset", 0)?,
            order: order(get("order"))?,
            window: if is_filtered { window(query)? } else { None },
        })
    }

    pub fn wants(&self, row: &Row) -> bool {
        self.window.is_none_or(|(stamp, from, to)| (from..to).contains(&stamp.of(row)))
    }
}

fn order(text: Option<&str>) -> Result<Order, String> {
    let Some(text) = text else { return Ok(Order { by: Stamp::Created, newest_first: true }) };
    let (by, newest_first) = match text {
        "lastUpdated DESC" => (Stamp::LastUpdated, true),
        "lastUpdated ASC" => (Stamp::LastUpdated, false),
        "created DESC" => (Stamp::Created, true),
        "created ASC" => (Stamp::Created, false),
        other => return Err(format!("unknown order {other}")),
    };
    Ok(Order { by, newest_first })
}

fn window(query: &Query) -> Result<Option<Window>, String> {
    match query.get("f.datepreset").map(String::as_str) {
        None => return Ok(None),
        Some("custom") => {}
        Some(other) => return Err(format!("unknown preset {other}")),
    }
    let day = |name: &str| -> Result<NaiveDate, String> {
        let text = query.get(name).ok_or(format!("{name} is missing"))?;
        let is_plain = text.len() == 10 && text.as_bytes()[4] == b'-';
        text.parse().ok().filter(|_| is_plain).ok_or(format!("{name} is not a day"))
    };
    // What holds without a zone is not documented: here it is one that nobody would guess.
    let zone = query.get("f.timezone").map_or("Pacific/Kiritimati", String::as_str);
    let zone: Tz = zone.parse().map_err(|_| format!("unknown zone {zone}"))?;
    let stamp = match query.get("f.datetype").map(String::as_str) {
        Some("lastUpdated") => Stamp::LastUpdated,
        Some("created") | None => Stamp::Created,
        Some(other) => return Err(format!("unknown datetype {other}")),
    };
    let (first, last) = (day("f.datestart")?, day("f.dateend")?);
    if last < first {
        return Err("f.dateend is before f.datestart".to_owned());
    }
    Ok(Some((stamp, midnight(zone, first), midnight(zone, last + Days::new(1)))))
}

/// The first instant of a day; where clocks jump over midnight, the first that exists.
fn midnight(zone: Tz, day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_hms_opt(0, 0, 0).expect("midnight");
    zone.from_local_datetime(&midnight)
        .earliest()
        .or_else(|| zone.from_local_datetime(&(midnight + TimeDelta::hours(1))).earliest())
        .expect("a day begins")
        .to_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(query: &str) -> Result<Question, String> {
        Question::read(&url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(), true)
    }

    fn row(updated: &str) -> Row {
        Row::broken("a", updated, "{}")
    }

    const DAY: &str = "f.datepreset=custom&f.datestart=2026-03-08&f.dateend=2026-03-08&f.datetype=lastUpdated";

    #[test]
    fn filters_are_ignored_without_the_query_type() {
        let ignored = question(&format!("{DAY}&f.timezone=America/Los_Angeles&f.limit=3&limit=7")).unwrap();
        assert!(ignored.wants(&row("2020-01-01T00:00:00Z")));
        assert_eq!(ignored.limit, 7);
    }

    #[test]
    fn the_end_day_counts_in_full_and_a_day_of_23_hours_has_23() {
        let text = format!("f.querytype=by-query-filters&{DAY}&f.timezone=America/Los_Angeles&f.limit=3&limit=7");
        let day = question(&text).unwrap();
        assert_eq!(day.limit, 3);
        for (updated, is_wanted) in [
            ("2026-03-08T07:59:59Z", false),
            ("2026-03-08T08:00:00Z", true),
            ("2026-03-09T06:59:59Z", true),
            ("2026-03-09T07:00:00Z", false),
        ] {
            assert_eq!(day.wants(&row(updated)), is_wanted, "{updated}");
        }
    }
}
