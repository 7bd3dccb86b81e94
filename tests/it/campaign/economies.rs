//! Whole simulated businesses through the engine: what the ERP side holds at the end is what happened, to the cent.

use std::collections::BTreeMap;
use std::time::Duration;

use paystand_sync::sandbox::{Business, CUSTOMER_ID, Seeding};
use rust_decimal::Decimal;

use super::stage::{Settings, Stage, play};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=10;
const DAYS: usize = 60;

const ROLES: &str = "
    select l.role || ' ' || e.currency, sum(l.debit - l.credit)
    from erp.journal_line l join erp.journal_entry e using (merchant, entry_key) group by 1";
const APPLIED: &str = "
    select receivable_id, sum(credit - debit) from erp.journal_line where role = 'receivable' and receivable_id is not null group by 1";
const UNAPPLIED: &str = "
    select payment_id, sum(credit - debit) from erp.journal_line where role = 'unapplied_cash' group by 1";

async fn sums(stage: &Stage, query: &'static str) -> BTreeMap<String, Decimal> {
    let rows: Vec<(String, Decimal)> =
        sqlx::query_as(query).fetch_all(&stage.database.pool).await.expect("works in a test");
    rows.into_iter().filter(|(_, sum)| !sum.is_zero()).collect()
}

async fn business(seed: u64) {
    let seeding = Seeding {
        seed,
        business: Business::Economy,
        payments: 0,
        days: 1,
        customers: 8,
        live_payments_per_day: 1,
        ..Seeding::default()
    };
    let mut stage = Stage::new(Settings { seed, seeding, ..Settings::default() }).await;
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
    let truth = stage.world.books_truth(CUSTOMER_ID);
    let roles: BTreeMap<String, Decimal> =
        truth.roles.iter().map(|((role, currency), sum)| (format!("{role} {currency}"), *sum)).collect();
    assert_eq!(sums(&stage, ROLES).await, roles, "roles of seed {seed}");
    assert_eq!(sums(&stage, APPLIED).await, truth.applied, "invoices of seed {seed}");
    assert_eq!(sums(&stage, UNAPPLIED).await, truth.unapplied, "unapplied cash of seed {seed}");
    stage.ends_clean().await;
}

#[test]
fn ten_businesses_are_booked_by_the_daemon_as_they_happened() {
    for seed in SEEDS {
        play(business(seed));
    }
}
