//! Epochs: the gap-free numbers of committed purges.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number of a committed purge; ordered by term, then by sequence.
///
/// `term` grows when the sequencer may have lost history (Postgres promoted or restored). `seq` is gap-free and goes on
/// across terms, so `seq` of a new term's first purge is one more than the last that the new sequencer knows of.
/// [`Epoch::ZERO`] is before every purge. Wire form: `term.seq` in decimal, as in `1.42`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// Which life of the sequencer.
    pub term: u32,
    /// The number of the purge.
    pub seq: u64,
}

impl Epoch {
    /// Before every purge.
    pub const ZERO: Self = Self { term: 0, seq: 0 };

    /// An epoch from its parts.
    pub const fn new(term: u32, seq: u64) -> Self {
        Self { term, seq }
    }
}

// === impl text form ===

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.seq)
    }
}

/// The text was not `term.seq`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an epoch: expected `term.seq` in decimal, as in `1.42`")]
pub struct ParseEpochError(String);

impl FromStr for Epoch {
    type Err = ParseEpochError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParseEpochError(text.chars().take(64).collect());
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let (term, seq) = text.split_once('.').ok_or_else(wrong)?;
        if !digits(term) || !digits(seq) {
            return Err(wrong());
        }
        Ok(Self { term: term.parse().map_err(|_| wrong())?, seq: seq.parse().map_err(|_| wrong())? })
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_refuses_the_rest() {
        for epoch in [Epoch::ZERO, Epoch::new(1, 42), Epoch::new(u32::MAX, u64::MAX)] {
            assert_eq!(epoch.to_string().parse(), Ok(epoch));
        }
        for wrong in ["", "1", "1.", ".1", "1.2.3", "+1.2", "1.-2", " 1.2", "99999999999.1"] {
            assert!(wrong.parse::<Epoch>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_later_term_is_after_every_number_of_an_earlier_one() {
        assert!(Epoch::new(2, 0) > Epoch::new(1, u64::MAX));
        assert!(Epoch::new(1, 2) > Epoch::new(1, 1));
    }
}
