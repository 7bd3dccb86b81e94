//! Typed access to the members of one object. Null is absent; a member that is there is read exactly or is an error.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};
use crate::normalize::{Undecodable, dates, mask};

/// Ids become keys of tables; the documented ones have 24 characters.
const ID_BYTES_MAX: usize = 256;

/// Characters of a value that an error may quote.
const QUOTED_CHARS_MAX: usize = 40;

type Read<T> = Result<Option<T>, Undecodable>;

/// The members of one object.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(Option<&'a Map<String, Value>>);

impl<'a> Fields<'a> {
    pub(super) const fn of(map: &'a Map<String, Value>) -> Self {
        Self(Some(map))
    }

    /// The member, unless it is missing or null.
    pub(super) fn get(self, field: &str) -> Option<&'a Value> {
        self.0?.get(field).filter(|value| !value.is_null())
    }

    /// An object that only adds links and descriptions: anything else in its place counts as absent.
    pub(super) fn inner(self, field: &str) -> Fields<'a> {
        Fields(self.get(field).and_then(Value::as_object))
    }

    /// An object that matters.
    pub(super) fn object(self, field: &'static str) -> Read<Fields<'a>> {
        self.read(field, |value| value.as_object().map(Fields::of).ok_or("an object is expected"))
    }

    /// A list that matters.
    pub(super) fn list(self, field: &'static str) -> Read<&'a [Value]> {
        self.read(field, |value| value.as_array().map(Vec::as_slice).ok_or("a list is expected"))
    }

    /// An opaque id. Empty text is no link.
    pub(super) fn id(self, field: &'static str) -> Read<SourceId> {
        match self.get(field) {
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            _ => self.read(field, |value| id(value).ok_or("not an id")),
        }
    }

    /// Text that has consequences: keys of the ERP, words. A number stands for its token, empty text for nothing.
    pub(super) fn text(self, field: &'static str) -> Read<String> {
        let text = self.read(field, |value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err("text is expected"),
        })?;
        Ok(text.filter(|text| !text.is_empty()).map(|text| holdable(&text)))
    }

    /// Text that only describes: anything else in its place counts as absent.
    pub(super) fn note(self, field: &str) -> Option<String> {
        self.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(holdable)
    }

    /// A word of a vocabulary.
    pub(super) fn word<T>(self, field: &'static str, parse: fn(&str) -> T) -> Read<T> {
        Ok(self.text(field)?.map(|text| parse(&text)))
    }

    pub(super) fn amount(self, field: &'static str) -> Read<Amount> {
        let Some(value) = self.get(field) else { return Ok(None) };
        Amount::from_json(value)
            .map(Some)
            .map_err(|error| Undecodable { field, reason: quotable(&error.to_string(), 2 * QUOTED_CHARS_MAX) })
    }

    pub(super) fn currency(self, field: &'static str) -> Read<Currency> {
        self.parse(field, Currency::parse, "not a currency code")
    }

    pub(super) fn instant(self, field: &'static str) -> Read<DateTime<Utc>> {
        self.parse(field, dates::instant, "not a timestamp")
    }

    pub(super) fn date(self, field: &'static str) -> Read<NaiveDate> {
        self.parse(field, dates::date, "not a date")
    }

    pub(super) fn flag(self, field: &'static str) -> Read<bool> {
        self.read(field, |value| match value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err("neither true nor false")
            }
        })
    }

    /// The ids of a list of objects or of bare ids; elements without one are left out. `None` where there is no list.
    pub(super) fn ids(self, field: &'static str) -> Read<Vec<SourceId>> {
        let own_id = |value: &Value| id(value.get("id").unwrap_or(value));
        Ok(self.list(field)?.map(|list| list.iter().filter_map(own_id).collect()))
    }

    /// Text in a format of its own; empty text is absent.
    fn parse<T>(self, field: &'static str, parse: fn(&str) -> Option<T>, reason: &'static str) -> Read<T> {
        match self.get(field) {
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            _ => self.read(field, |value| value.as_str().and_then(parse).ok_or(reason)),
        }
    }

    fn read<T>(self, field: &'static str, read: impl FnOnce(&'a Value) -> Result<T, &'static str>) -> Read<T> {
        let Some(value) = self.get(field) else { return Ok(None) };
        read(value).map(Some).map_err(|reason| Undecodable { field, reason: format!("{reason}: {}", describe(value)) })
    }
}

/// An id is text or an integer, short enough for a key and free of control characters.
pub(super) fn id(value: &Value) -> Option<SourceId> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) if number.as_str().bytes().all(|byte| byte.is_ascii_digit()) => number.as_str(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let usable = !text.trim().is_empty() && text.len() <= ID_BYTES_MAX && !text.chars().any(char::is_control);
    usable.then(|| SourceId::new(text))
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => quotable(number.as_str(), QUOTED_CHARS_MAX),
        Value::String(text) => format!("`{}`", quotable(text, QUOTED_CHARS_MAX)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A short piece of a value without card numbers or control characters, fit for an exception and a log.
fn quotable(text: &str, chars_max: usize) -> String {
    let mut quoted: String = mask::mask_text(text).replace(char::is_control, "\u{fffd}");
    if let Some((cut, _)) = quoted.char_indices().nth(chars_max) {
        quoted.truncate(cut);
        quoted.push('…');
    }
    quoted
}

/// U+0000 as U+FFFD: no database text can hold it. The bytes of the body keep it.
fn holdable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
