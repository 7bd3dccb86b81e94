//! Pure: the bytes of one Paystand object → what was seen ([`Observation`]) and what it means ([`Document`]).
//!
//! No I/O, clock or randomness; imports nothing of this crate but `model`. How Paystand spells things stays in here. Unknown,
//! missing and null fields are tolerated everywhere; a field that we carry and that is present but cannot be read exactly makes
//! the body [`Undecodable`], never a guess (I6, I7).

mod dates;
mod fields;
mod fingerprint;
mod list;
mod mask;
mod read;
mod salvage;
#[cfg(test)]
mod tests;

pub use list::{Envelope, NotAList, rows};
pub use mask::{mask, mask_key, mask_text};

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::model::document::Document;
use crate::model::ids::SourceId;
use crate::model::record::{Observation, Shape};
use crate::model::resource::Resource;
use fields::Fields;

/// Everything one body says.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// There even where the document is not: such a body is archived and parked.
    pub observation: Observation,
    pub document: Result<Document, Undecodable>,
    /// The fees inside a payment, each as if it had been read alone. Nothing else that is embedded says more than its own list.
    pub embedded: Vec<Result<Sighting, Unreadable>>,
    /// Whether a detail could not add anything that we need: a payment with `fees` and `feeSplit` or read by id, a receivable of
    /// the newer shape, any other resource.
    pub complete: bool,
}

impl Sighting {
    /// Sets apart equal lines of one transfer report: line `ordinal` (0 for the first) of those with the same derived id.
    #[must_use]
    pub fn with_ordinal(mut self, ordinal: u32) -> Self {
        if ordinal > 0 {
            let id = SourceId::new(format!("{}#{ordinal}", self.observation.id));
            self.observation.id = id.clone();
            if let Ok(document) = &mut self.document {
                document.id = id;
            }
        }
        self
    }
}

/// The line of a transfer report by which a stored one is shown: the first of those that say the same.
#[must_use]
pub fn first_line(id: &SourceId) -> SourceId {
    let is_ordinal = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match id.as_str().rsplit_once('#') {
        Some((first, ordinal)) if is_ordinal(ordinal) => SourceId::new(first),
        Some(_) | None => id.clone(),
    }
}

/// A body that is no JSON object or has no id that can be kept: it can only be parked with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable: {reason}")]
pub struct Unreadable {
    pub reason: String,
    pub body: Bytes,
    /// The id, where it stands legibly in a body that is otherwise broken.
    pub id: Option<SourceId>,
}

/// A field of a record that is known by its id cannot be read exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}")]
pub struct Undecodable {
    pub field: &'static str,
    /// Quotes at most a few masked characters of the value.
    pub reason: String,
}

/// Reads one object of `resource` that came in `shape`, under `parent` where it was read below another object.
///
/// # Errors
/// [`Unreadable`] where nothing can be keyed on it.
pub fn sight(resource: Resource, shape: Shape, parent: Option<&SourceId>, body: Bytes) -> Result<Sighting, Unreadable> {
    let (map, id) = keyed(resource, parent, &body)?;
    let fields = Fields::of(&map);
    let document = read::document(resource, &id, parent, fields);
    let complete = is_complete(resource, shape, fields);
    let observation = Observation {
        resource,
        shape,
        created_at: fields.instant("created").ok().flatten(),
        updated_at: fields.instant("lastUpdated").ok().flatten(),
        parent: parent.cloned(),
        fingerprint: fingerprint::of(&map),
        id,
        body,
    };
    let embedded = embedded_fees(&observation, &map);
    Ok(Sighting { observation, document, embedded, complete })
}

/// What a body says that was sighted before: [`Sighting::document`] alone.
///
/// # Errors
/// One sentence where it cannot be read.
pub fn document(resource: Resource, parent: Option<&SourceId>, body: &Bytes) -> Result<Document, String> {
    let (map, id) = keyed(resource, parent, body).map_err(|unreadable| unreadable.reason)?;
    read::document(resource, &id, parent, Fields::of(&map)).map_err(|undecodable| undecodable.to_string())
}

/// The fields of an object and its id.
fn keyed(
    resource: Resource,
    parent: Option<&SourceId>,
    body: &Bytes,
) -> Result<(Map<String, Value>, SourceId), Unreadable> {
    let unreadable = |reason: String, id| Unreadable { reason, body: body.clone(), id };
    let map = match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => map,
        Ok(_) => return Err(unreadable("not a JSON object".to_owned(), None)),
        Err(error) => {
            let reason = format!("not valid JSON at line {} column {}", error.line(), error.column());
            return Err(unreadable(reason, salvage::id(body)));
        }
    };
    match own_id(resource, Fields::of(&map), parent) {
        Some(id) => Ok((map, id)),
        None => Err(unreadable("no usable id".to_owned(), None)),
    }
}

/// The record's id. A line of a transfer report has none of its own: its id is `<transferId>:<resourceType>:<resourceId>:<amount>` with the
/// type in lower case, and what the line does not say left out. The amount belongs to it: one report may pay a record and take it back.
fn own_id(resource: Resource, fields: Fields<'_>, parent: Option<&SourceId>) -> Option<SourceId> {
    let own = fields.id("id").ok().flatten();
    if own.is_some() || resource != Resource::TransferEntries {
        return own;
    }
    let transfer_id = fields.id("transferId").ok()?.or_else(|| parent.cloned())?;
    let kind = fields.id("resourceType").ok()??.as_str().to_lowercase();
    let subject = fields.id("resourceId").ok()?;
    let amount = fields.amount("transferAmount").ok().flatten().map(|amount| amount.decimal().normalize().to_string());
    let said = subject.map(|subject| subject.to_string()).into_iter().chain(amount);
    Some(SourceId::new(said.fold(format!("{transfer_id}:{kind}"), |id, part| format!("{id}:{part}"))))
}

fn is_complete(resource: Resource, shape: Shape, fields: Fields<'_>) -> bool {
    match resource {
        Resource::Payments => {
            let fees = fields.get("fees").and_then(Value::as_array);
            shape == Shape::Detail
                || (fees.is_some_and(|fees| fees.iter().all(Value::is_object))
                    && fields.get("feeSplit").is_some_and(Value::is_object))
        }
        Resource::Receivables => {
            (fields.get("extCustomerId").is_some() || fields.get("payerCustomerId").is_some())
                && fields.get("lastUpdated").is_some()
        }
        Resource::Customers
        | Resource::ReceivableTransactions
        | Resource::Fees
        | Resource::Refunds
        | Resource::Disputes
        | Resource::Withdrawals
        | Resource::Transfers
        | Resource::TransferEntries
        | Resource::CreditMemos => true,
    }
}

/// The fees of a payment, each by the exact bytes that it has inside the payment's. A bare id is a reference, not a fee.
fn embedded_fees(payment: &Observation, map: &Map<String, Value>) -> Vec<Result<Sighting, Unreadable>> {
    let Some(Value::Array(fees)) = map.get("fees").filter(|_| payment.resource == Resource::Payments) else {
        return Vec::new();
    };
    if fees.iter().all(Value::is_string) {
        return Vec::new();
    }
    list::member_rows(&payment.body, "fees")
        .into_iter()
        .zip(fees)
        .filter(|(_, fee)| !fee.is_string() && !fee.is_null())
        .map(|(body, _)| sight(Resource::Fees, Shape::Embedded, Some(&payment.id), body))
        .collect()
}
