//! The program killed in the middle of writes to its disk, again and again: what it serves afterwards has the right bytes, is no older
//! than what was purged, and comes off the disk. `KILL_EDGE_ROUNDS` says how often, `KILL_EDGE_SEED` repeats a run, and
//! `KILL_EDGE_REPORT` names a file for the last line.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Segments, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use support::LIMIT;
use support::program::{Addresses, Program, TOKEN};
use tokio::task::JoinSet;
use vitrine_load_tests::stack::wait_until;

/// Rounds where nothing is said: enough to see that it works.
const ROUNDS: u64 = 4;
/// Paths, of which some are long, and each has versions.
const PATHS: usize = 150;
/// Clients that ask at once, and those that change and purge something.
const READERS: usize = 8;
const WRITERS: usize = 3;
/// How long the program lives in a round, in milliseconds, from when its disk is in use.
const LIFE: std::ops::Range<u64> = 100..700;

/// What the origin holds, and what was promised of it.
struct World {
    /// The version of each path.
    latest: Vec<AtomicU64>,
    /// The version below which nothing may be served any more: the purge of what was before it was answered.
    promised: Vec<AtomicU64>,
    /// One at a time changes a path.
    changing: Vec<tokio::sync::Mutex<()>>,
    asked: AtomicUsize,
    wrong: AtomicUsize,
    served: AtomicUsize,
    from_disk: AtomicUsize,
    purges: AtomicUsize,
}

impl World {
    fn new() -> Arc<Self> {
        let versions = |first| (0..PATHS).map(|_| AtomicU64::new(first)).collect();
        Arc::new(Self {
            latest: versions(1),
            promised: versions(0),
            changing: (0..PATHS).map(|_| tokio::sync::Mutex::default()).collect(),
            asked: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            from_disk: AtomicUsize::new(0),
            purges: AtomicUsize::new(0),
        })
    }
}

/// Most are some kilobytes; one in fifteen is so long that it is sent on while it is read.
fn length(path: usize) -> usize {
    match path % 15 {
        7 => 1_200_000 + path * 1_000,
        3 => 200_000 + path * 100,
        _ => 100 + path * 53,
    }
}

/// A body in which no piece of another path, version or place goes unnoticed.
fn body(path: usize, version: u64) -> Vec<u8> {
    let mut body = Vec::with_capacity(length(path) + 32);
    while body.len() < length(path) {
        let line = format!("{path:04} {version:08} {:010}\n", body.len());
        body.extend_from_slice(line.as_bytes());
    }
    body.truncate(length(path));
    body
}

async fn answer(State(world): State<Arc<World>>, Segments(path): Segments<usize>, headers: HeaderMap) -> Response {
    world.asked.fetch_add(1, Ordering::Relaxed);
    let version = world.latest[path].load(Ordering::SeqCst);
    let tag = format!("\"{version}\"");
    let lines = [("cache-control", "max-age=3600".to_owned()), ("etag", tag.clone())];
    if headers.get("if-none-match").is_some_and(|known| known == tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, lines).into_response();
    }
    (lines, body(path, version)).into_response()
}

/// Changes a path, as a form that is posted does.
async fn change(State(world): State<Arc<World>>, Segments(path): Segments<usize>) -> Response {
    let version = world.latest[path].fetch_add(1, Ordering::SeqCst) + 1;
    (StatusCode::NO_CONTENT, [("x-version", version.to_string())]).into_response()
}

async fn origin(world: Arc<World>) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let routes = Router::new().route("/{path}", get(answer).post(change)).with_state(world);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    addr
}

/// One client that reads until the program is gone.
async fn read(world: Arc<World>, http: SocketAddr, mut random: StdRng) {
    let client = client();
    loop {
        // Some are asked for more than others.
        let path = random.random_range(0..PATHS).min(random.random_range(0..PATHS));
        let promised = world.promised[path].load(Ordering::SeqCst);
        let Ok(response) = client.get(format!("http://{http}/{path}")).header("host", "shop.example").send().await
        else {
            return;
        };
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (status, tag, cache) = (response.status(), header("etag"), header("cache-status").unwrap_or_default());
        // Cut off, which is right where the rest cannot be had.
        let Ok(got) = response.bytes().await else {
            continue;
        };
        let version: u64 = tag.and_then(|tag| tag.trim_matches('"').parse().ok()).unwrap_or(0);
        let is_right = status == 200 && version >= promised && got == body(path, version);
        if !is_right {
            world.wrong.fetch_add(1, Ordering::Relaxed);
            let is_body = got == body(path, version);
            eprintln!("wrong: /{path} {status} version {version} of {promised}, its own body: {is_body}, {cache}");
        }
        world.served.fetch_add(1, Ordering::Relaxed);
        if cache.contains("disk") {
            world.from_disk.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One that changes paths, and purges what was there before, until the program is gone.
async fn write(world: Arc<World>, addresses: (SocketAddr, SocketAddr), mut random: StdRng) {
    let (http, ops) = addresses;
    let client = client();
    loop {
        let path = random.random_range(0..PATHS);
        let _alone = world.changing[path].lock().await;
        let version = if random.random_bool(0.5) {
            let url = format!("http://{http}/{path}");
            let Ok(response) = client.post(url).header("host", "shop.example").send().await else {
                return;
            };
            response.headers().get("x-version").and_then(|version| version.to_str().ok()?.parse().ok())
        } else {
            let version = world.latest[path].fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(r#"{{"purges": [{{"url": "http://shop.example/{path}"}}]}}"#);
            let purging = client.post(format!("http://{ops}/purge")).bearer_auth(TOKEN).body(body);
            let Ok(response) = purging.send().await else {
                return;
            };
            (response.status() == 200).then_some(version)
        };
        if let Some(version) = version {
            world.promised[path].fetch_max(version, Ordering::SeqCst);
            world.purges.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(random.random_range(0..10))).await;
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build().unwrap()
}

fn config(addresses: &Addresses, origin: SocketAddr, folder: &Path) -> String {
    // Small enough that objects leave memory, and that segments make room.
    format!(
        "{}[cache]\nmemory = \"16MiB\"\nmax_object = \"4MiB\"\n[cache.disk]\npath = \"{}\"\nsize = \"32MiB\"\n\
         admission = \"all\"\nqueue = \"4MiB\"\n[upstreams.origin]\naddresses = [\"{origin}\"]\n{}",
        addresses.listen(),
        folder.display(),
        support::cache_all("")
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_edge_serves_what_is_right_and_off_its_disk() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let rounds = number("KILL_EDGE_ROUNDS").unwrap_or(ROUNDS);
    let seed = number("KILL_EDGE_SEED").unwrap_or_else(rand::random);
    println!("KILL_EDGE_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new();
    let addresses = Addresses::new();
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("proxy.toml");
    std::fs::write(&file, config(&addresses, origin(world.clone()).await, &root.path().join("cache"))).unwrap();
    for round in 1..=rounds {
        let mut program = Program::start(&addresses, &file).await;
        let ready = async || program.status().await["disk"]["stage"] == "ready";
        wait_until("the disk is in use", LIMIT, ready).await.unwrap();
        let from_disk = world.from_disk.load(Ordering::Relaxed);
        let mut others = JoinSet::new();
        for _ in 0..READERS {
            others.spawn(read(world.clone(), addresses.http, StdRng::seed_from_u64(random.random())));
        }
        for _ in 0..WRITERS {
            let to = (addresses.http, addresses.ops);
            others.spawn(write(world.clone(), to, StdRng::seed_from_u64(random.random())));
        }
        // It lives on until it has written something, and has served something of what its predecessor left.
        tokio::time::sleep(Duration::from_millis(random.random_range(LIFE))).await;
        let in_use = async || {
            let writes = program.status().await["disk"]["writes"].as_u64().unwrap();
            writes > 0 && (round == 1 || world.from_disk.load(Ordering::Relaxed) > from_disk)
        };
        wait_until("the disk is written, and what lies there is served", LIMIT, in_use).await.unwrap();
        program.kill();
        while others.join_next().await.is_some() {}
    }
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let (wrong, from_disk) = (count(&world.wrong), count(&world.from_disk));
    println!(
        "{} requests served, {} of the origin, {} purges",
        count(&world.served),
        count(&world.asked),
        count(&world.purges)
    );
    let line = format!("KILL-EDGE rounds={rounds} wrong={wrong} served_from_disk={from_disk}");
    println!("{line}");
    if let Ok(report) = std::env::var("KILL_EDGE_REPORT") {
        std::fs::write(report, line + "\n").unwrap();
    }
    assert_eq!(wrong, 0);
    assert!(from_disk as u64 >= rounds - 1 && count(&world.purges) as u64 > rounds);
}
