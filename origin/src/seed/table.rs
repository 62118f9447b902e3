//! Rows on their way into a table: one statement a table, whatever their number.
//!
//! COPY would be the usual way, but sqlx sends the data and the end of a COPY apart on a socket that waits for
//! acknowledgements (Nagle's algorithm), which cost about 40 ms a table: more than most tables take.

use std::fmt;

use sqlx::{AssertSqlSafe, PgConnection};

use super::SeedError;
use super::error::database;
use super::scope::Made;

/// Rows for one table, column by column.
pub(super) struct Table {
    name: &'static str,
    statement: String,
    columns: Vec<Vec<Option<String>>>,
}

/// A row that is being written; its columns come in the table's order, and all of them.
pub(super) struct Row<'a> {
    columns: std::slice::IterMut<'a, Vec<Option<String>>>,
}

// === impl Table ===

impl Table {
    /// Rows of `columns`, such as `code, rounding numeric`: each a name and, where it is not text, a type.
    pub(super) fn new(name: &'static str, columns: &str) -> Self {
        let columns: Vec<(&str, &str)> =
            columns.split(", ").map(|column| column.split_once(' ').unwrap_or((column, "text"))).collect();
        let list = |each: &dyn Fn(usize, &str, &str) -> String| {
            let texts = columns.iter().enumerate().map(|(index, (column, kind))| each(index + 1, column, kind));
            texts.collect::<Vec<_>>().join(", ")
        };
        let statement = format!(
            "INSERT INTO {name} ({}) SELECT {} FROM unnest({}) AS line ({})",
            list(&|_, column, _| column.to_owned()),
            list(&|index, _, kind| format!("c{index}::{kind}")),
            list(&|index, _, _| format!("${index}::text[]")),
            list(&|index, _, _| format!("c{index}")),
        );
        Self { name, statement, columns: vec![Vec::new(); columns.len()] }
    }

    /// Rows of id, `created_at`, `updated_at` and `columns`.
    pub(super) fn entities(name: &'static str, columns: &str) -> Self {
        let all = format!("id, created_at timestamptz, updated_at timestamptz, {columns}");
        Self::new(name, all.trim_end_matches(", "))
    }

    /// A row without anything in it.
    pub(super) fn row(&mut self) -> Row<'_> {
        Row { columns: self.columns.iter_mut() }
    }

    /// A row of [`Table::entities`] that has its id and times.
    pub(super) fn entity(&mut self, made: &Made) -> Row<'_> {
        self.row().text(&made.id).text(&made.at).text(&made.at)
    }

    /// Sends all rows in the running transaction, and forgets them. Tells how many they were.
    pub(super) async fn send(&mut self, connection: &mut PgConnection) -> Result<u64, SeedError> {
        if self.columns.iter().all(Vec::is_empty) {
            return Ok(0);
        }
        debug_assert!(self.columns.iter().all(|column| column.len() == self.columns[0].len()), "{}", self.name);
        let mut query = sqlx::query(AssertSqlSafe(self.statement.as_str()));
        for column in &self.columns {
            query = query.bind(column);
        }
        let done = query
            .execute(connection)
            .await
            .map_err(|source| database(&format!("fill the table {}", self.name))(source))?;
        self.columns.iter_mut().for_each(Vec::clear);
        Ok(done.rows_affected())
    }
}

// === impl Row ===

impl Row<'_> {
    /// A text.
    pub(super) fn text(self, value: &str) -> Self {
        self.next(Some(value.to_owned()))
    }

    /// A value of any type as its text.
    pub(super) fn shown(self, value: impl fmt::Display) -> Self {
        self.next(Some(value.to_string()))
    }

    /// No value.
    pub(super) fn null(self) -> Self {
        self.next(None)
    }

    fn next(mut self, value: Option<String>) -> Self {
        if let Some(column) = self.columns.next() {
            column.push(value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_one_statement() {
        let table = Table::new("currency", "code, rounding numeric");
        assert_eq!(
            table.statement,
            "INSERT INTO currency (code, rounding) SELECT c1::text, c2::numeric \
             FROM unnest($1::text[], $2::text[]) AS line (c1, c2)"
        );
    }

    #[test]
    fn rows_fill_columns() {
        let mut table = Table::new("currency", "code, rounding numeric");
        let _ = table.row().text("chf").shown(0.05);
        let _ = table.row().text("eur").null();
        assert_eq!(table.columns[0], [Some("chf".to_owned()), Some("eur".to_owned())]);
        assert_eq!(table.columns[1], [Some("0.05".to_owned()), None]);
    }
}
