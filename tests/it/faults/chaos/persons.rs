//! What people do: close a period and open it again, edit and delete drafts, and say at the command line how it goes on.

use chrono::NaiveDate;
use rand::Rng as _;
use rand::seq::SliceRandom as _;
use rust_decimal::Decimal;
use rustix::process::Signal;

use super::ordeal::{DELIVERED, Ordeal};
use crate::harness::{column, number};
use crate::tryton::hands::Draft;

/// Drafts that people touch at once.
const TOUCHED_MAX: usize = 4;

/// What somebody did to a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Touch {
    Edited,
    Deleted,
}

impl Ordeal {
    /// Closed behind the back of Tryton, which would refuse while there are drafts.
    pub async fn close_period(&self, day: NaiveDate) {
        const CLOSE: &str = "
            update account_period set state = 'closed' where $1 between start_date and end_date and type = 'standard'";
        sqlx::query(CLOSE).bind(day).execute(&self.trade.acme.server.pool).await.expect("by hand");
    }

    /// Runs a verb at the command line that must do what it is told.
    pub fn say(&self, arguments: &[&str]) {
        let done = self.desk.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done}");
    }

    pub async fn retry_what_is_held(&self) {
        const HELD: &str = "
            select id::text from paystand_sync.exception where class = 'held_by_erp' and resolved_at is null order by id";
        for id in column(self.site.pool(), HELD).await {
            // The daemons may have come first.
            self.desk.run(&["exceptions", "retry", &id, "--reason", "the period is open again"]);
        }
    }

    /// The daemon dies at `point`; drafts that it left are edited and deleted; the next one must release nothing of what is not what
    /// it was; then people decide.
    pub async fn drafts_touched(&mut self, point: &str) {
        self.pass_unposted().await;
        for daemon in 0..self.daemons.len() {
            self.kill(daemon);
        }
        self.resume();
        self.between.mend();
        let passing = self.dice.random_range(1..=2);
        self.site.set_variable("PAYSTAND_SYNC_CRASH_AT", &format!("{point}:{passing}"));
        let finished = self.site.once();
        self.site.unset_variable("PAYSTAND_SYNC_CRASH_AT");
        let died = finished.signal == Some(Signal::KILL.as_raw());
        assert!(died || matches!(finished.code, Some(0 | 5)), "{finished}");
        let mut touched = Vec::new();
        if died {
            self.tally.daemons_killed += 1;
            touched = self.touch(point == "deliver.elected").await;
        }
        self.break_calls();
        for daemon in 0..self.daemons.len() {
            self.restart(daemon);
        }
        for (draft, touch, elected) in touched {
            self.decided(&draft, touch, elected).await;
        }
    }

    /// Edits and deletes some drafts, by turns.
    async fn touch(&mut self, elected: bool) -> Vec<(Draft, Touch, bool)> {
        let references = column(self.site.pool(), "select reference from paystand_sync.election").await;
        let mut drafts = self.trade.acme.lone_drafts().await;
        drafts.retain(|draft| references.contains(&draft.reference()) == elected);
        drafts.shuffle(&mut self.dice);
        drafts.truncate(TOUCHED_MAX);
        let mut touched = Vec::new();
        for (place, draft) in drafts.into_iter().enumerate() {
            let touch = if place % 2 == 0 { Touch::Edited } else { Touch::Deleted };
            match touch {
                Touch::Edited => self.trade.acme.edit(&draft, Decimal::ONE).await,
                Touch::Deleted => self.trade.acme.delete(&draft).await,
            }
            touched.push((draft, touch, elected));
        }
        touched
    }

    /// What became of a draft that somebody touched is seen, and decided.
    async fn decided(&mut self, draft: &Draft, touch: Touch, elected: bool) {
        let Draft { description: key, .. } = draft;
        match (touch, elected) {
            (Touch::Edited, _) => {
                self.tally.edited += 1;
                let id = self.parked(key, "payload_differs").await;
                self.decide_edited(draft, &id, elected).await;
            }
            (Touch::Deleted, true) => {
                self.tally.deleted += 1;
                let id = self.parked(key, "document_gone").await;
                self.say(&["exceptions", "retry", &id, "--new-generation", "--reason", "it was deleted by mistake"]);
            }
            // Nobody had seen it: it is simply written again.
            (Touch::Deleted, false) => self.tally.deleted += 1,
        }
    }

    async fn decide_edited(&mut self, draft: &Draft, id: &str, elected: bool) {
        let anew = ["exceptions", "retry", id, "--new-generation", "--reason", "somebody edited it"];
        if elected {
            let refused = self.desk.run(&anew);
            assert!(refused.code != Some(0), "it may still be released: {refused}");
            self.tally.refused_renewals += 1;
        }
        if self.dice.random_bool(0.5) {
            self.trade.acme.edit(draft, Decimal::NEGATIVE_ONE).await;
            self.say(&["exceptions", "retry", id, "--reason", "it is as it was"]);
            return;
        }
        if elected || self.dice.random_bool(0.5) {
            self.trade.acme.delete(draft).await;
        }
        self.say(&anew);
    }

    /// Waits for the exception about a key, of which nothing may be in the books; returns its number.
    async fn parked(&self, erp_key: &str, class: &str) -> String {
        let open = format!(
            "select x.id::text from paystand_sync.exception x join paystand_sync.ledger_entry e
                on x.subject = e.adapter || '/' || e.key and x.merchant = e.merchant
             where x.resolved_at is null and x.class = '{class}' and e.state = 'parked'
                and '{erp_key}' = 'psx1:sandbox:' || e.merchant || ':' || e.key
                    || case when e.generation > 1 then ':g' || e.generation else '' end"
        );
        let pool = self.site.pool();
        let found = async || !column(pool, &open).await.is_empty();
        let started = std::time::Instant::now();
        while !found().await {
            assert!(started.elapsed() < DELIVERED, "{erp_key} is not parked as {class}: {}", self.plight().await);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let posted = format!("select count(*) from account_move where description = '{erp_key}' and state = 'posted'");
        assert_eq!(number(&self.trade.acme.server.pool, &posted).await, 0, "{erp_key} was released");
        column(pool, &open).await.remove(0)
    }
}
