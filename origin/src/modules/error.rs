//! Why a write was refused.

use sqlx::postgres::PgDatabaseError;

use crate::error::{ApiError, ErrorKind};

/// A write that did not happen; its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It breaks a rule, or what it refers to is wrong.
    #[error("{0}")]
    Invalid(String),
    /// Against what the shop allows.
    #[error("{0}")]
    NotAllowed(String),
    /// What it is about does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It is there already.
    #[error("{0}")]
    Duplicate(String),
    /// Postgres failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

/// SQLSTATE of a unique index that was hit.
const UNIQUE: &str = "23505";
/// SQLSTATE of a reference to what does not exist.
const FOREIGN_KEY: &str = "23503";
/// SQLSTATE of a column that must have a value.
const NOT_NULL: &str = "23502";
/// SQLSTATE of a condition on a table that does not hold.
const CHECK: &str = "23514";
/// SQLSTATE class of values that cannot be stored, such as a number out of range.
const DATA_CLASS: &str = "22";

// === impl WriteError ===

impl WriteError {
    /// `Product with id: x was not found`.
    pub fn not_found(entity: &str, id: &str) -> Self {
        Self::NotFound(format!("{entity} with id: {id} was not found"))
    }

    /// Medusa's words for a reference to what does not exist (`dbErrorMapper`); `column` is the key's.
    pub fn no_such(column: &str, value: &str) -> Self {
        Self::NotFound(format!("You tried to set relationship {column}: {value}, but such entity does not exist"))
    }
}

/// What the database refuses because of the data is told in Medusa's words (`dbErrorMapper`).
impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        refused(&error).unwrap_or(Self::Database(error))
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Invalid(message) => Self::invalid_data(message),
            WriteError::NotAllowed(message) => Self::not_allowed(message),
            WriteError::NotFound(message) => Self::not_found(message),
            WriteError::Duplicate(message) => Self::new(ErrorKind::Duplicate, message),
            WriteError::Database(error) => error.into(),
        }
    }
}

fn refused(error: &sqlx::Error) -> Option<WriteError> {
    let error = error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    let entity = entity_name(error.table().unwrap_or("entity"));
    match error.code() {
        UNIQUE => {
            let (keys, values) = key_detail(error.detail()?)?;
            let pairs: Vec<String> =
                keys.split(", ").zip(values.split(", ")).map(|(key, value)| format!("{key}: {value}")).collect();
            Some(WriteError::Invalid(format!("{entity} with {}, already exists.", pairs.join(", "))))
        }
        FOREIGN_KEY => {
            let (key, value) = key_detail(error.detail()?)?;
            Some(WriteError::no_such(key, value))
        }
        NOT_NULL => {
            let column = error.column().unwrap_or("unknown");
            Some(WriteError::Invalid(format!("Cannot set field '{column}' of {entity} to null")))
        }
        CHECK => Some(WriteError::Invalid(format!("{entity} cannot have this value"))),
        code if code.starts_with(DATA_CLASS) => {
            Some(WriteError::Invalid(format!("A value cannot be stored: {}", error.message())))
        }
        _ => None,
    }
}

/// `product_variant` as `Product variant`.
fn entity_name(table: &str) -> String {
    let words = table.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Of Postgres's `Key (handle)=(shirt) already exists.`: `handle` and `shirt`.
fn key_detail(detail: &str) -> Option<(&str, &str)> {
    let (keys, rest) = detail.strip_prefix("Key (")?.split_once(")=(")?;
    let end = rest.rfind(") already exists").or_else(|| rest.rfind(") is not present"))?;
    Some((keys, &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_whatever_the_value_holds() {
        assert_eq!(key_detail("Key (handle)=(a) already exists."), Some(("handle", "a")));
        assert_eq!(key_detail("Key (sku)=(a) (b)=(c)) already exists."), Some(("sku", "a) (b)=(c)")));
        assert_eq!(key_detail("Key (type_id)=(x) is not present in table \"product_type\"."), Some(("type_id", "x")));
        assert_eq!(key_detail("something else"), None);
    }

    #[test]
    fn tables_are_named_as_medusa_names_entities() {
        assert_eq!(entity_name("product_variant"), "Product variant");
        assert_eq!(entity_name("product"), "Product");
    }
}
