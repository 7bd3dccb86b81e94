//! Rows and lag of the last day as two small drawings, with what they show in words for who cannot see them.

use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};

use super::super::view::{Overview, Point};
use super::super::words::{age, count};

const WIDTH: i64 = 480;
const HEIGHT: i64 = 120;
/// Room for the words below.
const FOOT: i64 = 18;
const DAY: TimeDelta = TimeDelta::days(1);

pub fn last_day(overview: &Overview) -> Markup {
    let points = &overview.chart;
    html! {
        section.card aria-labelledby="h-day" {
            h2 #h-day { "The last day" }
            @if let (Some(first), Some(last), true) = (points.first(), points.last(), points.len() > 1) {
                div.charts {
                    (figure(overview.at, points, "Records stored", |it| it.rows, first.rows, &format!(
                        "{} now, {} more than {} ago", count(last.rows), count(last.rows - first.rows), age(overview.at - first.at))))
                    (figure(overview.at, points, "Lag of what is read by date", |it| it.lag_seconds, 0, &format!(
                        "{} now, {} at most", seconds(last.lag_seconds),
                        seconds(points.iter().map(|it| it.lag_seconds).max().unwrap_or_default()))))
                }
            } @else { p.soft { "A drawing of rows and lag begins with the second quarter of an hour." } }
        }
    }
}

fn seconds(seconds: i64) -> String {
    age(TimeDelta::seconds(seconds))
}

fn figure(
    now: DateTime<Utc>,
    points: &[Point],
    title: &str,
    pick: fn(&Point) -> i64,
    least: i64,
    words: &str,
) -> Markup {
    let line = line(now, points, pick, least);
    let (left, right) = (line.first().map_or(0, |it| it.0), line.last().map_or(WIDTH, |it| it.0));
    let text = line.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ");
    let area = format!("{left},{HEIGHT} {text} {right},{HEIGHT}");
    html! {
        figure {
            figcaption { strong { (title) } ": " (words) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT + FOOT) } role="img" aria-label={ (title) ": " (words) } {
                @for quarter in 0..=4 {
                    line.grid x1=(WIDTH / 4 * quarter) y1="0" x2=(WIDTH / 4 * quarter) y2=(HEIGHT) {}
                }
                line.grid x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
                polygon.below points=(area) {}
                polyline.drawn points=(text) {}
                text x="2" y=(HEIGHT + 13) { "24 h ago" }
                text x=(WIDTH / 2) y=(HEIGHT + 13) text-anchor="middle" { "12 h" }
                text x=(WIDTH - 2) y=(HEIGHT + 13) text-anchor="end" { "now" }
            }
        }
    }
}

/// Where the points lie: the day from left to right, `least` at the foot and the highest value just below the top.
fn line(now: DateTime<Utc>, points: &[Point], pick: fn(&Point) -> i64, least: i64) -> Vec<(i64, i64)> {
    let most = points.iter().map(pick).max().unwrap_or(least);
    let span = i128::from((most - least).max(1));
    let place = |point: &Point| {
        let since = (point.at - (now - DAY)).num_seconds().clamp(0, DAY.num_seconds());
        let height = i128::from((pick(point) - least).max(0)) * i128::from(HEIGHT - 8) / span;
        (since * WIDTH / DAY.num_seconds(), HEIGHT - i64::try_from(height).unwrap_or(HEIGHT))
    };
    points.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_stays_within_its_frame() {
        let now = DateTime::from_timestamp(1_780_000_000, 0).expect("an instant");
        let point = |hours, rows| Point { at: now - TimeDelta::hours(hours), rows, lag_seconds: 0 };
        let points = [point(30, 5), point(24, 0), point(12, i64::MAX / 2), point(0, i64::MAX)];
        let drawn = line(now, &points, |it| it.rows, 0);
        assert_eq!(drawn.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 0, WIDTH / 2, WIDTH]);
        assert!(drawn.iter().all(|(_, y)| (8..=HEIGHT).contains(y)), "{drawn:?}");
        assert_eq!(line(now, &[point(1, 7)], |it| it.rows, 7), [(460, HEIGHT)]);
    }
}
