//! The copy of a body that may leave our record table (I10): card and bank details and secrets masked, the rest as it came.
//!
//! Three rules, each wide on purpose, since a field hidden in vain costs less than one shown:
//! 1. a member named like a secret or like a detail of a card or an account is masked, wherever it stands;
//! 2. of a funding source only what [`SOURCE_KEEPS`] names stays. Its `id` stays too: it is Paystand's opaque name for the source,
//!    the same as `sourceId` and `bankId` beside it, and opens nothing without credentials;
//! 3. inside any other text, a run of 13 to 19 digits that passes the Luhn check is masked as a card number.

mod names;
mod pan;

use serde_json::{Map, Value};

use names::{SOURCE_KEEPS, is_funding_source, is_id_like, is_secret, plain};

/// What stands in place of a masked value.
const MASK: &str = "***";

/// JSON inside of text inside of JSON: how deep it is followed.
const NESTED_TEXT_MAX: u8 = 3;

/// A number longer than this, or with a longer exponent, does not fit Postgres' `jsonb`: it is kept as text.
const NUMBER_BYTES_MAX: usize = 1000;

/// The masked copy as JSON text that Postgres' `jsonb` can hold: U+0000 is U+FFFD. A body that is not JSON gives `null`, since
/// nothing is known of what it would show.
#[must_use]
pub fn mask(body: &[u8]) -> String {
    let mut value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    mask_value(&mut value, Place::OPEN);
    value.to_string()
}

/// The same for one text that stands alone: card numbers masked, U+0000 as U+FFFD.
#[must_use]
pub fn mask_text(text: &str) -> String {
    pan::mask(text).unwrap_or_else(|| text.to_owned()).replace('\0', "\u{fffd}")
}

/// The same for a text that names something: digits are no card number in it, unless blanks make it prose.
#[must_use]
pub fn mask_key(text: &str) -> String {
    if text.contains(char::is_whitespace) { mask_text(text) } else { text.replace('\0', "\u{fffd}") }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    /// Under a key that names ids: long digits are no card number here.
    id_like: bool,
    nested_text: u8,
}

impl Place {
    const OPEN: Place = Place { id_like: false, nested_text: 0 };
}

fn mask_value(value: &mut Value, place: Place) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            let token = number.as_str();
            if !place.id_like && pan::is_card_number(token) {
                *value = Value::String(MASK.to_owned());
            } else if !fits_jsonb(token) {
                *value = Value::String(token.to_owned());
            }
        }
        Value::String(text) => mask_string(text, place),
        Value::Array(values) => values.iter_mut().for_each(|value| mask_value(value, place)),
        Value::Object(map) => mask_object(map, place.nested_text),
    }
}

fn mask_object(map: &mut Map<String, Value>, nested_text: u8) {
    let is_source = map.get("object").and_then(Value::as_str).is_some_and(|kind| is_funding_source(&plain(kind)));
    for (key, value) in map.iter_mut() {
        let name = plain(key);
        if is_secret(&name) {
            hide(value);
        } else if is_source {
            mask_source_member(&name, value);
        } else if is_funding_source(&name) && (value.is_object() || value.is_array()) {
            mask_source(value);
        } else {
            mask_value(value, Place { id_like: is_id_like(key), nested_text });
        }
    }
    if map.keys().any(|key| key.contains('\0') || pan::mask(key).is_some()) {
        *map = std::mem::take(map).into_iter().map(|(key, value)| (mask_text(&key), value)).collect();
    }
}

/// A funding source known by the key it stands under.
fn mask_source(value: &mut Value) {
    match value {
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| mask_source_member(&plain(key), value)),
        Value::Array(values) => values.iter_mut().for_each(mask_source),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => hide(value),
    }
}

fn mask_source_member(name: &str, value: &mut Value) {
    let kept = SOURCE_KEEPS.contains(&name)
        && match value {
            Value::String(text) => name != "last4" || text.chars().count() <= 4,
            Value::Number(number) => name != "last4" || number.as_str().len() <= 4,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
    if kept { mask_value(value, Place::OPEN) } else { hide(value) }
}

/// Masks a value whatever it is; that it is absent may be seen.
fn hide(value: &mut Value) {
    if !value.is_null() {
        *value = Value::String(MASK.to_owned());
    }
}

fn mask_string(text: &mut String, place: Place) {
    if let Some(masked) = nested_json(text, place.nested_text) {
        *text = masked;
    }
    *text = if place.id_like { mask_key(text) } else { mask_text(text) };
}

/// Text that is itself an object or a list in JSON, masked; `None` where there is nothing to mask in it.
fn nested_json(text: &str, depth: u8) -> Option<String> {
    if depth == NESTED_TEXT_MAX || !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut value: Value = serde_json::from_str(text).ok()?;
    let before = value.clone();
    mask_value(&mut value, Place { id_like: false, nested_text: depth + 1 });
    (value != before).then(|| value.to_string())
}

fn fits_jsonb(token: &str) -> bool {
    let exponent = token.split_once(['e', 'E']).map_or("0", |(_, exponent)| exponent);
    let places: usize = exponent.trim_start_matches(['+', '-']).parse().unwrap_or(usize::MAX);
    token.len() <= NUMBER_BYTES_MAX && places <= NUMBER_BYTES_MAX
}
