//! The command line: one file a command.

mod check;
mod explain;
mod objects;
mod ops;
mod run;
mod trail;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A caching reverse proxy that drops what a write replaced before the write is acknowledged.
#[derive(Debug, Parser)]
#[command(version, about)]
pub(crate) struct Arguments {
    /// The configuration.
    #[arg(long, env = "VITRINE_PROXY_CONFIG", default_value = "config/proxy.toml", value_name = "FILE", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the proxy until SIGTERM or SIGINT; SIGHUP reloads the configuration. So does no command at all.
    Run,
    /// Says all that is wrong with a configuration, what is probably not meant, and which of its cases do not come out.
    Check {
        /// The cases; without it those that stand beside the configuration, such as proxy.cases.toml.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
    },
    /// Says why a request is answered as it is, by what a running proxy holds and by its rules.
    Explain(explain::Explain),
    /// Lists what a running proxy holds.
    Objects(objects::Objects),
    /// Says what became of a change: its transaction, its epoch, and what each node did with it.
    Trail(trail::Trail),
}

impl Arguments {
    /// Does what was asked for.
    pub(crate) fn execute(self) -> ExitCode {
        match self.command {
            None | Some(Command::Run) => run::run(self.config),
            Some(Command::Check { cases }) => check::run(&self.config, cases.as_deref()),
            Some(Command::Explain(asked)) => explain::run(&self.config, &asked),
            Some(Command::Objects(asked)) => objects::run(&self.config, &asked),
            Some(Command::Trail(asked)) => trail::run(&self.config, &asked),
        }
    }
}

/// What `${NAME}` in the configuration stands for.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
