//! The form in which events leave the house: `CloudEvents` 1.0, JSON.

use chrono::SecondsFormat;
use serde::Serialize;

use crate::model::event::Event;
use crate::model::ids::MerchantId;
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
    let envelope = CloudEvent {
        specversion: "1.0",
        id: &event.key,
        source: format!("urn:paystand:{environment}:{merchant}"),
        r#type: format!("{TYPE_PREFIX}{}{TYPE_VERSION}", event.kind),
        subject: format!("{}/{}", event.resource.singular(), event.id),
        time: event.occurred_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        datacontenttype: "application/json",
        data: &event.fact,
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
