//! What cannot work is refused with the promised exit code, in one sentence that names the next step, and without a secret.

use std::time::Duration;

use crate::harness::{Database, Finished, REST, Site, column, merchant, number};
use crate::literal::{CLIENT_SECRET, CUSTOMER_ID, Fault, Literal};
use crate::mirror::{assert_mirrored, documented};

/// One sentence, the words it must hold, and nothing besides.
fn assert_told(finished: &Finished, code: i32, words: &[&str]) {
    assert_eq!(finished.code, Some(code), "{finished}");
    let complaints = finished.complaints();
    assert_eq!(complaints.len(), 1, "one sentence: {complaints:#?}");
    for word in words {
        assert!(complaints[0].contains(word), "`{word}` is missing: {}", complaints[0]);
    }
    assert!(!finished.stderr.contains("panicked"), "{finished}");
}

#[tokio::test]
async fn a_wrong_secret_exits_3_and_is_tried_once() {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.set("MERCHANTS__MAIN__CLIENT_SECRET", "cs_wrong_77aa");
    let finished = site.once();
    assert_told(&finished, 3, &["client_secret", "check"]);
    assert!(!finished.stderr.contains("cs_wrong_77aa"), "{finished}");
    let tried = server.requests().iter().filter(|seen| seen.path == "/oauth/token").count();
    assert_eq!(tried, 1, "a refused secret is not sent again and again");
}

#[tokio::test]
async fn a_wrong_customer_id_exits_3() {
    let server = Literal::start();
    let mut site = Site::new(&server).await;
    site.set("MERCHANTS__MAIN__CUSTOMER_ID", "mr_of_nobody");
    let finished = site.once();
    assert_eq!(finished.code, Some(3), "{finished}");
    assert!(finished.complaints().iter().all(|line| line.contains("customer_id")), "{finished}");
}

#[tokio::test]
async fn a_source_that_nobody_serves_exits_3() {
    let server = Literal::start();
    let mut site = Site::new(&server).await;
    site.set("SYNC__ATTEMPTS_MAX", "1");
    site.set("MERCHANTS__MAIN__BASE_URL", "http://127.0.0.1:9/v3");
    let finished = site.once();
    assert_told(&finished, 3, &["check"]);
}

#[tokio::test]
async fn a_dead_database_exits_7() {
    let server = Literal::start();
    let mut site = Site::new(&server).await;
    site.set_variable("DATABASE_URL", "postgres://sync:pw_4410@127.0.0.1:9/books");
    let finished = site.once();
    assert_told(&finished, 7, &["database", "database.url", "check"]);
    assert!(finished.took < Duration::from_secs(40), "{:?}", finished.took);
    assert!(!finished.stderr.contains("pw_4410") && server.requests().is_empty(), "{finished}");
}

#[tokio::test]
async fn a_mistake_in_the_configuration_exits_2_and_says_what_was_meant() {
    let server = Literal::start();
    let site = Site::new(&server).await;
    let good = format!("{}\n{REST}", merchant("main", CUSTOMER_ID, &server.base_url()));
    for (from, to, words) in [
        ("client_secret =", "client_secert =", &["client_secert", "client_secret"][..]),
        ("[sync]", "[snyc]", &["snyc", "sync"]),
        ("interval = \"500ms\"\npages", "intervall = \"500ms\"\npages", &["intervall", "interval"]),
        ("[sync.resources.fees]", "[sync.resources.fee]", &["sync.resources.fee", "fees"]),
        ("http://127.0.0.1", "http://192.0.2.1", &["base_url", "https"]),
        (&server.base_url(), "http://api.paystand.co/v3", &["base_url", "https"]),
        (&server.base_url(), "https://api.paystand.com/v3", &["environment", "sandbox", "production"]),
        ("America/Los_Angeles", "America/Los_Angles", &["timezone", "America/Los_Angeles"]),
        ("client_id = \"cid_literal\"\n", "", &["client_id"]),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        site.configure(&text);
        let finished = site.once();
        assert_told(&finished, 2, words);
        assert!(!finished.stderr.contains(CLIENT_SECRET), "{finished}");
    }
    site.configure(
        &good
            .replace("environment = \"sandbox\"", "environment = \"production\"")
            .replace(&server.base_url(), "https://api.paystand.co/v3"),
    );
    assert_told(&site.once(), 2, &["environment", "sandbox", "production"]);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_unknown_resource_exits_2() {
    let server = Literal::start();
    let site = Site::new(&server).await;
    let finished = site.run(&["--once", "--resource", "paymets"]);
    assert_eq!(finished.code, Some(2), "{finished}");
    assert!(finished.stderr.contains("paymets") && finished.stderr.contains("payments"), "{finished}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn nothing_secret_is_said_at_any_log_level() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    let whole = site.run(&["--once", "--log", "trace"]);
    assert_eq!(whole.code, Some(0), "{whole}");
    server.break_answers(|seen| (seen.path == "/transfers").then_some(Fault::Status(500)));
    let failed = site.run(&["--once", "--log", "trace"]);
    assert_eq!(failed.code, Some(3), "{failed}");
    let shown = site.run(&["config", "show"]);
    assert_eq!(shown.code, Some(0), "{shown}");
    let tokens = server.tokens();
    assert!(tokens.len() >= 2);
    let others = [CLIENT_SECRET, "110000000", "A Ruiz", "rt_never_used"].map(str::to_owned);
    for secret in tokens.iter().chain(&others) {
        for said in [&whole, &failed, &shown] {
            for text in [&said.stdout, &said.stderr] {
                let line = text.lines().find(|line| line.contains(secret.as_str()));
                assert!(line.is_none(), "`{secret}` is told: {}", line.unwrap_or_default());
            }
        }
    }
}

#[tokio::test]
async fn an_unreachable_erp_exits_4_keeps_what_was_read_and_gets_it_later() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    let target = Database::fresh().await;
    let with_erp = |url: &str| {
        let merchant = merchant("main", CUSTOMER_ID, &server.base_url());
        site.configure(&format!("{merchant}\n{REST}\n[erp.books]\nkind = \"staging\"\nurl = \"{url}\"\n"));
    };
    with_erp("postgres://erp:pw_8812@127.0.0.1:9/erp");
    let finished = site.once();
    assert_told(&finished, 4, &["ERP", "books", "check"]);
    assert!(!finished.stderr.contains("pw_8812"), "{finished}");
    let stored = "select count(*) from paystand_sync.record where resource = 'payments'";
    assert_eq!(number(site.pool(), stored).await, 4, "what was read is stored");

    with_erp(&target.url);
    site.once_clean();
    let arrived = Site::with_database(&server, target);
    assert_mirrored(&arrived).await;
    let left = "select state from paystand_sync.ledger_entry where state <> 'posted'";
    assert_eq!(column(site.pool(), left).await, Vec::<String>::new());
}
