//! Bars for backfills on a terminal. Elsewhere the engine's log lines tell the same.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, IsTerminal as _, Write};
use std::sync::LazyLock;
use std::time::Duration;

use indicatif::{HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

use crate::engine::Engine;
use crate::engine::advance::Advance;

const INTERVAL: Duration = Duration::from_millis(500);
const LAYOUT: &str = "{prefix:>28} [{bar:24}] {percent:>3}% {msg}";

/// The bars of this process. Log lines go above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Draws how far the backfills of `engine` have come, for as long as it is polled.
pub async fn draw(engine: &Engine) -> Infallible {
    if !io::stderr().is_terminal() {
        return std::future::pending().await;
    }
    let _cleared = Cleared;
    let mut bars = BTreeMap::new();
    loop {
        for ((merchant, resource), advance) in engine.advances().all() {
            let bar = bars
                .entry((merchant.clone(), resource))
                .or_insert_with(|| new_bar(&format!("{resource} of {merchant}")));
            show(bar, advance);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

struct Cleared;

impl Drop for Cleared {
    fn drop(&mut self) {
        // A terminal that is gone needs no clearing.
        let _ = BARS.clear();
    }
}

fn new_bar(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(LAYOUT).expect("the layout is well formed").progress_chars("=> ");
    BARS.add(ProgressBar::new(0)).with_style(style).with_prefix(what.to_owned())
}

fn show(bar: &ProgressBar, advance: Advance) {
    bar.set_length(advance.days_wanted.max(0).unsigned_abs());
    bar.set_position(advance.days_read.max(0).unsigned_abs());
    bar.set_message(words(advance));
}

/// Rows, their rate, the share of the request rate, and the time left.
fn words(advance: Advance) -> String {
    let Advance { rows, rows_per_s, budget_percent, left_s, days_read, days_wanted } = advance;
    let left = if days_read >= days_wanted {
        "done".to_owned()
    } else {
        format!("{} left", HumanDuration(Duration::from_secs(left_s)))
    };
    format!("{} rows, {}/s, {budget_percent}% of the request rate, {left}", HumanCount(rows), HumanCount(rows_per_s))
}

/// Where logs go: stderr, above the bars.
pub struct AboveTheBars;

impl MakeWriter<'_> for AboveTheBars {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(Vec::new())
    }
}

/// One log line, written when it is whole.
pub struct Line(Vec<u8>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Nobody is left to be told where stderr is closed.
        let _ = BARS.suspend(|| io::stderr().lock().write_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_rows_rate_share_and_the_time_left() {
        let half = Advance {
            rows: 12_345,
            rows_per_s: 1_200,
            budget_percent: 97,
            days_read: 50,
            days_wanted: 100,
            left_s: 61,
        };
        assert_eq!(words(half), "12,345 rows, 1,200/s, 97% of the request rate, 61 seconds left");
        assert!(words(Advance { days_read: 100, ..half }).ends_with("done"));
        let bar = new_bar("payments of main");
        show(&bar, half);
        assert_eq!((bar.position(), bar.length()), (50, Some(100)));
    }
}
