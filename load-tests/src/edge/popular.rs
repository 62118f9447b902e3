//! The row with eviction: many objects of mixed sizes, few of them often, and room for a quarter of their bytes.

use std::fmt::Write as _;

use super::EdgeError;
use super::catalog::Object;
use super::fleet::{Bench, Terms};
use super::hot::{POPULAR_FROM, mixed};
use super::load;
use super::purger::Purger;
use super::report::{Line, Readings};
use super::scripts::Popular;
use super::server::Server;

pub(super) const ROW: &str = "zipf";
/// About a gigabyte of objects.
const OBJECTS: u32 = 120_000;
const EXPONENT: f64 = 0.9;
const BUDGET: u64 = 256 << 20;
/// Requests that fill each cache before it is measured, the same for all.
const WARM: usize = 400_000;
const WARM_QUICK: usize = 40_000;

/// Runs all rounds and says what they cost.
pub(super) fn run(bench: &Bench) -> Result<Vec<Line>, EdgeError> {
    let terms = Terms { budget: BUDGET, average: 8_000, tags: true, on_disk: false };
    let contenders: Vec<_> = bench.contenders.iter().copied().filter(|contender| contender.is_cache()).collect();
    let servers: Result<Vec<_>, _> = contenders.iter().map(|contender| bench.server(*contender, terms)).collect();
    let servers = servers?;
    let mut memory = Readings::new();
    for server in &servers {
        eprintln!("{ROW}: filling {} ...", server.contender.name());
        let count = if bench.options.quick { WARM_QUICK } else { WARM };
        let mut script = Popular::new(OBJECTS, EXPONENT, at_rank, 0).limited(count);
        load::run(bench.job(server, None)?, &mut script, &bench.stop)?;
    }
    let (mut cpu, mut rate, mut ratio) = (Readings::new(), Readings::new(), Readings::new());
    for round in 0..bench.options.rounds {
        let mut shown = format!("{ROW:<9} {:>2}/{}", round + 1, bench.options.rounds);
        for server in &servers {
            let (cost, hits) = slot(bench, server, round)?;
            let _ = write!(shown, "  {} {:.2} ({hits:.1} %)", server.contender.name(), cost.cpu_us());
            for (readings, value) in [(&mut cpu, cost.cpu_us()), (&mut rate, cost.rate()), (&mut ratio, hits)] {
                readings.entry(server.contender).or_default().push(value);
            }
        }
        eprintln!("{shown} us");
    }
    for server in &servers {
        memory.entry(server.contender).or_default().push(server.mebibytes()?);
    }
    Ok(vec![
        Line::new((ROW, "cpu"), "Zipf mix with eviction, CPU", "us", &cpu),
        Line::new((ROW, "rate"), "  requests a second", "1/s", &rate),
        Line::new((ROW, "hits"), "  hits of 100 requests", "%", &ratio),
        Line::new((ROW, "memory"), "  memory at a budget of 256 MiB", "MiB", &memory),
    ])
}

fn slot(bench: &Bench, server: &Server, round: u32) -> Result<(load::Cost, f64), EdgeError> {
    let purger = Purger::for_ours(server)?;
    let before = bench.origin_count()?;
    let mut script = Popular::new(OBJECTS, EXPONENT, at_rank, u64::from(round) + 1);
    let cost = load::run(bench.job(server, Some(bench.options.measured()))?, &mut script, &bench.stop)?;
    let hits = cost.hit_ratio(bench.origin_count()? - before);
    purger.map_or(Ok(0), Purger::stop)?;
    Ok((cost, hits))
}

fn at_rank(rank: u32) -> Object {
    mixed(POPULAR_FROM + rank, rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_about_a_quarter() {
        let bytes: u64 = (0..OBJECTS).map(|rank| at_rank(rank).bytes as u64).sum();
        assert!((3 * BUDGET..5 * BUDGET).contains(&bytes), "{bytes}");
    }
}
