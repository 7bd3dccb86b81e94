//! Size: the simulated server is never the bottleneck.

use std::time::Instant;

use super::Lab;
use crate::model::resource::Resource;
use crate::sandbox::{Quirks, Seeding, WorldConfig};

#[test]
fn two_hundred_thousand_rows_are_paged_and_churned_quickly() {
    let quirks = r#"{"changes": {"updates_per_page": 20, "creates_per_page": 2, "removes_per_page": 1}}"#;
    let quirks: Quirks = serde_json::from_str(quirks).expect("quirks");
    let started = Instant::now();
    let seeding = Seeding { payments: 40_000, days: 90, ..Seeding::default() };
    let lab = Lab::of(WorldConfig { seeding, quirks, history: false, ..WorldConfig::default() });
    let rows: usize = Resource::ALL.into_iter().map(|resource| lab.world.state().books[0].table(resource).len()).sum();
    let seeded = started.elapsed();
    assert!(rows > 200_000, "{rows}");
    let started = Instant::now();
    let pages = 200;
    for page in 0..pages {
        let target = format!("/receivables?limit=100&offset={}&order=lastUpdated%20DESC", page * 200);
        assert_eq!(lab.rows(&target).len(), 100);
    }
    let reading = started.elapsed();
    // Generous: unoptimised, on a busy machine, with the parsing of the test itself.
    assert!(
        seeded.as_secs() < 60 && reading.as_millis() / pages < 100,
        "{rows} rows: {seeded:?}, {pages} pages: {reading:?}"
    );
}
