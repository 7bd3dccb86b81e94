//! Who may take work from whom.

use std::time::Duration;

use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::config::Environment;
use paystand_sync::store::lease::Presence;
use paystand_sync::store::{Bounds, Store};
use secrecy::SecretString;

use crate::harness::{Database, eventually, number};

const BOUNDS: Bounds = Bounds { connections_max: 2, lease: Duration::from_hours(1) };

async fn lose(database: &Database) {
    const LOST: &str = "
        select count(pg_terminate_backend(pid)) from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
    const LEFT: &str = "
        select count(*) from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())";
    assert_eq!(number(&database.pool, LOST).await, 2, "both were there");
    eventually("both look dead", Duration::from_secs(10), async || number(&database.pool, LEFT).await == 0).await;
}

#[tokio::test]
async fn who_looks_dead_shows_that_it_is_not_before_it_takes_work_from_the_dead() {
    let database = Database::fresh().await;
    let (url, clock) = (SecretString::from(database.url.clone()), SystemClock::new());
    let store = Store::open(&url, BOUNDS, Environment::Sandbox, clock.now()).await.expect("open");
    let announce = async |name: &str| Presence::announce(&url, BOUNDS, name.to_owned()).await.expect("announced");
    let (one, other) = (announce("one").await, announce("other").await);
    let take = async |presence| store.acquire("work", presence, &clock).await.expect("answered").is_some();
    assert!(take(&one).await, "free");
    assert!(!take(&other).await, "its holder is there");
    lose(&database).await;
    assert!(take(&other).await, "its holder is gone, as far as anybody can see");
    assert!(!take(&one).await, "taken from one who is there");
    assert!(take(&other).await, "its own");
}
