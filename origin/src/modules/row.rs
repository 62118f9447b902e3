//! Rows of tables that merchants write column by column: the columns that a request may set are checked where it is read,
//! and a few statements write them for all tables.
//!
//! Names of tables and columns are the program's own, never a request's.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};
use vitrine_shared::id;

use super::metadata::{self, Metadata};
use super::{Patch, WriteError};

/// A table that merchants write.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What its ids begin with.
    pub prefix: &'static str,
    /// What a row is called where it is not found.
    pub title: &'static str,
}

/// Columns and their values, as JSON shows them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row(Vec<(&'static str, Value)>);

// === impl Row ===

impl Row {
    /// Sets a column.
    pub fn set(&mut self, column: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(name, _)| *name == column) {
            Some((_, held)) => *held = value,
            None => self.0.push((column, value)),
        }
    }

    /// The same, to go on with.
    #[must_use]
    pub fn with(mut self, column: &'static str, value: impl Into<Value>) -> Self {
        self.set(column, value);
        self
    }

    /// These columns and those of another.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        other.0.into_iter().for_each(|(column, value)| self.set(column, value));
        self
    }

    /// A column's value, where it is set.
    pub fn get(&self, column: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| *name == column).map(|(_, value)| value)
    }

    /// A column's text, where it is set to one.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.get(column)?.as_str()
    }

    /// Takes a column out.
    pub fn take(&mut self, column: &str) -> Option<Value> {
        let at = self.0.iter().position(|(name, _)| *name == column)?;
        Some(self.0.remove(at).1)
    }

    /// Sets the same columns of an object.
    pub fn columns_into(&self, object: &mut Map<String, Value>) {
        object.extend(self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn columns(&self) -> String {
        let names: Vec<String> = self.0.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        names.join(", ")
    }

    fn to_json(&self) -> Value {
        Value::Object(self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }
}

// === impl Table ===

impl Table {
    /// Adds a row under a new id; returns it.
    pub async fn insert(&self, conn: &mut PgConnection, row: Row) -> Result<String, WriteError> {
        let mut ids = self.insert_all(conn, vec![row]).await?;
        Ok(ids.pop().unwrap_or_default())
    }

    /// Adds rows that set the same columns, under new ids; returns these in order.
    pub async fn insert_all(&self, conn: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<String>, WriteError> {
        let rows: Vec<Row> = rows.into_iter().map(|row| row.with("id", id::new(self.prefix))).collect();
        let ids = rows.iter().filter_map(|row| row.text("id").map(str::to_owned)).collect();
        link(conn, self.name, &rows).await?;
        Ok(ids)
    }

    /// Reads a row, whole, and locks it against all who would change it.
    pub async fn lock(&self, conn: &mut PgConnection, id: &str) -> Result<Option<Map<String, Value>>, WriteError> {
        let sql =
            format!("SELECT to_jsonb(t) FROM {} t WHERE t.id = $1 AND t.deleted_at IS NULL FOR UPDATE", self.name);
        let found: Option<Value> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(id).fetch_optional(conn).await?;
        Ok(found.and_then(|row| if let Value::Object(row) = row { Some(row) } else { None }))
    }

    /// The same for a row that must be there.
    pub async fn locked(&self, conn: &mut PgConnection, id: &str) -> Result<Map<String, Value>, WriteError> {
        self.lock(conn, id).await?.ok_or_else(|| WriteError::not_found(self.title, id))
    }

    /// Changes a locked row; `metadata` is merged into that of `before`.
    pub async fn save(
        &self,
        conn: &mut PgConnection,
        before: &Map<String, Value>,
        mut patch: Row,
    ) -> Result<(), WriteError> {
        if let Some(given) = patch.take("metadata") {
            let mut merged: Metadata = metadata::from_json(before.get("metadata").cloned());
            metadata::merge(Patch::Set(metadata::from_json(Some(given))), &mut merged);
            patch.set("metadata", metadata::to_json(&merged));
        }
        let columns = patch.columns();
        let set = if patch.is_empty() {
            String::new()
        } else {
            format!("({columns}) = (SELECT {columns} FROM jsonb_populate_record(t, $2)), ")
        };
        let sql = format!(
            "UPDATE {} t SET {set}updated_at = clock_timestamp() WHERE t.id = $1 AND $2 IS NOT NULL",
            self.name
        );
        let id = before.get("id").and_then(Value::as_str).unwrap_or_default();
        sqlx::query(AssertSqlSafe(sql)).bind(id).bind(patch.to_json()).execute(conn).await?;
        Ok(())
    }

    /// Deletes rows softly: those whose `column` has one of these values. Returns their ids.
    pub async fn delete(
        &self,
        conn: &mut PgConnection,
        column: &'static str,
        values: &[String],
    ) -> Result<Vec<String>, WriteError> {
        let sql = format!(
            "UPDATE {} SET deleted_at = now(), updated_at = now() WHERE {column} = ANY($1) AND deleted_at IS NULL RETURNING id",
            self.name
        );
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(values).fetch_all(conn).await?)
    }

    /// Whether all of these are there, which they stay until the transaction ends; else an error that names those that
    /// are not.
    pub async fn hold_or(
        &self,
        conn: &mut PgConnection,
        ids: &[String],
        error: impl FnOnce(Vec<&str>) -> WriteError,
    ) -> Result<(), WriteError> {
        let sql =
            format!("SELECT id FROM {} WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR SHARE", self.name);
        let known: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(ids).fetch_all(conn).await?;
        let missing: Vec<&str> = ids.iter().filter(|id| !known.contains(id)).map(String::as_str).collect();
        if missing.is_empty() { Ok(()) } else { Err(error(missing)) }
    }
}

/// Adds rows that set the same columns to a table without ids of its own; those that are there stay.
pub async fn link(conn: &mut PgConnection, table: &str, rows: &[Row]) -> Result<(), WriteError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let columns = first.columns();
    let of_link = if first.get("id").is_none() { " ON CONFLICT DO NOTHING" } else { "" };
    let sql = format!(
        "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, $1){of_link}"
    );
    let rows = Value::Array(rows.iter().map(Row::to_json).collect());
    sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(conn).await?;
    Ok(())
}

/// Takes rows out of a table of links: those whose `near` is this and whose `far` is one of these.
pub async fn unlink(
    conn: &mut PgConnection,
    table: &str,
    (near, near_value): (&str, &str),
    (far, far_values): (&str, &[String]),
) -> Result<(), WriteError> {
    let sql = format!("DELETE FROM {table} WHERE {near} = $1 AND {far} = ANY($2)");
    sqlx::query(AssertSqlSafe(sql)).bind(near_value).bind(far_values).execute(conn).await?;
    Ok(())
}
