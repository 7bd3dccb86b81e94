//! The id of a body that cannot be read as a whole: a broken escape, an invalid byte or too deep a nesting elsewhere in it.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::ids::SourceId;
use crate::normalize::{fields, list};

/// Only the member that matters: the others are skipped without being decoded.
#[derive(Deserialize)]
struct WithId<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

/// The id, where the body is at least an object in form and its id is whole.
pub(super) fn id(body: &Bytes) -> Option<SourceId> {
    let text = list::same_length_text(body);
    let object: WithId<'_> = serde_json::from_str(&text).ok()?;
    let token = object.id.get();
    // An invalid byte inside the id itself was replaced in `text`: such an id is not whole.
    let start = token.as_ptr().addr() - text.as_ptr().addr();
    let value: Value = serde_json::from_slice(&body[start..start + token.len()]).ok()?;
    fields::id(&value)
}
