//! What goes wrong, as the seed says.

use rand::Rng as _;

use super::net::{Node, World as _};
use super::world::{MILLI, Simulation};

/// Something goes wrong every now and then, until `ends`.
pub(crate) fn chaos(sim: &mut Simulation, ends: u64) {
    if sim.net.now >= ends {
        return;
    }
    let pause = sim.net.rng.random_range(200..4_000) * MILLI;
    sim.at(Node::Client, pause, move |sim| {
        let quiet = fault(sim);
        sim.count.faults += 1;
        sim.at(Node::Client, quiet, move |sim| chaos(sim, ends));
    });
}

/// Returns for how long nothing else may go wrong.
fn fault(sim: &mut Simulation) -> u64 {
    let kind = sim.net.rng.random_range(0..15);
    let process = process(sim);
    if sim.trace {
        println!("{:>10} fault {kind} at {process:?}", sim.net.now);
    }
    match kind {
        0 | 1 => sim.restart(process),
        // Shorter and longer than a lease.
        2 => {
            let time = sim.net.rng.random_range(10..1_000) * MILLI;
            sim.net.hang(process, time);
        }
        3 | 4 => {
            let time = sim.net.rng.random_range(2_000..12_000) * MILLI;
            sim.net.hang(process, time);
        }
        5..8 => partition(sim, process),
        8 => sim.net.heal(),
        9 => sim.lose_redis(true),
        10 => {
            sim.lose_redis(false);
            sim.break_streams();
        }
        11 => {
            // The standby falls behind for a while.
            sim.database.lag = sim.net.rng.random_range(0..5_000) * MILLI;
        }
        12 => sim.database.end_sessions(),
        13 => return sim.put_back(),
        _ => {
            let lossless = !sim.coin(3);
            sim.promote(lossless);
        }
    }
    0
}

/// Two cannot reach each other, or only one way.
fn partition(sim: &mut Simulation, one: Node) {
    let others = [Node::Origin(0), Node::Origin(1), Node::Database, Node::Redis];
    let other = others[sim.net.rng.random_range(0..others.len())];
    if one == other {
        return;
    }
    sim.net.cut(one, other);
    if !sim.coin(3) {
        sim.net.cut(other, one);
    }
    let time = sim.net.rng.random_range(500..9_000) * MILLI;
    sim.at(Node::Client, time, |sim| sim.net.heal());
    if other == Node::Redis {
        sim.break_streams();
    }
}

fn process(sim: &mut Simulation) -> Node {
    match sim.net.rng.random_range(0..5) {
        o @ 0..2 => Node::Origin(o),
        e => Node::Edge(e - 2),
    }
}
