//! The journal's entries: what was purged since the state was written, one after the other.

use vitrine_shared::coherence::{Numbered, TagTable};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::Mode;
use vitrine_shared::tag::TagHash;

use super::state::{Invalidated, put_epoch, take_epoch};
use super::wire::{Put, Take, checksum};

/// Bytes before an entry: its length, and the checksums of its length and of itself.
const FRAME: usize = 16;

/// Something that a tag table has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A purge of this edge's own.
    Purged {
        /// Its local number.
        at: u64,
        /// How it acts.
        mode: Mode,
        /// Whether everything is purged.
        everything: bool,
        /// What is purged.
        tags: Box<[TagHash]>,
    },
    /// An invalidation of a URL of which something lies on the disk.
    Invalidated(Invalidated),
    /// Purges of the feed, which follow `prev`.
    Fed {
        /// The epoch before the first.
        prev: Epoch,
        /// Each the next after the one before.
        purges: Vec<Numbered>,
    },
    /// A position was taken without its history.
    Position(Epoch),
    /// A position was taken that was below what had been applied.
    StartedOver,
}

/// Which journal, of which folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JournalId {
    /// The folder's lineage.
    pub(super) lineage: u64,
    /// Counts up.
    pub(super) number: u64,
}

/// Something in a journal is not what was written: what it said is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its journal of purges is damaged")]
pub(super) struct Damaged;

// === impl JournalId ===

impl JournalId {
    fn seed(self, index: u64) -> u64 {
        let mut put = Put::with_capacity(16);
        put.u64(self.number);
        put.u64(index);
        checksum(self.lineage, put.as_bytes())
    }

    /// The name of its file.
    pub(super) fn file_name(self) -> String {
        format!("journal-{:08x}", self.number)
    }

    /// Whether a file's name is that of a journal.
    pub(super) fn is_name(name: &str) -> bool {
        name.starts_with("journal-")
    }

    /// An entry as it stands at its place in this journal.
    pub(super) fn frame(self, index: u64, entry: &Entry) -> Vec<u8> {
        let mut put = Put::default();
        entry.encode(&mut put);
        let content = put.finish();
        let mut framed = Put::with_capacity(FRAME + content.len());
        framed.count(content.len());
        framed.u32(self.sum_of_len(index, framed.as_bytes()));
        framed.u64(checksum(self.seed(index), &content));
        framed.raw(&content);
        framed.finish()
    }

    /// Half of a checksum. By it a length that was changed is told from an entry that was not written to its end.
    fn sum_of_len(self, index: u64, len: &[u8]) -> u32 {
        (checksum(!self.seed(index), len) >> 32) as u32
    }

    /// All entries of this journal. One that ends with the file before its own end was being written when the process ended, so
    /// nobody was told that it was; one that is there whole and wrong was changed.
    pub(super) fn read(self, mut bytes: &[u8]) -> Result<Vec<Entry>, Damaged> {
        let mut entries = Vec::new();
        while let Some((frame, rest)) = bytes.split_at_checked(FRAME) {
            let index = entries.len() as u64;
            let mut take = Take::of(frame);
            let (len, sum_of_len, sum) =
                (take.u32().ok_or(Damaged)?, take.u32().ok_or(Damaged)?, take.u64().ok_or(Damaged)?);
            if self.sum_of_len(index, &frame[..4]) != sum_of_len {
                return Err(Damaged);
            }
            let Some((content, rest)) = rest.split_at_checked(len as usize) else {
                break;
            };
            if checksum(self.seed(index), content) != sum {
                return Err(Damaged);
            }
            entries.push(Entry::decode(content).ok_or(Damaged)?);
            bytes = rest;
        }
        Ok(entries)
    }
}

// === impl Entry ===

impl Entry {
    fn encode(&self, put: &mut Put) {
        match self {
            Self::Purged { at, mode, everything, tags } => {
                put.u8(1);
                put.u64(*at);
                put_purge(put, *mode, *everything, tags);
            }
            Self::Invalidated(invalidated) => {
                put.u8(2);
                invalidated.encode(put);
            }
            Self::Fed { prev, purges } => {
                put.u8(3);
                put_epoch(put, *prev);
                put.count(purges.len());
                for purge in purges {
                    put_epoch(put, purge.epoch);
                    put_purge(put, purge.mode, purge.everything, &purge.tags);
                }
            }
            Self::Position(position) => {
                put.u8(4);
                put_epoch(put, *position);
            }
            Self::StartedOver => put.u8(5),
        }
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let mut take = Take::of(content);
        let entry = match take.u8()? {
            1 => {
                let at = take.u64()?;
                let (mode, everything, tags) = take_purge(&mut take)?;
                Self::Purged { at, mode, everything, tags }
            }
            2 => Self::Invalidated(Invalidated::decode(&mut take)?),
            3 => {
                let prev = take_epoch(&mut take)?;
                let purges = take.list(18, |take| {
                    let epoch = take_epoch(take)?;
                    let (mode, everything, tags) = take_purge(take)?;
                    Some(Numbered { epoch, mode, everything, tags })
                })?;
                Self::Fed { prev, purges }
            }
            4 => Self::Position(take_epoch(&mut take)?),
            5 => Self::StartedOver,
            _ => return None,
        };
        take.is_at_end().then_some(entry)
    }

    /// Does it once more. What stands in the state already changes nothing.
    pub(super) fn repeat(self, table: &mut TagTable, invalidated: &mut Vec<Invalidated>) -> Result<(), Damaged> {
        match self {
            Self::Purged { at, mode, everything, tags } => table.repeat(at, &tags, everything, mode),
            Self::Invalidated(one) => {
                table.go_on_from(one.at);
                invalidated.push(one);
            }
            // Where something is missing in between, what follows is not known either.
            Self::Fed { prev, purges } => drop(table.apply_numbered(prev, &purges).map_err(|_| Damaged)?),
            Self::Position(position) => table.take_position(position),
            // Everything was purged by it, and the state is written anew at once: nothing is lost by not going on from here.
            Self::StartedOver => return Err(Damaged),
        }
        Ok(())
    }
}

/// [`Entry::decode`], for the fuzz targets.
#[cfg(fuzzing)]
pub(super) fn decode_for_fuzzing(content: &[u8]) -> Option<Entry> {
    Entry::decode(content)
}

fn put_purge(put: &mut Put, mode: Mode, everything: bool, tags: &[TagHash]) {
    put.flag(mode == Mode::Soft);
    put.flag(everything);
    put.count(tags.len());
    for tag in tags {
        put.u64(tag.0);
    }
}

fn take_purge(take: &mut Take<'_>) -> Option<(Mode, bool, Box<[TagHash]>)> {
    let mode = if take.flag()? { Mode::Soft } else { Mode::Hard };
    Some((mode, take.flag()?, take.list(8, |take| take.u64().map(TagHash))?.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitrine_shared::coherence::{Stamp, Verdict};

    use super::*;

    const JOURNAL: JournalId = JournalId { lineage: 7, number: 2 };

    fn mode() -> impl Strategy<Value = Mode> {
        prop_oneof![Just(Mode::Hard), Just(Mode::Soft)]
    }

    fn tags() -> impl Strategy<Value = Box<[TagHash]>> {
        proptest::collection::vec((0..6_u64).prop_map(TagHash), 0..4).prop_map(Vec::into_boxed_slice)
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let epoch = (any::<u32>(), any::<u64>()).prop_map(|(term, seq)| Epoch::new(term, seq));
        let numbered = (epoch.clone(), mode(), any::<bool>(), tags())
            .prop_map(|(epoch, mode, everything, tags)| Numbered { epoch, mode, everything, tags });
        prop_oneof![
            (any::<u64>(), mode(), any::<bool>(), tags()).prop_map(|(at, mode, everything, tags)| Entry::Purged {
                at,
                mode,
                everything,
                tags
            }),
            any::<(u64, u64, u32)>().prop_map(|(url, at, segment)| Entry::Invalidated(Invalidated {
                url,
                at,
                segment
            })),
            (epoch.clone(), proptest::collection::vec(numbered, 0..3))
                .prop_map(|(prev, purges)| Entry::Fed { prev, purges }),
            epoch.prop_map(Entry::Position),
            Just(Entry::StartedOver),
        ]
    }

    fn written(entries: &[Entry]) -> Vec<u8> {
        (0..).zip(entries).flat_map(|(index, entry)| JOURNAL.frame(index, entry)).collect()
    }

    proptest! {
        /// What was written is read back; cut off, what stands whole before the cut; and with any byte changed, nothing is believed.
        #[test]
        fn a_journal_is_read_back_or_in_doubt(
            entries in proptest::collection::vec(entry(), 0..5), at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            let bytes = written(&entries);
            prop_assert_eq!(JOURNAL.read(&bytes), Ok(entries.clone()));
            if bytes.is_empty() {
                return Ok(());
            }
            let at = at.index(bytes.len());
            let whole = (0..=entries.len()).rev().find(|count| written(&entries[..*count]).len() <= at).unwrap();
            prop_assert_eq!(JOURNAL.read(&bytes[..at]), Ok(entries[..whole].to_vec()));
            let mut flipped = bytes.clone();
            flipped[at] ^= 1u8 << bit;
            prop_assert_eq!(JOURNAL.read(&flipped), Err(Damaged));
            prop_assert_eq!(JournalId { number: 3, ..JOURNAL }.read(&bytes), Err(Damaged));
        }

        /// Repeated from a state of any moment, a journal leads to the same verdicts, also where the state holds some of it already.
        #[test]
        fn a_state_and_its_journal_lead_where_the_table_stands(
            steps in proptest::collection::vec((any::<bool>(), mode(), proptest::bool::weighted(0.1), tags()), 0..20),
            from in 0..20_usize, until in 0..20_usize, stamp in (0..22_u64, 0..22_u64), asked in tags(),
        ) {
            let mut table = TagTable::at(Epoch::new(1, 0), 100);
            let mut journal = Vec::new();
            let mut states = vec![table.snapshot()];
            for (is_fed, mode, everything, tags) in steps {
                if is_fed {
                    let prev = table.applied();
                    let epoch = Epoch::new(1, prev.seq + 1);
                    let purges = vec![Numbered { epoch, mode, everything, tags }];
                    table.apply_numbered(prev, &purges).unwrap();
                    journal.push(Entry::Fed { prev, purges });
                } else {
                    let at = table.purge(&tags, everything, mode);
                    journal.push(Entry::Purged { at, mode, everything, tags });
                }
                states.push(table.snapshot());
            }
            // The journal begins before the moment of the state, or with it.
            let from = from.min(journal.len());
            let mut again = TagTable::restore(states[until.clamp(from, journal.len())].clone(), 100);
            for entry in journal.drain(from..) {
                prop_assert_eq!(entry.repeat(&mut again, &mut Vec::new()), Ok(()));
            }
            prop_assert_eq!(again.stamp(), table.stamp());
            let stamp = Stamp { epoch: Epoch::new(1, stamp.0), local: stamp.1 };
            prop_assert_eq!(again.verdict(stamp, &asked), table.verdict(stamp, &asked));
        }
    }

    #[test]
    fn what_does_not_follow_is_not_believed() {
        let fed = |seq| Entry::Fed {
            prev: Epoch::new(1, seq - 1),
            purges: vec![Numbered {
                epoch: Epoch::new(1, seq),
                mode: Mode::Hard,
                everything: false,
                tags: [TagHash(1)].into(),
            }],
        };
        let mut table = TagTable::at(Epoch::new(1, 5), 10);
        let mut repeat = |entry: Entry| entry.repeat(&mut table, &mut Vec::new());
        assert_eq!(repeat(fed(6)), Ok(()));
        assert_eq!(repeat(fed(8)), Err(Damaged));
        assert_eq!(repeat(Entry::StartedOver), Err(Damaged));
        let mut invalidated = Vec::new();
        let one = Invalidated { url: 7, at: 9, segment: 3 };
        Entry::Invalidated(one).repeat(&mut table, &mut invalidated).unwrap();
        assert_eq!((invalidated, table.stamp().local), (vec![one], 9));
        assert_eq!(table.verdict(Epoch::new(1, 5).into(), [TagHash(1)]), Verdict::Purged);
    }
}
