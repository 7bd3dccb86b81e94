//! The adapter `staging` against a real Postgres: what its tables hold, in which order versions win, and how failures are told.

mod failures;
mod rows;

use bytes::Bytes;
use paystand_sync::erp::staging::Staging;
use paystand_sync::erp::{Delivery, Erp, Keyed, Outcome, Payload, Refusal, Version};
use paystand_sync::model::ids::MerchantId;
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::sight;
use sqlx::PgPool;

use crate::harness::database;

const MERCHANT: &str = "mr1";

async fn prepared() -> (PgPool, Staging) {
    let pool = database().await;
    let staging = Staging::with_pool(pool.clone(), "erp").expect("a plain name");
    staging.prepare().await.expect("prepared");
    (pool, staging)
}

/// One version of the record that `body` shows.
fn delivery(resource: Resource, version: i64, body: &str) -> Delivery {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let seen = sight(resource, Shape::Detail, None, body.clone()).expect("readable");
    let document = seen.document.expect("decodable");
    let key = format!("{resource}:{}:v{version}", document.id);
    let payload = Payload::Document(Box::new(Version { number: version, document, body }));
    let merchant = MerchantId::new(MERCHANT);
    let erp_key = Delivery::world_key("sandbox", &merchant, &key, 1);
    Delivery { merchant, key, erp_key, root: None, sequence: 0, payload }
}

/// A payment that was last updated at that minute, or at no known time.
fn payment(id: &str, minute: Option<u32>, version: i64, amount: &str) -> Delivery {
    let updated = minute.map_or("null".to_owned(), |minute| format!("\"2026-05-11T21:{minute:02}:00.000Z\""));
    let body = format!(r#"{{"id":"{id}","amount":"{amount}","currency":"USD","lastUpdated":{updated}}}"#);
    delivery(Resource::Payments, version, &body)
}

fn receipts(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(receipt) => receipt.reference.as_str(),
            Err(refusal) => panic!("refused: {refusal:?}"),
        })
        .collect()
}

async fn amounts(pool: &PgPool) -> Vec<(String, String)> {
    sqlx::query_as("select id, amount::text from erp.payment order by id").fetch_all(pool).await.expect("rows")
}

#[tokio::test]
async fn two_daemons_may_prepare_at_once_and_again() {
    let pool = database().await;
    let staging = Staging::with_pool(pool.clone(), "erp").expect("a plain name");
    let prepared = futures::future::join_all((0..4).map(|_| staging.prepare())).await;
    assert!(prepared.iter().all(Result::is_ok), "{prepared:?}");
    let versions: Vec<i32> = sqlx::query_scalar("select version from erp.paystand_sync_schema order by version")
        .fetch_all(&pool)
        .await
        .expect("versions");
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn older_versions_never_overwrite_newer_ones() {
    let (pool, staging) = prepared().await;
    for (sent, held) in [
        (payment("pm1", None, 9, "0.09"), "0.09"),
        (payment("pm1", Some(10), 3, "3.00"), "3.00"),
        (payment("pm1", None, 10, "0.10"), "3.00"),
        (payment("pm1", Some(9), 11, "11.00"), "3.00"),
        (payment("pm1", Some(10), 2, "2.00"), "3.00"),
        (payment("pm1", Some(10), 4, "4.00"), "4.00"),
        (payment("pm1", Some(11), 1, "1.00"), "1.00"),
    ] {
        let outcomes = staging.write(&[sent]).await.expect("written");
        assert_eq!(receipts(&outcomes), ["erp.payment/pm1"], "what is past needs no write to be posted");
        assert_eq!(amounts(&pool).await, [("pm1".to_owned(), held.to_owned())]);
    }
}

#[tokio::test]
async fn another_body_as_the_same_version_is_refused_with_what_is_there() {
    let (pool, staging) = prepared().await;
    staging.write(&[payment("pm1", Some(10), 3, "3.00")]).await.expect("written");
    let batch = [payment("pm1", Some(10), 3, "3.33"), payment("pm2", Some(10), 1, "1.00")];
    for _ in 0..2 {
        let outcomes = staging.write(&batch).await.expect("answered");
        let [Err(Refusal::Differs { held }), Ok(_)] = &outcomes[..] else { panic!("{outcomes:?}") };
        assert!(held.contains("3.00"), "{held}");
    }
    assert!(matches!(
        &staging.find(&batch).await.expect("found")[..],
        [Some(Err(Refusal::Differs { .. })), Some(Ok(_))]
    ));
    assert_eq!(amounts(&pool).await[0], ("pm1".to_owned(), "3.00".to_owned()));
}

#[tokio::test]
async fn within_a_batch_the_newest_version_wins_and_all_get_receipts() {
    let (pool, staging) = prepared().await;
    let batch = [
        payment("pm1", Some(2), 2, "2.00"),
        payment("pm2", Some(1), 1, "7.00"),
        payment("pm1", Some(3), 3, "3.00"),
        payment("pm1", Some(1), 1, "1.00"),
    ];
    let outcomes = staging.write(&batch).await.expect("written");
    assert_eq!(receipts(&outcomes), ["erp.payment/pm1", "erp.payment/pm2", "erp.payment/pm1", "erp.payment/pm1"]);
    assert_eq!(amounts(&pool).await, [("pm1".to_owned(), "3.00".to_owned()), ("pm2".to_owned(), "7.00".to_owned())]);
}

#[tokio::test]
async fn a_repeated_batch_touches_no_row() {
    let (pool, staging) = prepared().await;
    let batch: Vec<Delivery> = (0..1200).map(|n| payment(&format!("pm{n}"), Some(1), 1, "1.00")).collect();
    let marks = || async {
        sqlx::query_as::<_, (String, String, String)>(
            "select ctid::text, xmin::text, xmax::text from erp.payment order by id",
        )
        .fetch_all(&pool)
        .await
        .expect("rows")
    };
    staging.write(&batch).await.expect("written");
    let before = marks().await;
    assert_eq!(before.len(), 1200);
    staging.write(&batch).await.expect("written again");
    assert_eq!(marks().await, before, "neither rewritten nor locked");
}

#[tokio::test]
async fn writers_at_once_end_with_the_newest_version_of_each_record() {
    let (pool, staging) = prepared().await;
    let writers = (0..4_u32).map(|writer| {
        let staging = staging.clone();
        async move {
            for round in 0..10_u32 {
                let version = round * 4 + writer;
                let mut batch: Vec<Delivery> = (0..20)
                    .map(|n| payment(&format!("pm{n:02}"), Some(version), i64::from(version), &format!("{version}.00")))
                    .collect();
                if writer % 2 == 1 {
                    batch.reverse();
                }
                staging.write(&batch).await.expect("written");
            }
        }
    });
    futures::future::join_all(writers).await;
    let expected: Vec<_> = (0..20).map(|n| (format!("pm{n:02}"), "39.00".to_owned())).collect();
    assert_eq!(amounts(&pool).await, expected);
}

#[tokio::test]
async fn a_newer_version_that_another_writer_is_about_to_commit_is_not_overwritten() {
    let (pool, staging) = prepared().await;
    let mut other = pool.begin().await.expect("a transaction");
    sqlx::raw_sql(
        "insert into erp.payment (merchant, id, amount, updated_at, version, raw, raw_sha256, delivery_key, written_at)
         values ('mr1', 'pm1', 2.00, '2026-05-11T21:02:00Z', 2, '{}', '', '', now())",
    )
    .execute(&mut *other)
    .await
    .expect("inserted");
    let older = [payment("pm1", Some(1), 1, "1.00")];
    let commit_once_awaited = async {
        let awaited = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(awaited).fetch_one(&pool).await.expect("an answer") {
            tokio::task::yield_now().await;
        }
        other.commit().await.expect("committed");
    };
    let (outcomes, ()) = tokio::join!(staging.write(&older), commit_once_awaited);
    assert_eq!(receipts(&outcomes.expect("written")), ["erp.payment/pm1"]);
    assert_eq!(amounts(&pool).await, [("pm1".to_owned(), "2.00".to_owned())]);
}

#[tokio::test]
async fn find_knows_what_the_table_holds_at_or_past_a_version() {
    let (_, staging) = prepared().await;
    let customer = delivery(Resource::Customers, 1, r#"{"id":"pm1"}"#);
    staging.write(&[payment("pm1", Some(5), 5, "5.00"), customer.clone()]).await.expect("written");
    let mut other_merchant = payment("pm1", Some(5), 5, "5.00");
    other_merchant.merchant = MerchantId::new("mr2");
    let asked = [
        payment("pm1", Some(6), 6, "6.00"),
        payment("pm1", Some(5), 5, "5.00"),
        customer,
        payment("pm9", Some(1), 1, "1.00"),
        payment("pm1", Some(4), 9, "4.00"),
        payment("pm1", Some(5), 6, "5.00"),
        payment("pm1", None, 9, "5.00"),
        other_merchant,
    ];
    let found = staging.find(&asked).await.expect("found");
    let reference = |found: &Option<Outcome>| match found {
        Some(Ok(receipt)) => Some(receipt.reference.clone()),
        Some(Err(refusal)) => panic!("{refusal:?}"),
        None => None,
    };
    let found: Vec<_> = found.iter().map(reference).collect();
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    let held = Some("erp.payment/pm1");
    assert_eq!(found, [None, held, Some("erp.customer/pm1"), None, held, None, held, None]);
    assert_eq!(staging.find(&[]).await.expect("nothing asked"), []);
    assert_eq!(staging.write(&[]).await.expect("nothing sent"), []);
}

#[tokio::test]
async fn merchants_with_the_same_ids_do_not_meet() {
    let (pool, staging) = prepared().await;
    let mut other = payment("pm1", Some(1), 1, "2.00");
    other.merchant = MerchantId::new("mr2");
    staging.write(&[payment("pm1", Some(2), 2, "1.00"), other]).await.expect("written");
    let rows: Vec<(String, String)> =
        sqlx::query_as("select merchant, amount::text from erp.payment order by merchant")
            .fetch_all(&pool)
            .await
            .expect("rows");
    assert_eq!(rows, [("mr1".to_owned(), "1.00".to_owned()), ("mr2".to_owned(), "2.00".to_owned())]);
}
