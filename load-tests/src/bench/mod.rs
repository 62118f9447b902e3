//! `make bench`: what a write's way to the edges takes, and what a hit costs beside the same answer from the origin.
//!
//! Everything runs on one machine with the load beside it, so ratios and medians are what it tells; absolute times are
//! those of the machine.

mod cost;
pub mod import;
pub mod origin;
mod propagation;
mod shop;
mod summary;

use std::path::{Path, PathBuf};

use serde::Serialize;

pub use summary::Summary;

use crate::stack::StackError;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchOptions {
    /// How many writes of each kind.
    #[arg(long, default_value_t = 200)]
    pub writes: u32,
    /// How many requests in each round of the cost of a hit.
    #[arg(long, default_value_t = 20_000)]
    pub requests: u32,
    /// How many rounds.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// How many edges.
    #[arg(long, default_value_t = 2)]
    pub edges: u32,
    /// Where the result is written as JSON, besides the table.
    #[arg(long, default_value = ".run/bench.json")]
    pub json: PathBuf,
}

#[derive(Debug, Serialize)]
struct Report {
    propagation: propagation::Propagation,
    cost: cost::Cost,
}

/// Runs it all on a shop of its own and prints a table.
pub async fn run(options: &BenchOptions) -> Result<(), BenchError> {
    eprintln!("bench: starting a shop of 1,000 products with {} edges ...", options.edges);
    let mut shop = shop::BenchShop::start(options.edges).await?;
    eprintln!("bench: {} writes without waiting, {} with ...", options.writes, options.writes);
    let propagation = propagation::measure(&shop, options.writes).await?;
    eprintln!("bench: {} rounds of {} requests ...", options.rounds, options.requests);
    let cost = cost::measure(&mut shop, options.rounds, options.requests).await?;
    propagation.print();
    cost.print();
    let report = Report { propagation, cost };
    write_json(&options.json, &report)?;
    if report.propagation.stale_after_ack > 0 {
        return Err(BenchError::Stale(report.propagation.stale_after_ack));
    }
    Ok(())
}

/// A count among readings.
fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn write_json(path: &Path, report: &impl Serialize) -> Result<(), BenchError> {
    let text = serde_json::to_string_pretty(report).map_err(|error| BenchError::Answer(error.to_string()))?;
    let failed = |source| BenchError::Write { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)?;
    println!("\nAs JSON: {}", path.display());
    Ok(())
}

/// The bench could not go on, or found what must not be.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The shop could not be started.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A statement failed.
    #[error("a statement of the bench failed: {0}")]
    Database(#[from] sqlx::Error),
    /// What was measured is not as it must be.
    #[error("missed: {0}")]
    Missed(String),
    /// A request failed.
    #[error("a request of the bench failed: {0}")]
    Request(#[from] reqwest::Error),
    /// An answer was not what the bench needs.
    #[error("unexpected answer: {0}")]
    Answer(String),
    /// A write never became visible.
    #[error("the write {0} did not become visible within 30 s")]
    Invisible(String),
    /// What a server used could not be read.
    #[error(transparent)]
    Usage(#[from] crate::edge::EdgeError),
    /// The promise was broken.
    #[error("{0} reads were older than an acknowledged write")]
    Stale(u64),
    /// The result could not be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
