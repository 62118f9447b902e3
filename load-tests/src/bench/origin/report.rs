//! What was found: tables, ratios, and whether the bars were reached.

use std::collections::BTreeMap;

use serde::Serialize;

use super::contender::{Contender, MEDUSA, MEDUSA_CACHING, OURS, OURS_PG};
use super::kinds::{self, Kind};
use super::scale::{self, Scale};
use super::{OriginBenchOptions, carts, reads};
use crate::bench::{BenchError, Summary};

type Contenders<T> = BTreeMap<&'static str, T>;

/// Everything that was found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    reads: BTreeMap<&'static str, Contenders<Reads>>,
    carts: BTreeMap<&'static str, Contenders<Vec<f64>>>,
    cart_cpu: Contenders<Vec<(f64, f64)>>,
    memory_bytes: Contenders<u64>,
    scale: Vec<Scale>,
    ratios: BTreeMap<String, f64>,
    missed: Vec<String>,
}

/// One kind of GET at one contender, turn by turn.
#[derive(Debug, Default, Serialize)]
struct Reads {
    rates: Vec<f64>,
    server_cpu_ms: Vec<f64>,
    postgres_cpu_ms: Vec<f64>,
    bytes: f64,
    #[serde(skip)]
    ms: Vec<f64>,
    percentiles_ms: Option<Summary>,
}

// === impl Report ===

impl Report {
    pub(super) fn read(&mut self, kind: &Kind, contender: &Contender, turn: reads::Turn) {
        let reads = self.reads.entry(kind.name).or_default().entry(contender.name).or_default();
        reads.rates.push(turn.rate);
        reads.server_cpu_ms.push(turn.server_cpu_ms);
        reads.postgres_cpu_ms.push(turn.postgres_cpu_ms);
        reads.bytes = turn.bytes;
        reads.ms.extend(turn.ms);
    }

    pub(super) fn cart(&mut self, contender: &Contender, turn: carts::Turn) {
        for (call, ms) in turn.calls {
            self.carts.entry(call).or_default().entry(contender.name).or_default().push(ms);
        }
        self.cart_cpu.entry(contender.name).or_default().push((turn.server_cpu_ms, turn.postgres_cpu_ms));
    }

    pub(super) fn scale(&mut self, scale: Vec<Scale>) {
        self.scale.extend(scale);
    }

    pub(super) fn memory(&mut self, contenders: &[Contender]) -> Result<(), BenchError> {
        for contender in contenders {
            self.memory_bytes.insert(contender.name, contender.memory()?);
        }
        Ok(())
    }

    /// Prints it, writes it as JSON, and fails below the bars.
    pub(super) fn finish(mut self, options: &OriginBenchOptions) -> Result<(), BenchError> {
        for reads in self.reads.values_mut().flat_map(BTreeMap::values_mut) {
            reads.percentiles_ms = Some(Summary::of(std::mem::take(&mut reads.ms)));
        }
        self.print_reads();
        self.print_carts();
        self.print_scale();
        if !options.alone {
            self.compare();
        }
        self.check_scale();
        for missed in &self.missed {
            println!("MISSED {missed}");
        }
        super::super::write_json(&options.json, &self)?;
        if !self.ratios.is_empty() {
            let all = ["list", "list_pg", "priced", "priced_pg", "by_id", "by_id_pg", "cart"];
            let told: Vec<String> =
                all.iter().filter_map(|name| Some(format!("{name}={:.1}", self.ratios.get(*name)?))).collect();
            println!("BENCH-ORIGIN {}", told.join(" "));
        }
        if self.missed.is_empty() { Ok(()) } else { Err(BenchError::Missed(self.missed.join("; "))) }
    }

    /// Ratios to Medusa, by the median of the rounds.
    fn compare(&mut self) {
        for kind in kinds::ALL {
            let Some(reads) = self.reads.get(kind.name) else { continue };
            let rate = |name: &str| reads.get(name).map(|reads| median(&reads.rates)).unwrap_or_default();
            let names = [(OURS, ""), (OURS_PG, "_pg")];
            for ((name, suffix), bar) in names.into_iter().zip(kind.bars.map_or([None; 2], |(a, b)| [Some(a), Some(b)]))
            {
                let key = format!("{}{suffix}", kind.name);
                let ratio = rate(name) / rate(MEDUSA);
                self.ratios.insert(format!("{key}_to_caching"), rate(name) / rate(MEDUSA_CACHING));
                if let Some(bar) = bar.filter(|bar| ratio < *bar) {
                    self.missed.push(format!("{key}: {ratio:.1} times Medusa's requests a second, not {bar:.0}"));
                }
                self.ratios.insert(key, ratio);
            }
        }
        let mut least = f64::INFINITY;
        for (call, of) in &self.carts {
            let p50 = |name: &str| of.get(name).map(|ms| Summary::of(ms.clone()).p50).unwrap_or_default();
            let ratio = p50(MEDUSA) / p50(OURS);
            self.ratios.insert(format!("cart_{call}"), ratio);
            if ratio < carts::BAR {
                self.missed.push(format!("cart, {call}: {ratio:.1} times faster than Medusa, not {:.0}", carts::BAR));
            }
            least = least.min(ratio);
        }
        if !self.carts.is_empty() {
            self.ratios.insert(carts::NAME.to_owned(), least);
        }
    }

    fn check_scale(&mut self) {
        let Some(smallest) = self.scale.iter().map(|scale| scale.products).min() else { return };
        for scale in &self.scale {
            let base = self.scale.iter().find(|base| base.products == smallest && base.list == scale.list);
            let Some(base) = base else { continue };
            let ratio = scale.ms.p95 / base.ms.p95;
            if ratio > scale::BAR {
                self.missed.push(format!(
                    "list {}, {} products: p95 {ratio:.2} times that of {smallest}, not {:.0}",
                    scale.list,
                    scale.products,
                    scale::BAR
                ));
            }
        }
    }

    fn print_reads(&self) {
        for (kind, contenders) in &self.reads {
            println!(
                "\n{kind:<16} {:>9} {:>8} {:>8} {:>8} {:>12} {:>12} {:>9}",
                "1/s", "p50 ms", "p95", "p99", "CPU ms/req", "Postgres ms", "kB"
            );
            for (name, reads) in contenders {
                let ms = reads.percentiles_ms.unwrap_or_else(|| Summary::of(Vec::new()));
                println!(
                    "  {name:<14} {:>9.1} {:>8.2} {:>8.2} {:>8.2} {:>12.3} {:>12.3} {:>9.1}",
                    median(&reads.rates),
                    ms.p50,
                    ms.p95,
                    ms.p99,
                    median(&reads.server_cpu_ms),
                    median(&reads.postgres_cpu_ms),
                    reads.bytes / 1_000.0
                );
            }
        }
    }

    fn print_carts(&self) {
        for (call, contenders) in &self.carts {
            println!("\ncart: {call:<10} {:>9} {:>8} {:>8}  ms", "p50", "p95", "p99");
            for (name, ms) in contenders {
                let ms = Summary::of(ms.clone());
                println!("  {name:<14} {:>9.2} {:>8.2} {:>8.2}  (n={})", ms.p50, ms.p95, ms.p99, ms.count);
            }
        }
        for (name, turns) in &self.cart_cpu {
            let (server, postgres): (Vec<f64>, Vec<f64>) = turns.iter().copied().unzip();
            println!("CPU of a whole cart, {name}: {:.1} ms, Postgres {:.1} ms", median(&server), median(&postgres));
        }
        for (name, bytes) in &self.memory_bytes {
            println!("memory, {name}: {} MiB", bytes >> 20);
        }
    }

    fn print_scale(&self) {
        for Scale { products, list, rate, ms } in &self.scale {
            println!(
                "{products:>9} products, {list:<14} {rate:>8.1}/s  p50 {:.2}  p95 {:.2}  p99 {:.2} ms",
                ms.p50, ms.p95, ms.p99
            );
        }
    }
}

fn median(readings: &[f64]) -> f64 {
    Summary::of(readings.to_vec()).p50
}
