//! Entries of the ledger say themselves what they deliver while they wait. Those that do not, after an upgrade or when they are tried
//! again, deliver the same to the last byte: it is looked for in the books.

use sqlx::PgPool;

use crate::backups::{dump, load};
use crate::faults::paystand::Paystand;
use crate::faults::plant::{Detour, Kind, Plant};
use crate::faults::play;
use crate::harness::{Database, column, number};

const BUSINESS: u64 = 5;
const TOLD: &str = "select count(*) from paystand_sync.ledger_entry where what in ('event', 'entry')";
const SAY_IT: &str = "select count(*) from paystand_sync.ledger_entry where text is not null";

/// What each event and entry came to at the target.
async fn delivered(own: &PgPool) -> Vec<String> {
    const DELIVERED: &str = "
        select concat_ws(' ', state, what, key, encode(payload_sha256, 'hex')) from paystand_sync.ledger_entry
        where what in ('event', 'entry') order by merchant, key, adapter";
    column(own, DELIVERED).await
}

fn deliver(plant: &Plant) {
    let resumed = plant.site.run(&["resume", "adapter", "books", "--reason", "go on"]);
    assert_eq!(resumed.code, Some(0), "{resumed}");
    plant.site.once();
}

#[test]
fn what_an_entry_says_itself_is_what_the_books_say() {
    play(async {
        let (paystand, elsewhere) = (Paystand::still(BUSINESS), Database::fresh().await);
        let first = Plant::new(&paystand, Kind::StagingHere).await;
        first.site.run(&["pause", "adapter", "books", "--reason", "not yet"]);
        first.site.once();
        let told = number(first.own(), TOLD).await;
        assert!(told > 50, "only {told} events and entries");
        assert_eq!(number(first.own(), SAY_IT).await, told, "all wait, and say what they are");
        let file = first.site.directory.path().join("dump.sql");
        dump(&first.site.database.url, &file);
        let second = Database::fresh().await;
        load(&second.url, &file);
        let second = Plant::in_databases(&paystand, Kind::StagingHere, second, &elsewhere, &Detour::default());
        sqlx::query("update paystand_sync.ledger_entry set text = null")
            .execute(second.own())
            .await
            .expect("forgotten");

        deliver(&first);
        deliver(&second);
        let by_itself = delivered(first.own()).await;
        assert!(by_itself.iter().all(|line| line.starts_with("posted ")), "{by_itself:#?}");
        assert_eq!(by_itself, delivered(second.own()).await);
        assert_eq!(number(first.own(), SAY_IT).await, 0, "what is settled is kept once");
    });
}
