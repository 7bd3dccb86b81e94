//! Secrets of the configuration, tokens, and numbers of cards and accounts are planted wherever they may come in, and looked for in
//! everything that goes out: logs at their loudest, complaints, tables of the ERP side, pages, metrics, packets.

use sqlx::PgPool;

use crate::harness::{Site, column};
use crate::literal::{CLIENT_SECRET, Fault, Kind, Literal, Row};
use crate::mirror::documented;
use crate::pages::{Shown, TOKEN};

/// A payer typed into every field there is, and a funding source shows more than it should.
const CARELESS: &str = r#"{"object": "payment", "id": "pm0000000000000000000077", "amount": "10.00", "currency": "USD", "status": "posted",
 "description": "card 4111 1111 1111 1111 exp 12/29", "sourceType": "Card",
 "source": {"object": "card", "brand": "visa", "last4": "4444", "number": "5555555555554444", "fingerprint": "fp_planted_3c1a",
            "routingNumber": "021000021", "accountNumber": "000987654321"},
 "payerId": "py3f8h1j6d4s9g2l7k0c5x8v", "accountKey": "default",
 "meta": {"note": "4000056655665556", "access_token": "at_planted_88d0", "apiKey": "ak_planted_51e2", "password": "pw_planted_9f77"},
 "feeSplit": {"subtotal": "10.00", "payerTotal": "10.00"}, "fees": [], "refunds": [], "disputes": [],
 "datePosted": "2026-05-12T10:00:00.000Z", "created": "2026-05-12T10:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#;

const PLANTED: [&str; 12] = [
    CLIENT_SECRET,
    TOKEN,
    "110000000",
    "4111 1111 1111 1111",
    "4111111111111111",
    "5555555555554444",
    "fp_planted_3c1a",
    "021000021",
    "000987654321",
    "4000056655665556",
    "at_planted_88d0",
    "ak_planted_51e2",
];

/// Everything in the tables that the ERP side reads, as text.
async fn staging(pool: &PgPool) -> String {
    let tables = "select table_name::text from information_schema.tables where table_schema = 'erp' order by 1";
    let mut text = String::new();
    for table in column(pool, tables).await {
        text += &column(pool, &format!("select row_to_json(t)::text from erp.{table} t")).await.join("\n");
    }
    text
}

/// What the ERP side answers holds a card number too.
async fn refuse_entries(pool: &PgPool) {
    let refuse = "create function erp.refuse() returns trigger language plpgsql as $$
                      begin raise exception 'no account for card 4111 1111 1111 1111'; end $$;
                  create trigger refuse before insert on erp.journal_entry for each row execute function erp.refuse()";
    sqlx::raw_sql(refuse).execute(pool).await.expect("the ERP side's own rules");
}

fn commands(site: &Site) -> String {
    let mut text = String::new();
    for arguments in [
        &["run", "--once"][..],
        &["check"],
        &["check", "--json"],
        &["status", "--json"],
        &["reconcile", "--json"],
        &["exceptions", "list"],
        &["exceptions", "list", "--json"],
        &["exceptions", "show", "1", "--json"],
        &["explain", "pm0000000000000000000077"],
        &["explain", "pm0000000000000000000077", "--json"],
        &["explain", "pm0000000000000000000077", "--packet", "evidence.packet"],
        &["pause", "adapter", "staging", "--reason", "card 4111 1111 1111 1111"],
        &["audit", "export"],
        &["resume", "adapter", "staging", "--reason", "month end"],
        &["export", "hledger"],
        &["config", "show"],
    ] {
        let finished = site.run(&[&["--log", "trace"], arguments].concat());
        text.extend([finished.stdout, finished.stderr]);
    }
    text + &std::fs::read_to_string(site.directory.path().join("evidence.packet")).expect("a packet")
}

fn assert_clean(what: &str, text: &str, more: &[String]) {
    for secret in PLANTED.iter().copied().chain(more.iter().map(String::as_str)) {
        if let Some(place) = text.find(secret) {
            let around: String = text[..place].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{secret} is in {what}: …{around}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_planted_comes_out() {
    let server = Literal::start();
    server.books(|books| {
        documented(books);
        books.put(Kind::Payments, Row::of(CARELESS));
    });
    let site = Site::new(&server).await;
    site.once_clean();
    assert_eq!(site.run(&["reconcile"]).code, Some(6), "the documented payout is wrong");
    refuse_entries(site.pool()).await;
    let again = "update paystand_sync.ledger_entry set state = 'pending', settled_at = null, receipt = null where what = 'entry'";
    sqlx::query(again).execute(site.pool()).await.expect("as if it had not been delivered");
    sqlx::raw_sql("delete from erp.journal_line; delete from erp.journal_entry")
        .execute(site.pool())
        .await
        .expect("gone");
    // Answers that go wrong bring their bodies into errors.
    let mut asked = 0;
    server.break_answers(move |seen| {
        asked += 1;
        (seen.path.starts_with("/refunds") || asked % 9 == 0).then_some(Fault::Status(500))
    });
    let told = commands(&site);
    server.mend_answers();
    let tokens = server.tokens();
    assert!(!tokens.is_empty());
    assert_clean("what the commands tell", &told, &tokens);
    assert!(told.contains("no account for card ***"), "the refusal is told, masked");

    let mut daemon = site;
    daemon.set_variable("PAYSTAND_SYNC_LOG", "trace");
    let shown = Shown::start(daemon);
    shown.until("it is at work", |status| status["open_exceptions"].as_i64() > Some(0)).await;
    let mut text = String::new();
    for path in [
        "/",
        "/status",
        "/metrics",
        "/readyz",
        "/search?q=pm0000000000000000000077",
        "/exception/1",
        "/adapter/staging",
    ] {
        text += &shown.get(path).await.body;
    }
    text += &shown.running.stderr();
    assert_clean("what the daemon tells", &text, &server.tokens());
    assert_clean("the ERP's tables", &staging(shown.site.pool()).await, &server.tokens());
}
