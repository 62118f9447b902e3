//! `vitrine-proxy`, or `vitrine-proxy run`

use std::path::PathBuf;
use std::process::ExitCode;

use vitrine_proxy::reload::{Loader, watch};
use vitrine_proxy::service::{Server, Stop};

/// What Pingora says of its own coming and going is for those who debug it; its connectors report as an error that a pooled
/// connection was just being taken by another request, its exchange that a client left with the last bytes on their way, and what fails
/// for a request is told by the request.
const LOG_FILTER: &str =
    "info,pingora_core=warn,pingora_core::connectors=off,pingora_proxy=warn,pingora_proxy::proxy_h1=off";

pub(super) fn run(file: PathBuf) -> ExitCode {
    let _logging = vitrine_shared::telemetry::init(LOG_FILTER);
    // Before anything can take time: a reload that is asked for early must not end the program.
    if let Err(error) = watch::survive_sighup() {
        tracing::warn!(%error, "SIGHUP cannot be watched");
    }
    let loader = Loader::new(file, super::variable);
    let loaded = match loader.load() {
        Ok(loaded) => loaded,
        Err(errors) => {
            for error in errors {
                eprintln!("{error}");
            }
            return ExitCode::FAILURE;
        }
    };
    let config = &loaded.config;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    tracing::info!(edge = %config.edge, http = %config.listen.http, ops = %config.listen.ops, "starting");
    match Server::of_file(loaded, loader) {
        Ok(server) => {
            server.measured_by(crate::allocator::in_use).run(Stop::Signals);
            tracing::info!("stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
