//! How a segment's file is laid out: a header, records one after the other, and, once it is full, the list of them.
//!
//! Each part has a checksum, seeded by the folder's lineage, the segment and the offset: bytes of another folder, another segment or
//! another place are no part of this one. A record's header vouches for its head, and its head for each chunk of its body.

use super::wire::{Put, Take, checksum};

/// Bytes before the first record.
pub(super) const SEGMENT_HEADER: u64 = 32;
/// Bytes before a record's head.
pub(super) const RECORD_HEADER: usize = 64;
/// Bytes of a record in the list.
pub(super) const LISTED: usize = 40;
/// Bytes after the list.
pub(super) const TRAILER: usize = 24;

const SEGMENT_MAGIC: u64 = u64::from_le_bytes(*b"VtrnSeg1");
const RECORD_MAGIC: u32 = u32::from_le_bytes(*b"VRec");
const LIST_MAGIC: u64 = u64::from_le_bytes(*b"VtrnEnd1");

/// Which segment of which folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentId {
    /// Drawn at random when the folder was last begun anew.
    pub(super) lineage: u64,
    /// Counts up from 1.
    pub(super) number: u32,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A response.
    Response,
    /// By which fields the responses below a key differ.
    Variants,
    /// One that was not written to its end, or could not be read: it hides what was there before.
    Dead,
}

/// A record as the index and the list at the end of its segment know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The hash of its key.
    pub(super) hash: u64,
    /// The tag of its URL.
    pub(super) url: u64,
    /// Its stamp by this edge's own clock.
    pub(super) local: u64,
    /// Where it begins.
    pub(super) offset: u32,
    /// How long it is, its header included.
    pub(super) len: u32,
    /// The end of its freshness in Unix seconds: by it versions are told apart.
    pub(super) fresh: u32,
    /// What it is.
    pub(super) kind: Kind,
}

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    /// What the index knows.
    pub(super) listed: Listed,
    /// The length of its head.
    pub(super) head_len: u32,
    /// The checksum of its head.
    pub(super) head_sum: u64,
}

// === impl SegmentId ===

impl SegmentId {
    fn seed(self, offset: u32) -> u64 {
        let place = (u64::from(self.number) << 32) | u64::from(offset);
        checksum(self.lineage, &place.to_le_bytes())
    }

    /// The name of its file.
    pub(super) fn file_name(self) -> String {
        format!("{:08x}.seg", self.number)
    }

    /// The number in the name of a file; `None` where it is no segment's.
    pub(super) fn number_of(file_name: &str) -> Option<u32> {
        let digits = file_name.strip_suffix(".seg")?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        (format!("{number:08x}") == digits && number > 0).then_some(number)
    }

    /// What its file begins with.
    pub(super) fn header(self) -> Vec<u8> {
        let mut put = Put::with_capacity(64);
        put.u64(SEGMENT_MAGIC);
        put.u64(self.lineage);
        put.u32(self.number);
        put.u32(0);
        put.sum(self.seed(0));
        put.finish()
    }

    /// Whether a file begins as this segment's does.
    pub(super) fn is_header(self, bytes: &[u8]) -> bool {
        bytes == self.header()
    }
}

// === impl Kind ===

impl Kind {
    const fn number(self) -> u32 {
        match self {
            Self::Response => 1,
            Self::Variants => 2,
            Self::Dead => 3,
        }
    }

    fn of(number: u32) -> Option<Self> {
        [Self::Response, Self::Variants, Self::Dead].into_iter().find(|kind| kind.number() == number)
    }
}

// === impl RecordHeader ===

impl RecordHeader {
    /// The checksum of a head, for its header.
    pub(super) fn sum_of(head: &[u8]) -> u64 {
        checksum(0, head)
    }

    /// As it stands at its offset in this segment.
    pub(super) fn encode(&self, segment: SegmentId) -> [u8; RECORD_HEADER] {
        let Listed { hash, url, local, offset, len, fresh, kind } = self.listed;
        let mut put = Put::with_capacity(RECORD_HEADER);
        put.u32(RECORD_MAGIC);
        put.u32(kind.number());
        put.u64(hash);
        put.u64(url);
        put.u64(local);
        put.u32(fresh);
        put.u32(len);
        put.u32(self.head_len);
        put.u32(0);
        put.u64(self.head_sum);
        put.sum(segment.seed(offset));
        let mut bytes = [0; RECORD_HEADER];
        bytes.copy_from_slice(put.as_bytes());
        bytes
    }

    /// Reads it at this offset; `None` where the bytes are none of this place.
    pub(super) fn decode(bytes: &[u8], segment: SegmentId, offset: u32) -> Option<Self> {
        let mut take = Take::summed(bytes.get(..RECORD_HEADER)?, segment.seed(offset))?;
        if take.u32()? != RECORD_MAGIC {
            return None;
        }
        let kind = Kind::of(take.u32()?)?;
        let (hash, url, local) = (take.u64()?, take.u64()?, take.u64()?);
        let (fresh, len, head_len) = (take.u32()?, take.u32()?, take.u32()?);
        take.u32()?;
        let head_sum = take.u64()?;
        let fits = (RECORD_HEADER as u64) + u64::from(head_len) <= u64::from(len);
        fits.then_some(Self { listed: Listed { hash, url, local, offset, len, fresh, kind }, head_len, head_sum })
    }

    /// Where the body begins in the segment, and how long it is.
    pub(super) fn body(&self) -> (u64, u64) {
        let before = RECORD_HEADER as u64 + u64::from(self.head_len);
        (u64::from(self.listed.offset) + before, u64::from(self.listed.len).saturating_sub(before))
    }
}

// === the list ===

/// The list at the end of a segment, with its trailer.
pub(super) fn encode_list(records: &[Listed], segment: SegmentId) -> Vec<u8> {
    let mut put = Put::with_capacity(records.len() * LISTED + TRAILER);
    for listed in records {
        put.u64(listed.hash);
        put.u64(listed.url);
        put.u64(listed.local);
        put.u32(listed.offset);
        put.u32(listed.len);
        put.u32(listed.fresh);
        put.u32(listed.kind.number());
    }
    put.u64(LIST_MAGIC);
    put.count(records.len());
    put.u32(0);
    put.sum(segment.seed(u32::MAX));
    put.finish()
}

/// How many bytes the list has, its trailer included, by the trailer alone; `None` where there is none.
pub(super) fn list_len(trailer: &[u8]) -> Option<usize> {
    let mut take = Take::of(trailer.get(..TRAILER)?);
    if take.u64()? != LIST_MAGIC {
        return None;
    }
    usize::try_from(take.u32()?).ok()?.checked_mul(LISTED)?.checked_add(TRAILER)
}

/// Reads the list with its trailer; `None` where it is not this segment's, or not whole.
pub(super) fn decode_list(bytes: &[u8], segment: SegmentId) -> Option<Vec<Listed>> {
    let mut take = Take::summed(bytes, segment.seed(u32::MAX))?;
    let count = bytes.len().checked_sub(TRAILER)? / LISTED;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        records.push(Listed {
            hash: take.u64()?,
            url: take.u64()?,
            local: take.u64()?,
            offset: take.u32()?,
            len: take.u32()?,
            fresh: take.u32()?,
            kind: Kind::of(take.u32()?)?,
        });
    }
    let ends_right = take.u64()? == LIST_MAGIC && take.u32()? as usize == count;
    ends_right.then_some(records)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEGMENT: SegmentId = SegmentId { lineage: 7, number: 3 };

    fn listed() -> impl Strategy<Value = Listed> {
        let kind = prop_oneof![Just(Kind::Response), Just(Kind::Variants), Just(Kind::Dead)];
        (any::<[u64; 3]>(), any::<[u32; 2]>(), 64u32.., kind).prop_map(
            |([hash, url, local], [offset, fresh], len, kind)| Listed { hash, url, local, offset, len, fresh, kind },
        )
    }

    proptest! {
        #[test]
        fn a_header_is_read_back_at_its_place_alone(listed in listed(), head_sum in any::<u64>(), flip in 0..RECORD_HEADER * 8) {
            let header = RecordHeader { head_len: listed.len - 64, head_sum, listed };
            let mut bytes = header.encode(SEGMENT);
            prop_assert_eq!(RecordHeader::decode(&bytes, SEGMENT, listed.offset), Some(header));
            prop_assert_eq!(RecordHeader::decode(&bytes, SEGMENT, listed.offset.wrapping_add(8)), None);
            for other in [SegmentId { number: 4, ..SEGMENT }, SegmentId { lineage: 8, ..SEGMENT }] {
                prop_assert_eq!(RecordHeader::decode(&bytes, other, listed.offset), None);
            }
            bytes[flip / 8] ^= 1 << (flip % 8);
            prop_assert_eq!(RecordHeader::decode(&bytes, SEGMENT, listed.offset), None);
        }

        #[test]
        fn a_list_is_read_back_whole_or_not_at_all(
            records in proptest::collection::vec(listed(), 0..6), at in any::<prop::sample::Index>(), bit in 0..8,
        ) {
            let mut bytes = encode_list(&records, SEGMENT);
            prop_assert_eq!(list_len(&bytes[bytes.len() - TRAILER..]), Some(bytes.len()));
            prop_assert_eq!(decode_list(&bytes, SEGMENT), Some(records));
            prop_assert_eq!(decode_list(&bytes, SegmentId { number: 4, ..SEGMENT }), None);
            let at = at.index(bytes.len());
            prop_assert_eq!(decode_list(&bytes[..at], SEGMENT), None);
            bytes[at] ^= 1u8 << bit;
            prop_assert_eq!(decode_list(&bytes, SEGMENT), None);
        }
    }

    #[test]
    fn a_segment_is_known_by_its_name_and_header() {
        assert_eq!(SEGMENT.header().len() as u64, SEGMENT_HEADER);
        assert!(SEGMENT.is_header(&SEGMENT.header()));
        assert!(!SEGMENT.is_header(&SegmentId { lineage: 8, ..SEGMENT }.header()));
        assert_eq!(SegmentId::number_of(&SEGMENT.file_name()), Some(3));
        for other in ["3.seg", "00000000.seg", "0000000g.seg", "00000003.tmp", "+0000003.seg", "0000000A.seg"] {
            assert_eq!(SegmentId::number_of(other), None, "{other}");
        }
    }
}
