//! What the adapter says when its target refuses, is away, or hangs up.

use std::path::Path;
use std::time::Duration;

use futures::TryFutureExt;
use paystand_sync::erp::staging::Staging;
use paystand_sync::erp::{Erp, ErpError, Keyed, Outcome, Refusal};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::{amounts, payment, prepared, receipts};
use crate::faults::proxy::{Fault, Proxy};
use crate::harness::{Database, database, eventually};

#[tokio::test]
async fn only_the_row_that_the_target_refuses_is_refused() {
    let (pool, staging) = prepared().await;
    sqlx::raw_sql(
        "alter table erp.payment add constraint small check (amount < 100);
         create function erp.picky() returns trigger language plpgsql as
             $$ begin if new.id = 'pm4' then raise exception 'closed period'; end if; return new; end $$;
         create constraint trigger picky after insert on erp.payment deferrable initially deferred
             for each row execute function erp.picky();",
    )
    .execute(&pool)
    .await
    .expect("the ERP side's own rules");
    let batch = [
        payment("pm1", Some(1), 1, "1.00"),
        payment("pm2", Some(1), 1, "100.00"),
        payment("pm3", Some(1), 1, "3.00"),
        payment("pm3", Some(2), 2, "300.00"),
        payment("pm4", Some(1), 1, "4.00"),
    ];
    let outcomes = staging.write(&batch).await.expect("answered");
    let refused = |outcome: &Outcome| match outcome {
        Ok(_) => None,
        Err(Refusal::Never { reason }) => Some(reason.clone()),
        Err(other) => panic!("{other:?}"),
    };
    let reasons: Vec<_> = outcomes.iter().map(refused).collect();
    let [None, Some(check), None, Some(_), Some(raised)] = &reasons[..] else { panic!("{reasons:?}") };
    assert!(check.contains("small") && !check.contains("pm2"), "the rule is named, the row is not quoted: {check}");
    assert!(raised.contains("closed period"), "{raised}");
    assert_eq!(amounts(&pool).await, [("pm1".to_owned(), "1.00".to_owned()), ("pm3".to_owned(), "3.00".to_owned())]);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_left_alone() {
    let (pool, staging) = prepared().await;
    sqlx::query("insert into erp.paystand_sync_schema values (99, now())").execute(&pool).await.expect("recorded");
    assert!(matches!(staging.prepare().await, Err(ErpError::Misfit { .. })));
}

#[tokio::test]
async fn somebody_elses_tables_are_left_alone() {
    let pool = database().await;
    sqlx::raw_sql("create schema erp; create table erp.payment (note text)").execute(&pool).await.expect("created");
    let staging = Staging::with_pool(pool.clone(), "erp").expect("a plain name");
    assert!(matches!(staging.prepare().await, Err(ErpError::Misfit { .. })));
    let tables: i64 = sqlx::query_scalar("select count(*) from information_schema.tables where table_schema = 'erp'")
        .fetch_one(&pool)
        .await
        .expect("a count");
    assert_eq!(tables, 1, "nothing is half prepared");
}

#[tokio::test]
async fn a_role_that_may_only_write_works_in_a_prepared_schema_and_one_that_may_not_is_unauthorized() {
    let (pool, _) = prepared().await;
    let role = format!("writer_{}", std::process::id());
    sqlx::raw_sql(AssertSqlSafe(format!("create role {role}"))).execute(&pool).await.expect("a role");
    let become_role: &'static str = format!("set role {role}").leak();
    let as_role = PgPoolOptions::new()
        .after_connect(move |connection, _| Box::pin(sqlx::raw_sql(become_role).execute(connection).map_ok(drop)))
        .connect_lazy_with((*pool.connect_options()).clone());
    let staging = Staging::with_pool(as_role, "erp").expect("a plain name");
    let batch = [payment("pm1", Some(1), 1, "1.00")];
    let denied = staging.write(&batch).await;
    assert!(matches!(denied, Err(ErpError::Unauthorized { .. })), "{denied:?}");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "grant usage on schema erp to {role}; grant select, insert, update on all tables in schema erp to {role}"
    )))
    .execute(&pool)
    .await
    .expect("granted");
    staging.prepare().await.expect("nothing to create");
    staging.write(&batch).await.expect("written");
    sqlx::raw_sql(AssertSqlSafe(format!("drop owned by {role}; drop role {role}")))
        .execute(&pool)
        .await
        .expect("dropped");
}

#[tokio::test]
async fn a_server_that_is_away_is_unreachable() {
    let empty = tempfile::tempdir().expect("a directory");
    let url = format!("postgres://postgres@localhost/x?host={}", empty.path().display());
    let staging = Staging::connect(&url.into(), "erp").expect("a URL");
    let answer = staging.write(&[payment("pm1", Some(1), 1, "1.00")]).await;
    assert!(matches!(answer, Err(ErpError::Unreachable { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_not_quoted() {
    let refused = Staging::connect(&"postgres://u:s3cret@h:port/x".to_owned().into(), "erp").expect_err("no port");
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_connection_lost_during_commit_is_a_lost_answer_and_find_tells_what_became_of_it() {
    let (pool, staging) = prepared().await;
    for (id, committed) in [("pm1", true), ("pm2", false)] {
        let directory = tempfile::tempdir().expect("a directory");
        let options = (*pool.connect_options()).clone();
        let socket = directory.path().join(format!(".s.PGSQL.{}", options.get_port()));
        let listener = UnixListener::bind(&socket).expect("a socket");
        let through_proxy = PgPool::connect_lazy_with(options.socket(directory.path()));
        let behind_proxy = Staging::with_pool(through_proxy, "erp").expect("a plain name");
        let batch = [payment(id, Some(1), 1, "1.00")];
        let answer = tokio::select! {
            answer = behind_proxy.write(&batch) => answer,
            () = drop_at_commit(&listener, &pool, committed) => panic!("the proxy ended first"),
        };
        assert!(matches!(answer, Err(ErpError::AnswerLost { .. })), "{answer:?}");
        // The server takes a moment to finish what it was sent.
        let mut found = None;
        for _ in 0..50 {
            found = staging.find(&batch).await.expect("found").remove(0);
            if found.is_some() == committed {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(found.is_some(), committed);
    }
}

#[tokio::test]
async fn a_writer_that_was_stopped_before_its_commit_does_not_keep_the_rows_from_the_next_one() {
    let database = Database::fresh().await;
    let proxy = Proxy::before(&database);
    let stopped = Staging::connect(&proxy.url.clone().into(), "erp").expect("a URL");
    stopped.prepare().await.expect("prepared");
    proxy.break_commits(|| Some(Fault::Held));
    let asleep = async {
        drop(stopped.write(&[payment("pm1", Some(1), 1, "1.00")]).await);
        std::future::pending::<()>().await;
    };
    let next = async {
        eventually("it is stopped", Duration::from_secs(10), async || proxy.struck().len() == 1).await;
        let next = Staging::with_pool(database.pool.clone(), "erp").expect("a plain name");
        receipts(&next.write(&[payment("pm1", Some(2), 2, "2.00")]).await.expect("no lock is in the way"));
    };
    tokio::select! {
        () = asleep => unreachable!("it is stopped"),
        () = next => {}
    }
    assert_eq!(amounts(&database.pool).await, [("pm1".to_owned(), "2.00".to_owned())]);
}

/// Passes one connection on until COMMIT comes by, passes that on or not, and hangs up.
async fn drop_at_commit(listener: &UnixListener, pool: &PgPool, pass_commit_on: bool) {
    let (client, _) = listener.accept().await.expect("a client");
    let options = pool.connect_options();
    if let Some(directory) = options.get_socket() {
        let path = Path::new(directory).join(format!(".s.PGSQL.{}", options.get_port()));
        relay(client, UnixStream::connect(path).await.expect("a server"), pass_commit_on).await;
    } else {
        let address = (options.get_host(), options.get_port());
        relay(client, TcpStream::connect(address).await.expect("a server"), pass_commit_on).await;
    }
    std::future::pending::<()>().await;
}

async fn relay(client: UnixStream, server: impl AsyncRead + AsyncWrite, pass_commit_on: bool) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let requests = async {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = from_client.read(&mut buffer).await.expect("a request");
            let request = &buffer[..length];
            let is_commit = request.windows(6).any(|window| window == b"COMMIT");
            if !is_commit || pass_commit_on {
                to_server.write_all(request).await.expect("passed on");
                to_server.flush().await.expect("passed on");
            }
            if is_commit {
                return;
            }
        }
    };
    tokio::select! {
        () = requests => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}
