//! When each caller's bucket would be full again, for any number of callers in the same memory, without locks.
//!
//! A bucket is one instant, the *theoretical arrival time* of the generic cell rate algorithm (ITU-T I.371, Annex A): until it, the
//! bucket lacks tokens. A caller has one cell in each of a few rows, found by its hash, and the earliest of its cells counts: a
//! count-min sketch with conservative updates, whose cells empty by themselves as time passes. Callers who share all their cells
//! with others that are over their limit are taken to be over it too, and nobody is ever taken for less than he sent.
//!
//! Measured beside `pingora_limits::rate::Rate` of the same memory: 51 ns a request with the hash, where that takes 75; and it has no
//! moment at which a request clears a table, no second allowance at the turn of a window, and the clock as an argument.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows of a table: with `k` callers over their limit at once another is wrongly refused with the probability `(k / width)^4`.
const ROWS: usize = 4;
/// Cells of a row, a power of two. At 10,000 callers over their limit one in 2,000 others is wrongly refused.
const WIDTH: usize = 1 << 16;
/// The memory of one table, in bytes.
pub const TABLE_BYTES: usize = ROWS * WIDTH * size_of::<AtomicU64>();

/// How fast a bucket fills, and how much it holds; in nanoseconds, which a token costs and a full bucket is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Until the next token.
    pub token: u64,
    /// A full bucket.
    pub bucket: u64,
}

/// The buckets of all callers of one limit.
#[derive(Debug)]
pub struct Sketch {
    rows: usize,
    width: usize,
    /// Made when it is first needed: what is only checked, or drafted, takes no memory.
    cells: OnceLock<Box<[AtomicU64]>>,
}

// === impl Sketch ===

impl Sketch {
    /// For callers who are told apart.
    pub fn of_many() -> Self {
        Self { rows: ROWS, width: WIDTH, cells: OnceLock::new() }
    }

    /// For all callers together: one bucket.
    pub fn of_one() -> Self {
        Self { rows: 1, width: 1, cells: OnceLock::new() }
    }

    /// How long a caller must wait, in nanoseconds, until a token is there; zero where one is. Takes none.
    pub fn wait(&self, caller: u128, pace: Pace, now: u64) -> u64 {
        let cells = self.cells();
        let earliest = (0..self.rows).map(|row| cells[self.place(row, caller)].load(Ordering::Relaxed)).min();
        full_after(earliest.unwrap_or(0), pace, now).saturating_sub(now.saturating_add(pace.bucket))
    }

    /// Takes a token, or says how long the caller must wait for one, in nanoseconds.
    ///
    /// Each token is given to one of those who ask at the same time: who takes it has raised all cells but the earliest, and then
    /// raises that one from the value that was seen, which only one can do. The writes are ordered (acquire and release), so that
    /// who raises a cell after another did sees all that the other raised before.
    pub fn take(&self, caller: u128, pace: Pace, now: u64) -> Result<(), u64> {
        let cells = self.cells();
        loop {
            let mut seen = [0; ROWS];
            let seen = &mut seen[..self.rows];
            for (row, value) in seen.iter_mut().enumerate() {
                *value = cells[self.place(row, caller)].load(Ordering::Relaxed);
            }
            // Of several that are as early the last, so that all who saw the same settle on the same.
            let Some((row, &earliest)) = seen.iter().enumerate().rev().min_by_key(|(_, value)| **value) else {
                return Ok(());
            };
            let after = full_after(earliest, pace, now);
            let wait = after.saturating_sub(now.saturating_add(pace.bucket));
            if wait > 0 {
                return Err(wait);
            }
            for (other, value) in seen.iter().enumerate() {
                if other != row && *value < after {
                    cells[self.place(other, caller)].fetch_max(after, Ordering::AcqRel);
                }
            }
            let cell = &cells[self.place(row, caller)];
            if cell.compare_exchange(earliest, after, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return Ok(());
            }
        }
    }

    fn cells(&self) -> &[AtomicU64] {
        self.cells.get_or_init(|| (0..self.rows * self.width).map(|_| AtomicU64::new(0)).collect())
    }

    /// A different one in each row, by double hashing: the halves of the hash are independent.
    #[allow(clippy::cast_possible_truncation, reason = "what is left is within the row")]
    fn place(&self, row: usize, caller: u128) -> usize {
        let (first, step) = (caller as u64, (caller >> 64) as u64 | 1);
        let hash = first.wrapping_add(step.wrapping_mul(row as u64 + 1));
        // The width is a power of two. The high bits are those that depend on all of a product's.
        let within = (hash >> 32) as usize & (self.width - 1);
        row * self.width + within
    }
}

/// When the bucket would be full again after one more token.
fn full_after(full: u64, pace: Pace, now: u64) -> u64 {
    full.max(now).saturating_add(pace.token)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    /// Some time after boot.
    const START: u64 = 100 * SECOND;

    fn pace(requests: u64, per: u64, burst: u64) -> Pace {
        Pace { token: per / requests, bucket: per / requests * burst }
    }

    /// A caller like any other.
    fn caller(number: u64) -> u128 {
        let spread =
            |salt: u64| u128::from((number ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ number);
        spread(1).wrapping_mul(0xd134_2543_de82_ef95) << 64
            | spread(2).wrapping_mul(0xaf25_1af3_b0f0_25b5) & u128::from(u64::MAX)
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_again() {
        // Three in three seconds, two at once.
        let pace = pace(3, 3 * SECOND, 2);
        let sketch = Sketch::of_many();
        for (after, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(SECOND)),
            (SECOND / 4, Err(SECOND / 4 * 3)),
            (SECOND, Ok(())),
            (SECOND, Err(SECOND)),
            // Full, and no fuller.
            (60 * SECOND, Ok(())),
            (60 * SECOND, Ok(())),
            (60 * SECOND, Err(SECOND)),
            // A clock that another thread read a little earlier.
            (60 * SECOND - 1, Err(SECOND + 1)),
        ] {
            let wait = sketch.wait(caller(1), pace, START + after);
            assert_eq!(wait, expected.err().unwrap_or(0), "after {after}");
            assert_eq!(sketch.take(caller(1), pace, START + after), expected, "after {after}");
        }
        assert_eq!(sketch.take(caller(2), pace, START), Ok(()), "another caller");
    }

    #[test]
    fn each_token_is_given_once() {
        const THREADS: usize = 4;
        let pace = pace(1000, SECOND, 1000);
        for round in 0..20 {
            let sketch = Sketch::of_many();
            let start = std::sync::Barrier::new(THREADS);
            let taken: usize = std::thread::scope(|scope| {
                let take = || {
                    start.wait();
                    (0..1000).filter(|_| sketch.take(caller(round), pace, START).is_ok()).count()
                };
                let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(take)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(taken, 1000);
        }
    }

    #[test]
    fn ten_thousand_over_their_limit_hardly_touch_the_others() {
        let pace = pace(10, SECOND, 10);
        let sketch = Sketch::of_many();
        for number in 0..10_000 {
            while sketch.take(caller(number), pace, START).is_ok() {}
        }
        let refused = (10_000..60_000).filter(|number| sketch.wait(caller(*number), pace, START) > 0).count();
        // 50,000 times (1 - e^(-10000/65536))^4, which is 20, with room for chance.
        assert!(refused < 60, "{refused}");
    }

    /// Why this is not `pingora_limits::rate::Rate` of the same memory: that adds up what callers who share its cells sent, so that many
    /// make one another look as if each were over the limit.
    #[test]
    fn many_who_keep_to_the_limit_are_not_refused() {
        const VISITORS: u64 = 50_000;
        let (limit, each) = (10, 8);
        let pace = pace(limit, 10 * SECOND, limit);
        let sketch = Sketch::of_many();
        let hour = std::time::Duration::from_hours(1);
        let rate = pingora_limits::rate::Rate::new_with_estimator_config(hour, ROWS, WIDTH / 2);
        let (mut by_sketch, mut by_rate) = (0, 0);
        for _ in 0..each {
            for number in 0..VISITORS {
                by_sketch += usize::from(sketch.take(caller(number), pace, START).is_err());
                by_rate += usize::from(rate.observe(&number, 1) > 10);
            }
        }
        assert!(by_sketch == 0 && by_rate > 50_000, "{by_sketch} {by_rate}");
    }

    /// What a bucket of tokens of its own would say.
    fn model(arrivals: &[u64], pace: Pace) -> Vec<bool> {
        let mut full_at = 0u64;
        let mut admit = |now: u64| {
            let after = full_at.max(now) + pace.token;
            let admitted = after <= now + pace.bucket;
            full_at = if admitted { after } else { full_at };
            admitted
        };
        arrivals.iter().map(|&now| admit(now)).collect()
    }

    fn arrivals() -> impl Strategy<Value = Vec<u64>> {
        let gap = prop_oneof![Just(0), 0..SECOND / 10, 0..3 * SECOND];
        proptest::collection::vec(gap, 1..200).prop_map(|gaps| {
            gaps.iter()
                .scan(START, |at, gap| {
                    *at += gap;
                    Some(*at)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn callers_get_what_their_own_bucket_gives(
            arrivals in arrivals(), requests in 1u64..50, burst in 1u64..50, callers in 1u64..4,
        ) {
            let per = 5 * SECOND;
            let pace = pace(requests, per, burst);
            let sketch = Sketch::of_many();
            let mut got: Vec<Vec<bool>> = vec![Vec::new(); 4];
            for now in &arrivals {
                for number in 0..callers {
                    got[usize::try_from(number).unwrap()].push(sketch.take(caller(number), pace, *now).is_ok());
                }
            }
            let expected = model(&arrivals, pace);
            for got in got.iter().take(usize::try_from(callers).unwrap()) {
                prop_assert_eq!(got, &expected);
            }
            // In no period more than the limit and the burst.
            let admitted: Vec<u64> = arrivals.iter().zip(&expected).filter(|(_, got)| **got).map(|(at, _)| *at).collect();
            for (index, from) in admitted.iter().enumerate() {
                let within = admitted[index..].iter().take_while(|at| **at < from + per).count() as u64;
                prop_assert!(within <= requests + burst, "{within} from {from}");
            }
        }

        #[test]
        fn who_keeps_to_the_limit_is_never_refused(arrivals in arrivals(), requests in 1u64..50) {
            let per = 5 * SECOND;
            let sketch = Sketch::of_many();
            let mut kept: Vec<u64> = Vec::new();
            for now in arrivals {
                let within = kept.iter().filter(|at| **at + per > now).count() as u64;
                if within < requests {
                    kept.push(now);
                    prop_assert_eq!(sketch.take(caller(7), pace(requests, per, requests), now), Ok(()));
                }
            }
        }

        #[test]
        fn no_time_or_pace_panics(caller: u128, now: u64, token: u64, bucket: u64) {
            let sketch = Sketch::of_one();
            let pace = Pace { token, bucket };
            for now in [now, 0, u64::MAX] {
                let _ = (sketch.wait(caller, pace, now), sketch.take(caller, pace, now));
            }
        }
    }
}
