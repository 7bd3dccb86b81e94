//! What the tables hold: a row per resource by its columns, comments, the masked copy.

use paystand_sync::erp::Keyed;
use paystand_sync::model::resource::Resource;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use super::{delivery, prepared, receipts};

/// For each resource a body with every field that has a column, and the row that it becomes. `STAMPS` and `HELD` stand for what is
/// the same in all of them.
const ROWS: [(Resource, &str, &str); 11] = [
    (
        Resource::Customers,
        r#"{"id":"pc1","extCustomerId":"C-1","customerName":"N","email":"e@x","contactFirstName":"A","contactLastName":"R",
  "payer":{"id":"py1"},"status":"Active",STAMPS}"#,
        r#"{"id":"pc1","status":"active","amount":null,"currency":null,"customer_ref":"C-1","payer_id":"py1","name":"N","email":"e@x",
  "contact_first_name":"A","contact_last_name":"R",HELD}"#,
    ),
    (
        Resource::Receivables,
        r#"{"id":"rc1","extId":"INV-1","extCustomerId":"C-1","payerCustomerId":"pc1","amount":"1.50","amountPaid":0.50,"currency":"USD",
  "payerEmail":"e@x","date":"2026-05-01T00:00:00.000Z","dateDue":"05-31-2026","status":"current",STAMPS}"#,
        r#"{"id":"rc1","status":"active","amount":1.50,"currency":"USD","ext_id":"INV-1","customer_ref":"C-1","payer_customer_id":"pc1",
  "amount_paid":0.50,"payer_email":"e@x","date_posted":"2026-05-01","date_due":"2026-05-31","date_paid":null,HELD}"#,
    ),
    (
        Resource::ReceivableTransactions,
        r#"{"id":"rt1","receivableId":"rc1","paymentId":"pm1","resourceId":"rf1","resourceType":"Refund","paymentOrigin":"reminder",
  "amountApplied":"1.50","status":"active","payment":{"currency":"EUR"},
  "receivable":{"extId":"INV-1","extCustomerId":"C-1","payerCustomerId":"pc1","currency":"USD"},STAMPS}"#,
        r#"{"id":"rt1","status":"active","amount":1.50,"currency":"USD","receivable_id":"rc1","payment_id":"pm1","resource_type":"refund",
  "resource_id":"rf1","payment_origin":"reminder","ext_id":"INV-1","customer_ref":"C-1","payer_customer_id":"pc1",
  "payment_currency":"EUR",HELD}"#,
    ),
    (
        Resource::Payments,
        r#"{"id":"pm1","amount":"1.50","currency":"USD","status":"Posted","settlementAmount":"1.40","settlementCurrency":"CAD",
  "sourceType":"Card","sourceId":"cd1","source":{"brand":"visa","last4":"4242","bankName":"B"},"payerId":"py1",
  "payer":{"externalId":"C-1"},"ownerId":"mr1","accountKey":"default","externalId":"X-1","datePosted":"2026-05-11T21:34:58.000Z",
  "datePaid":"2026-05-12T21:34:58.000Z","dateFailed":"2026-05-13T21:34:58.000Z",
  "feeSplit":{"feeSplitType":"default","subtotal":"1.00","payerTotalFees":"0.60","merchantTotalFees":"0.05","payerTotal":"1.50",
              "payerDiscount":"0.10"},STAMPS}"#,
        r#"{"id":"pm1","status":"posted","amount":1.50,"currency":"USD","settlement_amount":1.40,"settlement_currency":"CAD",
  "source_type":"card","source_id":"cd1","source_brand":"visa","source_last4":"4242","source_bank_name":"B","payer_id":"py1",
  "customer_ref":"C-1","owner_id":"mr1","account_key":"default","external_id":"X-1","posted_at":"2026-05-11T21:34:58+00:00",
  "paid_at":"2026-05-12T21:34:58+00:00","failed_at":"2026-05-13T21:34:58+00:00","fee_split_type":"default","subtotal":1.00,
  "payer_total_fees":0.60,"merchant_total_fees":0.05,"payer_total":1.50,"payer_discount":0.10,HELD}"#,
    ),
    (
        Resource::Fees,
        r#"{"id":"fe1","amount":"1.50","currency":"USD","status":"active","feeType":"paystand","resourceAmount":"51.50","resourceId":"pm1",
  "resourceType":"Payment","resource":{"payerId":"py1"},STAMPS}"#,
        r#"{"id":"fe1","status":"active","amount":1.50,"currency":"USD","payment_id":"pm1","fee_type":"paystand","resource_type":"payment",
  "resource_id":"pm1","resource_amount":51.50,"payer_id":"py1",HELD}"#,
    ),
    (
        Resource::Refunds,
        r#"{"id":"rf1","amount":"1.50","currency":"USD","status":"paid","paymentId":"pm1","resourceId":"pm1","resourceType":"Payment",
  "resource":{"payer":{"id":"py1","externalId":"C-1"}},"accountKey":"default","settlementAmount":"1.40","settlementCurrency":"CAD",
  "feesRefunded":false,"reason":"r","description":"d",STAMPS}"#,
        r#"{"id":"rf1","status":"paid","amount":1.50,"currency":"USD","payment_id":"pm1","resource_type":"payment","resource_id":"pm1",
  "payer_id":"py1","customer_ref":"C-1","account_key":"default","settlement_amount":1.40,"settlement_currency":"CAD",
  "fees_refunded":false,"reason":"r","description":"d",HELD}"#,
    ),
    (
        Resource::Disputes,
        r#"{"id":"dp1","amount":"1.50","currency":"USD","status":"underreview","paymentId":"pm1","resourceId":"pm1","resourceType":"Payment",
  "resource":{"payer":{"id":"py1","externalId":"C-1"}},"accountKey":"default","settlementAmount":"1.40","settlementCurrency":"CAD",
  "disputeType":"Bank","amountWon":"0.00","disputeFee":"35.00","closed":true,"reason":"r",STAMPS}"#,
        r#"{"id":"dp1","status":"underReview","amount":1.50,"currency":"USD","payment_id":"pm1","resource_type":"payment","resource_id":"pm1",
  "payer_id":"py1","customer_ref":"C-1","account_key":"default","settlement_amount":1.40,"settlement_currency":"CAD",
  "dispute_type":"bank","amount_won":0.00,"dispute_fee":35.00,"closed":true,"reason":"r",HELD}"#,
    ),
    (
        Resource::Transfers,
        r#"{"id":"tr1","amount":"1.50","currency":"USD","status":"paid","resourceId":"wd1","resourceType":"Withdrawal","bankId":"bk1",
  "accountKey":"default","provider":"vantiv","description":"d","reason":"r","dateToPost":"2026-05-12T21:30:59.000Z",
  "datePosted":"2026-05-13T21:30:59.000Z","dateSettled":"2026-05-14T13:00:00.000Z","dateFailed":"2026-05-15T13:00:00.000Z",STAMPS}"#,
        r#"{"id":"tr1","status":"paid","amount":1.50,"currency":"USD","withdrawal_id":"wd1","resource_type":"withdrawal","resource_id":"wd1",
  "bank_id":"bk1","account_key":"default","provider":"vantiv","description":"d","reason":"r",
  "to_post_at":"2026-05-12T21:30:59+00:00","posted_at":"2026-05-13T21:30:59+00:00","settled_at":"2026-05-14T13:00:00+00:00",
  "failed_at":"2026-05-15T13:00:00+00:00",HELD}"#,
    ),
    (
        Resource::TransferEntries,
        r#"{"transferId":"tr1","resourceType":"refund","resourceId":"rf1","resourceStatus":"reversed","transferAmount":"-1.50",
  "paymentId":"pm1","payerName":"N","resourceDescription":"d",STAMPS}"#,
        r#"{"id":"tr1:refund:rf1:-1.5","status":null,"amount":-1.50,"currency":null,"transfer_id":"tr1","payment_id":"pm1",
  "resource_type":"refund","resource_id":"rf1","resource_status":"reversed","payer_name":"N","description":"d",HELD}"#,
    ),
    (
        Resource::Withdrawals,
        r#"{"id":"wd1","amount":"1.50","currency":"USD","status":"Sending","transfers":[{"id":"tr1"},{"id":"tr2"}],"bankId":"bk1",
  "accountKey":"default","description":"d","hasTransactions":true,"dateToPost":"2026-05-12T21:30:59.000Z",STAMPS}"#,
        r#"{"id":"wd1","status":"sending","amount":1.50,"currency":"USD","transfer_ids":["tr1","tr2"],"bank_id":"bk1",
  "account_key":"default","description":"d","has_transactions":true,"to_post_at":"2026-05-12T21:30:59+00:00",HELD}"#,
    ),
    (
        Resource::CreditMemos,
        r#"{"id":"cm1","amount":1.50,"currency":"USD","status":"parked?","extId":"CM-1","extKey":"CM-K","extCustomerId":"C-1",
  "payerCustomerId":"pc1","amountRemaining":0.25,"extCreationDate":"05/01/2026","extPostedDate":"05.02.2026",STAMPS}"#,
        r#"{"id":"cm1","status":"parked?","amount":1.50,"currency":"USD","ext_id":"CM-1","ext_key":"CM-K","customer_ref":"C-1",
  "payer_customer_id":"pc1","amount_remaining":0.25,"date_created":"2026-05-01","date_posted":"2026-05-02",HELD}"#,
    ),
];

const STAMPS: &str = r#""created":"2026-05-11T21:34:51.000Z","lastUpdated":"2026-05-11T21:34:58.000Z""#;
const HELD: &str =
    r#""merchant":"mr1","created_at":"2026-05-11T21:34:51+00:00","updated_at":"2026-05-11T21:34:58+00:00","version":1"#;

/// The only row of a table, without what other tests look at.
async fn row(pool: &PgPool, table: &str) -> Value {
    let sql = format!("select to_jsonb(t) - '{{raw,raw_sha256,written_at,delivery_key}}'::text[] from erp.{table} t");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await.expect("one row")
}

#[tokio::test]
async fn every_resource_fills_the_columns_of_its_table() {
    let (pool, staging) = prepared().await;
    for (resource, body, expected) in ROWS {
        let outcomes = staging.write(&[delivery(resource, 1, &body.replace("STAMPS", STAMPS))]).await.expect("written");
        let expected: Value = serde_json::from_str(&expected.replace("HELD", HELD)).expect("JSON");
        let table = resource.singular();
        assert_eq!(row(&pool, table).await, expected, "{table}");
        assert_eq!(receipts(&outcomes), [format!("erp.{table}/{}", expected["id"].as_str().expect("text"))]);
    }
}

#[tokio::test]
async fn tables_for_events_and_the_journal_are_there_and_every_table_and_column_is_explained() {
    let (pool, _) = prepared().await;
    let tables: Vec<String> =
        sqlx::query_scalar("select table_name::text from information_schema.tables where table_schema = 'erp'")
            .fetch_all(&pool)
            .await
            .expect("tables");
    let mut expected: Vec<&str> = Resource::ALL.iter().map(|resource| resource.singular()).collect();
    expected.extend(["event", "journal_entry", "journal_line", "paystand_sync_schema"]);
    for table in &expected {
        assert!(tables.iter().any(|name| name == table), "{table} is missing");
    }
    assert_eq!(tables.len(), expected.len());
    let silent: Vec<String> = sqlx::query_scalar(
        "select c.oid::regclass || coalesce('.' || a.attname, '')
         from pg_class c
         left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
         where c.relnamespace = 'erp'::regnamespace and c.relkind = 'r'
           and (col_description(c.oid, a.attnum) is null or obj_description(c.oid) is null)",
    )
    .fetch_all(&pool)
    .await
    .expect("comments");
    assert!(silent.is_empty(), "{silent:?}");
}

#[tokio::test]
async fn the_copy_is_masked_and_the_lossless_bytes_are_named_by_their_hash() {
    let (pool, staging) = prepared().await;
    let body = r#"{"id":"rf1","description":"card 4242 4242 4242 4242\u0000","bank":{"id":"bk1","accountNumber":"000123456789"}, "meta":{"n":0.10}}"#;
    staging.write(&[delivery(Resource::Refunds, 1, body)]).await.expect("written");
    let (raw, sha256, description): (Value, String, String) =
        sqlx::query_as("select raw, raw_sha256, description from erp.refund").fetch_one(&pool).await.expect("one row");
    assert_eq!(
        raw.to_string(),
        "{\"bank\":{\"accountNumber\":\"***\",\"id\":\"bk1\"},\"description\":\"card ***\u{fffd}\",\"id\":\"rf1\",\"meta\":{\"n\":0.10}}"
    );
    assert_eq!(description, "card ***\u{fffd}");
    assert_eq!(sha256, "58be7379e6665d7a16fe9333c1277df7153e9892c527379e6055a636947240b3");
}
