//! What goes wrong on the way: drawn once before an answer is made, and once over a good answer.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::sandbox::answer::{Answer, Delivery, Refusal};
use crate::sandbox::dice::Dice;
use crate::sandbox::hits::Hits;
use crate::sandbox::quirks::{FaultQuirks, RefusalBody};

pub(crate) const HTML: &str =
    "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>";

/// Draws faults, and bounds how many follow one another.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    in_a_row: u32,
}

impl Faults {
    /// A fault instead of an answer.
    pub(crate) fn before(
        &mut self,
        quirks: &FaultQuirks,
        dice: &mut Dice,
        hits: &Hits,
        now: DateTime<Utc>,
        reference: &str,
    ) -> Option<Answer> {
        if quirks.outage_until.is_some_and(|until| now < until) {
            hits.count("outage_until");
            return Some(error(503, quirks.error_body, reference));
        }
        if self.is_enough(quirks) {
            return None;
        }
        let fault = if hits.when(dice.chance(quirks.hang_per_mille), "hang_per_mille") {
            Answer { delivery: Delivery::Hang, ..error(503, RefusalBody::Empty, reference) }
        } else if hits.when(dice.chance(quirks.reset_before_per_mille), "reset_before_per_mille") {
            Answer { delivery: Delivery::ResetBefore, ..error(503, RefusalBody::Empty, reference) }
        } else if hits.when(dice.chance(quirks.throttled_per_mille), "throttled_per_mille") {
            let mut answer = error(429, quirks.error_body, reference);
            if let Some(seconds) = quirks.throttled_retry_after {
                hits.count("throttled_retry_after");
                answer.headers.push(("retry-after", seconds.to_string()));
            }
            answer
        } else if hits.when(dice.chance(quirks.server_error_per_mille), "server_error_per_mille") {
            error(500, quirks.error_body, reference)
        } else if hits.when(dice.chance(quirks.unavailable_per_mille), "unavailable_per_mille") {
            error(503, quirks.error_body, reference)
        } else {
            return None;
        };
        self.in_a_row += 1;
        Some(fault)
    }

    /// A good answer spoiled, or left as it is.
    pub(crate) fn after(&mut self, quirks: &FaultQuirks, dice: &mut Dice, hits: &Hits, answer: Answer) -> Answer {
        if self.is_enough(quirks) || answer.status != 200 {
            self.in_a_row = 0;
            return answer;
        }
        self.in_a_row += 1;
        if hits.when(dice.chance(quirks.truncated_per_mille), "truncated_per_mille") {
            let kept = answer.body.len() / 3 + dice.below(answer.body.len() / 2);
            return Answer { body: answer.body.slice(..kept), ..answer };
        }
        if hits.when(dice.chance(quirks.html_per_mille), "html_per_mille") {
            return Answer::bare(200, "text/html", HTML);
        }
        if hits.when(dice.chance(quirks.empty_body_per_mille), "empty_body_per_mille") {
            return Answer { body: Bytes::new(), ..answer };
        }
        if hits.when(dice.chance(quirks.reset_inside_per_mille), "reset_inside_per_mille") {
            return Answer { delivery: Delivery::ResetInside, ..answer };
        }
        self.in_a_row = 0;
        let delivery = if hits.when(dice.chance(quirks.slow_body_per_mille), "slow_body_per_mille") {
            Delivery::Slow(Duration::from_secs(quirks.slow_body_seconds.into()))
        } else if hits.when(dice.chance(quirks.slow_start_per_mille), "slow_start_per_mille") {
            Delivery::Late(Duration::from_secs(quirks.slow_start_seconds.into()))
        } else {
            answer.delivery
        };
        Answer { delivery, ..answer }
    }

    fn is_enough(&self, quirks: &FaultQuirks) -> bool {
        quirks.in_a_row_max > 0 && self.in_a_row >= quirks.in_a_row_max
    }
}

/// An error of the server itself, or a 429.
pub(crate) fn error(status: u16, body: RefusalBody, reference: &str) -> Answer {
    match body {
        RefusalBody::Envelope => Refusal::new(status, "apiError", "try again later").answer(reference),
        RefusalBody::Text => Answer::bare(status, "text/plain", "try again later"),
        RefusalBody::Empty => Answer::bare(status, "application/json", ""),
        RefusalBody::Html => Answer::bare(status, "text/html", HTML),
    }
}
