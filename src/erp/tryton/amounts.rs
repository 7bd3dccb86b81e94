//! Amounts, days and instants as Tryton writes them in JSON: tagged objects.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

pub(super) fn decimal(amount: Decimal) -> Value {
    json!({ "__class__": "Decimal", "decimal": amount.to_string() })
}

pub(super) fn date(day: NaiveDate) -> Value {
    json!({ "__class__": "date", "year": day.year(), "month": day.month(), "day": day.day() })
}

pub(super) fn datetime(at: DateTime<Utc>) -> Value {
    json!({
        "__class__": "datetime", "year": at.year(), "month": at.month(), "day": at.day(),
        "hour": at.hour(), "minute": at.minute(), "second": at.second(), "microsecond": 0,
    })
}

/// A decimal that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Money(pub Decimal);

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            decimal: String,
        }
        let tagged: Option<Tagged> = Option::deserialize(deserializer)?;
        let text = tagged.map_or_else(|| "0".to_owned(), |tagged| tagged.decimal);
        text.parse().map(Money).map_err(serde::de::Error::custom)
    }
}

/// A day that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tagged {
            year: i32,
            month: u32,
            day: u32,
        }
        let Tagged { year, month, day } = Tagged::deserialize(deserializer)?;
        NaiveDate::from_ymd_opt(year, month, day).map(Day).ok_or_else(|| serde::de::Error::custom("no such day"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_days_come_back_as_they_went() {
        let amount: Decimal = "500.06".parse().expect("a decimal");
        assert_eq!(serde_json::from_value::<Money>(decimal(amount)).expect("tagged"), Money(amount));
        let day = NaiveDate::from_ymd_opt(2026, 2, 28).expect("a day");
        assert_eq!(serde_json::from_value::<Day>(date(day)).expect("tagged"), Day(day));
        assert_eq!(serde_json::from_value::<Money>(Value::Null).expect("nothing"), Money::default());
    }
}
