//! A database comes back from a backup of before the last hundred posts: ours, while Tryton keeps what it holds, or Tryton's, while we
//! keep what we know. Nothing is posted a second time.

#![expect(clippy::print_stderr, reason = "how much was adopted is worth reading")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;

use super::acme::Acme;
use super::server::USER;
use crate::backups::{dump, dump_ours, restore_ours};
use crate::faults::elected::section;
use crate::faults::exact::SENT_BACK;
use crate::faults::plant::configuration;
use crate::faults::trade::{Trade, later};
use crate::faults::{play, seed};
use crate::harness::{Database, Site, column, eventually};

const SEED: u64 = 5;
const DAYS: i64 = 24;
const PER_DAY: u32 = 3;
/// What passes in the business between two runs.
const ROUND: TimeDelta = TimeDelta::days(3);
/// Posts at least that whoever was restored does not know.
const FORGOTTEN: usize = 100;
const ARRIVED: Duration = Duration::from_mins(2);

/// Key at Tryton and receipt of what is posted.
const POSTED: &str = "
    select 'psx1:sandbox:' || merchant || ':' || key || ' ' || receipt from paystand_sync.ledger_entry
    where state = 'posted' order by 1";
const MOVES: &str = "
    select description || ' account.move/' || id from account_move where state = 'posted' and description like 'psx1:%'
    order by 1";
/// Parked without exactly one exception for a person, or waiting although nothing is parked.
const LOST: &str = "
    select concat_ws(' ', key, state, reason) from paystand_sync.ledger_entry e
    where state = 'parked' and 1 <> (
            select count(*) from paystand_sync.exception x
            where x.subject = e.adapter || '/' || e.key and x.resolved_at is null)
        or settled_at is null and state <> 'parked'
            and not exists (select from paystand_sync.ledger_entry p where p.state = 'parked')";
/// What Tryton holds otherwise than it would be booked today: the number of each open exception, and the key at Tryton and what is
/// elected, as in `POSTED`.
const DIFFERS: &str = "
    select x.id::text || ' psx1:sandbox:' || e.merchant || ':' || e.key || ' ' || l.reference
    from paystand_sync.exception x
    join paystand_sync.ledger_entry e on x.merchant = e.merchant and x.subject = e.adapter || '/' || e.key
    join paystand_sync.election l on l.merchant = e.merchant and l.key = e.key and l.adapter = e.adapter
    where x.class = 'payload_differs' and x.resolved_at is null order by x.id";
/// What Tryton holds under a key of ours, and nobody knows here: once for each open exception about it.
const UNKNOWN: &str = "
    select substr(subject, 8) from paystand_sync.exception where class = 'unknown_document' and resolved_at is null";

/// What vanished, as in `POSTED`, once for each open exception about it.
const GONE: &str = "
    select 'psx1:sandbox:' || e.merchant || ':' || e.key || ' ' || e.receipt
    from paystand_sync.exception x join paystand_sync.ledger_entry e
        on x.merchant = e.merchant and x.subject = e.adapter || '/' || e.key
    where x.class = 'document_gone' and x.resolved_at is null order by 1";

/// Of a line of `MOVES`.
fn reference(line: &str) -> String {
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

/// A business, and an installation that runs now and then.
struct Shop {
    trade: Trade,
    site: Site,
}

impl Shop {
    /// `None` where there is no Tryton.
    async fn open() -> Option<Self> {
        let acme = Acme::open().await?;
        let trade = Trade::open(acme, seed(SEED), TimeDelta::days(DAYS), PER_DAY).await;
        let section = section(&trade.acme, &trade.acme.server.url(), USER);
        let site = Site::configured(Database::fresh().await, &configuration(&trade.paystand, &section));
        let mut shop = Self { trade, site };
        shop.pass(Some(ROUND)).await;
        Some(shop)
    }

    /// Business goes on with a daemon at work, until everything is posted.
    async fn pass(&mut self, time: Option<TimeDelta>) {
        let (trade, pool) = (&mut self.trade, self.site.pool());
        let daemon = self.site.start(&[]);
        match time {
            Some(time) => trade.pass(time, pool).await,
            None => trade.pass_until_now(pool).await,
        }
        eventually("it arrives", ARRIVED, async || trade.has_arrived(pool).await).await;
        daemon.terminate();
        daemon.finish(ARRIVED);
    }

    async fn run(&self) {
        let finished = self.site.once();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished}");
        later(self.site.pool()).await;
    }

    async fn posted(&self) -> BTreeSet<String> {
        column(self.site.pool(), POSTED).await.into_iter().collect()
    }

    async fn moves(&self) -> BTreeSet<String> {
        column(&self.trade.acme.server.pool, MOVES).await.into_iter().collect()
    }

    /// Business goes on until so much more is posted.
    async fn post_more(&mut self) -> usize {
        let before = self.posted().await.len();
        while self.posted().await.len() < before + FORGOTTEN {
            self.pass(Some(ROUND)).await;
        }
        self.posted().await.len() - before
    }

    /// Business comes up to today and is read as far as it goes.
    async fn end(&mut self) {
        self.pass(None).await;
        for _ in 0..2 {
            self.run().await;
        }
    }

    /// A person has everything posted anew that vanished.
    async fn post_anew(&self) {
        const NUMBERS: &str = "
            select id::text from paystand_sync.exception where class = 'document_gone' and resolved_at is null order by id";
        for id in column(self.site.pool(), NUMBERS).await {
            let anew = ["exceptions", "retry", &id, "--new-generation", "--reason", "the books were restored"];
            let done = self.site.run(&anew);
            assert_eq!(done.code, Some(0), "{done}");
        }
        for _ in 0..3 {
            self.run().await;
        }
    }

    /// A person looks at what Tryton holds otherwise, and lets it stand. Returns what that was.
    async fn leave_what_differs(&self) -> BTreeSet<String> {
        let mut left = BTreeSet::new();
        loop {
            let differ = column(self.site.pool(), DIFFERS).await;
            if differ.is_empty() {
                return left;
            }
            for line in &differ {
                let (id, document) = line.split_once(' ').expect("a number and a document");
                let reason = "it was booked on the day that was shown then";
                let done = self.site.run(&["exceptions", "resolve", id, "--reason", reason]);
                assert_eq!(done.code, Some(0), "{done}");
                assert!(left.insert(document.to_owned()), "{document} had several exceptions");
            }
            // What waited for them.
            for _ in 0..2 {
                self.run().await;
            }
        }
    }

    async fn assert_nothing_is_doubled(&self) {
        let (moves, drafts) = self.trade.acme.moves().await;
        let doubled: BTreeMap<_, _> = moves.into_iter().filter(|(_, times)| *times != 1).collect();
        assert!(doubled.is_empty() && drafts == 0, "{doubled:?}, {drafts} drafts");
        assert_eq!(column(self.site.pool(), LOST).await, Vec::<String>::new());
    }
}

#[test]
fn our_database_restored_from_before_the_last_hundred_posts_posts_none_again_and_names_what_it_cannot_adopt() {
    play(async {
        let Some(mut shop) = Shop::open().await else { return };
        let (url, file) = (shop.site.database.url.clone(), shop.site.directory.path().join("ours.sql"));
        dump_ours(&url, &file);
        let known = shop.posted().await;
        let forgotten = shop.post_more().await;
        shop.end().await;
        shop.trade.assert_as_it_happened(shop.site.pool()).await;
        let held = shop.moves().await;

        restore_ours(shop.site.pool(), &url, &file).await;
        assert_eq!(shop.posted().await, known);
        for _ in 0..3 {
            shop.run().await;
        }
        shop.assert_nothing_is_doubled().await;
        assert_eq!(shop.moves().await, held, "Tryton's books changed");
        // A date that only a version showed which nobody can see any more is another one today.
        let left = shop.leave_what_differs().await;
        assert_eq!(shop.moves().await, held, "Tryton's books changed");
        shop.assert_nothing_is_doubled().await;
        shop.trade.assert_books_as_it_happened().await;

        // What happened and was undone before anybody could see it again is booked, and nobody knows it here.
        let adopted = shop.posted().await;
        assert!(adopted.is_subset(&held), "{:#?}", adopted.difference(&held));
        let strangers: BTreeSet<String> =
            held.difference(&adopted).filter(|line| !left.contains(*line)).map(|line| reference(line)).collect();
        let read = shop.site.run(&["reconcile"]);
        assert_eq!(read.code, Some(6), "{read}");
        let unknown: BTreeSet<String> = column(shop.site.pool(), UNKNOWN).await.into_iter().collect();
        assert_eq!(unknown, strangers, "one exception for each that nobody knows here");
        eprintln!(
            "{forgotten} posts forgotten: {} of {} moves have their receipt again, {} differ, {} are unknown",
            adopted.len(),
            held.len(),
            left.len(),
            unknown.len()
        );
        assert!(adopted.len() > known.len() + FORGOTTEN / 2, "{} of {}", adopted.len(), held.len());
    });
}

#[test]
fn each_post_that_vanished_with_a_restored_tryton_is_one_exception_and_none_is_doubled() {
    play(async {
        let Some(mut shop) = Shop::open().await else { return };
        let (url, file) = (shop.trade.acme.server.database_url().await, shop.site.directory.path().join("books.sql"));
        dump(url.as_str(), &file);
        let kept = shop.moves().await;
        let forgotten = shop.post_more().await;
        let known = shop.posted().await;

        shop.trade.acme.server.restore(&file).await;
        assert_eq!(shop.moves().await, kept);
        shop.trade.issue_again().await;
        shop.end().await;
        shop.assert_nothing_is_doubled().await;
        let (moves, posted) = (shop.moves().await, shop.posted().await);
        let vanished: BTreeSet<&String> = known.difference(&kept).collect();
        assert_eq!(vanished.len(), forgotten);
        let absent: BTreeSet<&String> = posted.difference(&moves).collect();
        assert_eq!(absent, vanished, "receipts of what is not in the books");
        assert!(moves.is_subset(&posted), "{:#?}", moves.difference(&posted));
        let read = shop.site.run(&["reconcile"]);
        assert_eq!(read.code, Some(6), "{read}");
        let gone: BTreeSet<String> = column(shop.site.pool(), GONE).await.into_iter().collect();
        let missing: BTreeSet<String> = vanished.iter().map(|line| (*line).clone()).collect();
        assert_eq!(gone, missing, "one exception for each that vanished");
        eprintln!("{} posts vanished from Tryton: {} exceptions", vanished.len(), gone.len());

        shop.post_anew().await;
        shop.assert_nothing_is_doubled().await;
        shop.trade.assert_as_it_happened(shop.site.pool()).await;
        let read = shop.site.run(&["reconcile"]);
        assert_eq!(read.code, Some(0), "{read}");
        let mut exceptions = shop.site.open_exceptions().await;
        exceptions.retain(|exception| !exception.contains(SENT_BACK));
        assert_eq!(exceptions, Vec::<String>::new());
    });
}
