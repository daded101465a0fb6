//! Random numbers that can be repeated.

use std::time::Duration;

/// A generator of random numbers that depend only on its seed (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `least` up to, but not including, `end`.
    pub fn between(&mut self, least: u64, end: u64) -> u64 {
        least + self.roll() % (end - least).max(1)
    }

    /// A time from `least` milliseconds up to, but not including, `end`.
    pub fn millis(&mut self, least: u64, end: u64) -> Duration {
        Duration::from_millis(self.between(least, end))
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.roll().is_multiple_of(count)
    }

    /// One of these; `None` if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.between(0, from.len() as u64)).unwrap_or_default())
    }
}
