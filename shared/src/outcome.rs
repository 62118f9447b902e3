//! What became of a purge at one node: what an edge tells of it with its reports, and the trail shows.
//!
//! Nothing depends on it: outcomes are for people. They may be late, and are forgotten before the purges themselves are.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::epoch::Epoch;

/// Most outcomes in one report; what goes beyond is passed over.
pub const MAX_OUTCOMES: usize = 64;
/// Longest URL that is told, in bytes; a longer one is cut.
pub const MAX_URL: usize = 200;

/// By which way an epoch came to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The Redis Stream.
    Stream,
    /// The origin's feed endpoint.
    Endpoint,
    /// A position was taken, since the history was not held: everything as old became unusable.
    Position,
}

/// How many stored objects a purge made unusable, or stale where it was a soft one: those in memory that no purge had reached before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Unusable {
    /// So many.
    Objects(u64),
    /// It is not known how many.
    Unknown(Uncounted),
}

/// Why it is not known how many objects a purge made unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Uncounted {
    /// They are counted in the background, which takes some seconds.
    NotYet,
    /// There were more purges than counting could keep up with, or the purge names too many tags.
    NotCounted,
}

/// The first object that was stored after a purge and has one of its tags.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreshFill {
    /// When, in milliseconds before the telling.
    pub before_ms: u64,
    /// Of which URL, cut at [`MAX_URL`] bytes.
    pub url: String,
}

/// What became of a purge at a node. Times are milliseconds before the telling, by the node's own clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// By which way it came; absent where it was made at the node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<Way>,
    /// When it came.
    pub received_before_ms: u64,
    /// When the node had applied it.
    pub applied_before_ms: u64,
    /// How many objects it made unusable.
    pub unusable: Unusable,
    /// The first fresh fill of something that it reaches; absent where there was none, or it was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_fresh_fill: Option<FreshFill>,
}

/// The fate of one epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which epoch.
    pub epoch: Epoch,
    /// What became of it.
    #[serde(flatten)]
    pub fate: Fate,
}

// === impl Fate ===

impl Fate {
    /// The same, told so many milliseconds later.
    #[must_use]
    pub fn later(mut self, millis: u64) -> Self {
        self.received_before_ms = self.received_before_ms.saturating_add(millis);
        self.applied_before_ms = self.applied_before_ms.saturating_add(millis);
        if let Some(fill) = &mut self.first_fresh_fill {
            fill.before_ms = fill.before_ms.saturating_add(millis);
        }
        self
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "applied {} ago", Ago(self.applied_before_ms))?;
        match self.unusable {
            Unusable::Objects(1) => write!(f, ", 1 object unusable")?,
            Unusable::Objects(objects) => write!(f, ", {objects} objects unusable")?,
            Unusable::Unknown(Uncounted::NotYet) => write!(f, ", objects not counted yet")?,
            Unusable::Unknown(Uncounted::NotCounted) => write!(f, ", objects not counted")?,
        }
        match &self.first_fresh_fill {
            Some(fill) => write!(f, ", first filled anew {} ago: {}", Ago(fill.before_ms), fill.url),
            None => write!(f, ", nothing filled anew"),
        }
    }
}

/// A time in words, from milliseconds.
pub(crate) struct Ago(pub(crate) u64);

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            millis @ 0..1_000 => write!(f, "{millis} ms"),
            millis @ 1_000..120_000 => write!(f, "{} s", millis / 1_000),
            millis @ 120_000..7_200_000 => write!(f, "{} min", millis / 60_000),
            millis => write!(f, "{} h", millis / 3_600_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_stays_readable() {
        let wire = r#"{"epoch":"1.7","via":"stream","received_before_ms":12,"applied_before_ms":11,"unusable":3,
            "first_fresh_fill":{"before_ms":5,"url":"https://shop.example/a"}}"#;
        let outcome: Outcome = serde_json::from_str(wire).unwrap();
        assert_eq!((outcome.epoch, outcome.fate.unusable), (Epoch::new(1, 7), Unusable::Objects(3)));
        let again: Outcome = serde_json::from_str(&serde_json::to_string(&outcome).unwrap()).unwrap();
        assert_eq!(again, outcome);
        let later = outcome.fate.later(100);
        assert_eq!((later.received_before_ms, later.first_fresh_fill.unwrap().before_ms), (112, 105));
        let text = serde_json::to_string(&Unusable::Unknown(Uncounted::NotCounted)).unwrap();
        assert_eq!(text, "\"not_counted\"");
        assert_eq!(serde_json::from_str::<Unusable>(&text).unwrap(), Unusable::Unknown(Uncounted::NotCounted));
    }
}
