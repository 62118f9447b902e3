//! What lies on the disk, read for a fill.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::convert::{meta_of, spec_of};
use super::health::Part;
use super::index::{Place, State};
use super::layout::RecordHeader;
use super::metrics::{Operation, ReadResult};
use super::readers::Slow;
use super::record::{Content, Head, Response};
use super::segment::{ReadError, Segment};
use super::tier::Tier;
use crate::key::CacheKey;
use crate::purge::Present;
use crate::store::Meta;
use crate::vary::VarySpec;

/// Longest body that is read whole before it is used, in bytes.
const WHOLE: u64 = 1 << 20;
/// How long a fill waits for the disk before it asks the upstream.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a body that is being sent waits for its next chunk.
const CHUNK_PATIENCE: Duration = Duration::from_secs(10);

/// What lies under a key.
#[derive(Debug)]
pub enum Recalled {
    /// Nothing that can be read.
    Nothing,
    /// By which fields the responses below it differ.
    Variants(VarySpec),
    /// A response.
    Response(Box<Recall>),
}

/// A response on the disk.
#[derive(Debug)]
pub struct Recall {
    /// Everything but its body.
    pub meta: Meta,
    /// Its body.
    pub body: RecalledBody,
}

/// A body on the disk.
#[derive(Debug)]
pub enum RecalledBody {
    /// It was read.
    Whole(Vec<Bytes>),
    /// It is to be read, piece by piece.
    Arriving(Arriving),
}

/// A body that is being read.
#[derive(Debug)]
pub struct Arriving {
    tier: Arc<Tier>,
    segment: Arc<Segment>,
    place: Place,
    header: RecordHeader,
    response: Arc<Response>,
    next: usize,
}

/// The rest of a body cannot be read, or is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rest of a body on the cache's disk cannot be read")]
pub struct Cut;

/// What a reading thread brings.
struct Read {
    head: Head,
    header: RecordHeader,
    body: Option<Vec<Bytes>>,
}

impl Tier {
    /// Reads what lies under a key, for a request. `url` is to be held since before this is called.
    pub async fn recall(self: &Arc<Self>, key: &CacheKey, url: &Arc<Present>) -> Recalled {
        let hash = self.hash(key.as_bytes());
        let known = self.shared.index.shard(url.tag().0).use_it(url.tag().0, hash);
        let Some((place, segment)) =
            known.and_then(|known| Some((known.place, self.shared.segment(known.place.segment)?)))
        else {
            self.metrics.read(ReadResult::Miss);
            return Recalled::Nothing;
        };
        if !self.health.may_try(Part::Reads, Instant::now()) {
            self.metrics.read(ReadResult::Failed);
            return Recalled::Nothing;
        }
        let reading = segment.clone();
        let read = self.readers.read(PATIENCE, move || read(&reading, place)).await;
        let Some(Read { head, header, body }) = self.judged(read, place, url, hash) else {
            return Recalled::Nothing;
        };
        // Another key of equal hash.
        if *head.key != *key.as_bytes() || head.url != url.tag() {
            self.metrics.read(ReadResult::Miss);
            return Recalled::Nothing;
        }
        let recalled = match head.content {
            Content::Variants(names) => spec_of(&names).map(Recalled::Variants),
            Content::Response(response) => meta_of(key.clone(), &response, url.clone()).map(|meta| {
                let body = body.map_or_else(
                    || {
                        let response = Arc::from(response);
                        let (tier, segment) = (self.clone(), segment);
                        RecalledBody::Arriving(Arriving { tier, segment, place, header, response, next: 0 })
                    },
                    RecalledBody::Whole,
                );
                Recalled::Response(Box::new(Recall { meta, body }))
            }),
        };
        self.metrics.read(if recalled.is_some() { ReadResult::Hit } else { ReadResult::Broken });
        recalled.unwrap_or(Recalled::Nothing)
    }

    /// Counts what came of reading, and has what is broken not be read again.
    fn judged<T>(&self, read: Result<Result<T, ReadError>, Slow>, place: Place, url: &Present, hash: u64) -> Option<T> {
        match read {
            Ok(Ok(read)) => {
                self.health.worked(Part::Reads, Instant::now());
                return Some(read);
            }
            Ok(Err(ReadError::Broken)) => {
                self.metrics.read(ReadResult::Broken);
                self.shared.index.shard(url.tag().0).set(url.tag().0, hash, place, State::Dead);
            }
            Ok(Err(ReadError::Io(error))) => {
                self.metrics.read(ReadResult::Failed);
                self.metrics.failed(Operation::Read);
                self.health.failed(Part::Reads, &error, Instant::now());
            }
            Err(Slow) => {
                self.metrics.read(ReadResult::Slow);
                self.health.failed(Part::Reads, &"it does not answer in time", Instant::now());
            }
        }
        None
    }
}

/// Reads a record, and its body where that is not long.
fn read(segment: &Segment, place: Place) -> Result<Read, ReadError> {
    let opened = segment.read(place)?;
    let body = match (&opened.head.content, opened.body) {
        (Content::Variants(_), _) => Some(Vec::new()),
        (Content::Response(_), Some(body)) => Some(if body.is_empty() { Vec::new() } else { vec![body] }),
        (Content::Response(response), None) if response.body_len <= WHOLE => {
            let mut body = Vec::with_capacity(response.sums.len());
            while let Some(chunk) = segment.chunk(&opened.header, response, body.len())? {
                body.push(chunk);
            }
            Some(body)
        }
        (Content::Response(_), None) => None,
    };
    Ok(Read { head: opened.head, header: opened.header, body })
}

// === impl Arriving ===

impl Arriving {
    /// The length of the whole body.
    pub fn total(&self) -> u64 {
        self.response.body_len
    }

    /// The next piece, checked; `None` at the end of the whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Cut> {
        let (segment, response, header) = (self.segment.clone(), self.response.clone(), self.header);
        let number = self.next;
        let tier = self.tier.clone();
        let read = tier.readers.read(CHUNK_PATIENCE, move || segment.chunk(&header, &response, number)).await;
        match read {
            Ok(Ok(chunk)) => {
                self.next += 1;
                Ok(chunk)
            }
            failed => {
                let listed = self.header.listed;
                match failed {
                    Ok(Err(ReadError::Io(error))) => {
                        tier.metrics.failed(Operation::Read);
                        tier.health.failed(Part::Reads, &error, Instant::now());
                    }
                    Err(Slow) => tier.health.failed(Part::Reads, &"it does not answer in time", Instant::now()),
                    Ok(_) => {
                        let mut shard = tier.shared.index.shard(listed.url);
                        shard.set(listed.url, listed.hash, self.place, State::Dead);
                    }
                }
                tier.metrics.read(ReadResult::Broken);
                Err(Cut)
            }
        }
    }

    /// All of it, held at once.
    pub async fn whole(mut self) -> Result<Vec<Bytes>, Cut> {
        let mut body = Vec::new();
        while let Some(chunk) = self.next().await? {
            body.push(chunk);
        }
        Ok(body)
    }
}
