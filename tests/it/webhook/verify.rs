//! What is sent, before the library `standardwebhooks` of another language: with which secrets it verifies, and that nothing else does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use paystand_sync::clock::{Clock, ManualClock, SystemClock};
use paystand_sync::erp::webhook::Webhook;
use paystand_sync::erp::{Erp, Posting};
use serde_json::{Value, json};

use super::desk::{Desk, HOOK, Tale};
use super::outside::{python, verified};
use super::receiver::{Message, serve};
use super::{NEW, OLD, settings};

/// What arrives of one event that is signed with these secrets by this clock.
async fn sent(secrets: &[&str], clock: Arc<dyn Clock>) -> Message {
    let (desk, served) = (Desk::open().await, serve().await);
    let erp: Arc<dyn Erp> = Arc::new(Webhook::connect(settings(&served.url, secrets), clock).expect("an endpoint"));
    desk.enroll(HOOK, &*erp).await;
    desk.tell(&[Tale::new("pm-ü1", 0)], &[]).await;
    assert_eq!(desk.courier(HOOK, &erp).await.deliver().await.expect("it is there"), 1);
    served.receiver.arrived().pop().expect("one arrived")
}

pub fn request(message: &Message) -> Value {
    json!({
        "headers": {
            "webhook-id": message.id, "webhook-timestamp": message.timestamp, "webhook-signature": message.signature,
        },
        "body": String::from_utf8(message.body.to_vec()).expect("text"),
    })
}

fn is_verified(python: &Path, secret: &str, message: &Message) -> bool {
    verified(python, secret, &[request(message)]) == ["ok"]
}

#[tokio::test]
async fn a_rotation_is_seen_by_no_receiver() {
    let Some(python) = python() else { return };
    for (secrets, old, new) in [(&[OLD][..], true, false), (&[NEW, OLD], true, true), (&[NEW], false, true)] {
        let message = sent(secrets, Arc::new(SystemClock::new())).await;
        assert_eq!(message.signature.split(' ').count(), secrets.len());
        assert_eq!(is_verified(&python, OLD, &message), old, "{secrets:?} before the old secret");
        assert_eq!(is_verified(&python, NEW, &message), new, "{secrets:?} before the new secret");
    }
}

#[tokio::test]
async fn every_byte_counts() {
    let Some(python) = python() else { return };
    let message = sent(&[NEW], Arc::new(SystemClock::new())).await;
    assert!(is_verified(&python, NEW, &message));
    let mut changed = vec![
        Message { id: format!("{}0", message.id), ..message.clone() },
        Message { timestamp: (message.timestamp.parse::<i64>().expect("seconds") + 1).to_string(), ..message.clone() },
    ];
    let body = String::from_utf8(message.body.to_vec()).expect("text");
    let places: Vec<usize> =
        body.char_indices().filter(|(_, letter)| letter.is_ascii()).map(|(place, _)| place).collect();
    for place in places {
        let mut bytes = message.body.to_vec();
        bytes[place] ^= 1;
        changed.push(Message { body: bytes.into(), ..message.clone() });
    }
    let requests: Vec<Value> = changed.iter().map(request).collect();
    let said = verified(&python, NEW, &requests);
    assert_eq!(said.len(), requests.len());
    assert!(said.iter().all(|it| it == "No matching signature found"), "{said:?}");
}

#[tokio::test]
async fn an_old_message_is_refused_by_its_time() {
    let Some(python) = python() else { return };
    let minutes_ago = |minutes| {
        let then = SystemClock::new().now() - chrono::TimeDelta::minutes(minutes);
        Arc::new(ManualClock::new(then))
    };
    let old = sent(&[NEW], minutes_ago(6)).await;
    assert_eq!(verified(&python, NEW, &[request(&old)]), ["Message timestamp too old"]);
    assert!(is_verified(&python, NEW, &sent(&[NEW], minutes_ago(4)).await));
}

#[tokio::test]
async fn a_message_keeps_its_id_and_its_body_over_retries_and_is_signed_anew() {
    let (desk, served) = (Desk::open().await, serve().await);
    let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
    let erp: Arc<dyn Erp> =
        Arc::new(Webhook::connect(settings(&served.url, &[NEW]), clock.clone()).expect("an endpoint"));
    assert!(matches!(erp.posting(), Posting::Keyed(_)));
    desk.enroll(HOOK, &*erp).await;
    desk.tell(&[Tale::new("pm1", 0)], &[]).await;
    let courier = desk.courier(HOOK, &erp).await;
    served.receiver.answer(500, &[]);
    courier.deliver().await.expect_err("nothing was taken");
    clock.advance(Duration::from_mins(1));
    desk.clock.advance(Duration::from_mins(1));
    assert_eq!(courier.deliver().await.expect("it is well again"), 1);
    let [first, second] = <[Message; 2]>::try_from(served.receiver.arrived()).expect("two requests");
    assert_eq!((first.id, first.body), (second.id, second.body));
    assert_ne!(first.timestamp, second.timestamp);
    assert_ne!(first.signature, second.signature);
}
