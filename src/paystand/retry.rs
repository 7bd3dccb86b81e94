//! Whether and when a question is asked again. Pure: randomness comes from a seed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::paystand::endpoint::Endpoint;
use crate::paystand::error::{Garble, SourceError};
use crate::paystand::refusal::Refusal;

const DELAY_MIN: Duration = Duration::from_millis(500);
const DELAY_MAX: Duration = Duration::from_secs(30);
/// A 5xx that asks for a longer wait than this is left to the next poll.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(2);

/// One attempt that did not bring an answer, but another might.
#[derive(Debug)]
pub enum Fault {
    Unreachable(Arc<reqwest::Error>),
    TimedOut {
        within: Duration,
    },
    Garbled(Garble),
    Failed {
        refusal: Refusal,
        retry_after: Option<Duration>,
    },
    /// A 429. The wait is the budget's, for everybody.
    Throttled,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unreachable(error) => write!(f, "{error}"),
            Fault::TimedOut { within } => write!(f, "no whole answer within {} s", within.as_secs()),
            Fault::Garbled(garble) => write!(f, "the answer {garble}"),
            Fault::Failed { refusal, .. } => write!(f, "{refusal}"),
            Fault::Throttled => f.write_str("the rate limit is reached"),
        }
    }
}

#[derive(Debug)]
pub enum Next {
    AskAfter(Duration),
    GiveUp(SourceError),
}

/// The attempts of one question.
#[derive(Debug)]
pub struct Attempts {
    made: u32,
    max: u32,
    delays: ExponentialBackoff,
    last_reference: Option<String>,
}

impl Attempts {
    /// At most `max` attempts, at least one; `seed` decides the jitter.
    pub fn new(max: u32, seed: u64) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(DELAY_MIN)
            .with_max_delay(DELAY_MAX)
            .with_jitter()
            .with_jitter_seed(seed)
            .without_max_times()
            .build();
        Self { made: 0, max: max.max(1), delays, last_reference: None }
    }

    /// An attempt ended in `fault`.
    pub fn after(&mut self, endpoint: &Endpoint, fault: Fault) -> Next {
        self.made += 1;
        let is_last = self.made >= self.max;
        let endpoint = endpoint.clone();
        let attempts = self.made;
        match fault {
            Fault::Throttled if is_last => Next::GiveUp(SourceError::Throttled { endpoint, resume_in: Duration::ZERO }),
            Fault::Throttled => Next::AskAfter(Duration::ZERO),
            Fault::Failed { refusal, retry_after } => {
                if self.is_repeated(&refusal) {
                    return Next::GiveUp(SourceError::AlwaysFails { endpoint, refusal });
                }
                let asked = retry_after.unwrap_or(Duration::ZERO);
                if is_last || asked > RETRY_AFTER_MAX {
                    return Next::GiveUp(SourceError::ServerFault { endpoint, attempts, refusal });
                }
                Next::AskAfter(self.delay().max(asked))
            }
            fault if !is_last => {
                // Something else came in between, so the references are not in a row.
                self.last_reference = None;
                drop(fault);
                Next::AskAfter(self.delay())
            }
            Fault::Unreachable(source) => Next::GiveUp(SourceError::Unreachable { endpoint, attempts, source }),
            Fault::TimedOut { within } => Next::GiveUp(SourceError::TimedOut { endpoint, attempts, within }),
            Fault::Garbled(garble) => Next::GiveUp(SourceError::Garbled { endpoint, attempts, garble }),
        }
    }

    /// The API names every occurrence anew; the same `ref` twice in a row has been seen where the request itself was at
    /// fault (Paystand X docs, "Errors").
    fn is_repeated(&mut self, refusal: &Refusal) -> bool {
        let is_repeated = refusal.reference.is_some() && self.last_reference == refusal.reference;
        self.last_reference.clone_from(&refusal.reference);
        is_repeated
    }

    fn delay(&mut self) -> Duration {
        self.delays.next().unwrap_or(DELAY_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(attempts: &mut Attempts, mut fault: impl FnMut() -> Fault) -> (Vec<Duration>, SourceError) {
        let mut delays = Vec::new();
        loop {
            match attempts.after(&Endpoint::Timezone, fault()) {
                Next::AskAfter(delay) => delays.push(delay),
                Next::GiveUp(error) => return (delays, error),
            }
        }
    }

    fn server_fault(reference: Option<&str>) -> Fault {
        let reference = reference.map(str::to_owned);
        Fault::Failed { refusal: Refusal { status: 500, code: None, explanation: None, reference }, retry_after: None }
    }

    #[test]
    fn delays_double_with_seeded_jitter_and_are_bounded() {
        let (first, error) = delays(&mut Attempts::new(10, 7), || Fault::Garbled(Garble::Empty));
        assert!(matches!(error, SourceError::Garbled { attempts: 10, garble: Garble::Empty, .. }));
        assert_eq!(first.len(), 9);
        for (exponent, delay) in first.iter().enumerate() {
            let base = (DELAY_MIN * (1 << exponent)).min(DELAY_MAX);
            assert!((base..=base * 2).contains(delay), "{first:?}");
        }
        let (again, _) = delays(&mut Attempts::new(10, 7), || Fault::Garbled(Garble::Empty));
        let (other, _) = delays(&mut Attempts::new(10, 8), || Fault::Garbled(Garble::Empty));
        assert_eq!(first, again);
        assert_ne!(first, other);
    }

    #[test]
    fn a_constant_reference_ends_the_attempts_early() {
        let (delays, error) = delays(&mut Attempts::new(6, 1), || server_fault(Some("0f3c")));
        assert_eq!(delays.len(), 1);
        assert!(matches!(error, SourceError::AlwaysFails { .. }));
    }

    #[test]
    fn fresh_or_missing_references_use_all_attempts() {
        let mut count = 0;
        let (fresh, error) = delays(&mut Attempts::new(6, 1), || {
            count += 1;
            server_fault(Some(&count.to_string()))
        });
        assert!(matches!(error, SourceError::ServerFault { attempts: 6, .. }));
        assert_eq!(fresh.len(), 5);
        assert_eq!(delays(&mut Attempts::new(6, 1), || server_fault(None)).0.len(), 5);
    }

    #[test]
    fn a_5xx_may_ask_for_a_longer_wait_but_not_for_any() {
        let ask = |seconds| {
            let Fault::Failed { refusal, .. } = server_fault(None) else { unreachable!("built so") };
            let fault = Fault::Failed { refusal, retry_after: Some(Duration::from_secs(seconds)) };
            Attempts::new(6, 1).after(&Endpoint::Timezone, fault)
        };
        assert!(matches!(ask(90), Next::AskAfter(delay) if delay == Duration::from_secs(90)));
        assert!(matches!(ask(600), Next::GiveUp(SourceError::ServerFault { attempts: 1, .. })));
    }
}
