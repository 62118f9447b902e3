//! `vitrine prove`: whether any edge ever serves what an acknowledged write replaced, on the real programs, while everything fails.
//!
//! Writers give each thing that can be written version after version; readers at all edges check each answer against what was
//! acknowledged when they began to ask ([`history`]). Beside it programs are killed and stopped, and the network between them is
//! cut. After each fault the shop must be well again within a bound.

mod cast;
mod chaos;
mod config;
mod error;
mod history;
mod judge;
mod latency;
mod marker;
mod network;
mod reader;
mod report;
mod setup;
mod shop;
mod tally;
mod violations;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use self::config::Break;
pub use self::error::ProveError;

use self::chaos::{Injected, Recovery};
use self::history::History;
use self::judge::Shared;
use self::latency::Latency;
use self::reader::{Readers, Reading};
use self::report::{Proofs, Report};
use self::shop::Shop;
use self::violations::Violations;
use self::writer::{Admin, Writing};
use crate::stack::Durability;

/// How long, how hard, and with which chances.
#[derive(Debug, Clone, clap::Args)]
pub struct ProveOptions {
    /// Minutes of faults.
    #[arg(long, default_value_t = 12.0)]
    pub minutes: f64,
    /// Seconds of writing at a steady rate to a healthy shop, before the faults; 0 for none.
    #[arg(long, default_value_t = 20)]
    pub steady_seconds: u64,
    /// Chooses faults and reads; without it, by chance.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Most reads a second.
    #[arg(long, default_value_t = 12_000)]
    pub reads: u32,
    /// Milliseconds between two writes to the same thing, on average.
    #[arg(long, default_value_t = 2_000)]
    pub write_every: u64,
    /// Only faults whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
    /// Breaks the promise in the edges' configuration, to see that it is found.
    #[arg(long = "break", value_enum)]
    pub broken: Option<Break>,
    /// What the searches before this run said: its report repeats their lines `MODEL ...` and `SIM ...`, and needs both.
    #[arg(long)]
    pub proofs: Option<PathBuf>,
    /// Let Postgres flush each commit to the disk, as a shop's does: what is measured then is mostly this machine's disk.
    #[arg(long)]
    pub durable: bool,
    /// Where data, logs and the report go; emptied first. Without it, `vitrine-prove` in the system's temporary folder.
    #[arg(long)]
    pub folder: Option<PathBuf>,
}

/// Runs it. Says whether all was found to be as promised, and enough was checked.
pub async fn run(options: &ProveOptions) -> Result<bool, ProveError> {
    let folder = options.folder.clone().unwrap_or_else(|| std::env::temp_dir().join("vitrine-prove"));
    let seed = options.seed.unwrap_or_else(|| rand::random_range(1..1_000_000));
    println!("prove: seed {seed}; logs and report in {}", folder.display());
    let proofs = options.proofs.as_deref().map(Proofs::read).transpose()?;
    // Programs die here, and the machine does not.
    let durability = if options.durable { Durability::Full } else { Durability::Process };
    let mut shop = Shop::start(&folder, options.broken, durability).await?;
    let proven = prove(options, seed, &mut shop).await;
    shop.stop().await;
    let mut report = proven?;
    report.take(proofs);
    report.write(&folder.join("report.json"))?;
    report.print();
    Ok(report.passes())
}

/// Who writes, and what readers and writers share.
struct Stage {
    shared: Shared,
    writing: Arc<Writing>,
}

async fn prove(options: &ProveOptions, seed: u64, shop: &mut Shop) -> Result<Report, ProveError> {
    let latency = measure(options, shop).await?;
    shop.make_standby().await?;
    let Stage { shared, writing } = stage(options, shop).await?;
    let reading = Reading {
        edges: shop.edges.iter().map(|edge| edge.listen).collect(),
        key: shop.secrets.publishable_key.clone(),
        rate: options.reads,
        seed,
    };
    let readers = Readers::start(&reading, &shared)?;
    let writers = writer::start(&writing, seed);
    let mut recovery = Recovery {
        probe: &writing.cast.probe,
        admin: &writing.admin,
        history: &shared.history,
        violations: &shared.violations,
        client: reqwest::Client::new(),
        round: 0,
    };
    let (entities, urls) = (writing.cast.entities.len(), shared.targets.len());
    println!("prove: {entities} entities, {urls} URLs; faults for {} minutes", options.minutes);
    let time = Duration::from_secs_f64(options.minutes * 60.0);
    let injected = if recovery.check(shop, "the start").await.is_some() {
        chaos::run(shop, recovery, time, seed, options.only.as_deref()).await
    } else {
        Injected { hopeless: true, ..Injected::default() }
    };
    settle(&writing, &readers).await;
    drop(writers);
    readers.stop();
    let mut report = Report::new(seed, time, shared.violations.count(), shared.tally.counts(), &injected);
    report.missed.extend(latency.iter().flat_map(|latency| latency.missed.clone()));
    report.latency = latency;
    complain(&mut report, &injected, &writing, shop);
    report.look_for_too_little();
    Ok(report)
}

/// How long acknowledgements take while nothing fails.
async fn measure(options: &ProveOptions, shop: &mut Shop) -> Result<Option<Latency>, ProveError> {
    if options.steady_seconds == 0 {
        return Ok(None);
    }
    println!("prove: 200 writes a second for {} s, then with a dead edge", options.steady_seconds);
    let token = setup::login(shop, &reqwest::Client::new()).await?;
    let admin = Admin::new(token, shop.origins.iter().map(|origin| origin.listen).collect())?;
    Ok(Some(latency::measure(shop, &admin, Duration::from_secs(options.steady_seconds)).await?))
}

/// Makes what is written and read.
async fn stage(options: &ProveOptions, shop: &Shop) -> Result<Stage, ProveError> {
    let token = setup::login(shop, &reqwest::Client::new()).await?;
    let bucket = shop.s3.bucket()?;
    let cast = setup::prepare(shop, &bucket).await?;
    let history = Arc::new(History::new(cast.entities.iter().map(|how| (how.name(), how.comes_and_goes()))));
    let shared = Shared {
        history: history.clone(),
        targets: Arc::from(cast.targets.clone()),
        tally: Arc::default(),
        violations: Arc::new(Violations::new(&shop.data.root().join("violations.log"))?),
    };
    // Merchants come to the origins, and some through an edge.
    let origins = || shop.origins.iter().map(|origin| origin.listen);
    let ways = origins().chain(origins()).chain(shop.edges.iter().map(|edge| edge.listen)).collect();
    let writing = Arc::new(Writing {
        cast,
        history,
        tally: shared.tally.clone(),
        admin: Admin::new(token, ways)?,
        bucket,
        database_url: shop.database_url(),
        triggers: setup::has_triggers(&shop.database_url()).await?,
        every: Duration::from_millis(options.write_every),
        rest: AtomicBool::new(false),
        refused: parking_lot::Mutex::default(),
    });
    Ok(Stage { shared, writing })
}

/// Lets writes end, acknowledges all that is committed, and reads once more everywhere.
async fn settle(writing: &Writing, readers: &Readers) {
    writing.rest.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let committed = writing.history.committed();
    let path = format!("/admin/products/{}", writing.cast.probe.product);
    let body = serde_json::json!({ "title": "the last" });
    let last = writing.admin.send(0, reqwest::Method::POST, &path, Some(&body), true).await;
    if last.reply() == history::Reply::Acked {
        writing.history.acknowledge_committed(&committed);
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    readers.rest(true);
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// What keeps a run from passing besides violations and too little.
fn complain(report: &mut Report, injected: &Injected, writing: &Writing, shop: &Shop) {
    if !shop.network.is_divided() {
        report.missed.push("no partitions: only root may make network namespaces".to_owned());
    }
    if !writing.triggers {
        report.missed.push("nothing was typed into psql: the database has no triggers that purge".to_owned());
    }
    if injected.hopeless {
        report.missed.push("given up: the shop did not become well again".to_owned());
    }
    for failed in injected.failed.iter().take(5) {
        println!("prove: a fault could not be injected: {failed}");
    }
    let refused = writing.refused.lock();
    for words in refused.iter().take(5) {
        println!("prove: a write was refused: {words}");
    }
}
