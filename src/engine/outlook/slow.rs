//! Looks that read much: counts, certified days, sums of what waits. And the samples for the drawing, which need them.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::engine::Engine;
use crate::engine::error::StepError;
use crate::model::resource::Resource;
use crate::ops::view::Point;
use crate::store::{Cursor, FeesAwaited, RowCount, Sample, SealedThrough, Unposted};

const INTERVAL: Duration = Duration::from_secs(20);
/// They may take this part of the time: one in so many.
const SHARE: u32 = 60;
const SAMPLE_EVERY: TimeDelta = TimeDelta::minutes(15);

/// What was read last.
#[derive(Debug, Clone, Default)]
pub(super) struct Slow {
    pub rows: Option<Vec<RowCount>>,
    pub sealed: Vec<SealedThrough>,
    pub unposted: Option<Vec<Unposted>>,
    pub fees: Vec<FeesAwaited>,
    pub chart: Vec<Point>,
}

impl Engine {
    /// Reads again and again, for as long as it is polled.
    pub(in crate::engine) async fn look_closely_for_ever(&self) -> std::convert::Infallible {
        loop {
            let took = self
                .timed(async {
                    if let Err(error) = self.look_closely().await {
                        tracing::debug!(%error, "counts and sums stay as they were");
                    }
                })
                .await;
            self.circumstances.clock.sleep(INTERVAL.max(took * SHARE)).await;
        }
    }

    async fn look_closely(&self) -> Result<(), StepError> {
        let sealed = self.store.sealed_through().await?;
        let fees = self.store.fees_awaited().await?;
        let unposted = self.store.unposted().await?;
        let rows = self.store.row_counts().await?;
        let now = self.circumstances.clock.now();
        let current = current(&rows, self.store.cursors().await?, now);
        let mut samples = self.store.samples(now).await?;
        self.sample(&samples, &current, now).await?;
        samples.extend(current);
        let chart = drawn(&samples);
        let seen = Slow { rows: Some(rows), sealed, unposted: Some(unposted), fees, chart };
        *self.outlook.slow.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(())
    }

    /// Keeps a sample if the last one is a quarter of an hour old. One process does; where another is just doing it, that counts.
    async fn sample(&self, kept: &[Sample], current: &[Sample], now: DateTime<Utc>) -> Result<(), StepError> {
        let last = kept.iter().map(|it| it.at).max();
        if last.is_some_and(|last| now - last < SAMPLE_EVERY) {
            return Ok(());
        }
        let held = match self.lease("sample").await {
            Err(StepError::Leased { .. }) => return Ok(()),
            held => held?,
        };
        let kept = self.store.keep_samples(&held, current, now).await;
        self.give_back(&held).await;
        Ok(kept?)
    }
}

/// How it stands now.
fn current(rows: &[RowCount], cursors: Vec<(String, String, Cursor)>, now: DateTime<Utc>) -> Vec<Sample> {
    let sample = |(merchant, resource, cursor): (String, String, Cursor)| {
        let counted = rows.iter().find(|it| it.merchant == merchant && it.resource == resource);
        let lag_s = (now - cursor.high_water).num_seconds().max(0);
        Sample { rows: counted.map_or(0, |it| it.rows), merchant, resource, at: now, lag_s }
    };
    cursors.into_iter().map(sample).collect()
}

/// All records, and the longest lag of what is read by date, at each time.
fn drawn(samples: &[Sample]) -> Vec<Point> {
    let mut points: BTreeMap<DateTime<Utc>, Point> = BTreeMap::new();
    for sample in samples {
        let point = points.entry(sample.at).or_insert(Point { at: sample.at, rows: 0, lag_seconds: 0 });
        point.rows += sample.rows;
        if sample.resource.parse().is_ok_and(|resource: Resource| resource.filters_by_date()) {
            point.lag_seconds = point.lag_seconds.max(sample.lag_s);
        }
    }
    points.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_all_rows_and_the_longest_lag_of_dated_lists() {
        let at = DateTime::from_timestamp(1_780_000_000, 0).expect("an instant");
        let sample = |resource: &str, rows, lag_s| Sample {
            merchant: "m1".to_owned(),
            resource: resource.to_owned(),
            at,
            rows,
            lag_s,
        };
        let drawn = drawn(&[sample("payments", 5, 30), sample("refunds", 2, 90), sample("fees", 3, 80_000)]);
        assert_eq!(drawn, [Point { at, rows: 10, lag_seconds: 90 }]);
    }
}
