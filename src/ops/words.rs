//! Times, ages and amounts as people read them.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};
use rust_decimal::Decimal;

use super::view::Money;

/// A length of time in its two largest units at most.
pub fn age(length: TimeDelta) -> String {
    match length.num_seconds().max(0) {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// An instant in the zone of the reader.
pub fn at(instant: DateTime<Utc>, zone: Tz) -> Markup {
    let shown = instant.with_timezone(&zone).format("%Y-%m-%d %H:%M %Z").to_string();
    html! { time datetime=(instant.format("%Y-%m-%dT%H:%M:%SZ")) { (shown) } }
}

/// With commas between thousands, as it stands otherwise.
pub fn amount(amount: Decimal) -> String {
    let text = amount.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("\u{2212}", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map(|rest| format!(".{rest}")).unwrap_or_default();
    format!("{sign}{grouped}{fraction}")
}

pub fn money(money: &Money) -> String {
    format!("{} {}", amount(money.amount), money.currency)
}

/// Several amounts in one cell; nothing is a dash.
pub fn all_money(all: &[Money]) -> String {
    if all.is_empty() { "0".to_owned() } else { all.iter().map(money).collect::<Vec<_>>().join(", ") }
}

/// A whole number with commas.
pub fn count(number: i64) -> String {
    amount(Decimal::from(number))
}

/// A class or role as words.
pub fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_commas_and_keep_their_digits() {
        let text = |text: &str| amount(text.parse().expect("a decimal"));
        assert_eq!(text("1234567.80"), "1,234,567.80");
        assert_eq!(text("-100.5"), "\u{2212}100.5");
        assert_eq!(text("999"), "999");
        assert_eq!(text("0.00"), "0.00");
    }

    #[test]
    fn ages_are_short() {
        assert_eq!(age(TimeDelta::seconds(-5)), "0 s");
        assert_eq!(age(TimeDelta::seconds(119)), "119 s");
        assert_eq!(age(TimeDelta::minutes(61)), "61 min");
        assert_eq!(age(TimeDelta::hours(30)), "30 h");
        assert_eq!(age(TimeDelta::days(12)), "12 days");
    }
}
