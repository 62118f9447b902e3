//! `vitrine`: runs the shop with all it needs, or a command with servers for its tests.

use std::process::ExitCode;

use clap::Parser;
use vitrine_load_tests::launcher::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vitrine: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(launcher::run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vitrine: {error}");
            ExitCode::FAILURE
        }
    }
}
