//! The rows with a million small objects: what one of them takes in memory, and what purging a tag costs that many hold.

use std::time::{Duration, Instant};

use super::EdgeError;
use super::browser::HOST;
use super::catalog::{Object, tag_of_a_hundredth, tag_of_a_shelf, tag_of_ten};
use super::client::Client;
use super::contender::Contender;
use super::fleet::{Bench, Terms};
use super::hot::{SIZES, SMALL_FROM, hot};
use super::load::{self, Cost};
use super::report::{Line, Readings};
use super::scripts::{Hot, Once};
use super::server::Server;
use super::usage::CpuTimes;

pub(super) const MEMORY: &str = "memory";
pub(super) const PURGE: &str = "purge";
/// The body of a small object, in bytes.
const SMALL: usize = 200;
const OBJECTS: u32 = 1_000_000;
const OBJECTS_QUICK: u32 = 50_000;
/// The most that `HAProxy` takes.
const BUDGET: u64 = 4_095 << 20;
/// Objects whose presence is looked at after filling.
const LOOKED_AT: u32 = 2_000;
/// Purges of each kind.
const PURGES: u32 = 5;
/// What a purge leaves to be done behind is counted for so long.
const AFTERWARDS: Duration = Duration::from_millis(200);

/// Runs what is wanted of both rows.
pub(super) fn run(bench: &Bench, memory: bool, purge: bool) -> Result<Vec<Line>, EdgeError> {
    let count = if bench.options.quick { OBJECTS_QUICK } else { OBJECTS };
    let mut lines = Vec::new();
    let (mut each, mut beyond, mut still) = (Readings::new(), Readings::new(), Readings::new());
    if memory {
        for contender in bench.contenders.iter().copied().filter(|contender| contender.is_cache()) {
            let filled = Filled::start(bench, contender, false, count)?;
            each.insert(contender, vec![filled.bytes_each]);
            beyond.insert(contender, vec![filled.bytes_each - own_bytes(count)]);
            still.insert(contender, vec![filled.still_there(bench)?]);
        }
    }
    let tagged = Filled::start(bench, Contender::Vitrine, true, count)?;
    if memory {
        let tags = tagged.bytes_each - each.get(&Contender::Vitrine).and_then(|all| all.first()).unwrap_or(&0.0);
        let tags = Readings::from([(Contender::Vitrine, vec![tags])]);
        lines.extend([
            Line::new((MEMORY, "each"), "a small object (200 B), memory", "B", &each),
            Line::new((MEMORY, "beyond"), "  beyond its own bytes", "B", &beyond),
            Line::new((MEMORY, "tags"), "  its 30 tags", "B", &tags),
            Line::new((MEMORY, "there"), "  still there of 100", "%", &still),
        ]);
    }
    if purge {
        lines.extend(purges(bench, &tagged.server, count)?);
    }
    Ok(lines)
}

fn small(number: u32) -> Object {
    Object { id: SMALL_FROM + number, bytes: SMALL }
}

/// What an object is without any cache: its URL, its body, and the fields as the origin sends them, without tags.
fn own_bytes(count: u32) -> f64 {
    let object = small(count / 2);
    let fields = object.fields();
    let fields = fields.iter().map(|(name, value)| name.len() + value.len() + ": \r\n".len());
    // Date and Content-Length are sent too.
    let more = "date: Tue, 04 Nov 2025 10:00:00 GMT\r\ncontent-length: 200\r\n".len();
    // Every other URL has a query.
    let targets = (small(0).target().len() + small(1).target().len()).div_ceil(2);
    let own = fields.sum::<usize>() + more + HOST.len() + targets + SMALL;
    f64::from(u32::try_from(own).unwrap_or(u32::MAX))
}

/// A server that has been asked for every small object once.
struct Filled {
    server: Server,
    count: u32,
    /// By how much its memory grew, for each object.
    bytes_each: f64,
}

impl Filled {
    fn start(bench: &Bench, contender: Contender, tags: bool, count: u32) -> Result<Self, EdgeError> {
        let with = if tags { ", with tags" } else { "" };
        eprintln!("{MEMORY}: filling {} with {count} objects{with} ...", contender.name());
        let server = bench.server(contender, Terms { budget: BUDGET, average: 1_000, tags, on_disk: false })?;
        // What is allocated once, by the first requests, is no object's.
        let first = hot(SIZES[0]).chain(hot(SIZES[0]));
        load::run(bench.job(&server, None)?, &mut Once::new(first), &bench.stop)?;
        let before = server.filled_mebibytes()?;
        load::run(bench.job(&server, None)?, &mut Once::new((0..count).map(small)), &bench.stop)?;
        let grown = server.filled_mebibytes()? - before;
        let bytes_each = grown * f64::from(1 << 20) / f64::from(count);
        eprintln!("{MEMORY}: {} takes {bytes_each:.0} B each", contender.name());
        Ok(Self { server, count, bytes_each })
    }

    /// How many of 100 objects are found without the origin.
    fn still_there(&self, bench: &Bench) -> Result<f64, EdgeError> {
        let before = bench.origin_count()?;
        let step = (self.count / LOOKED_AT).max(1);
        let some = (0..self.count).step_by(step as usize).map(small);
        let cost = load::run(bench.job(&self.server, None)?, &mut Once::new(some), &bench.stop)?;
        Ok(cost.hit_ratio(bench.origin_count()? - before))
    }
}

/// Names the tag of a number.
type TagOf = fn(u32) -> String;

/// A purge call, its time and the processor's, and what hits cost right behind it.
fn purges(bench: &Bench, server: &Server, count: u32) -> Result<Vec<Line>, EdgeError> {
    let mut ops = Client::connect(server.addresses.ops)?;
    let kinds: [(u32, TagOf); 3] = [
        (10, |number| tag_of_ten(SMALL_FROM + number * 10)),
        (count / 100, |number| tag_of_a_hundredth(SMALL_FROM + number)),
        (count, |number| tag_of_a_shelf(SMALL_FROM, number)),
    ];
    let ours = |values: Vec<f64>| Readings::from([(Contender::Vitrine, values)]);
    let mut lines = Vec::new();
    let quiet = hits(bench, server)?;
    lines.push(Line::new((PURGE, "before"), "a hit before the purges, CPU", "us", &ours(vec![quiet.cpu_us()])));
    for (held_by, tag) in kinds {
        let (mut call, mut cpu, mut behind) = (vec![], vec![], vec![]);
        for number in 0..PURGES {
            let before = CpuTimes::of_tree(server.pid()?)?;
            let begin = Instant::now();
            ops.purge_tag(&server.ops_token, &tag(number))?;
            call.push(begin.elapsed().as_secs_f64() * 1e6);
            std::thread::sleep(AFTERWARDS);
            cpu.push(CpuTimes::of_tree(server.pid()?)?.since(&before).as_secs_f64() * 1e6);
            behind.push(hits(bench, server)?.cpu_us());
        }
        eprintln!("{PURGE}: a tag of {held_by} objects: {call:.0?} us, CPU {cpu:.0?} us, hits {behind:.2?} us");
        lines.push(Line::new((PURGE, "call"), format!("purge of a tag of {held_by} objects"), "us", &ours(call)));
        lines.push(Line::new((PURGE, "cpu"), "  its CPU", "us", &ours(cpu)));
        lines.push(Line::new((PURGE, "hits"), "  a hit right behind it, CPU", "us", &ours(behind)));
    }
    // What was purged must be gone.
    let before = bench.origin_count()?;
    let some = (0..count).step_by((count / LOOKED_AT).max(1) as usize).map(small);
    let cost = load::run(bench.job(server, None)?, &mut Once::new(some), &bench.stop)?;
    let fetched = bench.origin_count()? - before;
    if fetched < cost.all {
        return Err(EdgeError::Answer(format!("of {} purged objects only {fetched} were asked for anew", cost.all)));
    }
    Ok(lines)
}

/// Hits on objects that no purge reaches.
fn hits(bench: &Bench, server: &Server) -> Result<Cost, EdgeError> {
    let mut script = Hot::new(hot(SIZES[0]), 1);
    let mut job = bench.job(server, Some(bench.options.measured() / 6))?;
    // The first hits behind a purge are what is looked at.
    job.warm_up = Duration::ZERO;
    load::run(job, &mut script, &bench.stop)
}
