//! What is told of the other adapters, in the transaction in which it happens, and what is not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use paystand_sync::clock::Clock as _;
use paystand_sync::engine::deliver::class_of;
use paystand_sync::engine::error::StepError;
use paystand_sync::erp::{Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Posting, Receipt, Refusal, Wants};
use paystand_sync::ledger::retry;
use paystand_sync::store::{Finding, nobody};
use serde_json::{Value, json};

use super::desk::{Desk, HOOK, Tale};
use super::receiver::{Served, serve};
use super::{NEW, settings, webhook};
use crate::harness::{column, number};

/// An ERP that takes everything but what is about one payment.
#[derive(Debug)]
struct Picky(&'static str);

#[async_trait]
impl Erp for Picky {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: false, events: false, entries: true, notices: false },
            atomic_batch: false,
            searches: true,
            batch_max: 50,
            settles_within: Duration::from_secs(1),
        }
    }

    fn target(&self) -> String {
        format!("picky {}", self.0)
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Keyed(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        Ok(())
    }
}

#[async_trait]
impl Keyed for Picky {
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        Ok(vec![None; deliveries.len()])
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let outcome = |delivery: &Delivery| match &delivery.root {
            Some(root) if root == self.0 => Err(Refusal::Never { reason: "no such account".to_owned() }),
            Some(_) | None => Ok(Receipt { reference: format!("move/{}", delivery.key) }),
        };
        Ok(deliveries.iter().map(outcome).collect())
    }
}

const PICKY: &str = "pm-bad";

async fn work_off(desk: &Desk, adapter: &str, erp: &Arc<dyn Erp>) {
    let courier = desk.courier(adapter, erp).await;
    while courier.deliver().await.expect("it is there") > 0 {}
}

async fn stage() -> (Desk, Served, Arc<dyn Erp>, Arc<dyn Erp>) {
    let (desk, served) = (Desk::open().await, serve().await);
    let (hook, books) = (webhook(settings(&served.url, &[NEW])), Arc::new(Picky(PICKY)) as Arc<dyn Erp>);
    desk.enroll(HOOK, &*hook).await;
    desk.enroll("books", &*books).await;
    (desk, served, hook, books)
}

/// Notices that the receiver took, by their key.
fn told(served: &Served) -> Vec<(String, Value)> {
    let envelopes = served.receiver.taken().into_iter().map(|message| message.envelope());
    let notices = envelopes.filter(|it| it["type"] != "com.paystand-sync.payment.posted.v1");
    notices.map(|it| (it["id"].as_str().unwrap_or_default().to_owned(), it)).collect()
}

#[tokio::test]
async fn what_becomes_of_entries_is_told_in_order_and_says_no_more_than_it_must() {
    let (desk, served, hook, books) = stage().await;
    let tales = [Tale::new("pm1", 0), Tale::new("pm1", 1), Tale::new(PICKY, 0)];
    desk.tell(&tales, &["books"]).await;
    work_off(&desk, "books", &books).await;
    work_off(&desk, HOOK, &hook).await;
    let entry = |tale: &Tale| format!("{}/1", tale.key());
    let told = told(&served);
    let key = |kind: &str, tale: &Tale| format!("{kind}:books:{}", entry(tale));
    let number = column(&desk.database.pool, "select id::text from paystand_sync.exception").await.remove(0);
    let mut keys: Vec<&String> = told.iter().map(|(key, _)| key).collect();
    keys.sort();
    let mut expected = [
        key("posting.confirmed", &tales[0]),
        key("posting.confirmed", &tales[1]),
        format!("{}:1", key("posting.failed", &tales[2])),
        format!("reconciliation.exception:{number}"),
    ];
    expected.sort();
    assert_eq!(keys, expected.iter().collect::<Vec<_>>());

    let of =
        |wanted: &str| told.iter().find(|(key, _)| key.starts_with(wanted)).map(|(_, it)| it.clone()).expect("told");
    let confirmed = of(&key("posting.confirmed", &tales[0]));
    assert_eq!(confirmed["type"], "com.paystand-sync.posting.confirmed.v1");
    assert_eq!(confirmed["source"], "urn:paystand:sandbox:mr1");
    assert_eq!(confirmed["subject"], "payment/pm1-0");
    assert_eq!(confirmed["partitionkey"], "books/pm1");
    let data = json!({
        "adapter": "books", "entry_key": entry(&tales[0]), "event_key": tales[0].key(),
        "receipt": format!("move/{}", entry(&tales[0])),
    });
    assert_eq!(confirmed["data"], data);
    let failed = of("posting.failed")["data"].clone();
    let data = json!({
        "adapter": "books", "entry_key": entry(&tales[2]), "event_key": tales[2].key(), "reason": "no such account",
    });
    assert_eq!(failed, data);
    let exception = of("reconciliation.exception");
    assert_eq!(exception["subject"], format!("books/{}", entry(&tales[2])));
    let names: Vec<&String> = exception["data"].as_object().expect("an object").keys().collect();
    assert_eq!(names, ["about", "class", "detail", "number"]);
    let first = told.iter().position(|(it, _)| *it == key("posting.confirmed", &tales[0]));
    assert!(first < told.iter().position(|(it, _)| *it == key("posting.confirmed", &tales[1])), "in order");
}

#[tokio::test]
async fn an_exception_is_told_once_however_often_it_is_seen() {
    let (desk, served, hook, _) = stage().await;
    let finding = |detail: &str| Finding {
        class: "amount_mismatch",
        subject: "payments:pm9".to_owned(),
        detail: format!("{detail}, says 4111 1111 1111 1111"),
        evidence: Some(b"card 4242424242424242".to_vec()),
    };
    desk.book(&[], &[], &[finding("a"), finding("b")]).await;
    desk.clock.advance(Duration::from_hours(5));
    desk.book(&[], &[], &[finding("b")]).await;
    work_off(&desk, HOOK, &hook).await;
    let told = told(&served);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].1["subject"], "payment/pm9");
    assert_eq!(told[0].1["data"]["class"], "amount_mismatch");
    let text = told[0].1.to_string();
    assert!(!text.contains("4242") && !text.contains("1111") && text.contains(", says "), "{told:?}");
}

#[tokio::test]
async fn a_webhook_that_fails_tells_nothing_of_itself_and_of_the_others_everything() {
    let (desk, served, hook, books) = stage().await;
    desk.tell(&[Tale::new("pm1", 0), Tale::new("pm1", 1)], &["books"]).await;
    served.receiver.always(Some(400));
    let courier = desk.courier(HOOK, &hook).await;
    let (end, mut failures) = (desk.clock.monotonic() + Duration::from_hours(100), 0);
    while desk.clock.monotonic() < end {
        match courier.deliver().await {
            Ok(_) => desk.clock.advance(Duration::from_mins(5)),
            Err(StepError::Erp(error)) => {
                failures += 1;
                desk.clock.advance(retry::pause(class_of(&error), failures));
            }
            Err(error) => panic!("{error}"),
        }
    }
    served.receiver.always(None);
    served.receiver.answer(410, &[]);
    while courier.deliver().await.is_ok() {
        desk.clock.advance(Duration::from_mins(5));
    }
    let pool = &desk.database.pool;
    let open = "select distinct class from paystand_sync.exception order by class";
    assert_eq!(column(pool, open).await, ["target_failing", "target_gone"]);
    let notices = "select count(*) from paystand_sync.notice";
    assert_eq!(number(pool, notices).await, 0, "it would have to deliver its own failures");
    work_off(&desk, "books", &books).await;
    assert_eq!(number(pool, notices).await, 2);
    let about = Finding {
        class: "target_failing",
        subject: "adapter/books".to_owned(),
        detail: "books takes nothing".to_owned(),
        evidence: None,
    };
    let held = desk.held("deliver/books").await;
    desk.store.raise(&held, &nobody(), &about, desk.clock.now()).await.expect("raised");
    assert_eq!(number(pool, notices).await, 3, "of another adapter's target it is told");
}

#[tokio::test]
async fn nothing_is_recorded_where_nobody_wants_it_and_who_comes_later_is_told_from_then_on() {
    let desk = Desk::open().await;
    let books = Arc::new(Picky(PICKY)) as Arc<dyn Erp>;
    desk.enroll("books", &*books).await;
    desk.tell(&[Tale::new("pm1", 0), Tale::new(PICKY, 0)], &["books"]).await;
    work_off(&desk, "books", &books).await;
    let pool = &desk.database.pool;
    let notices = "select count(*) from paystand_sync.notice";
    assert_eq!(number(pool, notices).await, 0);

    let served = serve().await;
    let hook = webhook(settings(&served.url, &[NEW]));
    desk.enroll("later", &*hook).await;
    desk.tell(&[Tale::new("pm2", 0)], &["books"]).await;
    work_off(&desk, "books", &books).await;
    work_off(&desk, "later", &hook).await;
    assert_eq!(told(&served).len(), 1);
    desk.store.want_notices(&[]).await.expect("our database");
    desk.tell(&[Tale::new("pm3", 0)], &["books"]).await;
    work_off(&desk, "books", &books).await;
    assert_eq!(number(pool, notices).await, 1, "and who goes is told no more");
}
