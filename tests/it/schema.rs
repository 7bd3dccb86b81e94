//! What the migrations leave: of a new database, and of one that an older program has written to.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection};

use crate::harness::{Database, column};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
/// The last migration of programs that noted each claim in its entry.
const NOTED_IN_ENTRIES: i64 = 11;
/// That of programs that noted each of a call's entries by itself.
const NOTED_ONE_BY_ONE: i64 = 14;

/// Migrates as the program does, up to `version` or all the way.
async fn migrate(database: &Database, version: Option<i64>) {
    let mut connection = PgConnection::connect(&database.url).await.expect("a database");
    let terms = "create schema if not exists paystand_sync; set search_path = paystand_sync";
    sqlx::raw_sql(terms).execute(&mut connection).await.expect("a schema");
    let migrator = Migrator::new(Path::new(FOLDER)).await.expect("migrations");
    match version {
        Some(version) => migrator.run_to(version, &mut connection).await,
        None => migrator.run(&mut connection).await,
    }
    .expect("they run");
}

#[tokio::test]
async fn what_was_in_flight_before_an_upgrade_is_in_doubt_after_it() {
    const ENTRIES: &str = "
        insert into paystand_sync.ledger_entry (merchant, key, adapter, resource, source_id, version, state, reason, due_at, recorded_at,
            attempts, epoch)
        select 'm', state, 'books', 'payments', 'p', 1, state, 'x', now(), now(), 1, 1
        from unnest(array['pending', 'in_flight', 'in_doubt', 'held', 'parked']) as state";
    let database = Database::fresh().await;
    migrate(&database, Some(NOTED_IN_ENTRIES)).await;
    sqlx::query(ENTRIES).execute(&database.pool).await.expect("entries");
    migrate(&database, None).await;
    let states =
        column(&database.pool, "select key || ' → ' || state from paystand_sync.ledger_entry order by 1").await;
    let expected =
        ["held → held", "in_doubt → in_doubt", "in_flight → in_doubt", "parked → parked", "pending → pending"];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn what_was_noted_one_by_one_is_noted_still_after_an_upgrade() {
    const CLAIMS: &str = "
        insert into paystand_sync.claim (adapter, epoch, positions, claimed_at)
        values ('books', 1, '{5,3,4,9}', now()), ('idle', 1, '{}', now())";
    const NOTED: &str = "
        select concat(adapter, ' ', position) from paystand_sync.claim, generate_series(1::int8, 20) as position
        where position <@ any(positions) order by 1";
    let database = Database::fresh().await;
    migrate(&database, Some(NOTED_ONE_BY_ONE)).await;
    sqlx::query(CLAIMS).execute(&database.pool).await.expect("claims");
    migrate(&database, None).await;
    assert_eq!(column(&database.pool, NOTED).await, ["books 3", "books 4", "books 5", "books 9"]);
    let idle = "select adapter from paystand_sync.claim where positions = '{}'";
    assert_eq!(column(&database.pool, idle).await, ["idle"]);
}

#[tokio::test]
async fn every_key_sorts_by_its_bytes_whatever_the_database_does() {
    const OTHERS: &str = "
        select table_name || '.' || column_name from information_schema.columns
        where table_schema = 'paystand_sync' and table_name <> '_sqlx_migrations' and data_type = 'text'
            and collation_name is distinct from 'C'";
    let database = Database::fresh().await;
    migrate(&database, None).await;
    assert_eq!(column(&database.pool, OTHERS).await, Vec::<String>::new());
    let texts = "select table_name from information_schema.columns where table_schema = 'paystand_sync' and collation_name = 'C'";
    assert!(column(&database.pool, texts).await.len() > 100, "the question is the wrong one");
}
