//! A tag table as plain data, to be kept where the process is not: nothing of what was purged may be forgotten by a restart
//! (rule 12).

use crate::epoch::Epoch;
use crate::feed::Mode;
use crate::tag::TagHash;

/// All that a tag table knows, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The epoch up to which every purge was applied.
    pub applied: Epoch,
    /// The number of the last local purge.
    pub local: u64,
    /// What the feed purged.
    pub feed: Held<Epoch>,
    /// What this member purged.
    pub own: Held<u64>,
}

/// The purges of one clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held<P> {
    /// Content stamped below it is gone, whatever its tags.
    pub floor: P,
    /// Content stamped below it is softly purged, whatever its tags.
    pub soft_floor: P,
    /// For each purged tag the positions of its last hard and its last soft purge, in no order.
    pub tags: Vec<(TagHash, P, P)>,
}

/// A purge of the feed, of which only hashes are known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub epoch: Epoch,
    /// How it acts.
    pub mode: Mode,
    /// Whether everything is purged.
    pub everything: bool,
    /// What is purged.
    pub tags: Box<[TagHash]>,
}
