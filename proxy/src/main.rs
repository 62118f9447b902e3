//! `vitrine-proxy`: runs the edge, or checks a configuration.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

/// What is freed goes back to the system after a moment (`.cargo/config.toml`): a cache that is full frees as much as it takes, and what the
/// budget counts should be what is resident.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    cli::Arguments::parse().execute()
}
