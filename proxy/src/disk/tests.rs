//! The tier put together, on a file system that fails as the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use vitrine_shared::clock::unix_millis;
use vitrine_shared::coherence::{Live, Verdict};
use vitrine_shared::feed::Mode;
use vitrine_shared::tag::TagHash;

use super::convert::worth_of;
use super::faulty::{EIO, ENOSPC, EROFS, Faulty};
use super::index::State;
use super::io::{Disk as RealDisk, Io as _};
use super::open::open_with;
use super::segment::seconds;
use super::*;
use crate::config::{Admission, Disk};
use crate::key::CacheKey;
use crate::policy::{FreshnessSource, Lifetime};
use crate::purge::{Presence, Provenance};
use crate::store::testing::{key, store};
use crate::store::{Meta, Object, Promise, Store, StoredBody};

const LONG: Duration = Duration::from_secs(20);

/// A folder that edges have one after the other.
struct Folder {
    root: tempfile::TempDir,
    io: Faulty,
}

/// As much of an edge as the tier needs.
struct Edge {
    live: Arc<Live>,
    presence: Presence,
    store: Arc<Store>,
    tier: Arc<Tier>,
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONG, "in vain: {what}");
        std::thread::yield_now();
    }
}

impl Folder {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), io: Faulty::default() }
    }

    fn edge(&self) -> Edge {
        let edge = self.edge_at_once();
        assert_ne!(edge.tier.stage(), Stage::Absent, "the folder is claimed at the start, not begun anew later");
        until("the index is read", || edge.tier.stage() == Stage::Ready);
        edge
    }

    fn edge_at_once(&self) -> Edge {
        let settings =
            Disk { path: self.root.path().join("cache"), size: 1 << 20, admission: Admission::Reused, queue: 1 << 20 };
        let metrics = DiskMetrics::register(&prometheus::Registry::new()).unwrap();
        let io = Arc::new(self.io.clone());
        let (table, opened) = open_with(io, &settings, 1 << 20, "feed", 1000, metrics).unwrap();
        let (live, store) = (Arc::new(Live::new(table)), Arc::new(store(1 << 20)));
        let tier = opened.start(live.clone(), store.clone()).unwrap();
        Edge { live, presence: Presence::default(), store, tier }
    }

    /// What an edge finds that starts after the one that had it was killed.
    fn copy(&self) -> Self {
        let copy = Self::new();
        let status = std::process::Command::new("cp")
            .arg("-r")
            .arg(self.root.path().join("cache"))
            .arg(copy.root.path())
            .status();
        assert!(status.unwrap().success());
        copy
    }
}

impl Edge {
    fn object(&self, path: &str, body: &[u8], tags: &[u64]) -> Object {
        // No two versions are fresh until the same second.
        static VERSIONS: AtomicU64 = AtomicU64::new(0);
        let fresh_until = unix_millis() + 3_600_000 + VERSIONS.fetch_add(10_000, Ordering::Relaxed);
        self.object_until(fresh_until, path, body, tags)
    }

    fn object_until(&self, fresh_until: u64, path: &str, body: &[u8], tags: &[u64]) -> Object {
        let url = self.presence.of(url(path));
        let provenance =
            Provenance { stamp: self.live.stamp(), tags: tags.iter().copied().map(TagHash).collect(), url };
        let meta = Meta {
            key: key(path),
            status: StatusCode::OK,
            fields: HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"e\""))]),
            provenance,
            promise: Promise::Within,
            lifetime: Lifetime::new(unix_millis(), fresh_until),
            source: FreshnessSource::default(),
        };
        Object::new(meta, StoredBody::new(vec![Bytes::copy_from_slice(body)]))
    }

    /// Hands an object on as memory does when it makes room for others, and forgets it.
    fn evict(&self, path: &str, body: &[u8], tags: &[u64]) {
        self.tier.leaving(&self.object(path, body, tags), true);
    }

    /// Likewise, and waits until this very version can be read.
    fn write(&self, path: &str, body: &[u8], tags: &[u64]) {
        let object = self.object(path, body, tags);
        self.tier.leaving(&object, true);
        let fresh = seconds(worth_of(&object, true).fresh_until);
        let hash = self.tier.hash(object.framed_key());
        until("it is written", || {
            let known = self.tier.shared.index.shard(url(path).0).get(url(path).0, hash);
            known.is_some_and(|known| known.state == State::Response && known.fresh == fresh)
        });
    }

    /// The body under a path, where it is there and may be served.
    async fn get(&self, path: &str) -> Option<Vec<u8>> {
        let held = self.presence.of(url(path));
        let Recalled::Response(recall) = self.tier.recall(&key(path), &held).await else {
            return None;
        };
        let body = match recall.body {
            RecalledBody::Whole(body) => body,
            RecalledBody::Arriving(arriving) => arriving.whole().await.ok()?,
        };
        (recall.meta.provenance.verdict(&self.live) == Verdict::Servable).then(|| body.concat())
    }

    fn purge(&self, tag: u64) {
        let at = self.live.purge(&[TagHash(tag)], false, Mode::Hard);
        self.tier.note_purge(at, &[TagHash(tag)], false, Mode::Hard);
    }

    fn stop(self) {
        self.tier.stop(&self.store, LONG);
        let lock = RealDisk.lock(&self.tier.folder.path().join("lock")).unwrap();
        assert!(lock.is_some(), "the next process can have the folder");
    }

    fn failing(&self) -> Vec<Part> {
        self.tier.report().failing.iter().map(|failing| failing.part).collect()
    }
}

fn url(path: &str) -> TagHash {
    vitrine_shared::tag::hash(path.as_bytes())
}

#[tokio::test]
async fn what_leaves_memory_is_found_and_outlives_a_restart_killed_or_stopped() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"hello", &[1]);
    edge.write("/b", &vec![7; 200_000], &[2]);
    assert_eq!(edge.get("/a").await.as_deref(), Some(&b"hello"[..]));
    assert!(edge.get("/b").await.is_some_and(|body| body == vec![7; 200_000]));
    assert_eq!(edge.get("/c").await, None);
    let killed = folder.copy();
    edge.stop();
    for folder in [folder, killed] {
        let edge = folder.edge();
        assert_eq!(edge.get("/a").await.as_deref(), Some(&b"hello"[..]));
        assert!(edge.get("/b").await.is_some());
        // A newer version is written, and what is there is not written again.
        edge.write("/a", b"hello", &[1]);
        let object = edge.object("/d", b"x", &[]);
        for _ in 0..3 {
            edge.tier.leaving(&object, true);
        }
        edge.write("/e", b"x", &[]);
        edge.tier.leaving(&object, true);
        let tier = edge.tier.clone();
        edge.stop();
        assert_eq!(tier.report().counts.writes, 3, "the newer /a, /d, and /e");
    }
}

#[tokio::test]
async fn what_was_asked_for_once_is_not_written_and_what_is_used_in_memory_is() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.tier.leaving(&edge.object("/once", b"x", &[]), false);
    let used = edge.object("/used", b"y", &[]);
    edge.store.insert(used.clone());
    edge.store.insert(edge.object("/unused", b"z", &[]));
    assert!(edge.store.object(&key("/used")).is_some());
    // The sweep finds it.
    until("it is written", || edge.tier.report().counts.writes == 1);
    assert!(edge.get("/used").await.is_some());
    assert!(edge.get("/once").await.is_none() && edge.get("/unused").await.is_none());
    // Once it is asked for a second time, it is.
    edge.tier.leaving(&edge.object("/once", b"x", &[]), false);
    until("it is written", || edge.tier.report().counts.writes == 2);
    // At the end all that is used is brought there.
    assert!(edge.store.object(&key("/unused")).is_some());
    edge.stop();
    assert!(folder.edge().get("/unused").await.is_some());
}

#[tokio::test]
async fn no_purge_is_forgotten_by_a_restart() {
    let folder = Folder::new();
    let edge = folder.edge();
    for (path, tag) in [("/a", 1), ("/b", 2), ("/c", 3)] {
        edge.write(path, path.as_bytes(), &[tag]);
    }
    edge.purge(1);
    assert!(edge.tier.invalidate(url("/b"), &edge.presence, &edge.live).is_some());
    assert!(edge.tier.invalidate(url("/nowhere"), &edge.presence, &edge.live).is_none());
    edge.tier.settled().await.unwrap();
    let killed = folder.copy();
    edge.stop();
    for folder in [folder, killed] {
        for round in 0..3 {
            let edge = folder.edge();
            assert_eq!((edge.get("/a").await, edge.get("/b").await), (None, None), "{round}");
            assert!(edge.get("/c").await.is_some(), "{round}");
            // What is stored after the purge is served, also after the next restart.
            if round == 1 {
                edge.write("/a", b"new", &[1]);
                edge.write("/b", b"new", &[2]);
            }
            edge.stop();
            if round == 1 {
                let edge = folder.edge();
                assert_eq!(edge.get("/a").await.as_deref(), Some(&b"new"[..]));
                assert_eq!(edge.get("/b").await.as_deref(), Some(&b"new"[..]));
                edge.purge(1);
                edge.tier.invalidate(url("/b"), &edge.presence, &edge.live);
                edge.tier.settled().await.unwrap();
                edge.stop();
            }
        }
    }
}

#[tokio::test]
async fn an_invalidation_reaches_what_is_on_its_way_to_the_disk_and_back() {
    let folder = Folder::new();
    let edge = folder.edge();
    // On its way there: the writer hangs before the bytes are out.
    edge.write("/before", b"x", &[]);
    folder.io.hang(true);
    edge.evict("/a", b"old", &[]);
    folder.io.until_stuck(1);
    assert!(edge.tier.invalidate(url("/a"), &edge.presence, &edge.live).is_some());
    folder.io.hang(false);
    until("the writer goes on", || edge.tier.report().counts.drops == 1);
    assert_eq!(edge.get("/a").await, None);
    // On its way back: the reader hangs with the record found. Nobody else does.
    edge.write("/b", b"old", &[]);
    edge.tier.settled().await.unwrap();
    folder.io.hang(true);
    let held = edge.presence.of(url("/b"));
    let tier = edge.tier.clone();
    let reading = tokio::spawn(async move { tier.recall(&key("/b"), &held).await });
    let stuck = folder.io.clone();
    tokio::task::spawn_blocking(move || stuck.until_stuck(1)).await.unwrap();
    assert!(edge.tier.invalidate(url("/b"), &edge.presence, &edge.live).is_some());
    folder.io.hang(false);
    let Recalled::Response(recall) = reading.await.unwrap() else { panic!("it was found before") };
    assert_eq!(recall.meta.provenance.verdict(&edge.live), Verdict::Purged);
    edge.tier.settled().await.unwrap();
    let edge = folder.copy().edge();
    assert_eq!((edge.get("/a").await, edge.get("/b").await), (None, None));
    assert!(edge.get("/before").await.is_some());
}

#[tokio::test]
async fn an_invalidation_while_the_index_is_read_counts() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"old", &[]);
    edge.stop();
    let io = folder.io.clone();
    // Claimed at once; then the reading of the segments hangs.
    let edge = {
        let claiming = std::thread::spawn({
            let (path, io) = (folder.root.path().join("cache"), io.clone());
            move || {
                let settings = Disk { path, size: 1 << 20, admission: Admission::Reused, queue: 1 << 20 };
                let metrics = DiskMetrics::register(&prometheus::Registry::new()).unwrap();
                let (table, opened) =
                    open_with(Arc::new(io.clone()), &settings, 1 << 20, "feed", 1000, metrics).unwrap();
                io.hang(true);
                let (live, store) = (Arc::new(Live::new(table)), Arc::new(store(1 << 20)));
                let tier = opened.start(live.clone(), store.clone()).unwrap();
                Edge { live, presence: Presence::default(), store, tier }
            }
        });
        claiming.join().unwrap()
    };
    io.until_stuck(1);
    assert_eq!(edge.tier.stage(), Stage::Loading);
    assert!(edge.tier.invalidate(url("/a"), &edge.presence, &edge.live).is_some());
    io.hang(false);
    until("the index is read", || edge.tier.stage() == Stage::Ready);
    assert_eq!(edge.get("/a").await, None);
    edge.tier.settled().await.unwrap();
    assert_eq!(folder.copy().edge().get("/a").await, None);
}

#[tokio::test]
async fn a_disk_that_takes_no_writes_is_told_and_used_again_by_itself() {
    for errno in [ENOSPC, EIO, EROFS] {
        let folder = Folder::new();
        let edge = folder.edge();
        edge.write("/a", b"hello", &[]);
        folder.io.fail_writes(errno);
        edge.evict("/b", b"x", &[]);
        until("it is told", || edge.failing().contains(&Part::Writes));
        // What is there is still read; what comes is dropped and counted.
        assert_eq!(edge.get("/a").await.as_deref(), Some(&b"hello"[..]));
        let before = edge.tier.report().counts.drops;
        edge.evict("/c", b"x", &[]);
        until("it is dropped", || edge.tier.report().counts.drops > before && edge.tier.report().queue_bytes == 0);
        folder.io.fail_writes(0);
        until("it is in use", || edge.failing().is_empty());
        edge.write("/d", b"x", &[]);
        assert!(edge.get("/d").await.is_some() && edge.get("/a").await.is_some());
    }
}

#[tokio::test]
async fn a_purge_that_cannot_be_written_down_takes_everything_out_of_belief() {
    for errno in [ENOSPC, EIO] {
        let folder = Folder::new();
        let edge = folder.edge();
        edge.write("/a", b"old", &[1]);
        folder.io.fail_writes(errno);
        edge.purge(1);
        edge.tier.settled().await.unwrap();
        // The state is gone: whoever starts now believes nothing.
        let killed = folder.copy();
        assert_eq!(killed.edge().get("/a").await, None);
        // When the disk is well again, what lies there is believed again, by a state that knows of the purge.
        folder.io.fail_writes(0);
        until("it is written down", || edge.failing().is_empty());
        edge.write("/b", b"new", &[2]);
        let edge = folder.copy().edge();
        assert_eq!(edge.get("/a").await, None);
        assert!(edge.get("/b").await.is_some());
    }
}

#[tokio::test]
async fn a_purge_is_not_answered_while_nothing_makes_it_safe() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"old", &[1]);
    folder.io.fail_writes(EROFS);
    folder.io.fail_removals(EROFS);
    edge.purge(1);
    assert_eq!(edge.tier.settled().await, Err(Unsettled));
    assert_eq!(edge.get("/a").await, None, "it is in force all the same");
    // What one has waited in vain no other waits again. Of two timers that are late both, the first counts.
    tokio::select! {
        biased;
        settled = edge.tier.settled() => assert_eq!(settled, Err(Unsettled)),
        () = tokio::time::sleep(Duration::from_secs(1)) => panic!("it is waited for anew"),
    }
    folder.io.fail_writes(0);
    folder.io.fail_removals(0);
    until("it is written down", || edge.failing().is_empty());
    edge.tier.settled().await.unwrap();
    assert_eq!(folder.copy().edge().get("/a").await, None);
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_is_a_miss_and_left_alone_for_a_while() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"hello", &[]);
    folder.io.fail_reads(EIO);
    for _ in 0..8 {
        assert_eq!(edge.get("/a").await, None);
    }
    assert_eq!(edge.failing(), [Part::Reads]);
    assert_eq!(edge.tier.report().counts.errors, 8);
    for _ in 0..100 {
        assert_eq!(edge.get("/a").await, None);
    }
    assert!(edge.tier.report().counts.errors < 20, "it is asked now and then");
    folder.io.fail_reads(0);
    until("reads are tried again", || edge.tier.health.may_try(Part::Reads, Instant::now()));
    assert!(edge.get("/a").await.is_some());
    assert!(edge.failing().is_empty());
}

#[tokio::test]
async fn a_disk_that_hangs_holds_nobody_up_for_long_and_no_more_memory_than_the_queue() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"hello", &[]);
    folder.io.hang(true);
    for number in 0..100 {
        edge.evict(&format!("/{number}"), &vec![7; 50_000], &[]);
    }
    let report = edge.tier.report();
    assert!(report.queue_bytes <= 1 << 20 && report.counts.drops > 70, "{report:?}");
    assert_eq!(edge.get("/a").await, None);
    folder.io.hang(false);
    until("what waited is taken", || edge.tier.report().queue_bytes == 0);
    edge.write("/b", b"x", &[]);
    assert!(edge.get("/b").await.is_some());
}

#[tokio::test]
async fn what_is_replaced_or_withdrawn_is_not_found_any_more() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"old", &[]);
    edge.write("/b", b"old", &[]);
    let newer = edge.object("/a", b"new", &[]);
    edge.tier.stored(&newer);
    assert_eq!(edge.get("/a").await, None);
    edge.tier.forget(url("/b"), &edge.live);
    assert_eq!(edge.get("/b").await, None);
    edge.tier.settled().await.unwrap();
    assert_eq!(folder.copy().edge().get("/b").await, None);
}

/// As all are whose content ends at one time by the clock, and all that are made anew within one second.
#[tokio::test]
async fn of_two_versions_that_are_fresh_until_the_same_second_the_newer_counts() {
    let folder = Folder::new();
    let edge = folder.edge();
    let until_then = unix_millis() + 3_600_000;
    edge.tier.leaving(&edge.object_until(until_then, "/a", b"old", &[]), true);
    until("it is written", || edge.tier.report().counts.writes == 1);
    assert_eq!(edge.get("/a").await.as_deref(), Some(&b"old"[..]));
    let newer = edge.object_until(until_then, "/a", b"new", &[]);
    edge.tier.stored(&newer);
    assert_eq!(edge.get("/a").await, None);
    edge.tier.leaving(&newer, true);
    until("it is written", || edge.tier.report().counts.writes == 2);
    assert_eq!(edge.get("/a").await.as_deref(), Some(&b"new"[..]));
}

/// While the writer is busy, the older version and the withdrawn object wait to be written.
#[tokio::test]
async fn what_is_replaced_or_withdrawn_on_its_way_there_does_not_arrive() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/before", b"x", &[]);
    let url = url("/a");
    for is_being_written in [true, false] {
        folder.io.hang(true);
        if !is_being_written {
            edge.evict("/first", b"x", &[]);
            folder.io.until_stuck(1);
        }
        let object = edge.object("/a", b"old", &[]);
        edge.store.insert(object.clone());
        edge.tier.leaving(&object, true);
        if is_being_written {
            folder.io.until_stuck(1);
        }
        edge.store.withdraw(&object);
        edge.tier.forget(url, &edge.live);
        folder.io.hang(false);
        edge.write("/after", b"x", &[]);
        assert_eq!(edge.get("/a").await, None, "being written: {is_being_written}");
    }
}

#[tokio::test]
async fn a_folder_of_another_feed_or_without_its_state_is_not_believed() {
    let folder = Folder::new();
    let edge = folder.edge();
    edge.write("/a", b"old", &[]);
    edge.stop();
    std::fs::remove_file(folder.root.path().join("cache/state")).unwrap();
    let edge = folder.edge();
    assert_eq!(edge.get("/a").await, None);
    assert_eq!(edge.tier.report().objects, 0);
    edge.write("/b", b"new", &[]);
    edge.stop();
    assert!(folder.edge().get("/b").await.is_some());
}

#[test]
fn keys_find_their_way_whatever_process_made_them() {
    let folder = Folder::new();
    let edge = folder.edge();
    let key = CacheKey::from_bytes(b"some key"[..].into());
    let hash = edge.tier.hash(key.as_bytes());
    edge.stop();
    assert_eq!(folder.edge().tier.hash(key.as_bytes()), hash);
}
