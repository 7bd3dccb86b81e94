//! Whole simulated businesses through the engine: what the ERP side holds at the end is what happened, to the cent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use paystand_sync::engine::reconcile::what_is_wrong;
use paystand_sync::reconcile::PayoutProof;
use paystand_sync::sandbox::{BooksTruth, Business, CUSTOMER_ID, Seeding};
use rust_decimal::Decimal;

use super::stage::{Settings, Stage, play};
use crate::harness::column;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;
const DAYS: usize = 60;

const ROLES: &str = "
    select l.role || ' ' || e.currency, sum(l.debit - l.credit)
    from erp.journal_line l join erp.journal_entry e using (merchant, entry_key) group by 1";
const APPLIED: &str = "
    select receivable_id, sum(credit - debit) from erp.journal_line where role = 'receivable' and receivable_id is not null group by 1";
const UNAPPLIED: &str = "
    select payment_id, sum(credit - debit) from erp.journal_line where role = 'unapplied_cash' group by 1";
/// What an adapter was not given because it happened before its first day.
const BASELINE: &str = "
    select l.role || ' ' || e.currency, sum(l.amount)
    from paystand_sync.journal_line l
    join paystand_sync.journal_entry e using (merchant, entry_key)
    join paystand_sync.ledger_entry o on o.merchant = e.merchant and o.key = e.entry_key and o.state = 'baseline' group by 1";
const CROSSED: &str = "
    select distinct e.kind from paystand_sync.event e
    join paystand_sync.ledger_entry o on o.merchant = e.merchant and o.key = e.event_key and o.state <> 'baseline'
    where exists (
        select from paystand_sync.event b
        join paystand_sync.ledger_entry before on before.merchant = b.merchant and before.key = b.event_key and before.state = 'baseline'
        where b.merchant = e.merchant and b.root = e.root)";
const DANGLING: &str = "
    select entry_key from erp.journal_entry e
    where reverses is not null and not exists (select from erp.journal_entry o where o.entry_key = e.reverses)";

async fn sums(stage: &Stage, query: &'static str) -> BTreeMap<String, Decimal> {
    let rows: Vec<(String, Decimal)> =
        sqlx::query_as(query).fetch_all(&stage.database.pool).await.expect("works in a test");
    rows.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

/// Sixty days of a business, read every day; everything is booked and delivered at the end.
async fn played(seed: u64, post_from: Option<NaiveDate>) -> Stage {
    let seeding = Seeding {
        seed,
        business: Business::Economy,
        payments: 0,
        days: 1,
        customers: 8,
        live_payments_per_day: 1,
        ..Seeding::default()
    };
    let mut stage = Stage::new(Settings { seed, seeding, post_from, ..Settings::default() }).await;
    for _ in 0..DAYS {
        stage.advance(Duration::from_hours(24));
        stage.poll_all().await;
        stage.delivered().await;
    }
    // What the last round found on the way is read by the next.
    for _ in 0..2 {
        stage.poll_all().await;
        stage.advance(Duration::from_mins(20));
    }
    stage.delivered().await;
    stage
}

fn by_role(truth: &BooksTruth) -> BTreeMap<String, Decimal> {
    truth.roles.iter().map(|((role, currency), sum)| (format!("{role} {currency}"), *sum)).collect()
}

async fn business(seed: u64) {
    let stage = played(seed, None).await;
    let truth = stage.world.books_truth(CUSTOMER_ID);
    assert_eq!(sums(&stage, ROLES).await, by_role(&truth), "roles of seed {seed}");
    assert_eq!(sums(&stage, APPLIED).await, truth.applied, "invoices of seed {seed}");
    assert_eq!(sums(&stage, UNAPPLIED).await, truth.unapplied, "unapplied cash of seed {seed}");
    let answer = stage.tie_out().await.reconciliation;
    let wrong: Vec<String> = answer.wrong().map(what_is_wrong).collect();
    assert_eq!(wrong, Vec::<String>::new(), "payouts of seed {seed}");
    let in_transit: BTreeMap<String, Decimal> =
        answer.in_transit.iter().map(|it| (it.currency.to_string(), it.amount.decimal())).collect();
    assert_eq!(non_zero(in_transit), truth.in_transit, "in transit of seed {seed}");
    stage.ends_clean().await;
}

fn non_zero(sums: BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    sums.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

fn added(mut sums: BTreeMap<String, Decimal>, more: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    for (key, sum) in more {
        *sums.entry(key.clone()).or_default() += sum;
    }
    non_zero(sums)
}

/// What was posted, and what the ERP opened with, is what happened; and every item of the opening balance is named. Returns the kinds of
/// what happened after going live to money from before.
async fn gone_live(seed: u64, after_days: u64) -> Vec<String> {
    let post_from = Settings::default().started.date_naive() + Days::new(after_days);
    let mut stage = played(seed, Some(post_from)).await;
    let truth = stage.world.books_truth(CUSTOMER_ID);
    let opened = sums(&stage, BASELINE).await;
    assert!(!opened.is_empty(), "something happened before {post_from}");
    let posted = sums(&stage, ROLES).await;
    assert_eq!(added(posted.clone(), &opened), by_role(&truth), "roles of seed {seed}");
    let opening = stage.tie_out().await.openings.remove(0);
    let clearing: BTreeMap<String, Decimal> =
        opening.clearing.iter().map(|money| (money.currency.to_string(), money.amount.decimal())).collect();
    let items: BTreeMap<String, Decimal> =
        opening.items.iter().map(|it| (it.currency.to_string(), it.amount.decimal())).collect();
    let settled = |payout: &PayoutProof| payout.lines.iter().map(|line| line.settled.decimal()).sum::<Decimal>();
    let beyond =
        |payout: &PayoutProof| (payout.paid.currency.to_string(), settled(payout) - payout.booked.amount.decimal());
    let unexplained: BTreeMap<String, Decimal> = opening.unexplained.iter().map(beyond).collect();
    assert_eq!(
        added(items, &unexplained),
        non_zero(clearing.clone()),
        "the opening balance of seed {seed} is itemized: {:#?}",
        opening.unexplained
    );
    let live = |(key, sum): (String, Decimal)| Some((key.strip_prefix("clearing ")?.to_owned(), sum));
    let live: BTreeMap<String, Decimal> = posted.into_iter().filter_map(live).collect();
    assert_eq!(added(live, &clearing), truth.in_transit, "clearing of seed {seed}");
    // Nothing that was posted takes back what was not.
    let dangling = column(&stage.database.pool, DANGLING).await;
    assert_eq!(dangling, Vec::<String>::new(), "reversals of seed {seed}");
    let crossed = column(&stage.database.pool, CROSSED).await;
    stage.kill().await;
    stage.strike().await;
    crossed
}

#[test]
fn ten_businesses_are_booked_by_the_daemon_as_they_happened() {
    for seed in SEEDS {
        play(business(seed));
    }
}

#[test]
fn going_live_in_the_middle_of_a_business_explains_clearing_to_the_cent() {
    let businesses = [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50), (6, 25)];
    let crossed: BTreeSet<String> =
        businesses.into_iter().flat_map(|(seed, after_days)| play(gone_live(seed, after_days))).collect();
    for kind in
        ["payment.applied", "fee.adjusted", "refund.paid", "dispute.opened", "dispute.lost", "transfer.reported"]
    {
        assert!(crossed.contains(kind), "no {kind} crossed the first day: {crossed:?}");
    }
}
