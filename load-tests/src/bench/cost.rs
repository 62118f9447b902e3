//! What a hit costs at the edge, beside the same answer from the origin (its read cache warm), interleaved.

use std::time::Instant;

use serde::Serialize;

use super::shop::BenchShop;
use super::{BenchError, Summary};

/// Connections that ask at once.
const CONNECTIONS: u32 = 16;
/// The origin is asked less often in a round: its answers take longer.
const ORIGIN_SHARE: u32 = 10;
const PATH: &str = "/store/products?limit=12&fields=id,title,handle,thumbnail,*variants";

/// Medians over the rounds.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    /// Length of the body that both answered, in bytes.
    body_bytes: usize,
    /// Processor time of the proxy for a hit, in microseconds.
    hit_cpu_us: Summary,
    /// Processor time of the origin process for the same answer, without Postgres and Redis, in microseconds.
    origin_cpu_us: Summary,
    /// Hits a second.
    hit_rps: Summary,
    /// The origin's answers a second.
    origin_rps: Summary,
}

pub(super) async fn measure(shop: &mut BenchShop, rounds: u32, requests: u32) -> Result<Cost, BenchError> {
    let (origin, edge) = (shop.origin.url(), shop.edges.first().map(crate::stack::Edge::url).unwrap_or_default());
    let origin_pid = shop.origin.service.process().pid();
    let edge_pid = shop.edges.first_mut().and_then(|edge| edge.service.process().pid());
    let body = shop.get(&origin, PATH).await?;
    if shop.get(&edge, PATH).await? != body {
        return Err(BenchError::Answer("edge and origin differ".to_owned()));
    }
    let (mut hit_cpu, mut origin_cpu, mut hit_rps, mut origin_rps) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        let (cpu, rps) = round(shop, &edge, edge_pid, requests).await?;
        hit_cpu.push(cpu);
        hit_rps.push(rps);
        let (cpu, rps) = round(shop, &origin, origin_pid, (requests / ORIGIN_SHARE).max(CONNECTIONS)).await?;
        origin_cpu.push(cpu);
        origin_rps.push(rps);
    }
    Ok(Cost {
        body_bytes: body.len(),
        hit_cpu_us: Summary::of(hit_cpu),
        origin_cpu_us: Summary::of(origin_cpu),
        hit_rps: Summary::of(hit_rps),
        origin_rps: Summary::of(origin_rps),
    })
}

impl Cost {
    pub(super) fn print(&self) {
        println!("\n{:<44} {:>9} {:>9} {:>9} {:>9}", "A hit beside the origin", "p50", "p95", "p99", "max");
        self.hit_cpu_us.print("CPU of a hit at the edge", "us");
        self.origin_cpu_us.print("CPU of the origin for the same answer", "us");
        self.hit_rps.print("hits, with the load on the same cores", "1/s");
        self.origin_rps.print("origin answers, likewise", "1/s");
        println!(
            "body {} bytes; CPU ratio of medians, origin to edge: {:.1}",
            self.body_bytes,
            self.origin_cpu_us.p50 / self.hit_cpu_us.p50
        );
    }
}

/// CPU of the process for each request, in microseconds, and requests a second.
async fn round(shop: &BenchShop, base: &str, pid: Option<i32>, requests: u32) -> Result<(f64, f64), BenchError> {
    let before = cpu_seconds(pid)?;
    let start = Instant::now();
    let each = requests / CONNECTIONS;
    let visitors = (0..CONNECTIONS).map(|_| async {
        for _ in 0..each {
            shop.get(base, PATH).await?;
        }
        Ok::<_, BenchError>(())
    });
    futures_util::future::try_join_all(visitors).await?;
    let done = f64::from(each * CONNECTIONS);
    let seconds = start.elapsed().as_secs_f64();
    Ok(((cpu_seconds(pid)? - before) / done * 1_000_000.0, done / seconds))
}

/// User and system time of a process, by /proc, in seconds.
fn cpu_seconds(pid: Option<i32>) -> Result<f64, BenchError> {
    // USER_HZ, which is 100 on every Linux that Debian ships.
    const TICKS: f64 = 100.0;
    let stat = pid.and_then(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok());
    // The name in field 2 may hold spaces; fields are counted from behind it.
    let fields = stat.as_deref().and_then(|stat| stat.rsplit_once(") ")).map(|(_, rest)| rest);
    let mut times = fields.into_iter().flat_map(|rest| rest.split(' ').skip(11).take(2)).flat_map(str::parse::<u32>);
    match (times.next(), times.next()) {
        (Some(user), Some(system)) => Ok((f64::from(user) + f64::from(system)) / TICKS),
        _ => Err(BenchError::Answer(format!("no times of process {pid:?}"))),
    }
}
