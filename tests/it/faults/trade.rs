//! A business whose invoices are issued in Tryton, and paid at Paystand; whether what it did has arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{CUSTOMER_ID, Shown};
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::exact::{different, sums};
use super::paystand::Paystand;
use crate::harness::{column, eventually, number};
use crate::tryton::acme::{Acme, GUEST};
use crate::tryton::truth::assert_as_it_happened;

/// A payer checks out ten minutes after an invoice was issued, or later: so it is in Tryton before anybody pays it, and a credit memo
/// is read before anybody uses it, without which nobody can tell how much of it was used.
const STEP_MS: i64 = 9 * 60 * 1000;
/// A daemon at work reads a memo within this time, even one that has just taken over.
const READ: Duration = Duration::from_mins(1);

const BOOKED: &str = "select count(*) from paystand_sync.booking where booked is null";
const UNSETTLED: &str = "select count(*) from paystand_sync.ledger_entry where settled_at is null";
const HELD: &str = "select count(*) from paystand_sync.ledger_entry where state = 'held'";
const APPLIED: &str = "
    select receivable_id, -sum(amount) from paystand_sync.journal_line
    where role = 'receivable' and receivable_id is not null group by 1";
const UNAPPLIED: &str = "
    select payment_id, -sum(amount) from paystand_sync.journal_line where role = 'unapplied_cash' group by 1";

pub struct Trade {
    pub acme: Acme,
    pub paystand: Paystand,
    /// Invoice key → receivable and amount, of those in Tryton.
    invoices: BTreeMap<String, (String, Decimal)>,
    /// Versions of the business that the people of the ERP have seen.
    seen: usize,
}

impl Trade {
    /// A business that is `behind` our clock, with so many checkouts a day.
    pub async fn open(acme: Acme, seed: u64, behind: TimeDelta, payments_per_day: u32) -> Self {
        acme.party(GUEST).await;
        let paystand = Paystand::busy_at_home(seed, behind, payments_per_day);
        let mut trade = Self { acme, paystand, invoices: BTreeMap::new(), seen: 0 };
        trade.issue().await;
        trade
    }

    /// The people of the ERP issue the invoices that Paystand shows from now on. Returns everything that it shows.
    async fn issue(&mut self) -> Vec<Shown> {
        let shown = self.paystand.world.shown_since(CUSTOMER_ID, self.seen);
        self.seen += shown.len();
        self.invoices.extend(self.acme.issue(&shown).await);
        shown
    }

    /// They enter once more what is not there any more.
    pub async fn issue_again(&self) {
        self.acme.issue(&self.paystand.world.rows_now(Resource::Receivables)).await;
    }

    /// Lets the business go on, step by step, with daemons at work on the database `own`.
    pub async fn pass(&mut self, time: TimeDelta, own: &PgPool) {
        let mut left_ms = time.num_milliseconds();
        while left_ms > 0 {
            let step_ms = left_ms.min(STEP_MS);
            self.paystand.pass(TimeDelta::milliseconds(step_ms));
            let shown = self.issue().await;
            for memo in shown.iter().filter(|row| row.resource == Resource::CreditMemos) {
                let is_read = format!("select count(*) from paystand_sync.record where source_id = '{}'", memo.id);
                eventually("the memo is read", READ, async || number(own, &is_read).await > 0).await;
            }
            left_ms -= step_ms;
        }
    }

    /// The business comes up to today.
    pub async fn pass_until_now(&mut self, own: &PgPool) {
        self.pass(SystemClock::new().now() - self.paystand.clock.now(), own).await;
    }

    /// Rows that lists show and that are not read so.
    pub async fn missing(&self, own: &PgPool) -> Vec<String> {
        const RESOURCES: [Resource; 5] =
            [Resource::Payments, Resource::Refunds, Resource::Disputes, Resource::Transfers, Resource::CreditMemos];
        let rows = "select concat_ws(' ', resource, source_id, extract(epoch from updated_at)::bigint)
                    from paystand_sync.record";
        let read: BTreeSet<String> = column(own, rows).await.into_iter().collect();
        let shown = RESOURCES.into_iter().flat_map(|resource| self.paystand.world.rows_now(resource));
        let shown = shown.map(|row| format!("{} {} {}", row.resource, row.id, row.last_updated.timestamp()));
        shown.filter(|row| !read.contains(row)).collect()
    }

    /// Whether everything that is shown is read and booked.
    pub async fn is_booked(&self, own: &PgPool) -> bool {
        number(own, BOOKED).await == 0 && self.missing(own).await.is_empty()
    }

    /// Whether it is posted, too. What is held meanwhile is tried again.
    pub async fn has_arrived(&self, own: &PgPool) -> bool {
        if number(own, HELD).await > 0 {
            later(own).await;
        }
        number(own, UNSETTLED).await == 0 && self.is_booked(own).await
    }

    /// Our journal per receivable and payment is as it happened, and so are Tryton's books.
    pub async fn assert_as_it_happened(&self, own: &PgPool) {
        let truth = self.paystand.world.books_truth(CUSTOMER_ID);
        let mut wrong = different("applied to", &truth.applied, &sums(own, APPLIED).await);
        wrong.extend(different("unapplied of", &truth.unapplied, &sums(own, UNAPPLIED).await));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        self.assert_books_as_it_happened().await;
    }

    /// Tryton's trial balance, and what is open on each invoice, are as it happened.
    pub async fn assert_books_as_it_happened(&self) {
        assert_as_it_happened(&self.acme, &self.paystand.world, &self.invoices).await;
    }
}

/// As if the time had passed after which what is held is tried again.
pub async fn later(own: &PgPool) {
    const LATER: &str = "update paystand_sync.ledger_entry set due_at = now() where state = 'held'";
    sqlx::query(LATER).execute(own).await.expect("by hand");
}
