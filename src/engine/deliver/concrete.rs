//! A claimed entry made concrete: the document, event or journal entry that it speaks of.

use bytes::Bytes;
use serde_json::Value;

use crate::config::Environment;
use crate::erp::{Delivery, Payload, Spoken, Told, Version};
use crate::events::{envelope, notice_envelope};
use crate::model::document::Document;
use crate::model::event::Event;
use crate::model::ids::{MerchantId, SourceId};
use crate::model::journal::Entry;
use crate::model::notice::Notice;
use crate::model::resource::{Resource, UnknownResource};
use crate::normalize::{self, mask_text};
use crate::store::Claimed;

/// What a claimed entry speaks of.
pub(crate) fn concrete(entry: &mut Claimed, environment: Environment) -> Result<Delivery, String> {
    let payload = match entry.what.as_str() {
        "event" => told(entry, environment)?,
        "notice" => spoken(entry, environment)?,
        "entry" => Payload::Entry(Box::new(journal_entry(entry)?)),
        _ => document(entry)?,
    };
    let merchant = MerchantId::new(&entry.merchant);
    let erp_key = Delivery::world_key(environment.name(), &merchant, &entry.key, entry.generation);
    Ok(Delivery {
        merchant,
        key: entry.key.clone(),
        erp_key,
        root: entry.root.clone(),
        sequence: entry.position,
        payload,
    })
}

fn told(entry: &mut Claimed, environment: Environment) -> Result<Payload, String> {
    let text = entry.text.take().ok_or("the event is not there")?;
    let event: Event = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let envelope = envelope(environment.name(), &MerchantId::new(&entry.merchant), &event);
    Ok(Payload::Event(Box::new(Told { event, envelope })))
}

fn spoken(entry: &mut Claimed, environment: Environment) -> Result<Payload, String> {
    let text = entry.text.take().ok_or("the notice is not there")?;
    let mut notice: Notice = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    // What is prose may quote the ERP, or the source.
    for prose in ["reason", "detail"] {
        if let Some(Value::String(text)) = notice.data.get_mut(prose) {
            *text = mask_text(text);
        }
    }
    let envelope = notice_envelope(environment.name(), &MerchantId::new(&entry.merchant), &notice);
    Ok(Payload::Notice(Box::new(Spoken { notice, envelope })))
}

/// An entry as the adapter's books need it: of a correction of what they do not hold, the difference.
fn journal_entry(claimed: &mut Claimed) -> Result<Entry, String> {
    let read = |text: Option<String>| {
        let text = text.ok_or("the journal entry is not there")?;
        serde_json::from_str::<Entry>(&text).map_err(|error| error.to_string())
    };
    let mut entry = read(claimed.text.take())?;
    if let Some(reversal) = claimed.nets.take() {
        entry = entry.with(&read(Some(reversal))?);
    }
    if let Some(baseline) = &claimed.baseline {
        entry.memo = format!("{}: corrects {baseline} in the opening balance", entry.memo);
        entry.reverses = None;
    }
    Ok(entry)
}

/// Reads the body of an entry anew: the normalizer is pure, so the document is the one that was judged when it was stored.
fn document(entry: &mut Claimed) -> Result<Payload, String> {
    let body = entry.take_body();
    let document = read_again((&entry.resource, &entry.source_id), entry.parent_id.as_deref(), &body)?;
    Ok(Payload::Document(Box::new(Version { number: entry.version, document, body })))
}

/// The document of an archived body, under the id by which the record is stored: that of a line of a report says how many equal ones
/// stand before it, which its body does not.
pub(in crate::engine) fn read_again(
    (resource, id): (&str, &str),
    parent: Option<&str>,
    body: &Bytes,
) -> Result<Document, String> {
    let resource: Resource = resource.parse().map_err(|error: UnknownResource| error.to_string())?;
    let parent = parent.map(SourceId::new);
    let mut document = normalize::document(resource, parent.as_ref(), body)?;
    document.id = SourceId::new(id);
    Ok(document)
}
