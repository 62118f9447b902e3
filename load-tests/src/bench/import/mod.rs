//! `make bench-import`: a bulk import beside visitors. It must neither flush the cache nor stall reads.
//!
//! A shop has products that the import updates, each once, and products that it does not touch. Visitors read pages of both all the time.
//! The import comes twice: request by request over the Admin API, 25,000 a minute, and as one statement of SQL.

mod visitors;
mod writers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::visitors::{Reads, Visitors};
use super::shop::BenchShop;
use super::{BenchError, Summary};

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct ImportOptions {
    /// Products that the import updates.
    #[arg(long, default_value_t = 25_000)]
    pub updates: u32,
    /// Products that it does not touch.
    #[arg(long, default_value_t = 5_000)]
    pub untouched: u32,
    /// Seconds that the import over the Admin API may take.
    #[arg(long, default_value_t = 60)]
    pub seconds: u32,
    /// How many edges.
    #[arg(long, default_value_t = 2)]
    pub edges: u32,
    /// Reads a second, of all visitors together.
    #[arg(long, default_value_t = 1_000)]
    pub reads: u32,
    /// Where the result is written as JSON, besides the table.
    #[arg(long, default_value = ".run/bench-import.json")]
    pub json: PathBuf,
}

/// Of a hundred reads of untouched products' pages, those that must be hits.
const HITS: f64 = 95.0;
/// A read that takes longer was stalled.
const STALL: Duration = Duration::from_millis(500);
/// Reading in peace, before and between.
const PEACE: Duration = Duration::from_secs(10);
/// How long reads are watched after the statement was sent.
const AFTER_SQL: Duration = Duration::from_secs(20);

/// What was found.
#[derive(Debug, Serialize)]
struct Report {
    updates: usize,
    seconds: f64,
    updates_a_minute: f64,
    /// From the last update's reply until all of them were acknowledged, in milliseconds.
    acknowledged_after_ms: f64,
    /// What the statement of SQL took, in milliseconds, and until it was acknowledged.
    sql_ms: f64,
    sql_acknowledged_after_ms: f64,
    phases: Vec<Reads>,
    missed: Vec<String>,
}

/// Runs it all on a shop of its own and prints a table.
pub async fn run(options: &ImportOptions) -> Result<(), BenchError> {
    let count = options.updates + options.untouched;
    eprintln!("bench-import: starting a shop of {count} products with {} edges ...", options.edges);
    let shop = Arc::new(BenchShop::with_products(count, options.edges).await?);
    let mut products = shop.all_products().await?;
    let touched = products.split_off(options.untouched as usize);
    let touched =
        touched.get(..options.updates as usize).ok_or_else(|| short(products.len() + touched.len(), count))?;
    eprintln!("bench-import: filling the cache ...");
    let visitors = Visitors::start(&shop, &products, touched, options.reads).await?;
    let mut phases = Vec::new();
    eprintln!("bench-import: reading in peace ...");
    phases.push(visitors.during("in peace", tokio::time::sleep(PEACE)).await.0);

    eprintln!("bench-import: {} updates over the Admin API in {} s ...", options.updates, options.seconds);
    let start = Instant::now();
    let import = writers::over_the_api(&shop, touched, Duration::from_secs(options.seconds.into()));
    let (reads, done) = visitors.during("import over the API", import).await;
    let (updates, seconds) = (done?, start.elapsed().as_secs_f64());
    phases.push(reads);
    let acknowledged_after_ms = writers::acknowledged(&shop, touched).await?;
    phases.push(visitors.during("after it", tokio::time::sleep(PEACE)).await.0);

    eprintln!("bench-import: {} products by one statement of SQL ...", options.updates);
    let sql = async {
        let start = Instant::now();
        let took = writers::by_sql(&shop, touched).await?;
        let acknowledged = writers::acknowledged(&shop, touched).await?;
        tokio::time::sleep(AFTER_SQL.saturating_sub(start.elapsed())).await;
        Ok::<_, BenchError>((took, acknowledged))
    };
    let (reads, done) = visitors.during("import by SQL", sql).await;
    let (sql_ms, sql_acknowledged_after_ms) = done?;
    phases.push(reads);
    visitors.stop().await;

    let updates_a_minute = visitors::number(updates) / seconds * 60.0;
    let missed = missed(options, updates_a_minute, &phases);
    let report = Report {
        updates,
        seconds,
        updates_a_minute,
        acknowledged_after_ms,
        sql_ms,
        sql_acknowledged_after_ms,
        phases,
        missed,
    };
    report.print();
    super::write_json(&options.json, &report)?;
    if report.missed.is_empty() { Ok(()) } else { Err(BenchError::Missed(report.missed.join("; "))) }
}

fn short(found: usize, wanted: u32) -> BenchError {
    BenchError::Answer(format!("{found} products instead of {wanted}"))
}

/// What is not as it must be.
fn missed(options: &ImportOptions, updates_a_minute: f64, phases: &[Reads]) -> Vec<String> {
    let mut missed = Vec::new();
    let wanted = f64::from(options.updates) / f64::from(options.seconds) * 60.0 * 0.99;
    if updates_a_minute < wanted {
        missed.push(format!("{updates_a_minute:.0} updates a minute, not {wanted:.0}"));
    }
    for reads in phases {
        if reads.untouched_hits < HITS {
            missed
                .push(format!("{}: {:.2} % hits of untouched pages, not {HITS} %", reads.phase, reads.untouched_hits));
        }
        if reads.stalled > 0 || reads.failed > 0 {
            let (stalled, failed) = (reads.stalled, reads.failed);
            missed.push(format!("{}: {stalled} reads were stalled, {failed} failed", reads.phase));
        }
    }
    missed
}

impl Report {
    fn print(&self) {
        println!(
            "{} updates in {:.1} s ({:.0} a minute), acknowledged {:.0} ms after the last reply",
            self.updates, self.seconds, self.updates_a_minute, self.acknowledged_after_ms
        );
        println!(
            "one statement of SQL: {:.0} ms, acknowledged {:.0} ms after it",
            self.sql_ms, self.sql_acknowledged_after_ms
        );
        for reads in &self.phases {
            println!(
                "\n{}: {} reads, {} stalled (over {} ms), {} failed",
                reads.phase,
                reads.count,
                reads.stalled,
                STALL.as_millis(),
                reads.failed
            );
            println!(
                "  hits: {:.2} % of untouched pages, {:.2} % of updated ones",
                reads.untouched_hits, reads.touched_hits
            );
            println!("{:<44} {:>9} {:>9} {:>9} {:>9}", "", "p50", "p95", "p99", "max");
            reads.untouched_ms.print("  reads of untouched pages", "ms");
            reads.touched_ms.print("  reads of updated pages", "ms");
        }
        for missed in &self.missed {
            println!("MISSED {missed}");
        }
        let worst = self.phases.iter().map(|reads| reads.untouched_hits).fold(100.0, f64::min);
        let stalled: usize = self.phases.iter().map(|reads| reads.stalled).sum();
        println!(
            "\nBENCH-IMPORT updates_a_minute={:.0} untouched_hits={worst:.2} stalled={stalled}",
            self.updates_a_minute
        );
    }
}
