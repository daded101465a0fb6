//! Latencies, in buckets that are 1.6 % wide.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

/// Buckets per power of two.
const STEPS: u64 = 64;
const BITS: u32 = STEPS.ilog2();

/// Counts durations in microseconds. Shared by all tasks.
pub struct Histogram {
    buckets: Vec<AtomicU64>,
    max: AtomicU64,
}

/// The summary of a histogram, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half were at most this.
    pub p50_ms: f64,
    /// 95 of 100 were at most this.
    pub p95_ms: f64,
    /// 99 of 100 were at most this.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..bucket(u64::MAX) + 1).map(|_| AtomicU64::new(0)).collect();
        Self { buckets, max: AtomicU64::new(0) }
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&self, micros: u64) {
        self.buckets[bucket(micros)].fetch_add(1, Relaxed);
        if micros > self.max.load(Relaxed) {
            self.max.fetch_max(micros, Relaxed);
        }
    }

    /// The measurements so far; nothing if there are none.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        let counts: Vec<u64> = self.buckets.iter().map(|count| count.load(Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let max = self.max.load(Relaxed);
        let at = |share: f64| {
            let rank = ((count as f64 * share).ceil() as u64).max(1);
            let mut seen = 0;
            let place = counts.iter().position(|count| {
                seen += count;
                seen >= rank
            });
            millis(place.map_or(max, |place| upper(place).min(max)))
        };
        (count > 0).then(|| Percentiles {
            count,
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: millis(max),
        })
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let power = micros.ilog2() - BITS;
    ((u64::from(power) + 1) * STEPS + ((micros >> power) - STEPS)) as usize
}

/// The largest duration that falls into a bucket.
fn upper(bucket: usize) -> u64 {
    let (row, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    if row == 0 {
        return step;
    }
    let power = row - 1;
    ((STEPS + step) << power) + ((1 << power) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_lies_in_its_bucket() {
        for micros in (0..5_000).chain([65_535, 65_536, 1_000_000, 123_456_789]) {
            let place = bucket(micros);
            assert!(upper(place) >= micros && (place == 0 || upper(place - 1) < micros), "{micros}");
        }
    }

    #[test]
    fn percentiles_are_within_two_percent() {
        let histogram = Histogram::default();
        assert!(histogram.percentiles().is_none());
        for micros in 1..=100_000 {
            histogram.record(micros);
        }
        let told = histogram.percentiles().unwrap();
        for (value, exact) in [(told.p50_ms, 50.0), (told.p95_ms, 95.0), (told.p99_ms, 99.0), (told.max_ms, 100.0)] {
            assert!((value - exact).abs() / exact < 0.02, "{value} for {exact}");
        }
        assert_eq!(told.count, 100_000);
    }
}
