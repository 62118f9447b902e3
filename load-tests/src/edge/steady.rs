//! Rows that ask the same of running servers in every round: hits, 304s, h2, TLS, misses.

use std::fmt::Write as _;

use super::EdgeError;
use super::catalog::Object;
use super::contender::Contender;
use super::fleet::Bench;
use super::h2load::{self, Spoken};
use super::hot::{MISSES_FROM, SIZES, hot, hot_mix};
use super::load::{self, Cost, Script};
use super::purger::Purger;
use super::report::{Line, Readings};
use super::scripts::{Hot, Once};
use super::server::Server;

/// Passes over all hot objects before they are measured: an admission filter may want to see an object twice.
const WARM_PASSES: usize = 3;
/// A miss is a hit for no more than one answer of so many.
const ODD_ANSWERS: u64 = 200;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Hot objects of one size.
    Hits(usize),
    /// Hot objects of all sizes.
    Mix,
    /// Hot objects of 1 KB with their entity tag.
    NotModified,
    /// Hot objects of 1 KB by another protocol.
    Other(Spoken),
    /// Objects of 1 KB that nobody has asked for.
    Misses,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steady {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) asked: Asked,
}

/// All of them, in the order in which they run: misses come last, since they fill the caches.
pub(super) const ROWS: [Steady; 9] = [
    Steady { name: "hit-1k", title: "hit of 1 KB", asked: Asked::Hits(SIZES[0]) },
    Steady { name: "hit-10k", title: "hit of 10 KB", asked: Asked::Hits(SIZES[1]) },
    Steady { name: "hit-100k", title: "hit of 100 KB", asked: Asked::Hits(SIZES[2]) },
    Steady { name: "hit-mix", title: "hits of 70/25/5 % 1/10/100 KB", asked: Asked::Mix },
    Steady { name: "304", title: "304 of 1 KB", asked: Asked::NotModified },
    Steady { name: "tls-1k", title: "TLS, hit of 1 KB", asked: Asked::Other(Spoken::Tls) },
    Steady { name: "h2-1k", title: "TLS + h2, hit of 1 KB", asked: Asked::Other(Spoken::H2) },
    Steady { name: "h2c-1k", title: "h2 without TLS, hit of 1 KB", asked: Asked::Other(Spoken::H2c) },
    Steady { name: "miss-1k", title: "miss of 1 KB", asked: Asked::Misses },
];

impl Steady {
    fn is_for(&self, contender: Contender) -> bool {
        match self.asked {
            Asked::Hits(_) | Asked::Mix => true,
            Asked::NotModified | Asked::Misses => contender.is_cache(),
            Asked::Other(Spoken::Tls | Spoken::H2) => contender.has_tls(),
            Asked::Other(Spoken::H2c) => contender.has_h2c(),
        }
    }

    fn objects(&self) -> Vec<Object> {
        match self.asked {
            Asked::Hits(bytes) => hot(bytes).collect(),
            Asked::Mix => hot_mix().collect(),
            Asked::NotModified | Asked::Other(_) => hot(SIZES[0]).collect(),
            Asked::Misses => Vec::new(),
        }
    }

    /// Runs all rounds and says what they cost.
    pub(super) fn run(&self, bench: &Bench, servers: &[Server]) -> Result<Vec<Line>, EdgeError> {
        let taking_part: Vec<_> = servers.iter().filter(|server| self.is_for(server.contender)).collect();
        for server in &taking_part {
            self.warm(bench, server)?;
        }
        let (mut cpu, mut rate) = (Readings::new(), Readings::new());
        for round in 0..bench.options.rounds {
            let mut shown = format!("{:<9} {:>2}/{}", self.name, round + 1, bench.options.rounds);
            for server in &taking_part {
                let cost = self.slot(bench, server, round)?;
                let _ = write!(shown, "  {} {:.2}", server.contender.name(), cost.cpu_us());
                cpu.entry(server.contender).or_default().push(cost.cpu_us());
                rate.entry(server.contender).or_default().push(cost.rate());
            }
            eprintln!("{shown} us");
        }
        Ok(vec![
            Line::new((self.name, "cpu"), format!("{}, CPU", self.title), "us", &cpu),
            Line::new((self.name, "rate"), "  requests a second", "1/s", &rate),
        ])
    }

    fn warm(&self, bench: &Bench, server: &Server) -> Result<(), EdgeError> {
        let objects = self.objects();
        for _ in 0..WARM_PASSES {
            load::run(bench.job(server, None)?, &mut Once::new(objects.clone()), &bench.stop)?;
        }
        // By h2 an object may be another one than by HTTP/1.1, since its scheme is told.
        if let Asked::Other(_) = self.asked {
            self.ask(bench, server, 0)?;
        }
        Ok(())
    }

    /// One contender's turn in a round.
    fn slot(&self, bench: &Bench, server: &Server, round: u32) -> Result<Cost, EdgeError> {
        let purger = Purger::for_ours(server)?;
        let before = bench.origin_count()?;
        let cost = self.ask(bench, server, round)?;
        let fetched = bench.origin_count()? - before;
        let purges = purger.map_or(Ok(0), Purger::stop)?;
        self.check(server, cost.all, fetched, purges)?;
        Ok(cost)
    }

    fn ask(&self, bench: &Bench, server: &Server, round: u32) -> Result<Cost, EdgeError> {
        let seed = u64::from(round) + 1;
        let mut script: Box<dyn Script> = match self.asked {
            Asked::Other(spoken) => {
                let address = if spoken == Spoken::H2c { server.addresses.h2c } else { server.addresses.tls };
                let duration = bench.options.measured();
                return h2load::run(spoken, address, server.pid()?, &self.objects(), duration, bench.place());
            }
            Asked::NotModified => Box::new(Hot::not_modified(self.objects(), seed)),
            Asked::Hits(_) | Asked::Mix => Box::new(Hot::new(self.objects(), seed)),
            // Each round has a million numbers of its own.
            Asked::Misses => {
                let from = MISSES_FROM + round * 1_000_000;
                Box::new(Once::new((from..from + 1_000_000).map(|id| Object { id, bytes: SIZES[0] })))
            }
        };
        load::run(bench.job(server, Some(bench.options.measured()))?, script.as_mut(), &bench.stop)
    }

    /// Hits must be hits, and misses misses.
    fn check(&self, server: &Server, requests: u64, fetched: u64, purges: u32) -> Result<(), EdgeError> {
        let asked_too_often = fetched > u64::from(purges) + requests / ODD_ANSWERS;
        let asked_too_rarely = fetched < requests - requests / ODD_ANSWERS;
        let wrong = match self.asked {
            Asked::Misses => asked_too_rarely,
            _ => asked_too_often,
        };
        if wrong {
            let name = server.contender.name();
            return Err(EdgeError::Answer(format!(
                "{}: the origin was asked {fetched} times for {requests} requests to {name}",
                self.name
            )));
        }
        Ok(())
    }
}
