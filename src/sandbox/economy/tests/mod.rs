//! Claims about the economy: it repeats, it balances, its reports sum, and everything that it can do comes about.

mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::model::resource::Resource;
use crate::sandbox::{
    BooksTruth, Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Call, SandboxClock, Seeding, Shown, VARIANTS, World,
    WorldConfig,
};

struct Town {
    world: Arc<World>,
    clock: Arc<SandboxClock>,
}

impl Town {
    /// `live` checkouts a day from now on.
    fn live(seed: u64, live: u32) -> Self {
        Self::of(Seeding { seed, payments: 0, days: 1, customers: 8, live_payments_per_day: live, ..economy() })
    }

    fn of(seeding: Seeding) -> Self {
        let clock = Arc::new(SandboxClock::new("2026-03-01T00:00:00Z".parse().expect("instant"), 0));
        let world = World::new(WorldConfig { seeding, ..WorldConfig::default() }, Arc::clone(&clock) as _);
        Self { world, clock }
    }

    fn pass(&self, days: i64) -> &Self {
        self.clock.advance(TimeDelta::days(days));
        self.world.advance();
        self
    }

    fn books(&self) -> BooksTruth {
        self.world.books_truth(CUSTOMER_ID)
    }

    fn rows(&self, resource: Resource) -> Vec<Value> {
        self.world.rows_now(resource).iter().map(|row| serde_json::from_slice(&row.body).expect("json")).collect()
    }

    fn get(&self, target: &str) -> Value {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let login = format!(
            r#"{{"grant_type":"client_credentials","client_id":"{CLIENT_ID}","client_secret":"{CLIENT_SECRET}","scope":"auth"}}"#
        );
        let call = Call { method: "POST", path: "/oauth/token", query: "", bearer: None, customer_id: None, body: b"" };
        let answer = self.world.answer(Call { body: login.as_bytes(), ..call });
        let token: Value = serde_json::from_slice(&answer.body).expect("json");
        let bearer = Some(token["access_token"].as_str().expect("token"));
        let answer =
            self.world.answer(Call { method: "GET", path, query, bearer, customer_id: Some(CUSTOMER_ID), ..call });
        serde_json::from_slice(&answer.body).expect("json")
    }
}

fn economy() -> Seeding {
    Seeding { business: Business::Economy, ..Seeding::default() }
}

fn money(value: &Value) -> Decimal {
    value.as_str().expect("money in text").parse().expect("money")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn a_seed_repeats_to_the_byte_and_another_differs() {
    let play = |seed| {
        let town = Town::live(seed, 2);
        let shown: Vec<Shown> = town.pass(20).pass(20).world.truth();
        (shown, town.books())
    };
    assert_eq!(play(3), play(3));
    assert_ne!(play(3).0, play(4).0);
}

#[test]
fn the_speed_of_time_changes_nothing_that_happens() {
    let (slow, fast) = (Town::live(5, 3), Town::live(5, 3));
    for _ in 0..30 {
        slow.pass(1);
    }
    fast.pass(30);
    assert_eq!(slow.books(), fast.books());
    assert_eq!(slow.world.truth(), fast.world.truth());
}

#[test]
fn the_books_balance_and_clearing_holds_what_is_in_transit() {
    for seed in 0..60 {
        let town = Town::live(seed, if seed % 6 == 0 { 12 } else { 1 });
        for _ in 0..20 {
            let books = town.pass(5).books();
            let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
            let mut clearing: BTreeMap<String, Decimal> = BTreeMap::new();
            for ((role, currency), balance) in &books.roles {
                *sums.entry(currency).or_default() += balance;
                if role == "clearing" {
                    clearing.insert(currency.clone(), *balance);
                }
            }
            assert!(sums.values().all(Decimal::is_zero), "seed {seed}: {sums:?}");
            assert_eq!(clearing, books.in_transit, "seed {seed}");
        }
    }
}

#[test]
fn the_entries_of_every_report_sum_to_its_transfer() {
    let mut reports = 0;
    for seed in 0..8 {
        let town = Town::live(seed, 4);
        town.pass(40);
        let books = town.books();
        for payout in &books.payouts {
            let items: Decimal = payout.items.iter().map(|(_, _, amount)| amount).sum();
            assert_eq!(items, payout.amount, "seed {seed}: {payout:?}");
            let transfer = town.get(&format!("/transfers/{}", payout.transfer_id));
            assert_eq!((money(&transfer["amount"]), text(&transfer["status"])), (payout.amount, &*payout.status));
            let report = town.get(&format!("/transfers/{}/report", payout.transfer_id));
            assert_eq!(money(&report["amount"]), payout.amount);
            let readable = matches!(text(&report["status"]), "completed" | "reversed");
            assert_eq!(readable, payout.report);
            let page = town.get(&format!("/transfers/{}/report/entries?limit=1000", payout.transfer_id));
            let entries = page["results"].as_array().expect("entries");
            let told = entries.iter().map(|entry| {
                let kind = text(&entry["resourceType"]).to_ascii_lowercase();
                (kind, text(&entry["resourceId"]).to_owned(), money(&entry["transferAmount"]))
            });
            let mut told: Vec<_> = told.collect();
            let mut carried = if readable { payout.items.clone() } else { Vec::new() };
            told.sort();
            carried.sort();
            assert_eq!(told, carried);
            reports += usize::from(readable);
        }
    }
    assert!(reports > 200, "{reports}");
}

#[test]
fn a_payout_carries_nothing_that_a_paid_one_has_carried_unless_it_came_back() {
    for seed in 0..20 {
        let town = Town::live(seed, 2);
        town.pass(90);
        let mut carried = BTreeSet::new();
        for payout in town.books().payouts.into_iter().filter(|payout| payout.status == "paid") {
            for (kind, id, _) in payout.items.into_iter().filter(|(kind, _, _)| kind == "payment") {
                assert!(carried.insert((kind, id.clone())), "seed {seed}: {id} twice");
            }
        }
        assert!(!carried.is_empty());
    }
}

#[test]
fn invoices_are_never_credited_beyond_their_amount_nor_below_zero() {
    for seed in 0..40 {
        let town = Town::live(seed, 2);
        town.pass(60);
        let applied = town.books().applied;
        for receivable in town.rows(Resource::Receivables) {
            let credited = applied.get(text(&receivable["id"])).copied().unwrap_or_default();
            let amount = money(&receivable["amount"]);
            assert!(credited >= Decimal::ZERO && credited <= amount, "seed {seed}: {credited} of {receivable}");
            let paid = money(&receivable["amountPaid"]);
            assert!(paid >= Decimal::ZERO && paid <= amount, "seed {seed}: {receivable}");
            assert_eq!(receivable["status"] == "paid", paid == amount, "seed {seed}: {receivable}");
        }
    }
}

#[test]
fn every_fee_split_adds_up_to_its_payment() {
    let town = Town::live(11, 10);
    town.pass(20);
    for payment in town.rows(Resource::Payments) {
        let body = town.world.detail_now(CUSTOMER_ID, Resource::Payments, text(&payment["id"])).expect("a body");
        let detail: Value = serde_json::from_slice(&body).expect("json");
        if let Some(split) = detail.get("feeSplit") {
            let total = money(&split["subtotal"]) + money(&split["payerTotalFees"]) - money(&split["payerDiscount"]);
            assert_eq!(total, money(&detail["amount"]), "{detail}");
        }
    }
}

#[test]
fn every_variant_comes_about() {
    let mut met: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..200 {
        let town = Town::live(seed, 1);
        town.pass(100);
        for (variant, count) in town.world.economy_tally(CUSTOMER_ID) {
            *met.entry(variant).or_default() += count;
        }
    }
    let missing: Vec<_> = VARIANTS.iter().filter(|variant| !met.contains_key(**variant)).collect();
    let unknown: Vec<_> = met.keys().filter(|variant| !VARIANTS.contains(variant)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "never met: {missing:?}, unlisted: {unknown:?} of {met:#?}");
}

#[test]
fn the_past_is_played_as_well_and_time_goes_on() {
    let town = Town::of(Seeding { payments: 60, days: 60, live_payments_per_day: 3, ..economy() });
    let begun = town.rows(Resource::Payments).len();
    assert!((55..75).contains(&begun), "{begun}");
    assert!(town.books().payouts.len() > 20);
    town.pass(10);
    let shown = town.world.truth();
    assert!(town.rows(Resource::Payments).len() > begun + 15);
    assert_eq!(town.world.shown_since(CUSTOMER_ID, shown.len() - 4), shown[shown.len() - 4..]);
}

#[test]
fn a_generator_world_has_no_books() {
    let town = Town::of(Seeding { payments: 30, ..Seeding::default() });
    assert_eq!(town.pass(3).books(), BooksTruth::default());
    assert!(town.world.economy_tally(CUSTOMER_ID).is_empty());
}

#[test]
fn sixty_days_pass_in_a_blink() {
    let started = Instant::now();
    let worlds = 20;
    for seed in 0..worlds {
        let town = Town::live(seed, 1);
        for _ in 0..60 {
            town.pass(1);
        }
    }
    let each_ms = started.elapsed().as_millis() / u128::from(worlds);
    // Generous: a busy machine may be slow.
    assert!(each_ms < 250, "{each_ms} ms for each economy");
}

#[test]
fn a_large_business_is_played_quickly_and_balances() {
    let started = Instant::now();
    let town = Town::of(Seeding { payments: 8_000, days: 60, live_payments_per_day: 100, ..economy() });
    let books = town.pass(2).books();
    for (currency, held) in &books.in_transit {
        assert_eq!(books.roles.get(&("clearing".to_owned(), currency.clone())), Some(held));
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
