//! Exact money (I7): decimals parsed from the JSON token, never through a float, never rounded.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the source may say before and after the point. Sums of such amounts, dozens of the largest and the finest, are exact; beyond it
/// the arithmetic would round or overflow.
const WHOLE_DIGITS_MAX: usize = 18;
const DECIMALS_MAX: u32 = 9;

/// The text is not a plain decimal that can be held exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("`{0}` is not a plain decimal number")]
    NotDecimal(String),
    #[error("`{0}` has more digits than can be held exactly")]
    TooLong(String),
    #[error("an amount is text or a number, not {0}")]
    WrongType(&'static str),
}

/// A signed amount of money without its currency, exact to the digit (28 significant digits).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(Decimal);

impl Amount {
    pub const ZERO: Amount = Amount(Decimal::ZERO);

    /// Parses `-?digits[.digits]`, nothing else: no exponent, no sign `+`, no separators, no blanks.
    ///
    /// # Errors
    /// [`AmountError::NotDecimal`] for any other text, [`AmountError::TooLong`] where it would have to be rounded.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) =
            digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !fraction.is_none_or(all_digits) {
            return Err(AmountError::NotDecimal(text.to_owned()));
        }
        Decimal::from_str_exact(text).map(Self).map_err(|_| AmountError::TooLong(text.to_owned()))
    }

    /// Parses an amount of the source that is going to be added to others.
    fn parse_summable(text: &str) -> Result<Self, AmountError> {
        let amount = Self::parse(text)?;
        let whole = amount.0.trunc().abs();
        let is_summable = amount.0.scale() <= DECIMALS_MAX && whole.to_string().len() <= WHOLE_DIGITS_MAX;
        is_summable.then_some(amount).ok_or_else(|| AmountError::TooLong(text.to_owned()))
    }

    /// Parses a JSON string or number by its token, so `0.10` stays `0.10`.
    ///
    /// # Errors
    /// As [`Amount::parse`], and [`AmountError::TooLong`] for more than 18 digits before the point or 9 after it;
    /// [`AmountError::WrongType`] for any other JSON type.
    pub fn from_json(value: &Value) -> Result<Self, AmountError> {
        match value {
            Value::String(text) => Self::parse_summable(text),
            Value::Number(number) => Self::parse_summable(number.as_str()),
            Value::Null => Err(AmountError::WrongType("null")),
            Value::Bool(_) => Err(AmountError::WrongType("a boolean")),
            Value::Array(_) => Err(AmountError::WrongType("a list")),
            Value::Object(_) => Err(AmountError::WrongType("an object")),
        }
    }

    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }

    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

/// In JSON an amount is text, so that no reader makes a float of it.
impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl TryFrom<String> for Amount {
    type Error = AmountError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Decimal> for Amount {
    fn from(decimal: Decimal) -> Self {
        Self(decimal)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount in its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub amount: Amount,
    pub currency: Currency,
}

/// An ISO 4217 code in upper case, as the source names it; its existence is not checked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// Accepts three ASCII letters of either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .then(|| Self(text.to_ascii_uppercase()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_or_refused() {
        for text in ["0", "-0.01", "103.00", "0.10", "12345678901234567.89", "1.234"] {
            assert_eq!(Amount::parse(text).expect("plain decimal").to_string(), text);
        }
        for text in ["", "-", ".5", "5.", "1e3", "NaN", "+1", "1,000.00", " 1", "0x1", "--1", "1.2.3"] {
            assert_eq!(Amount::parse(text), Err(AmountError::NotDecimal(text.to_owned())), "{text}");
        }
        let long = "1234567890123456789012345678.901";
        assert_eq!(Amount::parse(long), Err(AmountError::TooLong(long.to_owned())));
    }

    #[test]
    fn json_numbers_keep_their_token() {
        let value: Value = serde_json::from_str("[0.10, \"289.82\", 12345678901234567.891, 1e3, null]").expect("json");
        let amounts: Vec<_> = value.as_array().expect("list").iter().map(Amount::from_json).collect();
        assert_eq!(amounts[0].as_ref().expect("number").to_string(), "0.10");
        assert_eq!(amounts[1].as_ref().expect("text").to_string(), "289.82");
        assert_eq!(amounts[2].as_ref().expect("number").to_string(), "12345678901234567.891");
        assert!(amounts[3].is_err() && amounts[4].is_err());
    }

    #[test]
    fn what_the_source_says_is_small_enough_to_be_added_up() {
        let read = |text: &str| Amount::from_json(&Value::from(text)).map(Amount::decimal);
        let largest = read("999999999999999999.999999999").expect("the limit");
        assert_eq!((0..79).map(|_| largest).sum::<Decimal>().to_string(), "78999999999999999999.999999921");
        for text in ["1000000000000000000", "-1000000000000000000", "0.0000000001", "79228162514264337593543950335"] {
            assert_eq!(read(text), Err(AmountError::TooLong(text.to_owned())));
        }
        assert!(read("0000000000000000000000.10").is_ok());
    }
}
