//! Rows on their way into a table, in the text form of Postgres's COPY.

use std::fmt::{self, Write as _};

use sqlx::PgConnection;

use super::SeedError;
use super::error::database;
use super::scope::Made;

/// Rows for one table.
pub(super) struct Table {
    statement: &'static str,
    text: String,
    rows: u64,
}

/// A row that is being written. Its end is written when it is dropped.
pub(super) struct Row<'a> {
    text: &'a mut String,
    first: bool,
}

// === impl Table ===

impl Table {
    /// Rows for `statement`, such as `COPY currency (code, name) FROM STDIN`.
    pub(super) const fn new(statement: &'static str) -> Self {
        Self { statement, text: String::new(), rows: 0 }
    }

    /// A row without anything in it.
    pub(super) fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        Row { text: &mut self.text, first: true }
    }

    /// A row that begins with id, `created_at` and `updated_at`.
    pub(super) fn entity(&mut self, made: &Made) -> Row<'_> {
        self.row().text(&made.id).text(&made.at).text(&made.at)
    }

    /// Sends all rows in the running transaction, and forgets them.
    pub(super) async fn send(&mut self, connection: &mut PgConnection) -> Result<u64, SeedError> {
        let rows = std::mem::take(&mut self.rows);
        if rows > 0 {
            let mut copy = connection.copy_in_raw(self.statement).await.map_err(database(self.statement))?;
            copy.send(self.text.as_bytes()).await.map_err(database(self.statement))?;
            copy.finish().await.map_err(database(self.statement))?;
            self.text.clear();
        }
        Ok(rows)
    }
}

// === impl Row ===

impl Row<'_> {
    /// A text.
    pub(super) fn text(self, value: &str) -> Self {
        self.shown(format_args!("{value}"))
    }

    /// Whatever `value` shows itself as; for COPY all types are text.
    pub(super) fn shown(mut self, value: impl fmt::Display) -> Self {
        self.separate();
        // Writing to a String cannot fail.
        let _ = write!(Escape(self.text), "{value}");
        self
    }

    /// No value.
    pub(super) fn null(mut self) -> Self {
        self.separate();
        self.text.push_str("\\N");
        self
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.first) {
            self.text.push('\t');
        }
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        self.text.push('\n');
    }
}

/// Escapes what COPY's text form gives a meaning.
struct Escape<'a>(&'a mut String);

impl fmt::Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '\t', '\n', '\r']) {
            self.0.push_str(&rest[..at]);
            self.0.push_str(match rest.as_bytes()[at] {
                b'\t' => "\\t",
                b'\n' => "\\n",
                b'\r' => "\\r",
                _ => "\\\\",
            });
            rest = &rest[at + 1..];
        }
        self.0.push_str(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_escaped_and_ended() {
        let mut table = Table::new("COPY t (a, b, c) FROM STDIN");
        let _ = table.row().text("a\tb\\n\n").null().shown(10.5);
        let _ = table.row().text("").text("x").text("y");
        assert_eq!(table.text, "a\\tb\\\\n\\n\t\\N\t10.5\n\tx\ty\n");
        assert_eq!(table.rows, 2);
    }
}
