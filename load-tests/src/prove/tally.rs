//! What was read and written, by kind.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What a read was of. Each read is of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A plain request of HTTP/1.1, answered from the cache.
    Fast,
    /// HTTP/2.
    H2,
    /// A variant by a header.
    Vary,
    /// Several entities.
    List,
    /// What was absent and has come back.
    Returned,
    /// A file.
    Media,
    /// 304: what was last seen with the entity tag.
    NotModified,
    /// All else: what was fetched for a plain request, absences, and 200 to a conditional request.
    Other,
}

/// All kinds, with their names in reports.
pub(super) const KINDS: [(Kind, &str); 8] = [
    (Kind::Fast, "fast path"),
    (Kind::H2, "http/2"),
    (Kind::Vary, "vary variants"),
    (Kind::List, "lists"),
    (Kind::Returned, "404 that became 200"),
    (Kind::Media, "media"),
    (Kind::NotModified, "304"),
    (Kind::Other, "other"),
];

/// Kinds that each must have their share.
pub(super) const NEEDED: usize = KINDS.len() - 1;

/// Reads and writes, counted from all sides.
#[derive(Debug, Default)]
pub(super) struct Tally {
    checked: [AtomicU64; KINDS.len()],
    counted: [AtomicU64; KINDS.len()],
    hits: AtomicU64,
    counted_hits: AtomicU64,
    outside: AtomicU64,
    unavailable: AtomicU64,
    lost: AtomicU64,
    odd: AtomicU64,
    acked: AtomicU64,
    committed: AtomicU64,
    unknown: AtomicU64,
}

/// The same as numbers.
#[derive(Debug, Clone, Serialize, Default)]
pub(super) struct Counts {
    /// Reads that were checked, those included that do not count.
    pub(super) checked: u64,
    /// Those that began within 5 s of an acknowledged write to what they show.
    pub(super) counted: u64,
    pub(super) hits: u64,
    pub(super) counted_hits: u64,
    /// Counted reads of each kind.
    pub(super) kinds: Vec<(&'static str, u64)>,
    /// Answers that are labelled as outside the promise.
    pub(super) outside: u64,
    /// 503 and the like.
    pub(super) unavailable: u64,
    /// Requests without an answer.
    pub(super) lost: u64,
    /// Answers that could not be judged, such as a 304 with an entity tag that nobody has seen.
    pub(super) odd: u64,
    pub(super) acked: u64,
    pub(super) committed: u64,
    pub(super) unknown: u64,
}

/// What came of a request besides a read that can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    Outside,
    Unavailable,
    Lost,
    Odd,
}

impl Tally {
    /// A read was checked.
    pub(super) fn read(&self, kind: Kind, counts: bool, hit: bool) {
        let index = kind as usize;
        let add = |counter: &AtomicU64, yes: bool| {
            if yes {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        };
        add(&self.checked[index], true);
        add(&self.counted[index], counts);
        add(&self.hits, hit);
        add(&self.counted_hits, hit && counts);
    }

    pub(super) fn aside(&self, aside: Aside) {
        let counter = match aside {
            Aside::Outside => &self.outside,
            Aside::Unavailable => &self.unavailable,
            Aside::Lost => &self.lost,
            Aside::Odd => &self.odd,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn wrote(&self, reply: super::history::Reply) {
        use super::history::Reply;
        let counter = match reply {
            Reply::Acked => &self.acked,
            Reply::Committed => &self.committed,
            Reply::Unknown => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn counts(&self) -> Counts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let kinds = KINDS.iter().map(|(kind, name)| (*name, get(&self.counted[*kind as usize]))).collect();
        Counts {
            checked: self.checked.iter().map(get).sum(),
            counted: self.counted.iter().map(get).sum(),
            hits: get(&self.hits),
            counted_hits: get(&self.counted_hits),
            kinds,
            outside: get(&self.outside),
            unavailable: get(&self.unavailable),
            lost: get(&self.lost),
            odd: get(&self.odd),
            acked: get(&self.acked),
            committed: get(&self.committed),
            unknown: get(&self.unknown),
        }
    }
}
