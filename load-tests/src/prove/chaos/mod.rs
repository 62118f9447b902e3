//! Faults, one after the other and sometimes two at once, by a seed.

mod fault;
pub(super) mod look;
mod recovery;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

pub(super) use self::fault::{KINDS, Kind};
pub(super) use self::recovery::Recovery;
use super::shop::Shop;

/// Of a hundred faults, those with another on top.
const TWO: u32 = 35;
/// Most promotions of a run, for which there are addresses.
const PROMOTIONS: usize = 2;
/// Between the end of a fault and the next, in milliseconds: time in which reads count.
const BETWEEN_MS: std::ops::Range<u64> = 800..2_500;

/// What was injected, and how the shop took it.
#[derive(Debug, Default)]
pub(super) struct Injected {
    pub(super) by_kind: BTreeMap<Kind, u64>,
    /// How long the shop took to be well again, each time.
    pub(super) recoveries: Vec<Duration>,
    /// Faults that could not be injected, with the reason.
    pub(super) failed: Vec<String>,
    /// Whether the run was given up: the shop did not become well again.
    pub(super) hopeless: bool,
}

/// Injects faults until the time is over.
pub(super) async fn run(
    shop: &mut Shop,
    mut recovery: Recovery<'_>,
    time: Duration,
    seed: u64,
    only: Option<&str>,
) -> Injected {
    let mut random = StdRng::seed_from_u64(seed);
    let mut injected = Injected::default();
    let mut deck: Vec<Kind> = Vec::new();
    let mut promotions = 0;
    let start = Instant::now();
    while start.elapsed() < time {
        let kind = next(&mut deck, shop, &mut random, &mut promotions, only);
        let mut kinds = vec![kind];
        if kind != Kind::Promotion && only.is_none() && random.random_range(0..100) < TWO {
            let besides = KINDS
                .iter()
                .filter(|(other, _, divided)| other.comes_besides(kind) && (!divided || shop.network.is_divided()));
            let besides: Vec<Kind> = besides.map(|(kind, ..)| *kind).collect();
            kinds.push(besides[random.random_range(0..besides.len())]);
        }
        let mut begun = Vec::new();
        for kind in kinds {
            match kind.begin(shop, &mut random).await {
                Ok(fault) => {
                    recovery.violations.event(recovery.history.now(), format!("begins: {}", fault.name));
                    *injected.by_kind.entry(kind).or_default() += 1;
                    begun.push(fault);
                }
                Err(error) => injected.failed.push(format!("{}: {error}", kind.name())),
            }
        }
        let lasts = begun.iter().map(|fault| fault.lasts).max().unwrap_or_default();
        tokio::time::sleep(lasts).await;
        let names = begun.iter().map(|fault| fault.name.clone()).collect::<Vec<_>>().join(" and ");
        for fault in begun {
            let name = fault.name.clone();
            if let Err(error) = fault.heal(shop).await {
                recovery.violations.found(recovery.history.now(), &format!("{name} cannot be healed: {error}"));
            }
        }
        recovery.violations.event(recovery.history.now(), format!("healed: {names}"));
        let Some(took) = recovery.check(shop, &names).await else {
            injected.hopeless = true;
            return injected;
        };
        recovery.violations.event(recovery.history.now(), format!("well again after {:.1} s", took.as_secs_f64()));
        injected.recoveries.push(took);
        tell(recovery.history.now(), &names, took);
        look_for_ended(shop, &recovery).await;
        tokio::time::sleep(Duration::from_millis(random.random_range(BETWEEN_MS))).await;
    }
    injected
}

fn tell(at: u64, names: &str, took: Duration) {
    println!("  {:7.1} s  {names}: well again after {:.1} s", super::violations::seconds(at), took.as_secs_f64());
}

/// From a shuffled deck of all kinds, so that each has its turn.
fn next(deck: &mut Vec<Kind>, shop: &Shop, random: &mut StdRng, promotions: &mut usize, only: Option<&str>) -> Kind {
    loop {
        let Some(kind) = deck.pop() else {
            let possible = KINDS.iter().filter(|(_, name, divided)| {
                (!divided || shop.network.is_divided()) && only.is_none_or(|only| name.contains(only))
            });
            deck.extend(possible.map(|(kind, ..)| *kind));
            if deck.is_empty() {
                return Kind::EdgeKilled;
            }
            deck.shuffle(random);
            continue;
        };
        if kind == Kind::Promotion {
            if *promotions == PROMOTIONS {
                if deck.is_empty() && only.is_some() {
                    return Kind::EdgeKilled;
                }
                continue;
            }
            *promotions += 1;
        }
        return kind;
    }
}

/// A program that has ended by itself is a violation, and is started again.
async fn look_for_ended(shop: &mut Shop, recovery: &Recovery<'_>) {
    for server in shop.edges.iter_mut().chain(&mut shop.origins) {
        if !server.service.process().is_running() {
            let what = server.service.process().failure("ended by itself").to_string();
            recovery.violations.found(recovery.history.now(), &what);
            let _ = server.service.restart().await;
        }
    }
}
