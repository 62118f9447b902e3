//! Counts the SQL statements that a test's origin sends to Postgres, so that a statement in a loop is a failing test.
//!
//! sqlx logs each statement as slow that takes as long as `database.slow_statement_ms`: with 0, all. The test must run on one
//! thread, as `#[tokio::test]` does. `BEGIN`, with whatever goes out beside it, is the one round trip that sqlx does not log.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// Under which target sqlx logs.
const TARGET: &str = "sqlx::query";

/// Statements that were sent while it lives.
pub(crate) struct Counting {
    statements: Arc<Mutex<Vec<String>>>,
    _guard: DefaultGuard,
}

impl Counting {
    /// Begins to count on this thread.
    pub(crate) fn begin() -> Self {
        let statements = Arc::new(Mutex::new(Vec::new()));
        let guard = tracing::subscriber::set_default(Counter(statements.clone()));
        Self { statements, _guard: guard }
    }

    /// The beginnings of the statements that were sent since this was last asked.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.statements.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Counter(Arc<Mutex<Vec<String>>>);

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(summary.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "summary" {
            self.0 = format!("{value:?}");
        }
    }
}
