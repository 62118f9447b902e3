//! `vitrine-proxy`: runs the edge, or checks a configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vitrine_proxy::check::{check, has_errors};
use vitrine_proxy::config::Config;
use vitrine_proxy::service::{Server, Stop};

/// A caching reverse proxy that drops what a write replaced before the write is acknowledged.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the proxy until SIGTERM or SIGINT.
    Run {
        /// The configuration.
        #[arg(long, env = "VITRINE_PROXY_CONFIG", default_value = "config/proxy.toml")]
        config: PathBuf,
    },
    /// Says all that is wrong with a configuration, and what is probably not meant.
    Check {
        /// The configuration.
        #[arg(long, env = "VITRINE_PROXY_CONFIG", default_value = "config/proxy.toml")]
        config: PathBuf,
    },
}

/// What Pingora says of its own coming and going is for those who debug it.
const LOG_FILTER: &str = "info,pingora_core=warn,pingora_proxy=warn";

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { config } => run(&config),
        Command::Check { config } => {
            let findings = check(&config, variable);
            for finding in &findings {
                println!("{finding}");
            }
            if has_errors(&findings) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
    }
}

fn run(file: &std::path::Path) -> ExitCode {
    vitrine_shared::telemetry::init(LOG_FILTER);
    let config = match Config::load(file, variable) {
        Ok(config) => config,
        Err(errors) => {
            for error in errors {
                eprintln!("{error}");
            }
            return ExitCode::FAILURE;
        }
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    match Server::build(&config) {
        Ok(server) => {
            tracing::info!(edge = %config.edge, http = %config.listen.http, ops = %config.listen.ops, "starting");
            server.run(Stop::Signals);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
