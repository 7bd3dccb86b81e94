//! The form in which events leave the house: `CloudEvents` 1.0, JSON.

use chrono::SecondsFormat;
use serde::Serialize;

use crate::model::event::{Event, Fact, Remainder};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::money::Money;
use crate::model::notice::Notice;
use crate::model::resource::Resource;

/// What stands before the kind in `type`; the version after it grows when `data` changes its meaning.
const TYPE_PREFIX: &str = "com.paystand-sync.";
const TYPE_VERSION: &str = ".v1";

#[derive(Serialize)]
struct CloudEvent<'a, D> {
    specversion: &'static str,
    id: &'a str,
    source: String,
    r#type: String,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    data: &'a D,
}

/// The envelope of an event. `id` is the event's key and `source` names environment and merchant: together they are unique.
#[must_use]
pub fn envelope(environment: &str, merchant: &MerchantId, event: &Event) -> String {
    match &event.fact {
        Fact::Remainder(remainder) => with_data(environment, merchant, event, &PaidByMemo::of(remainder)),
        fact => with_data(environment, merchant, event, fact),
    }
}

/// A [`Remainder`] without the event that told it, for which of them that was depends on how often the memo was read.
#[derive(Serialize)]
#[serde(tag = "object", rename = "remainder")]
struct PaidByMemo<'a> {
    money: &'a Money,
    payment_id: &'a SourceId,
    credit_memo_id: &'a SourceId,
    customer_ref: &'a str,
}

impl<'a> PaidByMemo<'a> {
    fn of(remainder: &'a Remainder) -> Self {
        let Remainder { money, payment_id, credit_memo_id, customer_ref, explains: _ } = remainder;
        Self { money, payment_id, credit_memo_id, customer_ref }
    }
}

fn with_data(environment: &str, merchant: &MerchantId, event: &Event, data: &impl Serialize) -> String {
    let envelope = CloudEvent {
        specversion: "1.0",
        id: &event.key,
        source: format!("urn:paystand:{environment}:{merchant}"),
        r#type: format!("{TYPE_PREFIX}{}{TYPE_VERSION}", event.kind),
        subject: format!("{}/{}", event.resource.singular(), event.id),
        time: event.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        datacontenttype: "application/json",
        data,
    };
    serde_json::to_string(&envelope).expect("text, numbers as text, and no map with other keys")
}

/// The envelope of a notice, in the same form. A notice about a target is about no merchant, and its `source` names none.
#[must_use]
pub fn notice_envelope(environment: &str, merchant: &MerchantId, notice: &Notice) -> String {
    let merchant = if merchant.as_str().is_empty() { String::new() } else { format!(":{merchant}") };
    let subject = match notice.resource.parse::<Resource>() {
        Ok(resource) => format!("{}/{}", resource.singular(), notice.id),
        Err(_) => notice.id.clone(),
    };
    let envelope = CloudEvent {
        specversion: "1.0",
        id: &notice.key,
        source: format!("urn:paystand:{environment}{merchant}"),
        r#type: format!("{TYPE_PREFIX}{}{TYPE_VERSION}", notice.kind),
        subject,
        time: notice.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        datacontenttype: "application/json",
        data: &notice.data,
    };
    serde_json::to_string(&envelope).expect("text, numbers as text, and no map with other keys")
}
