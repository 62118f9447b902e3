//! What a run found, for people, as JSON, and in one last line.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::chaos::{Injected, KINDS};
use super::error::{ProveError, system};
use super::latency::Latency;
use super::tally::{Counts, NEEDED};

/// Shares that each kind of counted read needs, and hits.
const SHARE_OF_EACH: f64 = 0.02;
const SHARE_OF_HITS: f64 = 0.2;
/// Counted reads and faults of a minute of chaos, at least.
const READS_A_MINUTE: f64 = 300_000.0;
const FAULTS_A_MINUTE: f64 = 4.0;
/// Acknowledged writes of a minute of chaos, at least.
const ACKS_A_MINUTE: f64 = 200.0;

/// What was searched before: lines of the model and of the simulation.
#[derive(Debug, Default, Serialize)]
pub(super) struct Proofs {
    pub(super) model: Vec<String>,
    pub(super) simulation: Vec<String>,
}

impl Proofs {
    pub(super) fn read(path: &Path) -> Result<Self, ProveError> {
        let text = std::fs::read_to_string(path).map_err(system(format!("read {}", path.display())))?;
        // What a test prints may follow its name on one line.
        let lines = |word: &str| {
            let told = text.lines().filter_map(|line| line.find(word).map(|at| line[at..].to_owned()));
            told.collect::<Vec<String>>()
        };
        Ok(Self { model: lines("MODEL "), simulation: lines("SIM ") })
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    /// Minutes of chaos.
    pub(super) minutes: f64,
    pub(super) violations: u64,
    pub(super) reads: Counts,
    pub(super) proofs: Option<Proofs>,
    pub(super) latency: Option<Latency>,
    pub(super) faults: BTreeMap<&'static str, u64>,
    /// Seconds until the shop was well again after a fault: half of the times, longest.
    pub(super) well_again_s: [f64; 2],
    /// Why the run does not pass, besides violations.
    pub(super) missed: Vec<String>,
}

impl Report {
    pub(super) fn new(seed: u64, time: Duration, violations: u64, reads: Counts, injected: &Injected) -> Self {
        let mut recoveries = injected.recoveries.clone();
        recoveries.sort_unstable();
        let at = |place: usize| recoveries.get(place).map_or(0.0, Duration::as_secs_f64);
        let name = |kind| KINDS.iter().find(|(known, ..)| *known == kind).map_or("?", |(_, name, _)| *name);
        Self {
            seed,
            minutes: time.as_secs_f64() / 60.0,
            violations,
            reads,
            proofs: None,
            latency: None,
            faults: injected.by_kind.iter().map(|(kind, count)| (name(*kind), *count)).collect(),
            well_again_s: [at(recoveries.len() / 2), at(recoveries.len().saturating_sub(1))],
            missed: Vec::new(),
        }
    }

    fn total_faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Takes what was searched before; both searches must have told of themselves.
    pub(super) fn take(&mut self, proofs: Option<Proofs>) {
        if let Some(proofs) = &proofs {
            for (name, lines) in [("model", &proofs.model), ("simulation", &proofs.simulation)] {
                if lines.is_empty() {
                    self.missed.push(format!("the {name} told of nothing that it searched"));
                }
            }
        }
        self.proofs = proofs;
    }

    /// Notes where too little was checked for the time that it took.
    pub(super) fn look_for_too_little(&mut self) {
        let reads = self.reads.counted;
        let mut least = |what: &str, found: u64, needed: f64| {
            if number(found) < needed {
                self.missed.push(format!("{what}: {found}, not {needed:.0}"));
            }
        };
        least("counted reads", reads, self.minutes * READS_A_MINUTE);
        least("counted hits", self.reads.counted_hits, number(reads) * SHARE_OF_HITS);
        least("faults", self.faults.values().sum(), (self.minutes * FAULTS_A_MINUTE).floor());
        least("acknowledged writes", self.reads.acked, self.minutes * ACKS_A_MINUTE);
        for (kind, found) in self.reads.kinds.iter().take(NEEDED) {
            least(&format!("counted reads of {kind}"), *found, number(reads) * SHARE_OF_EACH);
        }
    }

    pub(super) fn passes(&self) -> bool {
        self.violations == 0 && self.missed.is_empty()
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), ProveError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        std::fs::write(path, text + "\n").map_err(system(format!("write {}", path.display())))
    }

    pub(super) fn print(&self) {
        println!("\nseed {}, {:.1} minutes of chaos", self.seed, self.minutes);
        for line in self.proofs.iter().flat_map(|proofs| proofs.model.iter().chain(&proofs.simulation)) {
            println!("{line}");
        }
        self.print_reads();
        if let Some(latency) = &self.latency {
            print_latency(latency);
        }
        println!("\n{:<48} {:>8}", "faults", self.total_faults());
        for (name, count) in &self.faults {
            println!("  {name:<46} {count:>8}");
        }
        let [half, longest] = self.well_again_s;
        println!("  well again after a fault: p50 {half:.1} s, longest {longest:.1} s");
        for missed in &self.missed {
            println!("MISSED {missed}");
        }
        println!(
            "PROVE violations={} reads={} acks={} faults={}",
            self.violations,
            self.reads.counted,
            self.reads.acked,
            self.total_faults()
        );
    }

    fn print_reads(&self) {
        let reads = &self.reads;
        println!("\n{:<48} {:>10}", "reads checked", reads.checked);
        println!("  {:<46} {:>10}", "began within 5 s of an acknowledged write", reads.counted);
        println!("  {:<46} {:>10}", "of these hits", reads.counted_hits);
        for (kind, count) in &reads.kinds {
            let share = 100.0 * number(*count) / number(reads.counted).max(1.0);
            println!("    {kind:<44} {count:>10} {share:>6.1} %");
        }
        let asides = [
            ("labelled as outside the promise", reads.outside),
            ("unavailable", reads.unavailable),
            ("without an answer", reads.lost),
            ("not to be judged", reads.odd),
        ];
        for (name, count) in asides {
            println!("  {name:<46} {count:>10}");
        }
        println!("{:<48} {:>10}", "writes acknowledged", reads.acked);
        println!("  {:<46} {:>10}", "committed only", reads.committed);
        println!("  {:<46} {:>10}", "without a reply that tells", reads.unknown);
    }
}

fn print_latency(latency: &Latency) {
    let [p50, p95, p99, longest] = latency.wall_ms;
    println!(
        "\ncommit -> acknowledged, healthy, 200 writes a second, {} writes, {} waited for a lease's end",
        latency.writes, latency.lapsed
    );
    println!("  request to reply     p50 {p50:.1} ms  p95 {p95:.1} ms  p99 {p99:.1} ms  longest {longest:.1} ms");
    let [p50, p95, p99, longest] = latency.committed_ms;
    let within = latency.within;
    println!(
        "  commit to acked      p50 {p50:.1} ms  p95 {p95:.1} ms  p99 {p99:.1} ms  longest {longest:.1} ms; {within:.2} % within 10 ms"
    );
    let [longest, last] = latency.dead_edge_ms;
    println!("  with a dead edge     longest {longest:.0} ms, then {last:.1} ms; {}", latency.waited_for);
}

fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below what a f64 tells apart")]
    let number = count as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prove::tally::KINDS as READS;

    fn report(reads: u64) -> Report {
        let kinds = READS.iter().map(|(_, name)| (*name, reads / 8)).collect();
        let counts = Counts { counted: reads, counted_hits: reads / 2, kinds, acked: 10_000, ..Counts::default() };
        let mut report = Report::new(1, Duration::from_mins(1), 0, counts, &Injected::default());
        report.faults.insert("x", 10);
        report
    }

    #[test]
    fn too_little_does_not_pass() {
        let mut enough = report(1_000_000);
        enough.look_for_too_little();
        assert!(enough.passes(), "{:?}", enough.missed);
        let mut few = report(1_000);
        few.look_for_too_little();
        assert!(!few.passes());
        let mut lopsided = report(1_000_000);
        lopsided.reads.kinds[0].1 = 5;
        lopsided.look_for_too_little();
        assert!(!lopsided.passes());
        let mut violated = report(1_000_000);
        violated.violations = 1;
        assert!(!violated.passes());
    }
}
