//! What persons do at the command line: stop and go on, try again, settle, replay, and name adapters; all of it is in the audit trail.

use crate::harness::{REST, Site, column, merchant, number, standing};
use crate::literal::{CUSTOMER_ID, Literal};
use crate::mirror::documented;

async fn site() -> (Literal, Site) {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    (server, site)
}

/// Has the ERP side refuse every payment that it does not hold yet.
async fn refuse_payments(site: &Site) {
    let refuse =
        "create function erp.refuse() returns trigger language plpgsql as $$ begin raise exception 'closed'; end $$;
                  create trigger refuse before insert on erp.payment for each row execute function erp.refuse()";
    sqlx::raw_sql(refuse).execute(site.pool()).await.expect("the ERP side's own rules");
}

async fn take_payments(site: &Site) {
    sqlx::raw_sql("drop trigger refuse on erp.payment").execute(site.pool()).await.expect("the ERP side's own rules");
}

/// Reads everything, with payments that the ERP refuses; returns the numbers of the exceptions.
async fn refused(site: &Site) -> Vec<String> {
    site.run(&["pause", "adapter", "staging", "--reason", "a trigger first"]);
    site.once();
    assert_eq!(number(site.pool(), "select count(*) from paystand_sync.ledger_entry where state = 'posted'").await, 0);
    // The tables are there from the first run on, though nothing was delivered.
    refuse_payments(site).await;
    let resumed = site.run(&["resume", "adapter", "staging", "--reason", "now"]);
    assert!(resumed.stdout.contains("adapter/staging goes on"), "{resumed}");
    assert_eq!(site.once().code, Some(5));
    let numbers = "select id::text from paystand_sync.exception
                   where class = 'refused_by_erp' and resolved_at is null order by id";
    column(site.pool(), numbers).await
}

#[tokio::test]
async fn what_was_refused_is_posted_after_a_retry_or_settled_by_hand() {
    let (_server, site) = site().await;
    let numbers = refused(&site).await;
    assert!(numbers.len() >= 2, "{numbers:?}");
    take_payments(&site).await;
    assert_eq!(site.once().code, Some(5), "a parked entry waits for a person");
    let (settled, retried) = numbers.split_first().expect("there are some");
    let done = site.run(&["exceptions", "resolve", settled, "--reason", "entered by hand"]);
    assert_eq!(done.code, Some(0), "{done}");
    for number in retried {
        let done = site.run(&["exceptions", "retry", number, "--reason", "the trigger is gone"]);
        assert_eq!(done.code, Some(0), "{done}");
    }
    site.once_clean();
    let states = "select state || ' ' || count(*) from paystand_sync.ledger_entry
                  where key like 'payments:%' group by state order by 1";
    assert_eq!(column(site.pool(), states).await, [format!("posted {}", retried.len()), "resolved 1".to_owned()]);
    let again = site.run(&["exceptions", "retry", settled, "--reason", "once more"]);
    assert!(again.code == Some(2) && again.stderr.contains("no open exception has the number"), "{again}");
    let actions = "select action || ' ' || reason from paystand_sync.audit order by number";
    let actions = column(site.pool(), actions).await;
    assert_eq!(actions[..3], ["pause a trigger first", "resume now", "resolve entered by hand"]);
    assert_eq!(actions.len(), 3 + retried.len());
}

/// A claim as a call leaves it that is still under way, or whose process died.
#[tokio::test]
async fn what_is_in_flight_is_left_alone_by_persons_and_in_doubt_for_the_next_run() {
    const CLAIM: &str = "
        update paystand_sync.claim set positions = array(
            select int8range(position, position, '[]') from paystand_sync.ledger_entry where state = $1 and resource = 'payments' and what = 'document')";
    const CLAIMED: &str = "
        select count(*) from paystand_sync.claim c, paystand_sync.ledger_entry e where e.position <@ any(c.positions)";
    const TRIED: &str = "
        select min(attempts)::int8 from paystand_sync.ledger_entry where resource = 'payments' and what = 'document' and state = 'posted'";
    let (_server, site) = site().await;
    let numbers = refused(&site).await;
    take_payments(&site).await;
    let claim = async |state: &str| sqlx::query(CLAIM).bind(state).execute(site.pool()).await.expect("a claim");
    let retry = |number: &String| site.run(&["exceptions", "retry", number, "--reason", "the trigger is gone"]);

    claim("parked").await;
    let too_early = retry(&numbers[0]);
    assert!(too_early.code == Some(2) && too_early.stderr.contains("is in_flight"), "{too_early}");
    claim("nothing").await;
    for number in &numbers {
        let done = retry(number);
        assert_eq!(done.code, Some(0), "{done}");
    }
    claim("pending").await;
    assert!(number(site.pool(), CLAIMED).await > 0);
    site.once_clean();
    assert_eq!(number(site.pool(), CLAIMED).await, 0);
    assert_eq!(number(site.pool(), TRIED).await, 3, "refused, never answered, posted");
}

#[tokio::test]
async fn a_replay_reads_and_delivers_again_and_posts_nothing_twice() {
    let (_server, site) = site().await;
    site.once_clean();
    let before = standing(site.pool()).await;
    let replayed = site.run(&["replay", "--resource", "payments", "--from", "2026-05-01", "--reason", "to be sure"]);
    assert_eq!(replayed.code, Some(0), "{replayed}");
    let windows = "select count(*) from paystand_sync.backfill_window where resource = 'payments'";
    let read = number(site.pool(), windows).await;
    site.once_clean();
    assert!(number(site.pool(), windows).await > read, "the days are read again");
    assert_eq!(standing(site.pool()).await, before);
    let nothing = site.run(&["replay", "--reason", "to be sure"]);
    assert!(nothing.code == Some(2) && nothing.stderr.contains("--event KEY"), "{nothing}");
}

#[tokio::test]
async fn a_paused_resource_is_not_read() {
    let (_server, site) = site().await;
    assert_eq!(site.run(&["pause", "resource", "payments", "--reason", "audit"]).code, Some(0));
    let status = site.run(&["status"]);
    assert!(status.stdout.contains("resource/payments is paused since"), "{status}");
    assert!(status.stdout.contains("paystand-sync resume resource payments --reason TEXT"), "{status}");
    site.once();
    let payments = "select count(*) from paystand_sync.record where resource = 'payments'";
    assert_eq!(number(site.pool(), payments).await, 0);
    assert_eq!(site.run(&["resume", "resource", "payments", "--reason", "done"]).code, Some(0));
    site.once_clean();
    assert!(number(site.pool(), payments).await > 0);
    let unknown = site.run(&["pause", "adapter", "ledger", "--reason", "audit"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("there is staging"), "{unknown}");
}

#[tokio::test]
async fn an_adapter_under_another_name_or_at_another_target_is_refused_until_a_person_says_so() {
    let (server, site) = site().await;
    let configure = |erp: &str| {
        site.configure(&format!("{}\n{REST}\n{erp}", merchant("main", CUSTOMER_ID, &server.base_url())));
    };
    configure("[erp.books]\nkind = \"staging\"\n");
    site.once_clean();
    let before = standing(site.pool()).await;

    configure("[erp.ledger]\nkind = \"staging\"\n");
    let refused = site.once();
    assert!(refused.code == Some(2) && refused.stderr.contains("adapter rename books ledger"), "{refused}");
    assert_eq!(site.run(&["adapter", "rename", "books", "ledger", "--reason", "new name"]).code, Some(0));
    site.once_clean();
    assert_eq!(standing(site.pool()).await.len(), before.len());
    let twice = site.run(&["adapter", "rename", "books", "ledger", "--reason", "new name"]);
    assert!(twice.code == Some(2) && twice.stderr.contains("there is an adapter ledger already"), "{twice}");

    configure("[erp.ledger]\nkind = \"staging\"\nschema = \"erp2\"\n");
    let refused = site.once();
    assert!(refused.code == Some(2) && refused.stderr.contains("adapter rebind ledger"), "{refused}");
    sqlx::raw_sql("alter schema erp rename to erp2").execute(site.pool()).await.expect("moved");
    let rebound = site.run(&["adapter", "rebind", "ledger", "--reason", "the schema moved"]);
    assert!(rebound.code == Some(0) && rebound.stdout.contains("erp2"), "{rebound}");
    site.once_clean();
    let receipts = "select count(*) from paystand_sync.ledger_entry where state = 'posted' and adapter <> 'ledger'";
    assert_eq!(number(site.pool(), receipts).await, 0);
}
