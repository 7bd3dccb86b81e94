//! After `--once` the staging tables equal the books of a server that was written from the published facts alone, row by row and in
//! every dress that the facts leave open; another `--once` changes nothing.

use chrono::{SecondsFormat, TimeDelta};
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::model::resource::Resource;

use crate::harness::{Site, column, number, staged, standing};
use crate::literal::{Books, Count, Kind, Literal, Quirks, Row, rows};

const CUSTOMERS: &str = "\
pc0000000000000000000002 | 2026-05-20T00:00:01.000Z | - | - | active
pc7k2m9q4x1v8b3n6t0z5w2a | 2026-05-02T15:04:05.000Z | - | - | active";
const RECEIVABLES: &str = "\
rc0000000000000000000002 | 2026-05-12T10:00:00.000Z | 19.99 | CAD | paid
rc0000000000000000000003 | 2026-05-12T10:00:00.000Z | 0.10 | USD | cancelled
rc1a9s8d7f6g5h4j3k2l1z0x | 2026-05-11T21:35:00.000Z | 250.00 | USD | active";
const PAYMENTS: &str = "\
pm0000000000000000000002 | 2026-05-11T21:34:58.000Z | 400.00 | USD | paid
pm0000000000000000000003 | 2026-05-13T09:00:00.000Z | 0.01 | EUR | failed
pm0000000000000000000004 | 2026-06-01T06:59:59.000Z | 12.30 | USD | created
pm6y3u9i1o7p4a8s2d5f0g3h | 2026-05-11T21:34:58.000Z | 103.00 | USD | posted";
const FEES: &str = "\
fe0000000000000000000002 | 2026-05-11T21:34:58.000Z | - | USD | active
fe8n5b2v9c6x3z0l7k4j1h8g | 2026-05-11T22:10:03.000Z | 2.50 | USD | active";
const WITHDRAWALS: &str = "wd2f9g6h3j0k7l4z1x8c5v2b | 2026-05-12T21:30:59.000Z | 424.67 | USD | processing";
const TRANSFERS: &str = "\
tr0000000000000000000002 | 2026-05-15T21:30:59.000Z | -3.5 | USD | sending
tr5g2h9j6k3l0z7x4c1v8b5n | 2026-05-14T13:00:01.000Z | 424.67 | USD | paid";
const REFUNDS: &str = "rf9z6x3c0v7b4n1m8a5s2d9f | 2026-05-12T16:20:00.000Z | 40.00 | USD | paid";
const DISPUTES: &str = "dp3q0w7e4r1t8y5u2i9o6p3a | 2026-05-12T09:00:02.000Z | 150.00 | USD | lost";
const CREDIT_MEMOS: &str = "cm6b3n0m7v4c1x8z5l2k9j6h | 2026-05-01T14:10:00.000Z | 25.0 | USD | active";
const TRANSACTIONS: &str = "rt4v7b1n8m2c5x9z3l6k0j4h | 2026-05-11T21:35:00.000Z | 100.00 | USD | active";
const ENTRIES: &str = "\
tr5g2h9j6k3l0z7x4c1v8b5n:fee:fe8n5b2v9c6x3z0l7k4j1h8g:-7.83 | - | -7.83 | - | -
tr5g2h9j6k3l0z7x4c1v8b5n:payment:pm0000000000000000000002:432.5 | - | 432.50 | - | -";

/// What every dress has in common.
fn plain(books: &mut Books) {
    books.put_all(Kind::Customers, &rows::CUSTOMERS);
    books.put_all(Kind::Fees, &rows::FEES);
    books.put_all(Kind::Withdrawals, &rows::WITHDRAWALS);
    books.put_all(Kind::Transfers, &rows::TRANSFERS);
    books.put_all(Kind::Refunds, &rows::REFUNDS);
    books.put_all(Kind::Disputes, &rows::DISPUTES);
    books.put_all(Kind::CreditMemos, &rows::CREDIT_MEMOS);
    books.put_all(Kind::Transactions, &rows::TRANSACTIONS);
    for (id, entry) in ["en1", "en2"].into_iter().zip(rows::ENTRIES) {
        books.put(Kind::Entries, Row::broken(id, "2026-05-12T21:30:59.000Z", entry));
    }
}

/// The books as the documentation prints them.
pub fn documented(books: &mut Books) {
    plain(books);
    books.put_all(Kind::Receivables, &rows::RECEIVABLES);
    books.put_all(Kind::Payments, &rows::PAYMENTS);
}

/// The same where lists say less than, and other things as, reading by id.
pub fn brief(books: &mut Books) {
    plain(books);
    for (detail, list) in rows::RECEIVABLES.iter().zip(rows::RECEIVABLES_BARE) {
        books.put(Kind::Receivables, Row::of(detail).listed_as(list));
    }
    for (detail, list) in rows::PAYMENTS.iter().zip(rows::PAYMENTS_BRIEF) {
        books.put(Kind::Payments, Row::of(detail).listed_as(list));
    }
}

pub async fn assert_mirrored(site: &Site) {
    for (table, expected) in [
        ("customer", CUSTOMERS),
        ("receivable", RECEIVABLES),
        ("payment", PAYMENTS),
        ("fee", FEES),
        ("withdrawal", WITHDRAWALS),
        ("transfer", TRANSFERS),
        ("refund", REFUNDS),
        ("dispute", DISPUTES),
        ("credit_memo", CREDIT_MEMOS),
        ("receivable_transaction", TRANSACTIONS),
        ("transfer_entry", ENTRIES),
    ] {
        assert_eq!(staged(site.pool(), table).await, expected, "{table}");
    }
    let due = "select coalesce(date_due::text, '-') || ' ' || coalesce(customer_ref, '-') from erp.receivable order by id collate \"C\"";
    assert_eq!(column(site.pool(), due).await, ["2026-06-15 C-10045", "2026-06-15 C-10045", "2026-05-31 C-10045"]);
    let fees = "select payment_id || ' ' || fee_type from erp.fee order by id";
    assert_eq!(
        column(site.pool(), fees).await,
        ["pm0000000000000000000002 delayed", "pm6y3u9i1o7p4a8s2d5f0g3h paystand"]
    );
}

async fn assert_another_run_changes_nothing(site: &Site) {
    let before = standing(site.pool()).await;
    site.once_clean();
    assert_eq!(standing(site.pool()).await, before);
}

#[tokio::test]
async fn books_as_documented_are_mirrored() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    site.once_clean();
    assert_mirrored(&site).await;
    let source =
        "select concat_ws(' ', source_type, source_brand, source_bank_name, source_last4, raw::text like '%110000000%')
                  from erp.payment where source_last4 is not null order by id";
    assert_eq!(column(site.pool(), source).await, ["bank First Example 6789 f", "card visa 4242 f"]);
    let is_filtered = |path: &str| {
        let asked = server.requests();
        let mut lists = asked.iter().filter(|seen| seen.is_list(path));
        lists.all(|seen| seen.query.get("f.querytype").is_some_and(|it| it == "by-query-filters"))
    };
    assert!(is_filtered("/payments/all") && is_filtered("/receivables"));
    assert!(!is_filtered("/payerCustomers") && !is_filtered("/fees"));
    let sealed = "select distinct resource from paystand_sync.seal order by 1";
    assert_eq!(column(site.pool(), sealed).await.len(), Resource::ALL.len(), "child lists too");
    assert_another_run_changes_nothing(&site).await;
}

#[tokio::test]
async fn lists_that_say_less_than_details_are_mirrored() {
    let server = Literal::with(Quirks { count: Count::Page, page_cap: 25, fees_open: false, ..Quirks::default() });
    server.books(brief);
    let site = Site::new(&server).await;
    site.once_clean();
    assert_mirrored(&site).await;
    assert_another_run_changes_nothing(&site).await;
}

#[tokio::test]
async fn numbers_capitals_other_dates_and_bare_arrays_are_mirrored() {
    let server = Literal::with(Quirks { bare_array: true, ..Quirks::default() });
    server.books(|books| {
        plain(books);
        books.put_all(Kind::Receivables, &rows::RECEIVABLES_NUMERIC);
        books.put_all(Kind::Payments, &rows::PAYMENTS_NUMERIC);
    });
    let site = Site::new(&server).await;
    site.once_clean();
    assert_mirrored(&site).await;
    assert_another_run_changes_nothing(&site).await;
}

#[tokio::test]
async fn no_row_slips_over_the_edge_of_a_capped_page_whatever_count_means() {
    for count in [Count::Total, Count::Page, Count::Absent] {
        let server = Literal::with(Quirks { count, page_cap: 25, ties_move: true, ..Quirks::default() });
        server.books(|books| {
            for n in 0..130 {
                // Four rows share each second, eight each second of creation.
                let updated = format!("2026-05-12T10:{:02}:00.000Z", n / 4);
                let created = format!("2026-05-11T10:{:02}:00.000Z", n / 8);
                books.put(Kind::Payments, Row::of(&rows::payment(&format!("pm{n:03}"), &created, &updated)));
            }
        });
        let site = Site::new(&server).await;
        site.once_clean();
        let expected: Vec<String> = (0..130)
            .map(|n| format!("pm{n:03} | 2026-05-12T10:{:02}:00.000Z | 103.00 | USD | posted", n / 4))
            .collect();
        assert_eq!(staged(site.pool(), "payment").await, expected.join("\n"), "{count:?}");
        assert_another_run_changes_nothing(&site).await;
    }
}

/// A timestamp of the source, that much before now.
pub fn ago(age: TimeDelta) -> String {
    (SystemClock::new().now() - age).to_rfc3339_opts(SecondsFormat::Secs, true).replace('Z', ".000Z")
}

/// One recent row of each resource whose `meta` says `note`.
fn noted(note: &str, updated: &str) -> [(Kind, Row); 6] {
    let tail =
        format!(r#""meta": {{"note": "{note}"}}, "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "{updated}"}}"#);
    let row = |text: &str| Row::of(&format!("{text}, {tail}"));
    [
        (Kind::Customers, row(r#"{"id": "pc1", "extCustomerId": "C-1", "status": "active""#)),
        (
            Kind::Receivables,
            row(r#"{"id": "rc1", "extCustomerId": "C-1", "amount": "5.00", "currency": "USD", "status": "active""#),
        ),
        (
            Kind::Payments,
            row(r#"{"id": "pm1", "amount": "5.00", "currency": "USD", "status": "paid", "fees": [], "feeSplit": {}"#),
        ),
        (
            Kind::Fees,
            row(r#"{"id": "fe1", "amount": "0.50", "currency": "USD", "status": "active", "feeType": "paystand""#),
        ),
        (Kind::Withdrawals, row(r#"{"id": "wd1", "amount": "4.50", "currency": "USD", "status": "paid""#)),
        (Kind::Transfers, row(r#"{"id": "tr1", "amount": "4.50", "currency": "USD", "status": "paid""#)),
    ]
}

async fn notes(site: &Site) -> Vec<String> {
    let mut notes = Vec::new();
    for table in ["customer", "receivable", "payment", "fee", "withdrawal", "transfer"] {
        notes.extend(
            column(site.pool(), &format!("select coalesce(raw #>> '{{meta,note}}', '-') from erp.{table}")).await,
        );
    }
    notes
}

#[tokio::test]
async fn a_change_of_meta_alone_arrives_with_and_without_a_new_last_updated() {
    let server = Literal::start();
    let site = Site::new(&server).await;
    let (hour, bumped) = (ago(TimeDelta::hours(1)), ago(TimeDelta::hours(1) - TimeDelta::seconds(1)));
    let days = ago(TimeDelta::days(6));
    let mut versions = 0;
    for (note, updated) in [
        ("first", &days),
        ("no bump for six days", &days),
        ("news", &hour),
        ("bumped by a second", &bumped),
        ("within the same second", &bumped),
        ("and once more", &bumped),
    ] {
        server.books(|books| noted(note, updated).into_iter().for_each(|(kind, row)| books.put(kind, row)));
        site.once_clean();
        assert_eq!(notes(&site).await, vec![note; 6]);
        let stored = number(site.pool(), "select sum(version_last)::bigint from paystand_sync.record").await;
        assert_eq!(stored, versions + 6, "one version each: {note}");
        versions = stored;
    }
    assert_another_run_changes_nothing(&site).await;
}

/// List rows of the older shape show neither `meta` nor `lastUpdated`.
#[tokio::test]
async fn a_change_of_meta_arrives_where_the_list_does_not_show_it() {
    let server = Literal::start();
    let site = Site::new(&server).await;
    let put = |note: &str, updated: &str| {
        let detail = format!(
            r#"{{"id": "rc1", "extId": "INV-1", "extCustomerId": "C-1", "amount": "5.00", "amountPaid": "0.00", "currency": "USD",
                "status": "active", "meta": {{"note": "{note}"}}, "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "{updated}"}}"#
        );
        let list = r#"{"object": "receivable", "id": "rc1", "extId": "INV-1", "amount": "5.00", "amountPaid": "0.00",
            "currency": "USD", "dateDue": "06-15-2026", "status": "current"}"#;
        server.books(|books| books.put(Kind::Receivables, Row::of(&detail).listed_as(list)));
    };
    let note = "select raw #>> '{meta,note}' from erp.receivable";
    put("first", &ago(TimeDelta::hours(2)));
    site.once_clean();
    assert_eq!(column(site.pool(), note).await, ["first"]);
    put("second", &ago(TimeDelta::minutes(1)));
    site.once_clean();
    assert_eq!(column(site.pool(), note).await, ["second"]);
}
