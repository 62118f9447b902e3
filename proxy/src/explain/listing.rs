//! Which objects are stored: those that a purge of a tag, a prefix, a host or a URL would reach, or all.

use std::collections::BinaryHeap;

use serde::Serialize;
use vitrine_shared::clock::unix_millis;
use vitrine_shared::tag::{Tag, TagHash};

use super::report::Valued;
use super::{object, words};
use crate::engine::Engine;
use crate::key::KeyParts;
use crate::purge::Purger;
use crate::purge::target::{BadTarget, Target};
use crate::rules::RuleSet;
use crate::store::Object;

/// Objects on a page, where nothing is said, and at most.
const PAGE: (usize, usize) = (100, 1_000);

/// Which objects are meant.
#[derive(Clone, Debug, Default)]
pub struct Selector(Option<Vec<TagHash>>);

/// It selects nothing that objects are found by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSelector {
    /// More than one was given.
    #[error("name one of tag, prefix, host and url, or none of them for all objects")]
    Several,
    /// The text cannot be one.
    #[error("{0}")]
    Target(#[from] BadTarget),
    /// It is no cursor that a page has given.
    #[error("`{0}` is no cursor: give back the `next` of the page before")]
    Cursor(String),
}

/// A page of a listing that is asked for.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    selector: Selector,
    after: Option<u128>,
    limit: usize,
}

/// A page of a listing. All pages together show each object once that was stored all the while.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The objects, in an order that means nothing.
    pub objects: Vec<Seen>,
    /// How many there are on all pages.
    pub total: usize,
    /// How many more lie on the disk, in memory or not; by what they were made of is not known there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_disk: Option<usize>,
    /// The cursor of the page that follows; absent on the last.
    pub next: Option<String>,
}

/// An object, in short.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// What it answers, as far as it counts for its key.
    pub url: String,
    /// The upstream, and what the rule has of its own.
    pub scope: String,
    /// What of the request's headers and cookies stands in its key, with the class of its device.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keyed: Vec<Valued>,
    /// Which variant it is, by the fields that the upstream varies by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variant: Vec<Valued>,
    /// Its status.
    pub status: u16,
    /// Bytes of its body.
    pub bytes: u64,
    /// Its age.
    pub age_seconds: u64,
    /// The freshness left; negative where it is past.
    pub ttl_seconds: i64,
    /// `fresh`, `stale`, `softly purged`, `purged` or `ended`.
    pub standing: &'static str,
    /// The purge that reached it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purge: Option<String>,
}

// === impl Selector ===

impl Selector {
    /// What a purge of the same would reach; with none of them, all.
    pub fn new(
        tag: Option<&str>,
        prefix: Option<&str>,
        host: Option<&str>,
        url: Option<&str>,
        rules: &RuleSet,
    ) -> Result<Self, BadSelector> {
        let target = match (tag, prefix, host, url) {
            (None, None, None, None) => return Ok(Self(None)),
            (Some(tag), None, None, None) => Target::tag(tag),
            (None, Some(prefix), None, None) => Target::prefix(prefix),
            (None, None, Some(host), None) => Target::host(host),
            (None, None, None, Some(url)) => Target::url(url, rules),
            _ => return Err(BadSelector::Several),
        }?;
        Ok(Self(Some(target.tags.iter().map(Tag::hash).collect())))
    }

    fn selects(&self, object: &Object) -> bool {
        self.0.as_ref().is_none_or(|tags| tags.iter().any(|tag| object.tags().contains(*tag)))
    }
}

// === impl Listing ===

impl Listing {
    /// Of what a selector selects, the page after a cursor.
    pub fn new(selector: Selector, cursor: Option<&str>, limit: Option<usize>) -> Result<Self, BadSelector> {
        let read = |cursor: &str| u128::from_str_radix(cursor, 16).map_err(|_| BadSelector::Cursor(cursor.to_owned()));
        let after = cursor.map(read).transpose()?;
        Ok(Self { selector, after, limit: limit.unwrap_or(PAGE.0).clamp(1, PAGE.1) })
    }

    /// Goes through the store, entry by entry: to be called where waiting is allowed. A page costs as much as all objects are many.
    pub fn page(&self, engine: &Engine, purger: &Purger) -> Page {
        // Of those after the cursor, those with the least hashes.
        let mut least: BinaryHeap<Candidate> = BinaryHeap::with_capacity(self.limit + 1);
        let (mut total, mut following) = (0, 0);
        for object in engine.context().store.objects().filter(|object| self.selector.selects(object)) {
            total += 1;
            let hash = object.key().hash();
            if self.after.is_some_and(|after| hash <= after) {
                continue;
            }
            following += 1;
            least.push(Candidate { hash, object });
            if least.len() > self.limit {
                least.pop();
            }
        }
        let shown = least.into_sorted_vec();
        let has_more = following > shown.len();
        let next = shown.last().filter(|_| has_more).map(|last| format!("{:032x}", last.hash));
        let now = unix_millis();
        let objects = shown.iter().filter_map(|candidate| Seen::of(&candidate.object, engine, purger, now)).collect();
        let on_disk = engine.context().disk.as_ref().map(|disk| disk.objects());
        Page { objects, total, on_disk, next }
    }
}

impl Seen {
    fn of(stored: &Object, engine: &Engine, purger: &Purger, now: u64) -> Option<Self> {
        let (key, lifetime) = (stored.key(), stored.lifetime());
        let parts = KeyParts::of(&key)?;
        let mut keyed: Vec<Valued> = parts.headers.iter().map(words::of_header).collect();
        keyed.extend(parts.cookies.iter().map(words::of_cookie));
        keyed.extend(parts.device.map(|class| Valued { name: "device".to_owned(), values: vec![class.to_owned()] }));
        Some(Self {
            url: parts.url(),
            scope: parts.scope.to_owned(),
            keyed,
            variant: words::of_variant(&parts),
            status: stored.status().as_u16(),
            bytes: stored.body_len(),
            age_seconds: lifetime.age_seconds(now),
            ttl_seconds: lifetime.ttl_seconds(now),
            standing: engine.standing_of(stored, now),
            purge: object::purge(purger, stored, now).map(|purge| purge.sentence),
        })
    }
}

/// An object by its key's hash.
struct Candidate {
    hash: u128,
    object: Object,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.hash.cmp(&other.hash)
    }
}
