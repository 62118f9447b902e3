//! What a stored object costs in memory beyond its own bytes, and whether what is counted is what is resident.
//!
//! `cargo run --release -p vitrine-proxy --example memory_per_object` stores a million small objects of each of some sizes, with 30
//! tags each, and reads the process's resident memory. `… -- churn 60 256` stores bodies of 100 B to 50 MB for 60 s into 256 MiB.
//! `… -- shifts 256` fills 256 MiB again and again, with objects of another size each time: what one size has left in pages is of no use
//! to the next.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prometheus::Registry;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tikv_jemalloc_ctl::{epoch, stats};
use vitrine_proxy::fill::body::{Appended, Body};
use vitrine_proxy::fill::budget::FillBudget;
use vitrine_proxy::key::CacheKey;
use vitrine_proxy::policy::{FreshnessSource, Lifetime};
use vitrine_proxy::purge::{Presence, Provenance};
use vitrine_proxy::store::metrics::StoreMetrics;
use vitrine_proxy::store::{Found, Kind, Look, Meta, Object, Promise, Store, StoredBody};
use vitrine_shared::coherence::Stamp;
use vitrine_shared::tag::TagHash;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const OBJECTS: u64 = 1_000_000;
const TAGS: u64 = 30;
const SIZES: [usize; 7] = [0, 100, 200, 500, 1_000, 2_000, 4_000];
/// Sizes of the shifts, one after the other.
const SHIFTED: [usize; 10] = [300, 4_000, 600, 12_000, 100, 60_000, 1_000, 200, 2_000, 500];
/// Different objects in the churn, asked for by a law near Zipf's.
const CHURNED: f64 = 400_000.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["of", size] => of(size.parse()?),
        ["churn", seconds, mebibytes] => churn(Duration::from_secs(seconds.parse()?), mebibytes.parse::<u64>()? << 20),
        ["shifts", mebibytes] => shifts(mebibytes.parse::<u64>()? << 20),
        _ => {
            // Each in a process of its own, so that none finds what another has left.
            for size in SIZES {
                Command::new(std::env::current_exe()?).args(["of", &size.to_string()]).status()?;
            }
            Ok(())
        }
    }
}

fn of(size: usize) -> Result<(), Failure> {
    let (shop, before) = (Shop::new(64 << 30)?, resident()?);
    for number in 0..OBJECTS {
        shop.store.insert(shop.object(number, StoredBody::new(vec![Bytes::from(vec![7; size])])));
    }
    let each = |bytes: u64| bytes as f64 / OBJECTS as f64;
    let lines: usize = shop.fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let own = (size + lines + key(0).as_bytes().len()) as f64;
    let tags = (TAGS * 8) as f64;
    let taken = each(resident()? - before);
    println!(
        "body {size:>5} B: own {own:.0} B, tags {tags:.0} B, resident {taken:.0} B, overhead {:.0} B (counted: {:.0} B); a look {:.0} ns",
        taken - own - tags,
        each(shop.store.bytes()) - own - tags,
        shop.look(),
    );
    Ok(())
}

fn churn(time: Duration, capacity: u64) -> Result<(), Failure> {
    let shop = Arc::new(Shop::new(capacity)?);
    let until = Instant::now() + time;
    let threads: Vec<_> = (0..2)
        .map(|thread| {
            let shop = shop.clone();
            std::thread::spawn(move || {
                let mut random = StdRng::seed_from_u64(thread);
                while Instant::now() < until {
                    shop.visit(&mut random);
                }
            })
        })
        .collect();
    let (mut most, mut next) = (0, Instant::now());
    while threads.iter().any(|thread| !thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(100));
        shop.store.count_process(in_use()?);
        let now = resident()?;
        most = most.max(now);
        if Instant::now() >= next {
            next += time / 20;
            println!(
                "resident {} MiB, counted {} MiB of {} MiB, {} entries",
                now >> 20,
                shop.store.bytes() >> 20,
                capacity >> 20,
                shop.store.len()
            );
        }
    }
    println!("at most {} MiB resident: {:.3} of the budget", most >> 20, most as f64 / capacity as f64);
    Ok(())
}

fn shifts(capacity: u64) -> Result<(), Failure> {
    let shop = Shop::new(capacity)?;
    let mut number = 0;
    for size in SHIFTED {
        let (mut most, mut least) = (0, u64::MAX);
        for round in 0..4 * capacity / (size as u64 + 1_000) {
            number += 1;
            shop.store.insert(shop.object(number, StoredBody::new(vec![Bytes::from(vec![7; size])])));
            // What is asked for again is scattered among what is not.
            shop.store.look(&key(number - number.min(round) / 3), Look::Use);
            if round % 2_000 == 0 {
                shop.store.count_process(in_use()?);
                most = most.max(resident()?);
                least = least.min(shop.store.bytes() - shop.store.bytes_of(Kind::Process));
            }
        }
        let (process, own) = (shop.store.bytes_of(Kind::Process) >> 20, shop.store.bytes() >> 20);
        println!(
            "objects of {size:>6} B: {} MiB stored, {process} MiB else in use, at least {} MiB stored; at most {} MiB resident",
            own - process,
            least >> 20,
            most >> 20
        );
    }
    Ok(())
}

struct Shop {
    store: Arc<Store>,
    presence: Presence,
    fields: HeaderMap,
}

impl Shop {
    fn new(capacity: u64) -> Result<Self, Failure> {
        let lines = [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "public, max-age=300, stale-while-revalidate=60"),
            ("etag", "\"5f3e6a1b-1f40\""),
            ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("server", "shop"),
        ];
        let fields = lines.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let store = Arc::new(Store::new(capacity, 64, StoreMetrics::register(&Registry::new())?));
        Ok(Self { store, presence: Presence::default(), fields: fields.into_iter().collect() })
    }

    fn object(&self, number: u64, body: StoredBody) -> Object {
        let tags = (0..TAGS).map(|tag| TagHash(number * TAGS + tag)).collect();
        let url = self.presence.of(TagHash(StdRng::seed_from_u64(number).random()));
        let meta = Meta {
            key: key(number),
            status: StatusCode::OK,
            fields: self.fields.clone(),
            provenance: Provenance { stamp: Stamp::default(), tags, url },
            promise: Promise::Within,
            lifetime: Lifetime::new(0, u64::MAX),
            source: FreshnessSource::default(),
        };
        Object::new(meta, body)
    }

    /// Nanoseconds of a look at any object, the making of its key left out.
    fn look(&self) -> f64 {
        let mut random = StdRng::seed_from_u64(1);
        let keys: Vec<CacheKey> = (0..200_000).map(|_| key(random.random_range(0..OBJECTS))).collect();
        let begun = Instant::now();
        let is_there =
            |key: &&CacheKey| matches!(self.store.find_by(key.hash(), key.as_bytes(), Look::Use), Found::Object(_));
        assert_eq!(keys.iter().filter(is_there).count(), keys.len(), "everything has room");
        begun.elapsed().as_nanos() as f64 / keys.len() as f64
    }

    /// Looks for an object, and brings it where it is not there. From time to time the sizes of what is asked for change.
    fn visit(&self, random: &mut StdRng) {
        let number = CHURNED.powf(random.random::<f64>().powf(0.7)) as u64;
        if matches!(self.store.look(&key(number), Look::Use), Found::Object(_)) {
            return;
        }
        let spread = [6.0, 9.0, 3.0, 12.0][(self.store.bytes_of(Kind::Index) >> 18) as usize % 4];
        let mut of_object = StdRng::seed_from_u64(number * 7);
        let size = (100.0 * f64::exp(of_object.random::<f64>().powi(2) * spread + 1.0)) as usize;
        let mut left = size.min(50 << 20);
        // As a fill does it.
        let (_, writer) = Body::new(FillBudget::new(self.store.clone()).reserve());
        while left > 0 {
            let piece = left.min(random.random_range(8_000..65_536));
            if writer.append(Bytes::from(vec![7; piece])).now_or_never() != Some(Ok(Appended::Kept)) {
                return;
            }
            left -= piece;
        }
        if let Some(whole) = writer.complete() {
            self.store.insert(self.object(number, StoredBody::charged(whole.chunks, whole.charge)));
        }
    }
}

fn key(number: u64) -> CacheKey {
    CacheKey::from_bytes(
        format!("....origin....https....shop.example..../products/number/{number:09}").into_bytes().into(),
    )
}

/// As the program measures it.
fn in_use() -> Result<u64, Failure> {
    let told = |error: tikv_jemalloc_ctl::Error| error.to_string();
    epoch::advance().map_err(told)?;
    Ok((stats::active::read().map_err(told)? + stats::metadata::read().map_err(told)?) as u64)
}

/// The resident memory of this process, in bytes.
fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
}
