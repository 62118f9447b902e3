//! Answers to requests with an `Idempotency-Key`: sending one again applies nothing and brings the same answer.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use vitrine_shared::clock::BootTime;

/// Most keys that are remembered.
const MAX_KEYS: usize = 10_000;
/// How long one is remembered.
const KEPT: Duration = Duration::from_mins(10);

/// Answers by key.
#[derive(Debug, Default)]
pub struct Idempotency(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Box<str>, Answered>,
    order: VecDeque<(BootTime, Box<str>)>,
}

#[derive(Debug)]
struct Answered {
    asked: u128,
    answer: serde_json::Value,
}

/// The key was used for another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this Idempotency-Key came with another body before: use a new key for another purge")]
pub struct Reused;

// === impl Idempotency ===

impl Idempotency {
    /// The earlier answer where `key` is known, else that of `act`, which is then remembered. Who asks with the same key
    /// meanwhile waits.
    ///
    /// `asked` is a digest of the request.
    pub fn once(
        &self,
        key: &str,
        asked: u128,
        now: BootTime,
        act: impl FnOnce() -> serde_json::Value,
    ) -> Result<serde_json::Value, Reused> {
        let mut kept = self.0.lock();
        kept.forget(now);
        if let Some(known) = kept.answers.get(key) {
            return if known.asked == asked { Ok(known.answer.clone()) } else { Err(Reused) };
        }
        let answer = act();
        kept.answers.insert(key.into(), Answered { asked, answer: answer.clone() });
        kept.order.push_back((now, key.into()));
        Ok(answer)
    }
}

impl Kept {
    /// What is too old, and one more where all places are taken.
    fn forget(&mut self, now: BootTime) {
        while let Some((at, key)) = self.order.front()
            && (self.order.len() >= MAX_KEYS || now.since(*at) >= KEPT)
        {
            self.answers.remove(key);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_acts_once_for_a_while() {
        let idempotency = Idempotency::default();
        let at = |seconds| BootTime::at(Duration::from_secs(seconds));
        let mut acted = 0;
        let mut once = |key: &str, asked, seconds| {
            idempotency.once(key, asked, at(seconds), || {
                acted += 1;
                acted.into()
            })
        };
        assert_eq!(once("a", 1, 0), Ok(1.into()));
        assert_eq!(once("a", 1, 599), Ok(1.into()));
        assert_eq!(once("a", 2, 599), Err(Reused));
        assert_eq!(once("b", 2, 599), Ok(2.into()));
        assert_eq!(once("a", 2, 600), Ok(3.into()));
        for key in 0..MAX_KEYS {
            once(&key.to_string(), 1, 601).unwrap();
        }
        assert!({ idempotency.0.lock().answers.len() } <= MAX_KEYS);
        let kept = idempotency.0.lock();
        assert_eq!(kept.answers.len(), kept.order.len());
    }
}
