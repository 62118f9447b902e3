//! What must be known before anything that lies on the disk may be believed: one file, replaced whole.

use vitrine_shared::coherence::{Held, Snapshot};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::tag::TagHash;

use super::boot::Moment;
use super::wire::{Put, Take};

/// Begins the file, and changes when its form does.
const MAGIC: u64 = u64::from_le_bytes(*b"VtrnSta1");
/// Seeds its checksum.
const SEED: u64 = 0x5354_4154;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Drawn when the folder was begun anew: segments and journals of another lineage do not belong to it.
    pub(super) lineage: u64,
    /// The secret under which keys are hashed.
    pub(super) secret: [u64; 2],
    /// Whose purges it knows: the address of the feed, or nothing.
    pub(super) identity: Box<str>,
    /// Counts the processes that have used it.
    pub(super) run: u64,
    /// Whether the process that wrote it was ending.
    pub(super) is_clean: bool,
    /// When it was written.
    pub(super) written: Moment,
    /// The number of the journal of what came since.
    pub(super) journal: u64,
    /// What was purged.
    pub(super) table: Snapshot,
    /// The URLs that were invalidated.
    pub(super) invalidated: Vec<Invalidated>,
}

/// A URL that was invalidated while something of it lay on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Invalidated {
    /// Its tag.
    pub(super) url: u64,
    /// The local number of the invalidation: what is stamped below it is gone.
    pub(super) at: u64,
    /// The newest segment then: what is gone lies in it or in an older one.
    pub(super) segment: u32,
}

// === impl State ===

impl State {
    pub(super) fn encode(&self) -> Vec<u8> {
        let tags = self.table.feed.tags.len() * 32 + self.table.own.tags.len() * 24;
        let mut put = Put::with_capacity(512 + tags + self.invalidated.len() * 20);
        put.u64(MAGIC);
        put.u64(self.lineage);
        self.secret.iter().for_each(|half| put.u64(*half));
        put.bytes(self.identity.as_bytes());
        put.u64(self.run);
        put.flag(self.is_clean);
        put.bytes(self.written.run.as_deref().unwrap_or_default().as_bytes());
        put.u64(self.written.uptime);
        put.u64(self.written.at);
        put.u64(self.journal);
        put_epoch(&mut put, self.table.applied);
        put.u64(self.table.local);
        put_held(&mut put, &self.table.feed, put_epoch);
        put_held(&mut put, &self.table.own, Put::u64);
        put.count(self.invalidated.len());
        for invalidated in &self.invalidated {
            invalidated.encode(&mut put);
        }
        put.sum(SEED);
        put.finish()
    }

    /// Reads it back; `None` where it is not whole.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut take = Take::summed(bytes, SEED)?;
        if take.u64()? != MAGIC {
            return None;
        }
        let state = Self {
            lineage: take.u64()?,
            secret: [take.u64()?, take.u64()?],
            identity: take.text()?.into(),
            run: take.u64()?,
            is_clean: take.flag()?,
            written: Moment {
                run: Some(take.text()?).filter(|run| !run.is_empty()).map(Into::into),
                uptime: take.u64()?,
                at: take.u64()?,
            },
            journal: take.u64()?,
            table: Snapshot {
                applied: take_epoch(&mut take)?,
                local: take.u64()?,
                feed: take_held(&mut take, 32, take_epoch)?,
                own: take_held(&mut take, 24, Take::u64)?,
            },
            invalidated: take.list(20, Invalidated::decode)?,
        };
        take.is_at_end().then_some(state)
    }
}

impl Invalidated {
    pub(super) fn encode(&self, put: &mut Put) {
        put.u64(self.url);
        put.u64(self.at);
        put.u32(self.segment);
    }

    pub(super) fn decode(take: &mut Take<'_>) -> Option<Self> {
        Some(Self { url: take.u64()?, at: take.u64()?, segment: take.u32()? })
    }
}

pub(super) fn put_epoch(put: &mut Put, epoch: Epoch) {
    put.u32(epoch.term);
    put.u64(epoch.seq);
}

pub(super) fn take_epoch(take: &mut Take<'_>) -> Option<Epoch> {
    Some(Epoch::new(take.u32()?, take.u64()?))
}

fn put_held<P: Copy>(put: &mut Put, held: &Held<P>, position: fn(&mut Put, P)) {
    position(put, held.floor);
    position(put, held.soft_floor);
    put.count(held.tags.len());
    for (tag, hard, soft) in &held.tags {
        put.u64(tag.0);
        position(put, *hard);
        position(put, *soft);
    }
}

fn take_held<'b, P>(take: &mut Take<'b>, least: usize, position: fn(&mut Take<'b>) -> Option<P>) -> Option<Held<P>> {
    Some(Held {
        floor: position(take)?,
        soft_floor: position(take)?,
        tags: take.list(least, |take| Some((TagHash(take.u64()?), position(take)?, position(take)?)))?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn held<P: std::fmt::Debug>(
        position: impl Strategy<Value = P> + Clone + 'static,
    ) -> impl Strategy<Value = Held<P>> {
        let tag = (any::<u64>().prop_map(TagHash), position.clone(), position.clone());
        (position.clone(), position, proptest::collection::vec(tag, 0..4)).prop_map(|(floor, soft_floor, tags)| Held {
            floor,
            soft_floor,
            tags,
        })
    }

    fn state() -> impl Strategy<Value = State> {
        let epoch = (any::<u32>(), any::<u64>()).prop_map(|(term, seq)| Epoch::new(term, seq));
        let table = (epoch.clone(), any::<u64>(), held(epoch), held(any::<u64>()))
            .prop_map(|(applied, local, feed, own)| Snapshot { applied, local, feed, own });
        let invalidated = any::<(u64, u64, u32)>().prop_map(|(url, at, segment)| Invalidated { url, at, segment });
        let written = (proptest::option::of("[a-f0-9]{1,8}"), any::<u64>(), any::<u64>())
            .prop_map(|(run, uptime, at)| Moment { run: run.map(Into::into), uptime, at });
        let numbers = (any::<u64>(), any::<[u64; 2]>(), any::<u64>(), any::<bool>(), any::<u64>());
        (numbers, "[a-z:/]{0,12}", written, table, proptest::collection::vec(invalidated, 0..4)).prop_map(
            |((lineage, secret, run, is_clean, journal), identity, written, table, invalidated)| State {
                lineage,
                secret,
                identity: identity.into(),
                run,
                is_clean,
                written,
                journal,
                table,
                invalidated,
            },
        )
    }

    proptest! {
        #[test]
        fn it_is_read_back_whole_or_not_at_all(state in state(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = state.encode();
            prop_assert_eq!(State::decode(&bytes), Some(state));
            let at = at.index(bytes.len());
            prop_assert_eq!(State::decode(&bytes[..at]), None);
            bytes[at] ^= 1u8 << bit;
            prop_assert_eq!(State::decode(&bytes), None);
        }
    }
}
