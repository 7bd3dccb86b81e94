//! Whether rows that change again and again leave more behind than they must.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::counts::{self, Size};
use super::site::Site;
use crate::postgres::Postgres;
use crate::statements::{self, Statement};

const PAYMENTS: usize = 2_000;
const PASSES: usize = 10;
/// The pass after which sizes are what they stay at: blocks of a b-tree that a vacuum emptied are used again after the next one.
const FULL_GROWN: usize = 2;
/// How much larger a table or an index may be per row after the last pass than after that one.
const GROWTH_MAX: f64 = 1.5;
/// What a table of a few rows may take beside: its rows are rewritten, and a block is the least there is.
const FEW_BLOCKS: i64 = 8;
const BLOCK_BYTES: i64 = 8192;

/// A table or an index after the second pass and after the last.
#[derive(Debug, Serialize)]
pub struct Kept {
    pub name: String,
    pub first: Size,
    pub last: Size,
}

#[derive(Debug, Serialize)]
pub struct Bloat {
    pub payments: usize,
    pub passes: usize,
    pub seconds: Vec<f64>,
    pub kept: Vec<Kept>,
    /// Of claims in each pass: calls, and blocks for each entry.
    pub claims: Vec<(i64, f64)>,
}

impl Kept {
    /// How many times the bytes per row. What has no rows is taken as it is.
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    pub fn growth(&self) -> f64 {
        let per_row = |size: &Size| size.bytes as f64 / size.rows.max(1) as f64;
        per_row(&self.last) / per_row(&self.first).max(f64::MIN_POSITIVE)
    }

    pub fn is_bloated(&self) -> bool {
        self.growth() > GROWTH_MAX && self.last.bytes > self.first.bytes + FEW_BLOCKS * BLOCK_BYTES
    }
}

/// The same payments change in each pass, and all of it is read, booked and posted again. After each pass comes a plain `vacuum analyze`, as
/// Postgres itself would start it where so large a part of the rows has changed.
pub async fn measure(postgres: &Postgres, scratch: &Path) -> anyhow::Result<Bloat> {
    let mut site = Site::open(postgres, scratch, "again", PAYMENTS).await?;
    let ids = site.posted(i64::try_from(PAYMENTS)?).await?;
    let (mut seconds, mut claims, mut first) = (Vec::new(), Vec::new(), BTreeMap::new());
    for pass in 1..=PASSES {
        let wanted = site.versions(&ids).await? + i64::try_from(ids.len())?;
        site.change(&ids, pass).await?;
        statements::forget(&mut site.connection).await?;
        seconds.push(site.work("the same payments, changed", &ids, wanted).await?.seconds);
        claims.push(claimed(&statements::counted(&mut site.connection).await?));
        sqlx::raw_sql("vacuum (analyze)").execute(&mut site.connection).await?;
        if pass == FULL_GROWN {
            first = counts::sizes(&mut site.connection).await?;
        }
    }
    let last = counts::sizes(&mut site.connection).await?;
    let kept = last.into_iter().filter_map(|(name, last)| Some(Kept { first: first.remove(&name)?, name, last }));
    Ok(Bloat { payments: ids.len(), passes: PASSES, seconds, kept: kept.collect(), claims })
}

/// Calls of the claim, and blocks for each entry that it took.
#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn claimed(statements: &[Statement]) -> (i64, f64) {
    let claim = statements.iter().find(|it| it.text.starts_with("with claimed as"));
    claim.map_or((0, 0.0), |it| (it.calls, it.blocks as f64 / it.rows.max(1) as f64))
}

pub fn print(bloat: &Bloat) {
    let Bloat { payments, passes, kept, claims, .. } = bloat;
    println!("\n{payments} payments changed {passes} times, after pass {FULL_GROWN} and the last one:\n");
    println!("| table or index | rows | kB | bytes a row | rows | kB | bytes a row | growth |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|");
    for it in kept.iter().filter(|it| it.last.bytes > FEW_BLOCKS * BLOCK_BYTES || it.is_bloated()) {
        let size = |size: &Size| format!("{} | {} | {}", size.rows, size.bytes / 1024, size.bytes / size.rows.max(1));
        println!("| {} | {} | {} | {:.2} |", it.name, size(&it.first), size(&it.last), it.growth());
    }
    let claims: Vec<String> = claims.iter().map(|(_, blocks)| format!("{blocks:.1}")).collect();
    println!("\nBlocks that a claim touched for an entry, pass by pass: {}", claims.join(", "));
}
