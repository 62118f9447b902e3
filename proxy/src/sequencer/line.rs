//! What stands in a segment of the journal: one record a line with its time, JSON behind a checksum that goes on from the line before.
//!
//! So a line that was cut, changed, lost, doubled or moved is seen, and what stands before it can still be read.

use serde::{Deserialize, Serialize};
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{MemberKind, Purge};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The version of these records.
pub(super) const VERSION: u32 = 1;
/// Digits of a checksum, and the blank behind it.
const HEAD: usize = 17;

/// One thing that must not be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    /// The first of each segment: all that is known but the history.
    Begin(Begin),
    /// A number was given.
    Purge(Numbered),
    /// A member may get a lease.
    Member(Member),
    /// No leases but those of the members that are told, as long as they are granted now, run any more in this term.
    Settled {
        /// The term.
        term: u32,
        /// How long leases are that are granted, in milliseconds.
        lease_ms: u64,
    },
    /// These members hold none and get none.
    Gone {
        /// Their ids.
        ids: Vec<String>,
    },
}

/// Where a segment begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begin {
    /// Version of the form.
    pub(super) v: u32,
    /// The segment's number.
    pub(super) segment: u64,
    /// The newest epoch.
    pub(super) position: Epoch,
    /// Who may hold a lease.
    pub(super) members: Vec<Member>,
    /// Keys of orders, the oldest first.
    pub(super) keys: Vec<Key>,
    /// Members that are not told here may hold leases: of a term that was lost, or longer ones than are granted now.
    #[serde(default)]
    pub(super) quiet: bool,
    /// The longest lease that members may hold, in milliseconds.
    #[serde(default)]
    pub(super) lease_ms: u64,
}

/// A purge with its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbered {
    /// As the feed tells it.
    pub(super) purge: Purge,
    /// Under which key it was ordered.
    pub(super) key: Key,
}

/// A key that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// Its text.
    pub(super) text: String,
    /// Tells its order from others.
    #[serde(with = "hex")]
    pub(super) digest: u128,
    /// What it got.
    pub(super) epoch: Epoch,
}

/// A member on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    /// Its id.
    pub(super) id: String,
    /// Its name for people.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: MemberKind,
}

/// A segment, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// Its records.
    pub(super) records: Vec<Record>,
    /// When the first of them was written, in Unix seconds.
    pub(super) begun_at: u64,
    /// When the last of them was written, in Unix seconds.
    pub(super) written_at: u64,
    /// Whether there is nothing behind them.
    pub(super) is_whole: bool,
}

/// Adds a record that is written at `at`, in Unix seconds; `chain` is the checksum of the line before, 0 for none.
pub(super) fn write(at: u64, record: &Record, chain: &mut u64, to: &mut Vec<u8>) {
    // Records are maps with text for keys, so this cannot fail.
    let json = serde_json::to_vec(&(at, record)).unwrap_or_default();
    *chain = xxh3_64_with_seed(&json, *chain);
    to.extend_from_slice(format!("{chain:016x} ").as_bytes());
    to.extend_from_slice(&json);
    to.push(b'\n');
}

/// Reads a segment up to the first line that is not as it was written.
pub(super) fn read(mut bytes: &[u8]) -> Lines {
    let (mut lines, mut chain) = (Lines::default(), 0);
    while !bytes.is_empty() {
        let Some(((at, record), rest)) = first(bytes, &mut chain) else {
            return lines;
        };
        if lines.records.is_empty() {
            lines.begun_at = at;
        }
        lines.records.push(record);
        lines.written_at = at;
        bytes = rest;
    }
    Lines { is_whole: true, ..lines }
}

fn first<'b>(bytes: &'b [u8], chain: &mut u64) -> Option<((u64, Record), &'b [u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let (line, rest) = (bytes.get(..end)?, bytes.get(end + 1..)?);
    let (head, json) = line.split_at_checked(HEAD)?;
    let checksum = xxh3_64_with_seed(json, *chain);
    if head != format!("{checksum:016x} ").as_bytes() {
        return None;
    }
    let line = serde_json::from_slice(json).ok()?;
    *chain = checksum;
    Some((line, rest))
}

/// A number as text: JSON's own hold 53 bits in many readers.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{number:032x}"))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitrine_shared::feed::Mode;
    use vitrine_shared::tag::Tag;

    use super::*;

    fn segment(purges: u64) -> (Vec<Record>, Vec<u8>) {
        let member = Member { id: "01J".into(), name: "edge\n1".into(), kind: MemberKind::Edge };
        let begin = Begin {
            v: VERSION,
            segment: 7,
            position: Epoch::new(9, 0),
            members: vec![member.clone()],
            keys: Vec::new(),
            quiet: false,
            lease_ms: 3_000,
        };
        let mut records = vec![Record::Begin(begin), Record::Member(member), Record::Gone { ids: vec!["01J".into()] }];
        records.extend((1..=purges).map(|seq| {
            let tags = vec![Tag::product(&seq.to_string())];
            let purge = Purge { seq, mode: Mode::Soft, tags, everything: false, event: Some("e".into()) };
            let key = Key { text: format!("k{seq}"), digest: u128::MAX - u128::from(seq), epoch: Epoch::new(9, seq) };
            Record::Purge(Numbered { purge, key })
        }));
        let (mut bytes, mut chain) = (Vec::new(), 0);
        records.iter().zip(100..).for_each(|(record, at)| write(at, record, &mut chain, &mut bytes));
        (records, bytes)
    }

    #[test]
    fn a_segment_that_is_cut_anywhere_is_read_up_to_there() {
        let (records, bytes) = segment(4);
        assert_eq!(read(&bytes), Lines { records: records.clone(), begun_at: 100, written_at: 106, is_whole: true });
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).map(|at| at + 1).collect();
        for cut in 0..bytes.len() {
            let lines = read(&bytes[..cut]);
            let whole = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(lines.records, records[..whole], "{cut}");
            assert_eq!(lines.is_whole, cut == 0 || ends.contains(&cut), "{cut}");
        }
    }

    #[test]
    fn lines_that_are_lost_doubled_or_moved_are_seen() {
        let (records, bytes) = segment(4);
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        for order in [vec![0, 2, 1, 3, 4, 5, 6], vec![0, 1, 1, 2, 3, 4, 5, 6], vec![0, 2, 3, 4, 5, 6]] {
            let read = read(&order.iter().flat_map(|&at| lines[at].to_vec()).collect::<Vec<u8>>());
            assert!(!read.is_whole && read.records.len() < 3, "{order:?}");
            assert_eq!(read.records, records[..read.records.len()]);
        }
    }

    proptest! {
        /// Whatever is changed in it, what is read is what was written.
        #[test]
        fn a_flipped_bit_is_seen(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let (records, mut bytes) = segment(6);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let lines = read(&bytes);
            prop_assert!(!lines.is_whole);
            prop_assert_eq!(&lines.records[..], &records[..lines.records.len()]);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let lines = read(&bytes);
            prop_assert!(lines.records.is_empty());
        }
    }
}
