//! Our database comes back from a dump of an earlier time, while the target keeps what it holds: nothing is posted again. What the target
//! holds is adopted by its receipt; what it holds otherwise is one exception each.

#![expect(clippy::print_stderr, reason = "how much was adopted is worth reading")]

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::TimeDelta;
use sqlx::PgPool;

use super::audit::{watch_target, writes, written_again};
use super::exact::{assert_books, settle_down};
use super::paystand::Paystand;
use super::plant::{Kind, Plant};
use super::play;
use super::state::{assert_same, delivered, stamped};
use crate::harness::{column, number};

const BUSINESS: u64 = 5;
/// Rounds of two days after the dump.
const ROUNDS: i32 = 8;
const ROUND: TimeDelta = TimeDelta::days(2);
/// Posts that the restored database does not know.
const FORGOTTEN: i64 = 500;

const POSTED: &str = "select count(*) from paystand_sync.ledger_entry where state = 'posted'";
const WITHOUT_RECEIPT: &str = "
    select key || ' ' || state from paystand_sync.ledger_entry e
    where not (state = 'posted' and receipt is not null) and state <> 'superseded'
        and not (state = 'parked' and 1 = (
            select count(*) from paystand_sync.exception x
            where x.subject = e.adapter || '/' || e.key and x.resolved_at is null))";
const PARKED: &str = "select key from paystand_sync.ledger_entry where state = 'parked'";

/// Where the programs of Postgres are.
fn program(name: &str) -> PathBuf {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let mut places = named.into_iter().chain(std::env::split_paths(&path)).chain(versions);
    places.find(|place| place.join(name).is_file()).map_or_else(|| PathBuf::from(name), |place| place.join(name))
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn dump(url: &str, to: &Path) {
    run(Command::new(program("pg_dump"))
        .args(["--schema", "paystand_sync", "--file"])
        .arg(to)
        .arg("--dbname")
        .arg(url));
}

async fn restore(pool: &PgPool, url: &str, from: &Path) {
    sqlx::query("drop schema paystand_sync cascade").execute(pool).await.expect("dropped");
    run(Command::new(program("psql")).args(["-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(from).arg("--dbname").arg(url));
}

#[test]
fn a_database_restored_from_before_the_last_five_hundred_posts_posts_none_of_them_again() {
    play(async {
        let paystand = Paystand::alive(BUSINESS, ROUND * ROUNDS);
        let plant = Plant::new(&paystand, Kind::StagingThere).await;
        plant.site.once();
        let url = plant.site.database.url.clone();
        let file = plant.site.directory.path().join("dump.sql");
        dump(&url, &file);
        let before = number(plant.own(), POSTED).await;
        for _ in 0..ROUNDS {
            paystand.pass(ROUND);
            plant.site.once();
        }
        settle_down(&paystand, &plant).await;
        assert_books(&paystand, &plant).await;
        let forgotten = number(plant.own(), POSTED).await - before;
        assert!(forgotten >= FORGOTTEN, "only {forgotten} posts after the dump");
        let held = delivered(&plant.target).await;

        restore(plant.own(), &url, &file).await;
        watch_target(&plant.target).await;
        settle_down(&paystand, &plant).await;
        let parked = column(plant.own(), PARKED).await;
        let (adopted, written) = (number(plant.own(), POSTED).await - before, writes(&plant.target).await);
        eprintln!(
            "{forgotten} posts forgotten, {adopted} adopted, {} for a person, {written} rows written",
            parked.len()
        );
        assert_eq!(column(plant.own(), WITHOUT_RECEIPT).await, Vec::<String>::new());
        assert_eq!(written_again(&plant.target).await, Vec::<String>::new());
        assert_same(&held, &delivered(&plant.target).await, "the target after the restore");
        assert_books(&paystand, &plant).await;
        let stands = stamped(&plant).await;
        plant.site.once();
        assert_same(&stands, &stamped(&plant).await, "a further run");
    });
}
