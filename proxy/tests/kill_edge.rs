//! The program killed in the middle of writes to its disk, again and again: what it serves afterwards has the right bytes, is no older
//! than what was purged, and comes off the disk. `KILL_EDGE_ROUNDS` says how often, `KILL_EDGE_SEED` repeats a run, and
//! `KILL_EDGE_REPORT` names a file for the last line.
//!
//! Each kill but every fourth is aimed: the program is stopped while its thread that writes is at work, and killed where a record is
//! begun and not whole. How many records were torn is what the next process finds. After each start every path is asked for
//! once, before anything else, so that what comes off the disk is what the process before left there.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path as Segments, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use support::LIMIT;
use support::program::{Addresses, Program, TOKEN};
use tokio::task::JoinSet;
use vitrine_load_tests::stack::wait_until;

/// Rounds where nothing is said: enough to see that it works.
const ROUNDS: u64 = 4;
/// Rounds of which a part must have torn a record.
const MANY: u64 = 20;
/// Paths, of which some are long, and each has versions.
const PATHS: usize = 150;
/// Clients that ask at once, and those that change and purge something.
const READERS: usize = 8;
const WRITERS: usize = 3;
/// Requests that are served before it is killed.
const LIFE: std::ops::Range<usize> = 100..1000;
/// Where a segment's records begin, how each of them does, and where in it its length stands.
const RECORDS: u64 = 32;
const RECORD: &[u8] = b"VRec";
const LENGTH: std::ops::Range<usize> = 36..40;
/// How long the moment is waited for.
const AIM: Duration = Duration::from_secs(3);
/// How many in a hundred of the objects that lay on the disk shortly before the kill must be known after it, and how many of those
/// must be found with the right checksums when they are asked for; the rest was invalidated or made room meanwhile.
const KNOWN_AGAIN: u64 = 70;
const FOUND_AGAIN: u64 = 70;
/// So many of those must be served, though many of what is found was purged before.
const SERVED_AGAIN: u64 = 10;

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
    /// Responses that ended too early, with the program alive.
    cut: AtomicUsize,
    served: AtomicUsize,
    from_disk: AtomicUsize,
    /// Those of them whose body is sent on while it is read.
    long_from_disk: AtomicUsize,
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
            cut: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            from_disk: AtomicUsize::new(0),
            long_from_disk: AtomicUsize::new(0),
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

/// How asking for a path ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// With a whole response, from the disk or not.
    Served { from_disk: bool },
    /// With the beginning of one.
    Cut,
    /// There was nobody to answer.
    Gone,
}

/// Asks for a path, and checks all that comes.
async fn ask(world: &World, client: &reqwest::Client, http: SocketAddr, path: usize) -> Asked {
    let promised = world.promised[path].load(Ordering::SeqCst);
    let asking = client.get(format!("http://{http}/{path}")).header("host", "shop.example");
    let Ok(mut response) = asking.send().await else {
        return Asked::Gone;
    };
    let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, tag, cache) = (response.status(), header("etag"), header("cache-status").unwrap_or_default());
    let version: u64 = tag.and_then(|tag| tag.trim_matches('"').parse().ok()).unwrap_or(0);
    let mut got = Vec::new();
    let is_whole = loop {
        match response.chunk().await {
            Ok(Some(piece)) => got.extend_from_slice(&piece),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let expected = body(path, version);
    let is_body = if is_whole { got == expected } else { expected.starts_with(&got) };
    if status != 200 || version < promised || !is_body {
        world.wrong.fetch_add(1, Ordering::Relaxed);
        eprintln!("wrong: /{path} {status} version {version} of {promised}, its own body: {is_body}, {cache}");
    }
    if !is_whole {
        return Asked::Cut;
    }
    world.served.fetch_add(1, Ordering::Relaxed);
    let from_disk = is_from_disk(&cache);
    if from_disk {
        world.from_disk.fetch_add(1, Ordering::Relaxed);
        world.long_from_disk.fetch_add(usize::from(expected.len() > 1 << 20), Ordering::Relaxed);
    }
    Asked::Served { from_disk }
}

/// Whether a response came off the disk, without the origin.
fn is_from_disk(cache_status: &str) -> bool {
    cache_status.contains("; hit") && cache_status.contains("disk")
}

/// One client that reads until the program is gone.
async fn read(world: Arc<World>, http: SocketAddr, mut random: StdRng) {
    let client = client();
    let mut cut = 0;
    loop {
        // Some are asked for more than others.
        let path = random.random_range(0..PATHS).min(random.random_range(0..PATHS));
        match ask(&world, &client, http, path).await {
            // Whoever answers again was not killed, and so had no reason to cut anything off.
            Asked::Served { .. } => world.cut.fetch_add(std::mem::take(&mut cut), Ordering::Relaxed),
            Asked::Cut => {
                cut += 1;
                continue;
            }
            Asked::Gone => return,
        };
    }
}

/// Asks for every path once, a few at a time; how many came off the disk.
async fn take_stock(world: &Arc<World>, http: SocketAddr) -> usize {
    let mut asking = JoinSet::new();
    for first in 0..READERS {
        let world = world.clone();
        asking.spawn(async move {
            let client = client();
            let mut found = 0;
            for path in (first..PATHS).step_by(READERS) {
                match ask(&world, &client, http, path).await {
                    Asked::Served { from_disk } => found += usize::from(from_disk),
                    other => panic!("/{path}: {other:?}, and nobody killed the program"),
                }
            }
            found
        });
    }
    asking.join_all().await.into_iter().sum()
}

/// One that changes paths, and purges what was there before, until the program is gone.
async fn write(world: Arc<World>, addresses: (SocketAddr, SocketAddr), mut random: StdRng) {
    let (http, ops) = addresses;
    let client = client();
    loop {
        let path = random.random_range(0..PATHS);
        let alone = world.changing[path].lock().await;
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
        drop(alone);
        // Between changes it reads, or nothing would stay long enough to reach the disk.
        for _ in 0..random.random_range(0..8) {
            if ask(&world, &client, http, random.random_range(0..PATHS)).await == Asked::Gone {
                return;
            }
        }
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

/// Whether all threads of a program have stopped.
fn is_stopped(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    // The state stands behind the name, which is in brackets.
    let state = |stat: &str| stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    stats.into_iter().all(|stat| state(&stat) == Some('T'))
}

/// Kills the program in the middle of a record: it is stopped again and again as soon as its thread that writes has written something,
/// and goes on where the newest segment shows no record that is begun; it is killed after a while in any case. Whether one was seen.
fn kill_while_it_writes(program: &mut Program, folder: &Path) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", program.pid())).unwrap();
    let is_writer =
        |task: &PathBuf| std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name == "disk-write\n");
    let writer = tasks.map(|task| task.unwrap().path()).find(is_writer).expect("a thread writes").join("io");
    let signal = |signal| kill(Pid::from_raw(i32::try_from(program.pid()).unwrap()), signal).unwrap();
    let begun = Instant::now();
    let mut before = std::fs::read(&writer).unwrap();
    let is_seen = loop {
        let now = std::fs::read(&writer).unwrap();
        if now != before {
            signal(Signal::SIGSTOP);
            while !is_stopped(program.pid()) {
                std::thread::yield_now();
            }
            if is_writing(folder) {
                break true;
            }
            signal(Signal::SIGCONT);
        }
        if begun.elapsed() > AIM {
            break false;
        }
        before = now;
    };
    program.kill();
    is_seen
}

/// Whether there is something behind the last whole record of the newest segment.
fn is_writing(folder: &Path) -> bool {
    let segments = std::fs::read_dir(folder.join("segments")).unwrap();
    let Some(file) = segments.map(|entry| entry.unwrap().path()).max().and_then(|path| File::open(path).ok()) else {
        return false;
    };
    let mut trailer = [0; 8];
    let len = file.metadata().unwrap().len();
    if len < 8 || file.read_exact_at(&mut trailer, len - 8).is_err() || trailer != [0; 8] {
        // It has ended, and the next has not begun.
        return false;
    }
    let mut at = RECORDS;
    let mut bytes = [0; 128];
    while file.read_exact_at(&mut bytes, at).is_ok() {
        if !bytes.starts_with(RECORD) {
            return bytes.iter().any(|&byte| byte != 0);
        }
        at += u64::from(u32::from_le_bytes(bytes[LENGTH].try_into().unwrap()));
    }
    false
}

/// What the kills left behind.
#[derive(Debug, Default)]
struct Left {
    /// Objects on the disk shortly before the last kill.
    objects: u64,
    /// Kills for which the thread that writes was seen to write.
    aimed: u64,
    /// Records that were cut off.
    torn: u64,
    /// Objects that outlived a kill.
    outlived: u64,
}

/// What the disk says of itself.
async fn disk(program: &Program, what: &str) -> u64 {
    program.status().await["disk"][what].as_u64().unwrap()
}

/// One life of the program, and its end.
async fn live(
    world: &Arc<World>,
    addresses: &Addresses,
    file: &Path,
    random: &mut StdRng,
    left: &mut Left,
    round: u64,
) {
    let mut program = Program::start(addresses, file).await;
    let ready = async || program.status().await["disk"]["stage"] == "ready";
    wait_until("the disk is in use", LIMIT, ready).await.unwrap();
    left.torn += disk(&program, "torn").await;
    let known = disk(&program, "objects").await;
    let found = take_stock(world, addresses.http).await as u64;
    let (hits, broken) = (disk(&program, "hits").await, disk(&program, "broken").await);
    println!(
        "round {round}: of {} there are {known}, {hits} found, {found} served, {broken} broken; {left:?}",
        left.objects
    );
    assert!(known * 100 >= left.objects * KNOWN_AGAIN, "round {round}: {known} of {} are known", left.objects);
    assert!(hits * 100 >= known * FOUND_AGAIN, "round {round}: {hits} of {known} are found");
    assert!(round == 1 || found >= SERVED_AGAIN, "round {round}: {found} of {hits} are served off the disk");
    assert_eq!(broken, 0, "round {round}: a record was found whose bytes are not what was written");
    left.outlived += found;

    let mut others = JoinSet::new();
    for _ in 0..READERS {
        others.spawn(read(world.clone(), addresses.http, StdRng::seed_from_u64(random.random())));
    }
    for _ in 0..WRITERS {
        let to = (addresses.http, addresses.ops);
        others.spawn(write(world.clone(), to, StdRng::seed_from_u64(random.random())));
    }
    let until = world.served.load(Ordering::Relaxed) + random.random_range(LIFE);
    let lives = async || world.served.load(Ordering::Relaxed) >= until;
    wait_until("it has served so many", LIMIT, lives).await.unwrap();
    // Whatever its predecessor's end left, it writes too.
    let writes = async || disk(&program, "writes").await > 0;
    wait_until("the disk is written", LIMIT, writes).await.unwrap();
    left.objects = disk(&program, "objects").await;
    assert_eq!(disk(&program, "errors").await, 0, "round {round}");
    if round.is_multiple_of(4) {
        program.kill();
    } else {
        left.aimed += u64::from(tokio::task::block_in_place(|| {
            kill_while_it_writes(&mut program, &file.with_file_name("cache"))
        }));
    }
    while let Some(ended) = others.join_next().await {
        ended.unwrap();
    }
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
    let mut left = Left::default();
    for round in 1..=rounds {
        live(&world, &addresses, &file, &mut random, &mut left, round).await;
    }
    // What the last kill left.
    let program = Program::start(&addresses, &file).await;
    let ready = async || program.status().await["disk"]["stage"] == "ready";
    wait_until("the disk is in use", LIMIT, ready).await.unwrap();
    left.torn += disk(&program, "torn").await;
    left.outlived += take_stock(&world, addresses.http).await as u64;
    drop(program);

    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed) as u64;
    let (wrong, cut, from_disk) = (count(&world.wrong), count(&world.cut), count(&world.from_disk));
    let Left { aimed, torn, outlived, .. } = left;
    println!(
        "{} requests served, {} of the origin, {} purges, {} long ones off the disk; {aimed} kills saw a write",
        count(&world.served),
        count(&world.asked),
        count(&world.purges),
        count(&world.long_from_disk),
    );
    let line = format!(
        "KILL-EDGE rounds={rounds} torn={torn} wrong={wrong} cut={cut} served_from_disk={from_disk} outlived={outlived}"
    );
    println!("{line}");
    if let Ok(report) = std::env::var("KILL_EDGE_REPORT") {
        std::fs::write(report, line + "\n").unwrap();
    }
    assert_eq!((wrong, cut), (0, 0));
    assert!(
        count(&world.purges) > rounds && count(&world.long_from_disk) >= rounds && outlived >= rounds * SERVED_AGAIN
    );
    // Three of four are aimed, and on a busy machine some of those miss: of a few kills all may.
    assert!(
        rounds < MANY || torn >= rounds / 2,
        "{torn} records were torn: these kills were not in the middle of writes"
    );
}
