//! Our database comes back from a dump of an earlier time, while the target keeps what it holds: nothing is posted again. What the target
//! holds is adopted by its receipt; what it holds otherwise is one exception each.

#![expect(clippy::print_stderr, reason = "how much was adopted is worth reading")]

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;

use super::audit::{watch_target, writes, written_again};
use super::exact::{assert_books, await_delivery, settle_down};
use super::paystand::Paystand;
use super::plant::{Kind, Plant};
use super::play;
use super::state::{assert_same, delivered, stamped};
use crate::backups::{dump_ours, restore_ours};
use crate::harness::{column, number};

const BUSINESS: u64 = 5;
/// Rounds after the dump, and checkouts of a day.
const ROUNDS: i32 = 16;
const ROUND: TimeDelta = TimeDelta::hours(6);
const PER_DAY: u32 = 16;
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

/// Entries that open exceptions are about.
const ABOUT_ENTRIES: &str = "
    select substr(subject, 7) from paystand_sync.exception where resolved_at is null and subject like 'books/%'";
const NEW: &str = "select concat_ws(' ', op, tab, key) from audit.write where op <> 'UPDATE'";

/// Events and entries as the target holds them, to the last byte.
async fn told_and_booked(target: &PgPool) -> Vec<String> {
    let mut lines = delivered(target).await;
    lines.retain(|line| line.starts_with("event ") || line.starts_with("journal_"));
    lines
}

/// Records as the target holds them. Which version of ours that is depends on how often we looked.
async fn records(target: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for table in
        ["customer", "receivable", "payment", "fee", "refund", "dispute", "transfer", "withdrawal", "credit_memo"]
    {
        let rows =
            format!("select concat_ws(' ', '{table}', id, amount, currency, status, updated_at) from erp.{table}");
        let rows = rows.replace("amount, currency, ", if table == "customer" { "" } else { "amount, currency, " });
        lines.extend(column(target, &rows).await);
    }
    lines
}

#[test]
fn a_database_restored_from_before_the_last_five_hundred_posts_posts_none_of_them_again() {
    play(async {
        let paystand = Paystand::busy(BUSINESS, ROUND * ROUNDS, PER_DAY);
        let plant = Plant::new(&paystand, Kind::StagingThere).await;
        plant.site.once();
        let url = plant.site.database.url.clone();
        let file = plant.site.directory.path().join("dump.sql");
        dump_ours(&url, &file);
        let before = number(plant.own(), POSTED).await;
        let daemon = plant.site.start(&[]);
        for _ in 0..ROUNDS {
            paystand.pass(ROUND);
            await_delivery(&paystand, &plant, &[&daemon]).await;
        }
        daemon.terminate();
        daemon.finish(Duration::from_secs(20));
        settle_down(&paystand, &plant).await;
        assert_books(&paystand, &plant).await;
        let forgotten = number(plant.own(), POSTED).await - before;
        assert!(forgotten >= FORGOTTEN, "only {forgotten} posts after the dump");
        let held = told_and_booked(&plant.target).await;
        let records = records(&plant.target).await;

        restore_ours(plant.own(), &url, &file).await;
        watch_target(&plant.target).await;
        settle_down(&paystand, &plant).await;
        let adopted = number(plant.own(), POSTED).await - before;
        let parked = column(plant.own(), PARKED).await;
        let rewritten = writes(&plant.target).await;
        eprintln!(
            "{forgotten} posts forgotten: {adopted} adopted, {} for a person, {rewritten} records written anew",
            parked.len()
        );
        assert_eq!(column(plant.own(), WITHOUT_RECEIPT).await, Vec::<String>::new());
        assert_eq!(column(&plant.target, NEW).await, Vec::<String>::new(), "new in the target");
        assert_eq!(written_again(&plant.target).await, Vec::<String>::new());
        assert_same(&held, &told_and_booked(&plant.target).await, "what happened and was booked");
        assert_same(&records, &self::records(&plant.target).await, "the records");
        assert_books(&paystand, &plant).await;
        let open = column(plant.own(), ABOUT_ENTRIES).await;
        assert_same(&parked, &open, "exceptions, each about an entry that waits for a person");
        let stands = stamped(&plant).await;
        plant.site.once();
        assert_same(&stands, &stamped(&plant).await, "a further run");
    });
}
