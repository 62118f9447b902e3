//! `vitrine-proxy`: runs the edge, or checks a configuration.

mod allocator;
mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cli::Arguments::parse().execute()
}
