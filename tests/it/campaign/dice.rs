//! Seeded chance of the campaign: a generator whose sequence never changes with a library version, so that a seed replays for
//! ever. Apart from the sandbox's own, so that both cannot share one mistake.

/// A `SplitMix64` stream.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream of a seed for one purpose; another purpose draws another stream.
    pub fn of(seed: u64, purpose: u64) -> Self {
        Self { state: mix(seed ^ mix(purpose.wrapping_add(0x5851_f42d_4c95_7f2d))) }
    }

    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Both ends included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.draw() % (high - low + 1)
    }

    pub fn chance(&mut self, per_cent: u64) -> bool {
        self.draw() % 100 < per_cent
    }

    pub fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        let position = usize::try_from(self.between(0, items.len() as u64 - 1)).expect("an index");
        items[position].clone()
    }

    /// A rate of a quirk: zero unless it is drawn with `per_cent`.
    pub fn rate(&mut self, per_cent: u64, low: u16, high: u16) -> u16 {
        let drawn = self.chance(per_cent);
        let rate = self.between(low.into(), high.into());
        if drawn { u16::try_from(rate).expect("between two rates") } else { 0 }
    }
}

const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
