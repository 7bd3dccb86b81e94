//! What becomes of a call, drawn from a seed.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// It never arrives.
    RequestLost,
    /// It is carried out, and nobody hears of it.
    ReplyLost,
    /// The first half is carried out, and nobody hears of it.
    Half,
    /// It seems lost, and is carried out so many calls later.
    Late(u64),
    /// It is carried out, nobody hears of it, and so many calls later it is carried out again.
    Twice(u64),
    Throttled,
}

/// Of a hundred calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Odds {
    /// Calls that write and of which nobody can tell whether they took effect.
    pub ambiguous: u32,
    /// Calls of any kind that are put off.
    pub throttled: u32,
    /// Calls after which a late one is carried out, at most.
    pub late_max: u64,
}

#[derive(Debug)]
pub struct Script {
    odds: Odds,
    dice: StdRng,
}

impl Script {
    pub fn new(seed: u64, odds: Odds) -> Self {
        Self { odds, dice: StdRng::seed_from_u64(seed) }
    }

    /// Without any faults.
    pub fn quiet() -> Self {
        Self::new(0, Odds::default())
    }

    pub fn draw(&mut self, writes: bool) -> Fate {
        let draw = self.dice.random_range(0..100);
        if draw < self.odds.throttled {
            return Fate::Throttled;
        }
        if !writes || draw >= self.odds.throttled + self.odds.ambiguous {
            return Fate::Answered;
        }
        let later = self.dice.random_range(1..=self.odds.late_max.max(1));
        match self.dice.random_range(0..5) {
            0 => Fate::RequestLost,
            1 => Fate::ReplyLost,
            2 => Fate::Half,
            3 => Fate::Late(later),
            _ => Fate::Twice(later),
        }
    }
}
