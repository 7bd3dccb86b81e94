//! What persons do on the page: only with the token, only from a page of ours, and with their name in the audit trail.

use super::{Shown, TOKEN, client, documented_books};
use crate::harness::{column, number};
use crate::literal::Literal;

/// Has the ERP side refuse every payment.
const REFUSE: &str = "
    create schema erp;
    create function public.refuse() returns event_trigger language plpgsql as $$ begin
        if exists (select from pg_event_trigger_ddl_commands() where object_identity = 'erp.payment') then
            create or replace function erp.refuse() returns trigger language plpgsql as 'begin raise exception ''closed''; end';
            create trigger refuse before insert on erp.payment for each row execute function erp.refuse();
        end if;
    end $$;
    create event trigger refuse on ddl_command_end when tag in ('CREATE TABLE') execute function public.refuse()";

async fn refusing(server: &Literal) -> Shown {
    server.books(crate::mirror::documented);
    let site = crate::harness::Site::new(server).await;
    sqlx::raw_sql(REFUSE).execute(site.pool()).await.expect("the ERP side's own rules");
    let shown = Shown::start(site);
    shown.until("every payment is refused", |status| status["adapters"][0]["parked"].as_i64() >= Some(4)).await;
    shown
}

fn signed(token: &str) -> [(&str, &str); 3] {
    [("actor", "Ana"), ("reason", "the period is open"), ("token", token)]
}

#[tokio::test]
async fn what_was_refused_is_retried_or_resolved_by_a_named_person_and_by_nobody_else() {
    let server = Literal::start();
    let shown = refusing(&server).await;
    let pool = shown.site.pool();
    let refused = "select id::text from paystand_sync.exception where class = 'refused_by_erp' and resolved_at is null order by id";
    let refused = column(pool, refused).await;
    let (resolved, retried) = (&refused[0], &refused[1]);
    let page = shown.get(&format!("/exception/{retried}")).await;
    assert!(
        page.status == 200 && page.body.contains("closed") && page.body.contains("name=\"token\""),
        "{}",
        page.body
    );

    let retry = format!("/exception/{retried}/retry");
    for token in ["", "a-token-that-nobody-guesset"] {
        assert_eq!(shown.post(&retry, &signed(token)).await.status, 403);
    }
    let elsewhere = client()
        .post(shown.url(&retry))
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(super::form(&signed(TOKEN)));
    assert_eq!(shown.send(elsewhere).await.status, 403, "a form of another site");
    assert_eq!(shown.post(&retry, &[("actor", " "), ("reason", "x"), ("token", TOKEN)]).await.status, 422);
    assert_eq!(number(pool, "select count(*) from paystand_sync.audit").await, 0);

    sqlx::raw_sql("drop trigger refuse on erp.payment").execute(pool).await.expect("the ERP side's own rules");
    let done = shown.post(&retry, &signed(TOKEN)).await;
    assert!(done.status == 200 && done.body.contains("is tried again at staging"), "{}", done.body);
    let done = shown.post(&format!("/exception/{resolved}/resolve"), &signed(TOKEN)).await;
    assert!(done.status == 200 && done.body.contains("is resolved"), "{}", done.body);
    let again = shown.post(&retry, &signed(TOKEN)).await;
    assert!(again.status == 409 && again.body.contains("no open exception has the number"), "{}", again.body);

    let states = "select count(*) from paystand_sync.ledger_entry where key like 'payments:%' and state = ";
    crate::harness::eventually("the retried one is posted", super::BOUND, async || {
        number(pool, &format!("{states}'posted'")).await == 1
    })
    .await;
    assert_eq!(number(pool, &format!("{states}'resolved'")).await, 1);
    let trail = "select action || ', ' || actor || ', ' || reason from paystand_sync.audit order by number";
    let who = "Ana (status page), the period is open";
    let trail = column(pool, trail).await;
    assert_eq!(trail[..2], [format!("retry, {who}"), format!("resolve, {who}")], "{trail:?}");
}

#[tokio::test]
async fn an_adapter_is_paused_and_goes_on() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.settled().await;
    assert_eq!(shown.post("/adapter/nobody/pause", &signed(TOKEN)).await.status, 409);
    let done = shown.post("/adapter/staging/pause", &signed(TOKEN)).await;
    assert!(done.status == 200 && done.body.contains("adapter/staging is paused"), "{}", done.body);
    let page = shown.get("/").await.body;
    assert!(page.contains("paused") && page.contains("Ana (status page)"), "it shows at once: {page}");
    let done = shown.post("/adapter/staging/resume", &signed(TOKEN)).await;
    assert!(done.body.contains("adapter/staging goes on"), "{}", done.body);
    assert_eq!(number(shown.site.pool(), "select count(*) from paystand_sync.pause").await, 0);
}

#[tokio::test]
async fn without_a_token_the_page_is_for_reading_only() {
    let server = Literal::start();
    server.books(crate::mirror::documented);
    let mut site = crate::harness::Site::new(&server).await;
    let address = super::free_address();
    site.set("OPS__LISTEN", &address);
    site.set("OPS__TIE_OUT_INTERVAL", "10s");
    let running = site.start(&[]);
    let shown = Shown { site, running, address };
    shown.until("something is open", |status| status["open_exceptions"].as_i64() > Some(0)).await;
    let page = shown.get("/adapter/staging").await;
    assert!(page.body.contains("for reading only") && !page.body.contains("<form"), "{}", page.body);
    assert_eq!(shown.post("/adapter/staging/pause", &signed("")).await.status, 403);
    assert_eq!(number(shown.site.pool(), "select count(*) from paystand_sync.pause").await, 0);
}
