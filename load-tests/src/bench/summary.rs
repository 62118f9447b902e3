//! Percentiles of a set of readings.

use serde::Serialize;

/// Percentiles by nearest rank, in the readings' own unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// How many readings.
    pub count: usize,
    /// The median.
    pub p50: f64,
    /// 95 of 100 are at most this.
    pub p95: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

impl Summary {
    /// Of these readings; all zero where there is none.
    pub fn of(mut readings: Vec<f64>) -> Self {
        readings.sort_by(f64::total_cmp);
        let rank = |hundredths: usize| {
            let index = (readings.len() * hundredths).div_ceil(100).saturating_sub(1);
            readings.get(index).copied().unwrap_or_default()
        };
        Self { count: readings.len(), p50: rank(50), p95: rank(95), p99: rank(99), max: rank(100) }
    }

    /// One line of a table.
    pub fn print(&self, name: &str, unit: &str) {
        println!(
            "{name:<44} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {unit}  (n={})",
            self.p50, self.p95, self.p99, self.max, self.count
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let summary = Summary::of((1..=200).rev().map(f64::from).collect());
        assert_eq!(summary, Summary { count: 200, p50: 100.0, p95: 190.0, p99: 198.0, max: 200.0 });
        assert_eq!(Summary::of(vec![7.0]), Summary { count: 1, p50: 7.0, p95: 7.0, p99: 7.0, max: 7.0 });
        assert_eq!(Summary::of(Vec::new()), Summary { count: 0, p50: 0.0, p95: 0.0, p99: 0.0, max: 0.0 });
    }
}
