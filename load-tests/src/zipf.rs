//! Which of many is asked for, when few are asked for often (Zipf's law).

use rand::Rng;

/// Numbers from 0, of which number k comes with a probability in proportion to 1 / (k + 1)^s.
pub(crate) struct Zipf {
    /// The sum of the probabilities up to each number.
    sums: Vec<f64>,
}

impl Zipf {
    pub(crate) fn new(count: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut sums: Vec<_> = (1..=count)
            .map(|rank| {
                sum += f64::from(rank).powf(-exponent);
                sum
            })
            .collect();
        for part in &mut sums {
            *part /= sum;
        }
        Self { sums }
    }

    pub(crate) fn pick(&self, random: &mut impl Rng) -> u32 {
        let point: f64 = random.random();
        let index = self.sums.partition_point(|sum| *sum <= point).min(self.sums.len().saturating_sub(1));
        u32::try_from(index).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn frequencies_follow_the_law() {
        let zipf = Zipf::new(1_000, 1.0);
        let mut random = StdRng::seed_from_u64(7);
        let mut seen = [0_u32; 1_000];
        for _ in 0..200_000 {
            seen[zipf.pick(&mut random) as usize] += 1;
        }
        // The harmonic number of 1,000 is 7.485: the first gets 13.4 % of all, the tenth a tenth of that.
        assert!((25_000..28_500).contains(&seen[0]), "{}", seen[0]);
        assert!((2_300..3_100).contains(&seen[9]), "{}", seen[9]);
        assert!(seen[999] < 100);
    }
}
