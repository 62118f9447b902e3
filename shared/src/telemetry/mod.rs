//! Logs: one line an entry on standard error, JSON unless a person reads along.

mod lines;

use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};

pub use lines::Lines;
use tracing_subscriber::EnvFilter;

/// The variable that sets the filter, in `tracing`'s syntax, such as `info,vitrine_proxy=debug`.
pub const FILTER_VARIABLE: &str = "VITRINE_LOG";

/// Where this process's JSON lines go.
static LINES: OnceLock<Arc<Lines>> = OnceLock::new();

/// Logging of the process. What is still to be written is written when it is dropped.
#[derive(Debug)]
#[must_use = "what is still to be written is written when it is dropped"]
pub struct Logging(());

/// Starts logging for the process; a second call changes nothing.
///
/// Without [`FILTER_VARIABLE`], or where it cannot be parsed, `default` is the filter.
pub fn init(default: &str) -> Logging {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt().with_env_filter(filter);
    // Where it was started already, as in tests, what there is is kept.
    if std::io::stderr().is_terminal() {
        drop(builder.with_writer(std::io::stderr).with_target(false).try_init());
        return Logging(());
    }
    let json = builder.json().flatten_event(true).with_current_span(false).with_span_list(false);
    match Lines::to(std::io::stderr()) {
        Some(lines) => {
            let to = Arc::clone(&lines);
            if json.with_writer(move || Pushing(Arc::clone(&to))).try_init().is_ok() {
                drop(LINES.set(lines));
            } else {
                lines.stop();
            }
        }
        None => drop(json.with_writer(std::io::stderr).try_init()),
    }
    Logging(())
}

/// Where lines of JSON go, for who makes them without `tracing`; `None` where the log is not of that form.
pub fn lines() -> Option<&'static Lines> {
    LINES.get().map(Arc::as_ref)
}

impl Drop for Logging {
    fn drop(&mut self) {
        if let Some(lines) = lines() {
            lines.stop();
        }
    }
}

/// One entry, which is written at once.
struct Pushing(Arc<Lines>);

impl Write for Pushing {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
