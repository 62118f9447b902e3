//! What was purged lately, by whom and why: for `explain`, which tells the purge that killed an object, and for operators.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};
use vitrine_shared::clock::unix_millis;
use vitrine_shared::coherence::Position;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Batch, Mode};

use super::metrics::PurgeMetrics;

/// Most purges that are remembered, and most bytes that they may take.
const MAX_PURGES: (usize, usize) = (10_000, 8 << 20);
/// As much for invalidations by unsafe methods, which strangers cause: they push out only one another.
const MAX_UNSAFE: (usize, usize) = (1_000, 1 << 20);
/// Most targets of one purge that are remembered, and most bytes of each.
const MAX_TARGETS: (usize, usize) = (32, 256);
/// What a purge costs in memory besides its texts.
const OVERHEAD: usize = 200;

/// Where a purge came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// The origin's feed.
    Feed {
        /// The event behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<Box<str>>,
    },
    /// The operations port.
    Api {
        /// Who says that they did it.
        who: Box<str>,
        /// The name of the request, which its answer gave.
        id: Box<str>,
    },
    /// The PURGE method.
    Method {
        /// The client.
        who: Box<str>,
        /// The name of the request in logs.
        id: Box<str>,
    },
    /// The success of an unsafe method (RFC 9111 §4.4).
    Unsafe {
        /// The method.
        method: Box<str>,
        /// The name of the request in logs.
        id: Box<str>,
    },
    /// `Cache-Group-Invalidation` (RFC 9875 §3).
    Groups {
        /// The method of the request that was answered so.
        method: Box<str>,
        /// The name of the request in logs.
        id: Box<str>,
    },
}

/// One purge that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// Counts records in this process, from 1.
    pub number: u64,
    /// When it was applied here, in Unix milliseconds.
    pub at_ms: u64,
    /// Its place on the clock of its kind.
    #[serde(serialize_with = "position")]
    pub position: Position,
    /// Where it came from.
    #[serde(flatten)]
    pub source: Source,
    /// How it acts.
    pub mode: Mode,
    /// What it reaches, each as `kind text`; the first of them where there are many.
    pub targets: Box<[Box<str>]>,
    /// How many targets there are in all.
    pub total: usize,
}

/// The purges of late; bounded.
#[derive(Debug)]
pub struct PurgeLog {
    rings: Mutex<Rings>,
    metrics: PurgeMetrics,
}

#[derive(Debug, Default)]
struct Rings {
    last: u64,
    purges: Ring,
    of_unsafe: Ring,
}

#[derive(Debug, Default)]
struct Ring {
    records: VecDeque<Arc<Record>>,
    bytes: usize,
}

// === impl PurgeLog ===

impl PurgeLog {
    /// An empty log that counts what is noted.
    pub fn new(metrics: PurgeMetrics) -> Self {
        Self { rings: Mutex::default(), metrics }
    }

    /// Notes a purge.
    pub fn note<T: AsRef<str>>(&self, position: Position, source: Source, mode: Mode, targets: &[T]) {
        self.metrics.purged(source.label(), mode, targets.len());
        let kept = targets.iter().take(MAX_TARGETS.0).map(|text| truncated(text.as_ref(), MAX_TARGETS.1).into());
        let is_unsafe = matches!(source, Source::Unsafe { .. });
        let (targets, total) = (kept.collect(), targets.len());
        let mut rings = self.rings.lock();
        rings.last += 1;
        let record = Record { number: rings.last, at_ms: unix_millis(), position, source, mode, targets, total };
        if is_unsafe {
            rings.of_unsafe.push(record, MAX_UNSAFE);
        } else {
            rings.purges.push(record, MAX_PURGES);
        }
    }

    /// Notes the purges of a batch of the feed that follow `applied`.
    pub fn note_batch(&self, batch: &Batch, applied: Epoch) {
        for purge in &batch.purges {
            let epoch = Epoch::new(batch.term, purge.seq);
            if epoch > applied {
                let mut targets: Vec<String> = purge.tags.iter().map(|tag| format!("tag {tag}")).collect();
                if purge.everything {
                    targets.push("all".to_owned());
                }
                let source = Source::Feed { event: purge.event.as_deref().map(Into::into) };
                self.note(Position::Feed(epoch), source, purge.mode, &targets);
            }
        }
    }

    /// The purge at a position, where it is still remembered.
    pub fn find(&self, position: Position) -> Option<Arc<Record>> {
        let rings = self.rings.lock();
        let mut newest = rings.purges.records.iter().rev().chain(rings.of_unsafe.records.iter().rev());
        newest.find(|record| record.position == position).cloned()
    }

    /// The newest purges with numbers below `before`, the newest first, at most `limit`.
    pub fn newest(&self, before: Option<u64>, limit: usize) -> Vec<Arc<Record>> {
        let rings = self.rings.lock();
        let below = |record: &&Arc<Record>| before.is_none_or(|before| record.number < before);
        let newest = |ring: &Ring| ring.records.iter().rev().filter(below).take(limit).cloned().collect::<Vec<_>>();
        let mut records = [newest(&rings.purges), newest(&rings.of_unsafe)].concat();
        drop(rings);
        records.sort_unstable_by_key(|record| std::cmp::Reverse(record.number));
        records.truncate(limit);
        records
    }
}

// === impl Ring ===

impl Ring {
    fn push(&mut self, record: Record, (most, bytes): (usize, usize)) {
        self.bytes += record.weight();
        self.records.push_back(Arc::new(record));
        while self.records.len() > most || self.bytes > bytes {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= oldest.weight();
        }
    }
}

// === impl Record ===

impl Record {
    fn weight(&self) -> usize {
        let texts: usize = self.targets.iter().map(|text| text.len() + size_of::<Box<str>>()).sum();
        OVERHEAD + texts + self.source.weight()
    }
}

impl Source {
    /// The name of the origin's event behind it.
    pub fn event(&self) -> Option<&str> {
        match self {
            Self::Feed { event } => event.as_deref(),
            Self::Api { .. } | Self::Method { .. } | Self::Unsafe { .. } | Self::Groups { .. } => None,
        }
    }

    /// Its stable label.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Feed { .. } => "feed",
            Self::Api { .. } => "api",
            Self::Method { .. } => "method",
            Self::Unsafe { .. } => "unsafe",
            Self::Groups { .. } => "groups",
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Feed { event } => event.as_ref().map_or(0, |event| event.len()),
            Self::Api { who: text, id }
            | Self::Method { who: text, id }
            | Self::Unsafe { method: text, id }
            | Self::Groups { method: text, id } => text.len() + id.len(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed { event: Some(event) } => write!(f, "the origin's event {event}"),
            Self::Feed { event: None } => f.write_str("the origin"),
            Self::Api { who, id } => write!(f, "{who} on the operations port (purge {id})"),
            Self::Method { who, id } => write!(f, "the PURGE method from {who} (request {id})"),
            Self::Unsafe { method, id } => write!(f, "the success of a {method} (request {id})"),
            Self::Groups { method, id } => {
                write!(f, "Cache-Group-Invalidation in the answer to a {method} (request {id})")
            }
        }
    }
}

/// The text up to `most` bytes, at a character's boundary.
pub(super) fn truncated(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn position<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    match position {
        Position::Feed(epoch) => serializer.collect_str(&format_args!("feed {epoch}")),
        Position::Local(number) => serializer.collect_str(&format_args!("local {number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> PurgeLog {
        PurgeLog::new(PurgeMetrics::register(&prometheus::Registry::new()).unwrap())
    }

    fn api(who: &str) -> Source {
        Source::Api { who: who.into(), id: "1".into() }
    }

    fn of_unsafe() -> Source {
        Source::Unsafe { method: "POST".into(), id: "2".into() }
    }

    #[test]
    fn the_oldest_are_forgotten_and_strangers_push_out_only_their_own() {
        let log = log();
        log.note(Position::Local(1), api("who"), Mode::Hard, &["tag a"]);
        for at in 2..=(2 * MAX_UNSAFE.0 as u64) {
            log.note(Position::Local(at), of_unsafe(), Mode::Hard, &["url h/"]);
        }
        assert_eq!(log.rings.lock().of_unsafe.records.len(), MAX_UNSAFE.0);
        assert!(log.find(Position::Local(2)).is_none() && log.find(Position::Feed(Epoch::new(0, 1))).is_none());
        assert_eq!(&*log.find(Position::Local(1)).unwrap().targets[0], "tag a");
        let long = "\u{f8}".repeat(10_000);
        for at in 0..=MAX_PURGES.0 as u64 {
            log.note(Position::Local(at), api("x"), Mode::Soft, &vec![&long; 100]);
        }
        let rings = log.rings.lock();
        assert!(rings.purges.bytes <= MAX_PURGES.1);
        let newest = rings.purges.records.back().unwrap();
        assert_eq!((newest.targets.len(), newest.targets[0].len(), newest.total), (MAX_TARGETS.0, MAX_TARGETS.1, 100));
        assert_eq!(rings.purges.bytes, rings.purges.records.iter().map(|record| record.weight()).sum::<usize>());
    }

    #[test]
    fn pages_go_from_new_to_old_over_all_sources() {
        let log = log();
        for at in 1..=6 {
            let source = if at % 2 == 0 { of_unsafe() } else { api("who") };
            log.note(Position::Local(at), source, Mode::Hard, &["all"]);
        }
        let numbers = |before, limit| log.newest(before, limit).iter().map(|record| record.number).collect::<Vec<_>>();
        assert_eq!(numbers(None, 4), [6, 5, 4, 3]);
        assert_eq!(numbers(Some(3), 4), [2, 1]);
        let json = serde_json::to_value(&*log.newest(None, 1)[0]).unwrap();
        assert_eq!(
            (&json["position"], &json["source"], &json["mode"]),
            (&"local 6".into(), &"unsafe".into(), &"hard".into())
        );
    }
}
