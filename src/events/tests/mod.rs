//! What leaves the house, and what holds whatever is told.

mod kept;
mod play;
mod properties;

use chrono::DateTime;
use serde_json::Value;

use super::envelope;
use crate::model::event::{Event, Fact, Kind};
use crate::model::ids::{MerchantId, SourceId};
use crate::model::resource::Resource;

#[test]
fn an_envelope_is_a_cloud_event_whose_id_is_the_key() {
    let id = SourceId::new("pm1");
    let at = DateTime::parse_from_rfc3339("2026-05-11T21:34:58Z").expect("an instant").to_utc();
    let event = Event::nth(1, Kind::PaymentPaid, (Resource::Payments, &id), at, Fact::Plain);
    let envelope: Value = serde_json::from_str(&envelope("sandbox", &MerchantId::new("mr1"), &event)).expect("json");
    let expected = serde_json::json!({
        "specversion": "1.0", "id": "payment:pm1:paid", "source": "urn:paystand:sandbox:mr1",
        "type": "com.paystand-sync.payment.paid.v1", "subject": "payment/pm1", "time": "2026-05-11T21:34:58Z",
        "datacontenttype": "application/json", "data": {"object": "plain"},
    });
    assert_eq!(envelope, expected);
}
