//! Logs: one line an entry on standard error, JSON unless a person reads along.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// The variable that sets the filter, in `tracing`'s syntax, such as `info,vitrine_proxy=debug`.
pub const FILTER_VARIABLE: &str = "VITRINE_LOG";

/// Starts logging for the process; a second call changes nothing.
///
/// Without [`FILTER_VARIABLE`], or where it cannot be parsed, `default` is the filter.
pub fn init(default: &str) {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    };
    // Already started, as in tests: keep what there is.
    drop(started);
}
