//! Parts of a response for requests with Range (RFC 9110 §14): cut out of what is stored, or of what is on its way.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use ulid::Ulid;

use super::answer::{Answer, Content};
use super::asked::Asked;
use crate::policy::{ByteRange, Multipart, Selected, select, unsatisfied_range};

/// A response that is not stored and at most this long is read whole to answer a range of it; of a longer one the upstream is
/// asked for the range itself.
const READ_WHOLE: u64 = 1 << 20;

impl Answer {
    /// The part of this answer that the client asked for; the whole where it asked for none, or for one that is to be ignored.
    ///
    /// To be called after the preconditions were judged (RFC 9110 §13.2.2). `length` is that of the content.
    pub(super) fn ranged(mut self, asked: &Asked<'_>, length: Option<u64>, has_ranges_by_date: bool) -> Self {
        if !asked.headers.contains_key(header::RANGE) {
            return self;
        }
        // A condition is an entity tag or a date.
        let is_by_date = asked.headers.get(header::IF_RANGE).is_some_and(|value| !value.as_bytes().contains(&b'"'));
        if is_by_date && !has_ranges_by_date {
            return self;
        }
        let Some(length) = length else {
            return self;
        };
        let selected = select(asked.method, asked.headers, self.status, &self.fields, length);
        match (selected, std::mem::replace(&mut self.content, Content::None)) {
            (Selected::Unsatisfiable, _) => {
                self.status = StatusCode::RANGE_NOT_SATISFIABLE;
                self.fields.insert(header::CONTENT_RANGE, unsatisfied_range(length));
                self.fields.insert(header::CONTENT_LENGTH, HeaderValue::from(0));
                self.content = Content::None;
            }
            (Selected::Single(range), Content::Whole(chunks)) => {
                let mut part = Vec::new();
                cut(&chunks, range, &mut part);
                self.partial(range.size());
                self.fields.insert(header::CONTENT_RANGE, range.content_range(length));
                self.content = Content::Whole(part.into());
            }
            (Selected::Single(range), Content::Growing(reader)) => {
                self.partial(range.size());
                self.fields.insert(header::CONTENT_RANGE, range.content_range(length));
                self.content = Content::Part { reader, range };
            }
            (Selected::Multi(ranges), Content::Whole(chunks)) => {
                let boundary = Ulid::new().to_string();
                let framed = Multipart::new(&ranges, length, self.fields.get(header::CONTENT_TYPE), &boundary);
                self.partial(framed.length);
                self.content = Content::Whole(assemble(&framed, &chunks));
                self.fields.insert(header::CONTENT_TYPE, framed.content_type);
            }
            // Several parts of a response that is on its way may be far apart, and the later first: it is sent whole (§14.2).
            (Selected::Whole | Selected::Multi(_) | Selected::Single(_), content) => self.content = content,
        }
        self
    }

    fn partial(&mut self, length: u64) {
        self.status = StatusCode::PARTIAL_CONTENT;
        self.fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// Whether a response that cannot be stored should be asked for anew, in the part that the client wants: reading a long one from
/// its beginning to send its end would be waste.
pub(super) fn is_better_passed(asked: &Asked<'_>, status: StatusCode, length: Option<u64>) -> bool {
    status == StatusCode::OK
        && asked.headers.contains_key(header::RANGE)
        && length.is_none_or(|length| length > READ_WHOLE)
}

/// Appends the bytes of `range`, without copying them.
fn cut(chunks: &[Bytes], range: ByteRange, into: &mut Vec<Bytes>) {
    let mut at = 0u64;
    for chunk in chunks {
        let end = at + chunk.len() as u64;
        if at >= range.end {
            break;
        }
        if end > range.start {
            // Both lie within the chunk, so they fit.
            let from = usize::try_from(range.start.saturating_sub(at)).unwrap_or(0);
            let to = usize::try_from(range.end.min(end) - at).unwrap_or(chunk.len());
            into.push(chunk.slice(from..to));
        }
        at = end;
    }
}

fn assemble(framed: &Multipart, chunks: &[Bytes]) -> Arc<[Bytes]> {
    let mut pieces = Vec::with_capacity(framed.parts.len() * 2 + 1);
    for part in &framed.parts {
        pieces.push(part.head.clone());
        cut(chunks, part.range, &mut pieces);
    }
    pieces.push(framed.tail.clone());
    pieces.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is cut is what a slice of the joined chunks holds.
        #[test]
        fn cutting_is_slicing(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..5), 0..6),
            start in 0u64..20, size in 1u64..20,
        ) {
            let whole = chunks.concat();
            let chunks: Vec<Bytes> = chunks.into_iter().map(Bytes::from).collect();
            let mut part = Vec::new();
            cut(&chunks, ByteRange { start, end: start + size }, &mut part);
            let end = usize::try_from(start + size).unwrap().min(whole.len());
            let start = usize::try_from(start).unwrap().min(end);
            prop_assert_eq!(part.concat(), &whole[start..end]);
        }
    }
}
