//! The program `vitrine`: the shop with all it needs, from one command.

mod backing;
mod bench_edge;
mod clean;
mod edges;
mod env_file;
mod error;
mod lock;
mod logs;
mod ports;
mod prove;
mod schemathesis;
mod seed;
mod signals;
mod supervise;
mod test_stack;
mod up;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use error::LauncherError;

use crate::bench::import::{self, ImportOptions};
use crate::bench::origin::{self, OriginBenchOptions};
use crate::bench::{self, BenchOptions};
use crate::edge::{self, EdgeBenchOptions, FloorOptions, OriginOptions};
use crate::prove::ProveOptions;
use crate::soak::{self, SoakOptions};
use crate::stack::workspace_root;

/// Runs Vitrine, or a command with servers for its tests.
#[derive(Debug, Parser)]
#[command(name = "vitrine", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts Postgres, Redis, S3, the demo shop, the origin and the edges, until Ctrl-C.
    Up(UpArguments),
    /// Removes the demo shop and all other data of `up`.
    CleanData(DataArguments),
    /// Starts a Postgres for tests, runs a command with it, and ends with the command's exit code.
    TestStack(TestStackArguments),
    /// Measures a write's way to the edges, and what a hit costs.
    Bench(BenchOptions),
    /// Measures what a bulk import does to the cache and to reads.
    BenchImport(ImportOptions),
    /// Measures the origin beside Medusa, and its lists as the catalogue grows.
    BenchOrigin(OriginBenchOptions),
    /// Watches the proxy's memory and every byte that it serves, under clients and an origin that behave badly.
    Soak(SoakOptions),
    /// Proves on the real programs, while everything fails, that no edge serves what an acknowledged write replaced.
    Prove(ProveOptions),
    /// Makes requests up by what the origin says of itself, and looks at each answer.
    Schemathesis(schemathesis::SchemathesisArguments),
    /// Measures what a hit, a miss, an object and a purge cost, beside other proxies.
    BenchEdge(EdgeBenchOptions),
    /// The origin of `bench-edge`.
    #[command(hide = true)]
    EdgeOrigin(OriginOptions),
    /// The floor of `bench-edge`.
    #[command(hide = true)]
    EdgeFloor(FloorOptions),
}

#[derive(Debug, Args)]
struct UpArguments {
    /// How many edges. Edge i listens on `PROXY_PORT` + 10 i and `OPS_PORT` + 10 i.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    edges: u16,
    /// How many products the demo shop gets when it is made.
    #[arg(long)]
    products: Option<u32>,
    #[command(flatten)]
    data: DataArguments,
}

#[derive(Debug, Args)]
struct DataArguments {
    /// The folder for data, logs and secrets; without it, .run in the checkout.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl DataArguments {
    fn folder(&self) -> Result<PathBuf, LauncherError> {
        match &self.data {
            Some(folder) => Ok(folder.clone()),
            None => Ok(workspace_root()?.join(".run")),
        }
    }
}

#[derive(Debug, Args)]
struct TestStackArguments {
    /// Also makes a database with the migrations of this folder and names it in `DATABASE_URL`.
    #[arg(long)]
    migrations: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// Does what the arguments say.
pub async fn run(arguments: Arguments) -> Result<ExitCode, LauncherError> {
    match arguments.command {
        Command::Up(up) => up::run(up).await,
        Command::CleanData(data) => clean::run(&data.folder()?),
        Command::TestStack(test_stack) => test_stack::run(test_stack).await,
        Command::Bench(options) => Ok(bench::run(&options).await.map(|()| ExitCode::SUCCESS)?),
        Command::BenchImport(options) => Ok(import::run(&options).await.map(|()| ExitCode::SUCCESS)?),
        Command::BenchOrigin(options) => Ok(origin::run(&options).await.map(|()| ExitCode::SUCCESS)?),
        Command::Soak(options) => Ok(soak::run(&options).await.map(|()| ExitCode::SUCCESS)?),
        Command::Prove(options) => prove::run(&options).await,
        Command::Schemathesis(arguments) => schemathesis::run(&arguments).await,
        Command::BenchEdge(options) => bench_edge::run(options).await,
        Command::EdgeOrigin(options) => bench_edge::apart(move || edge::serve_origin(&options)).await,
        Command::EdgeFloor(options) => bench_edge::apart(move || edge::serve_floor(&options)).await,
    }
}
