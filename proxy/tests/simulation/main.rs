//! A seeded simulation of the invalidation protocol: the real feed machine, ledger, tag tables and leases, in a world where messages
//! are lost, delayed and repeated, processes hang and are killed, clocks differ, Redis forgets, replicas lag and are promoted.
//!
//! A failing seed is found again by `SIM_SEED=N cargo test -p vitrine-proxy --test simulation one_seed -- --nocapture`, which also tells what
//! happened. `SIM_SEEDS=N` says how many are run (`make sim`).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod breaks;
mod content;
mod database;
mod edge;
mod faults;
mod net;
mod origin;
mod world;

use breaks::Break;
use world::{Count, SECOND, Simulation};

/// How long a run is, before everything is healed.
const TIME: u64 = 40 * SECOND;
/// Runs, where `SIM_SEEDS` does not say.
const SEEDS: u64 = 200;
/// Within so many seeds a broken rule must be found.
const PATIENCE: u64 = 3_000;

fn run(seed: u64, breaks: Option<Break>, trace: bool) -> (Option<String>, Count) {
    let mut sim = Simulation::new(seed, breaks);
    sim.trace = trace;
    // A quiet beginning, so that there is something to lose.
    sim.traffic(TIME);
    sim.run(2 * SECOND);
    faults::chaos(&mut sim, TIME);
    sim.run(TIME);
    sim.settle_down();
    (sim.violation, sim.count)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn no_seed_shows_what_an_acknowledged_write_replaced() {
    let (seeds, from) = (number("SIM_SEEDS").unwrap_or(SEEDS), number("SIM_FROM").unwrap_or(0));
    let mut sum = Count::default();
    for seed in from..from + seeds {
        let (violation, count) = run(seed, None, false);
        assert_eq!(violation, None, "SIM_SEED={seed}");
        sum.reads += count.reads;
        sum.hits += count.hits;
        sum.joined += count.joined;
        sum.read_cache += count.read_cache;
        sum.writes += count.writes;
        sum.acks += count.acks;
        sum.faults += count.faults;
    }
    let Count { reads, hits, joined, read_cache, writes, acks, faults } = sum;
    println!(
        "SIM seeds={seeds} reads={reads} hits={hits} joined={joined} read_cache={read_cache} writes={writes} acks={acks} faults={faults}"
    );
    assert!(
        hits > seeds * 100 && joined > seeds && read_cache > seeds && acks > seeds * 10,
        "too little was checked: {sum:?}"
    );
}

#[test]
fn one_seed() {
    if let Some(seed) = number("SIM_SEED") {
        let (violation, count) = run(seed, None, true);
        println!("{count:?}");
        assert_eq!(violation, None);
    }
}

/// A check that cannot fail proves nothing: each rule is broken once, and the simulation must notice.
#[test]
fn every_broken_rule_is_found() {
    for broken in Break::ALL {
        let found = (0..PATIENCE).find_map(|seed| Some((seed, run(seed, Some(broken), false).0?)));
        let (seed, violation) = found.unwrap_or_else(|| panic!("{broken:?} was not found in {PATIENCE} seeds"));
        println!("{broken:?}: seed {seed}: {violation}");
    }
}
