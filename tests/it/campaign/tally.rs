//! Adds up what seeds came to, and says in the end whether they met enough.

#![expect(clippy::print_stdout, reason = "a long run tells how far it is")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::Seeds;
use super::run::Outcome;

/// Each quirk that bears upon reading must be met so often for every two hundred seeds.
const HITS_MIN: u64 = 20;
const SEEDS_OF_HITS: u64 = 200;
/// The usual seeds take no longer on two cores.
const USUAL_MAX: Duration = Duration::from_mins(8);

#[derive(Debug)]
pub struct Tally {
    started: Instant,
    sums: Mutex<Sums>,
}

#[derive(Debug, Default)]
struct Sums {
    total: Outcome,
    seeds: u64,
    failed: Vec<String>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { started: Instant::now(), sums: Mutex::default() }
    }
}

impl Tally {
    pub fn take(&self, outcome: Outcome) {
        let mut sums = self.sums.lock().expect("works in a test");
        println!("{}", line(&outcome));
        for failure in &outcome.failures {
            println!("    {failure}");
        }
        if !outcome.failures.is_empty() {
            let seed = outcome.seed;
            let again =
                format!("CAMPAIGN_SEED={seed} cargo test --test it campaign::seeds_lose_nothing -- --nocapture");
            println!("    play it again: {again}");
            sums.failed.push(format!("seed {seed}: {}\n    {again}", outcome.failures[0]));
        }
        sums.add(outcome);
    }

    /// Asserts that nothing failed, and that the seeds met what they were to meet.
    pub fn finish(self, seeds: Seeds) {
        let took = self.started.elapsed();
        let sums = self.sums.into_inner().expect("works in a test");
        let Seeds { from, to } = seeds;
        println!("seeds {from} to {to}: {}", figures(sums.seeds, &sums.total, sums.failed.len(), took));
        let seeds_wanted = (to + 1).saturating_sub(from);
        assert!(sums.failed.is_empty(), "{} seeds failed:\n{}", sums.failed.len(), sums.failed.join("\n"));
        assert_eq!(sums.seeds, seeds_wanted, "every seed was played");
        assert_eq!(sums.total.over_limit, 0, "a 429 of our own making is a bug");
        if seeds_wanted >= SEEDS_OF_HITS {
            sums.assert_hits(seeds_wanted);
        }
        // How fast a machine is decides nothing about what it found; whoever runs it sees that it has become slow.
        if seeds == Seeds::USUAL && took > USUAL_MAX {
            say(&format!("slow: {} s for the usual seeds, {} s are meant", took.as_secs(), USUAL_MAX.as_secs()));
        }
    }
}

impl Sums {
    /// Every quirk was met often enough.
    fn assert_hits(&self, seeds: u64) {
        let wanted = HITS_MIN * seeds / SEEDS_OF_HITS;
        let hits = |name: &str| self.total.hits.get(name).copied().unwrap_or_default();
        let rare: Vec<String> =
            MET.iter().filter(|name| hits(name) < wanted).map(|name| format!("{name} {}", hits(name))).collect();
        assert!(rare.is_empty(), "met less than {wanted} times: {}", rare.join(", "));
        assert!(self.total.crashes >= wanted, "only {} crashes", self.total.crashes);
    }

    fn add(&mut self, outcome: Outcome) {
        let total = &mut self.total;
        self.seeds += 1;
        total.polls += outcome.polls;
        total.polls_failed += outcome.polls_failed;
        total.requests += outcome.requests;
        total.changes += outcome.changes;
        total.faults += outcome.faults;
        total.crashes += outcome.crashes;
        total.versions += outcome.versions;
        total.looked_at += outcome.looked_at;
        total.virtual_hours += outcome.virtual_hours;
        total.over_limit += outcome.over_limit;
        merge(&mut total.hits, outcome.hits);
    }
}

/// The line that may stand in the README.
fn figures(seeds: u64, total: &Outcome, failed: usize, took: Duration) -> String {
    let Outcome { polls, polls_failed, requests, changes, faults, crashes, versions, looked_at, virtual_hours, .. } =
        total;
    format!(
        "{seeds} seeds, {failed} failed: {polls} polls ({polls_failed} of them met a fault), {requests} requests, \
         {changes} changes, {faults} faults, {crashes} crashes, {} simulated days; {versions} versions stored, {looked_at} \
         facts audited; {} s",
        virtual_hours / 24,
        took.as_secs(),
    )
}

fn merge(sums: &mut BTreeMap<&'static str, u64>, hits: BTreeMap<&'static str, u64>) {
    for (name, count) in hits {
        *sums.entry(name).or_default() += count;
    }
}

fn line(outcome: &Outcome) -> String {
    let Outcome { seed, polls, polls_failed, requests, changes, faults, crashes, versions, virtual_hours, .. } =
        outcome;
    let verdict = if outcome.failures.is_empty() { "" } else { " FAILED" };
    format!(
        "seed {seed}: {polls} polls ({polls_failed} failed), {requests} requests, {changes} changes, {faults} faults, \
         {crashes} crashes, {versions} versions, {virtual_hours} virtual hours{verdict}"
    )
}

/// The quirks that bear upon reading. Left out are those of questions that the daemon never asks (the default order, the
/// default date type, invalid filters, the merchant's zone) and the rate limit, which must never strike.
const MET: [&str; 61] = [
    "money",
    "receivable_rows",
    "payment_rows",
    "null_for_absent",
    "capital_status",
    "entry_ids",
    "missing_optional_per_mille",
    "extra_fields_per_mille",
    "unknown_status_per_mille",
    "unknown_fee_type_per_mille",
    "undecodable_per_mille",
    "nul_note_per_mille",
    "late_field_from",
    "milliseconds",
    "grain_seconds",
    "page_cap",
    "count_page",
    "count_absent",
    "envelope",
    "order_ignored",
    "order_created_only",
    "date_filter_ignored",
    "zone_override",
    "unstable_ties",
    "repeated_page_per_mille",
    "doubled_row_per_mille",
    "empty_page_per_mille",
    "short_page_per_mille",
    "old_body_per_mille",
    "old_detail_per_mille",
    "lag_new_per_mille",
    "lag_update_per_mille",
    "same_second_per_mille",
    "unbumped_per_mille",
    "children_bump_parent",
    "applications_bump_receivable",
    "updates_per_page",
    "creates_per_page",
    "removes_per_page",
    "timer_seconds",
    "fees_unauthorized",
    "report_disabled",
    "report_pending",
    "token_requests_max",
    "expires_in_text",
    "refusal_body",
    "constant_ref",
    "throttled_per_mille",
    "throttled_retry_after",
    "server_error_per_mille",
    "unavailable_per_mille",
    "reset_before_per_mille",
    "reset_inside_per_mille",
    "truncated_per_mille",
    "html_per_mille",
    "empty_body_per_mille",
    "slow_body_per_mille",
    "slow_start_per_mille",
    "hang_per_mille",
    "outage_until",
    "date_offset_seconds",
];

pub fn say(line: &str) {
    println!("    {line}");
}
