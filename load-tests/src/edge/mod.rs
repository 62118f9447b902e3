//! `make bench-edge`: what a hit, a miss, an object and a purge cost at the edge, beside nginx, Varnish, Traffic Server and
//! `HAProxy`, each with its best settings (`load-tests/peers/`), and beside a floor.
//!
//! All run at once, servers on one core and load and origin on another, and are measured in turn, round after round: what
//! disturbs the machine meets all of them. What counts is the processor time of a server's processes, which a busy machine
//! changes little, and ratios; times are those of the machine.

mod blocks;
mod browser;
mod catalog;
mod certificate;
mod client;
mod contender;
mod cores;
mod error;
mod feed;
mod fleet;
mod floor;
mod h2load;
mod hot;
mod launch;
mod load;
mod million;
mod origin;
mod popular;
mod purger;
mod report;
mod restart;
mod scripts;
mod server;
mod steady;
mod usage;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use error::EdgeError;
pub(crate) use load::parse_head;
pub(crate) use usage::{CpuTimes, memory};

use fleet::{Bench, Terms};
use report::Report;

/// What is measured, and how long.
#[derive(Debug, Clone, clap::Args)]
pub struct EdgeBenchOptions {
    /// How often each contender has its turn in each row.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// How long a turn is measured.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Connections that ask at once.
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Rows to run, with commas between; all without it.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Whom to compare with, with commas between; all without it but `leaseless`, which is ours without feed and lease.
    #[arg(long, value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Two short rounds and few objects: to see that it works, not what it costs.
    #[arg(long)]
    pub quick: bool,
    /// The core that servers run on.
    #[arg(long, default_value_t = 0)]
    pub server_core: usize,
    /// The core that load and origin run on.
    #[arg(long, default_value_t = 1)]
    pub load_core: usize,
    /// Where the result is written as JSON, besides the table.
    #[arg(long, default_value = "target/bench-edge.json")]
    pub json: PathBuf,
}

impl EdgeBenchOptions {
    fn measured(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.1, 600.0))
    }

    fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == row)
    }

    /// Short where it should be quick; an error names a row that does not exist.
    fn settled(mut self) -> Result<Self, EdgeError> {
        if self.quick {
            (self.rounds, self.seconds) = (2, 0.5);
        }
        let more = [popular::ROW, million::MEMORY, million::PURGE, restart::ROW];
        let known = || steady::ROWS.iter().map(|row| row.name).chain(more);
        match self.only.iter().find(|only| !known().any(|row| row == only.as_str())) {
            Some(given) => {
                let known = known().collect::<Vec<_>>().join(", ");
                Err(EdgeError::Unknown { kind: "row", given: given.clone(), known })
            }
            None => Ok(self),
        }
    }
}

/// Where the bench's own origin listens.
#[derive(Debug, clap::Args)]
pub struct OriginOptions {
    /// For those who get no tags.
    #[arg(long)]
    listen: SocketAddr,
    /// For those who do.
    #[arg(long)]
    listen_tagged: SocketAddr,
}

/// Where the floor listens.
#[derive(Debug, clap::Args)]
pub struct FloorOptions {
    /// The address.
    #[arg(long)]
    listen: SocketAddr,
}

/// Measures everything, prints the table and writes the JSON. `stop` ends it early, and the servers with it.
pub fn run(options: EdgeBenchOptions, stop: Arc<AtomicBool>) -> Result<(), EdgeError> {
    let options = options.settled()?;
    cores::pin(options.load_core)?;
    let bench = Bench::start(options, stop)?;
    measure(&bench).inspect_err(|_| bench.show_logs())
}

fn measure(bench: &Bench) -> Result<(), EdgeError> {
    let options = &bench.options;
    let mut lines = Vec::new();
    let wanted: Vec<_> = steady::ROWS.iter().filter(|row| options.wants(row.name)).collect();
    if !wanted.is_empty() {
        eprintln!("bench-edge: starting {} servers ...", bench.contenders.len());
        let servers = bench.fleet(Terms { budget: 1 << 30, average: 8_000, tags: true, on_disk: false })?;
        for row in wanted {
            lines.extend(row.run(bench, &servers)?);
        }
    }
    if options.wants(popular::ROW) {
        lines.extend(popular::run(bench)?);
    }
    let (memory, purge) = (options.wants(million::MEMORY), options.wants(million::PURGE));
    if memory || purge {
        lines.extend(million::run(bench, memory, purge)?);
    }
    if options.wants(restart::ROW) {
        lines.extend(restart::run(bench)?);
    }
    println!("\n{}", report::table(&lines, &bench.contenders));
    let last = report::last_line(&lines);
    let report = Report {
        rounds: options.rounds,
        seconds: options.seconds,
        connections: options.connections,
        machine: machine(),
        versions: std::collections::BTreeMap::new(),
        lines,
    };
    let text = serde_json::to_string_pretty(&report).map_err(|error| EdgeError::Answer(error.to_string()))?;
    if let Some(folder) = options.json.parent() {
        std::fs::create_dir_all(folder).map_err(EdgeError::file(folder))?;
    }
    std::fs::write(&options.json, text).map_err(EdgeError::file(&options.json))?;
    println!("As JSON: {}\n{last}", options.json.display());
    Ok(())
}

/// The processor, as Linux names it.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned())
}

/// The bench's origin, until the process ends.
pub fn serve_origin(options: &OriginOptions) -> Result<(), EdgeError> {
    origin::serve(options.listen, options.listen_tagged).map_err(EdgeError::network("listen on", options.listen))
}

/// The floor, until the process ends.
pub fn serve_floor(options: &FloorOptions) -> Result<(), EdgeError> {
    floor::serve(options.listen).map_err(EdgeError::network("listen on", options.listen))
}
