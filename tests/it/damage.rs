//! Damage on the way: rows that cannot be read are parked with their bytes and hold back nothing else; answers that are no
//! answers are asked for again and never taken for an empty page.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::harness::{Site, column, number, staged};
use crate::literal::{Fault, Kind, Literal, Row, rows};
use crate::mirror::{ago, assert_mirrored, documented};

const OPEN: &str = "select class || ' ' || convert_from(evidence, 'UTF8') from paystand_sync.exception
                    where resolved_at is null order by id";

/// The same payment, broken and whole.
const AMOUNT_IS_AN_OBJECT: &str = r#"{"id": "pmbad1", "amount": {"value": "5.00"}, "currency": "USD", "status": "paid", "fees": [],
 "feeSplit": {}, "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#;
const AMOUNT_IS_TEXT: &str = r#"{"id": "pmbad1", "amount": "5.00", "currency": "USD", "status": "paid", "fees": [],
 "feeSplit": {}, "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "@NOW@"}"#;
const NO_ID: &str = r#"{"amount": "6.00", "currency": "USD", "status": "paid", "fees": [],
 "feeSplit": {}, "created": "2026-05-12T11:00:00.000Z", "lastUpdated": "2026-05-12T11:00:00.000Z"}"#;
const WITH_ID: &str = r#"{"id": "pmbad2", "amount": "6.00", "currency": "USD", "status": "paid", "fees": [],
 "feeSplit": {}, "created": "2026-05-12T11:00:00.000Z", "lastUpdated": "@NOW@"}"#;

#[tokio::test]
async fn an_undecodable_row_is_parked_with_its_bytes_until_the_source_mends_it() {
    let server = Literal::start();
    server.books(documented);
    server.books(|books| books.put(Kind::Payments, Row::of(AMOUNT_IS_AN_OBJECT)));
    let site = Site::new(&server).await;
    let finished = site.once();
    assert_eq!(finished.code, Some(5), "{finished}");
    assert_eq!(finished.complaints().len(), 1, "{finished}");
    assert_mirrored(&site).await;
    assert_eq!(column(site.pool(), OPEN).await, [format!("undecodable_record {AMOUNT_IS_AN_OBJECT}")]);
    assert_eq!(site.once().code, Some(5), "it stays open");
    assert_eq!(column(site.pool(), OPEN).await.len(), 1, "and is told once");
    let list = site.run(&["exceptions", "list"]);
    assert!(
        list.code == Some(5) && list.stdout.contains("payments:pmbad1") && list.stdout.contains("amount"),
        "{list}"
    );

    let mended = AMOUNT_IS_TEXT.replace("@NOW@", &ago(chrono::TimeDelta::zero()));
    server.books(|books| books.put(Kind::Payments, Row::of(&mended)));
    site.once_clean();
    assert_eq!(column(site.pool(), OPEN).await, Vec::<String>::new());
    assert_eq!(column(site.pool(), "select amount::text from erp.payment where id = 'pmbad1'").await, ["5.00"]);
}

#[tokio::test]
async fn an_undecodable_row_mended_within_its_second_is_loaded() {
    let server = Literal::start();
    let stamp = ago(chrono::TimeDelta::hours(1));
    let broken = AMOUNT_IS_AN_OBJECT.replace("2026-05-12T10:00:00.000Z", &stamp);
    server.books(|books| books.put(Kind::Payments, Row::of(&broken)));
    let site = Site::new(&server).await;
    assert_eq!(site.once().code, Some(5));
    let mended = AMOUNT_IS_TEXT.replace("2026-05-12T10:00:00.000Z", &stamp).replace("@NOW@", &stamp);
    server.books(|books| books.put(Kind::Payments, Row::of(&mended)));
    site.once_clean();
    assert_eq!(column(site.pool(), "select amount::text from erp.payment").await, ["5.00"]);
}

#[tokio::test]
async fn a_row_without_id_and_a_row_that_is_no_object_are_parked_until_the_source_mends_them() {
    let server = Literal::start();
    server.books(documented);
    let recent = ago(chrono::TimeDelta::hours(1));
    server.books(|books| {
        books.put(Kind::Payments, Row::broken("pmbad2", "2026-05-12T11:00:00.000Z", NO_ID));
        books.put(Kind::Payments, Row::broken("pmbad3", &recent, r#""no object""#));
    });
    let site = Site::new(&server).await;
    let finished = site.once();
    assert_eq!(finished.code, Some(5), "{finished}");
    assert_mirrored(&site).await;
    let mut open = column(site.pool(), OPEN).await;
    open.sort_unstable();
    assert_eq!(open, [r#"unreadable_row "no object""#.to_owned(), format!("unreadable_row {NO_ID}")]);
    assert_eq!(site.once().code, Some(5));
    assert_eq!(column(site.pool(), OPEN).await.len(), 2, "told once");

    let now = ago(chrono::TimeDelta::zero());
    let whole = rows::payment("pmbad3", &recent, &now);
    server.books(|books| {
        books.put(Kind::Payments, Row::of(&WITH_ID.replace("@NOW@", &now)));
        books.put(Kind::Payments, Row::of(&whole));
    });
    let finished = site.once();
    let loaded = "select id || ' ' || amount from erp.payment where id like 'pmbad%' order by id";
    assert_eq!(column(site.pool(), loaded).await, ["pmbad2 6.00", "pmbad3 103.00"]);
    assert_eq!(column(site.pool(), OPEN).await, Vec::<String>::new());
    assert_eq!(finished.code, Some(0), "{finished}");
}

#[tokio::test]
async fn a_fee_without_id_inside_a_payment_is_not_dropped_in_silence() {
    let server = Literal::start();
    let payment = r#"{"id": "pm1", "amount": "5.00", "currency": "USD", "status": "paid", "feeSplit": {},
        "fees": [{"object": "fee", "amount": "0.25", "currency": "USD", "feeType": "paystand"}],
        "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#;
    server.books(|books| books.put(Kind::Payments, Row::of(payment)));
    let site = Site::new(&server).await;
    assert_eq!(site.once().code, Some(5));
    assert_eq!(staged(site.pool(), "payment").await, "pm1 | 2026-05-12T10:00:00.000Z | 5.00 | USD | paid");
    let evidence = column(site.pool(), OPEN).await;
    assert!(evidence.len() == 1 && evidence[0].contains(r#""amount": "0.25""#), "{evidence:?}");
}

/// What jsonb or text of Postgres cannot hold, and money with more digits than a float has.
#[tokio::test]
async fn a_row_with_characters_and_numbers_that_postgres_cannot_hold_loads() {
    let server = Literal::start();
    let row = |id: &str, members: &str| {
        let stamps = r#""created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z""#;
        format!(r#"{{"id": "{id}", "currency": "USD", "fees": [], "feeSplit": {{}}, {members}, {stamps}}}"#)
    };
    let in_a_note = row(
        "pm1",
        r#""amount": "1.00", "status": "paid", "description": "a\u0000b", "meta": {"no\u0000te": "\u0000"}"#,
    );
    let texts = [
        in_a_note.clone(),
        row("pm2", r#""amount": "2.00", "status": "paid", "x\u0000y": {"\u0000": [null]}"#),
        row("pm3", r#""amount": "3.00", "status": "paid", "externalId": "\u0000", "accountKey": "x\u0000y""#),
        row("pm4", r#""amount": 123456789012345678.23, "status": "paid", "meta": {"n": 1e400}"#),
        row("pm5", r#""amount": "-987654321098765432.0001", "status": "paid", "meta": {"n": 1e999999999}"#),
        row("pm6", r#""amount": "6.00", "status": "paid", "description": "\ud83d\ude00 \uffff \u007f""#),
    ];
    server.books(|books| texts.iter().for_each(|text| books.put(Kind::Payments, Row::of(text))));
    server.books(|books| {
        let customer = r#"{"id": "pc1", "customerName": "A\u0000B", "extCustomerId": "C\u00001", "status": "active",
            "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#;
        books.put(Kind::Customers, Row::of(customer));
    });
    let site = Site::new(&server).await;
    let finished = site.once();
    assert_eq!(finished.code, Some(0), "{finished}");
    let amounts = column(site.pool(), "select id || ' ' || amount from erp.payment order by id").await;
    let expected =
        ["pm1 1.00", "pm2 2.00", "pm3 3.00", "pm4 123456789012345678.23", "pm5 -987654321098765432.0001", "pm6 6.00"];
    assert_eq!(amounts, expected);
    let shown =
        "select (raw ->> 'description') || (raw -> 'meta' ->> E'no\\uFFFDte') from erp.payment where id = 'pm1'";
    assert_eq!(column(site.pool(), shown).await, ["a\u{fffd}b\u{fffd}"]);
    let kept = "select distinct convert_from(body, 'UTF8') from paystand_sync.record_version where source_id = 'pm1'";
    assert_eq!(column(site.pool(), kept).await, [in_a_note]);
    assert_eq!(column(site.pool(), "select name from erp.customer").await, ["A\u{fffd}B"]);
}

/// The status also stands in our own tables, where one such row must not stop all others for ever.
#[tokio::test]
async fn a_status_with_u0000_holds_back_nothing() {
    let server = Literal::start();
    server.books(documented);
    let row = r#"{"id": "pmzero", "amount": "2.00", "currency": "USD", "status": "pa\u0000id", "fees": [], "feeSplit": {},
        "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#;
    server.books(|books| books.put(Kind::Payments, Row::of(row)));
    let site = Site::new(&server).await;
    let finished = site.once();
    let statuses =
        "select id || ' ' || status from erp.payment where id in ('pmzero', 'pm0000000000000000000002') order by id";
    assert_eq!(
        column(site.pool(), statuses).await,
        ["pm0000000000000000000002 paid", "pmzero pa\u{fffd}id"],
        "{finished}"
    );
    // It means nothing that is documented, so its money waits for a person.
    let open = site.open_exceptions().await;
    assert!(open.len() == 1 && open[0].contains("unknown_status payments:pmzero"), "{open:?}");
    assert_eq!(finished.code, Some(5), "{finished}");
}

/// Sums of such amounts could not be held exactly.
#[tokio::test]
async fn amounts_that_cannot_be_added_up_exactly_are_parked() {
    let server = Literal::start();
    let row = |id: &str, amount: &str| {
        let stamps = r#""created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z""#;
        format!(
            r#"{{"id": "{id}", "currency": "USD", "fees": [], "feeSplit": {{}}, "status": "paid", "amount": {amount}, {stamps}}}"#
        )
    };
    let texts = [row("pm1", "1.00"), row("pm2", "123456789012345678901.23"), row("pm3", "0.30000000000000004")];
    server.books(|books| texts.iter().for_each(|text| books.put(Kind::Payments, Row::of(text))));
    let site = Site::new(&server).await;
    let finished = site.once();
    assert_eq!(finished.code, Some(5), "{finished}");
    assert_eq!(column(site.pool(), "select id || ' ' || amount from erp.payment").await, ["pm1 1.00"]);
    let open = site.open_exceptions().await;
    let parked = |id: &str| open.iter().any(|it| it.contains(&format!("undecodable_record payments:{id}")));
    assert!(open.len() == 2 && parked("pm2") && parked("pm3"), "{open:?}");
}

#[tokio::test]
async fn a_broken_answer_is_asked_for_again() {
    let server = Literal::start();
    server.books(documented);
    let faults = [Fault::Cut, Fault::HalfJson, Fault::Html, Fault::Empty, Fault::Status(503), Fault::Status(500)];
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    server.break_answers(move |seen| {
        let paths = asked.len();
        let times = asked.entry(seen.path.clone()).or_insert(0);
        *times += 1;
        // The first answer of each list is broken, each in its own way.
        (*times == 1).then(|| faults[paths % faults.len()])
    });
    let site = Site::new(&server).await;
    site.once_clean();
    assert_mirrored(&site).await;
}

#[tokio::test]
async fn answers_that_stay_broken_are_no_empty_page_and_move_no_cursor() {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.set("SYNC__ATTEMPTS_MAX", "2");
    site.once_clean();
    let cursor = "select concat_ws(' ', resource, high_water, backfilled_at, freshened_at, polled_at)
                  from paystand_sync.cursor where resource = 'payments'";
    let mut payments = number(site.pool(), "select count(*) from erp.payment").await;
    for (n, fault) in [Fault::Cut, Fault::HalfJson, Fault::Html, Fault::Empty].into_iter().enumerate() {
        let before = column(site.pool(), cursor).await;
        let now = ago(chrono::TimeDelta::zero());
        server.books(|books| books.put(Kind::Payments, Row::of(&rows::payment(&format!("pmnew{n}"), &now, &now))));
        server.break_answers(move |seen| (seen.path == "/payments/all").then_some(fault));
        let finished = site.once();
        assert_eq!(finished.code, Some(3), "{fault:?} {finished}");
        assert_eq!(finished.complaints().len(), 1, "{fault:?} {finished}");
        assert_eq!(column(site.pool(), cursor).await, before, "{fault:?}");
        assert_eq!(number(site.pool(), "select count(*) from erp.payment").await, payments, "{fault:?}");
        server.mend_answers();
        site.once_clean();
        payments += 1;
        assert_eq!(number(site.pool(), "select count(*) from erp.payment").await, payments, "{fault:?}");
    }
}

#[tokio::test]
async fn a_token_revoked_early_is_renewed_once_and_no_row_is_lost() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    let running = site.start(&["--once"]);
    server.await_requests(Duration::from_secs(30), |log| log.len() >= 20);
    server.revoke_tokens();
    let finished = running.finish(Duration::from_mins(1));
    assert_eq!(finished.code, Some(0), "{finished}");
    assert_mirrored(&site).await;
    let minted = server.requests().iter().filter(|seen| seen.path == "/oauth/token").count();
    assert_eq!(minted, 2);
}
