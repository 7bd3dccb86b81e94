//! What is sent of one delivery: its id for the receiver, and its envelope with its place in the order.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::erp::{Delivery, Payload};

/// Of the hash in an id; 160 bits never meet by chance.
const ID_BYTES: usize = 20;

/// What the envelope gets on the way out, which says nothing of what happened: attributes of `CloudEvents` extensions.
const SEQUENCE: &str = "sequence";
const PARTITION: &str = "partitionkey";

/// One message, the same each time it is sent.
#[derive(Debug)]
pub(super) struct Message {
    pub id: String,
    pub body: String,
}

impl Message {
    pub fn of(delivery: &Delivery) -> Self {
        let envelope = match &delivery.payload {
            Payload::Event(told) => &told.envelope,
            Payload::Notice(spoken) => &spoken.envelope,
            Payload::Document(_) | Payload::Entry(_) => panic!("a webhook is given what it wants: events and notices"),
        };
        let mut envelope: Map<String, Value> = serde_json::from_str(envelope).expect("we wrote it");
        // As text of one length, so that the order of the text is that of the numbers.
        envelope.insert(SEQUENCE.to_owned(), Value::from(format!("{:020}", delivery.sequence)));
        if let Some(root) = &delivery.root {
            envelope.insert(PARTITION.to_owned(), Value::from(root.as_str()));
        }
        Self { id: message_id(&delivery.erp_key), body: Value::Object(envelope).to_string() }
    }

    /// Whether a receiver that shows this holds this message, wherever in the order it came.
    pub fn is(&self, held: &Value) -> bool {
        let mut pair = [held.clone(), serde_json::from_str(&self.body).expect("we wrote it")];
        for value in &mut pair {
            if let Value::Object(envelope) = value {
                envelope.remove(SEQUENCE);
                envelope.remove(PARTITION);
            }
        }
        pair[0] == pair[1]
    }
}

/// The id of a message: the same over all attempts, and another one for every key of the whole world. A hash, for the standard has
/// ids without full stops, and a header takes no other letters than those of ASCII.
#[must_use]
pub fn message_id(erp_key: &str) -> String {
    let mut id = "msg_".to_owned();
    for byte in &Sha256::digest(erp_key.as_bytes())[..ID_BYTES] {
        write!(id, "{byte:02x}").expect("writing to memory");
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_id_fits_a_header_whatever_the_key_and_tells_keys_apart() {
        let ids = ["psx1:sandbox:m:payment:p.1:posted", "psx1:sandbox:m:payment:p.1:posted:g2", "psx1:ü\n", ""]
            .map(message_id);
        for id in &ids {
            assert_eq!(id.len(), 44, "{id}");
            assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'), "{id}");
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
        }
    }

    #[test]
    fn the_same_message_is_known_wherever_in_the_order_it_came() {
        let message = Message { id: String::new(), body: json!({"id": "a", "sequence": "2", "data": 1}).to_string() };
        assert!(message.is(&json!({"id": "a", "sequence": "1", "partitionkey": "p", "data": 1})));
        assert!(!message.is(&json!({"id": "a", "sequence": "2", "data": 2})));
        assert!(!message.is(&json!("a")));
    }
}
