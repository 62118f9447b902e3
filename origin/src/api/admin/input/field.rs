//! Types of values, and how each is read.

use std::str::FromStr as _;

use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::issues::{Issues, Path};
use crate::modules::product::Status;

/// Most bytes of a text.
const MAX_TEXT: usize = 65_536;
/// Most bytes of a text that is indexed or names something.
const MAX_NAME: usize = 1_024;
/// Most entries of a map.
const MAX_ENTRIES: usize = 1_000;

/// A value that can stand in a body.
pub(super) trait Field: Sized {
    /// Reads it, or says what is wrong.
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self>;
}

/// A text of at most `MOST` bytes.
#[derive(Debug, Default)]
pub(super) struct Limited<const MOST: usize>(pub(super) String);

/// A text.
pub(super) type Text = Limited<MAX_TEXT>;
/// A text that is indexed or names something: a title, a handle, a code.
pub(super) type Name = Limited<MAX_NAME>;

/// A boolean, or its name as text (`booleanString`).
#[derive(Debug)]
pub(super) struct Flag(pub(super) bool);

/// A number that is not negative, without fraction.
#[derive(Debug)]
pub(super) struct Rank(pub(super) i32);

impl<const MOST: usize> Field for Limited<MOST> {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let Value::String(text) = value else {
            issues.wrong_type(path, "string", value);
            return None;
        };
        if text.len() > MOST {
            issues.too_big(path, MOST);
            return None;
        }
        Some(Self(text.clone()))
    }
}

impl Field for bool {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        if let Value::Bool(value) = value {
            return Some(*value);
        }
        issues.wrong_type(path, "boolean", value);
        None
    }
}

impl Field for Flag {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self(*value)),
            Value::String(text) => {
                let read = text.to_ascii_lowercase().parse().ok().map(Self);
                if read.is_none() {
                    issues.other("Invalid input");
                }
                read
            }
            _ => {
                issues.wrong_type(path, "boolean, string", value);
                None
            }
        }
    }
}

impl Field for Decimal {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let number = if let Value::Number(number) = value { Some(number.to_string()) } else { None };
        let read = number.and_then(|text| Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok());
        if read.is_none() {
            issues.wrong_type(path, "number", value);
        }
        read
    }
}

impl Field for i32 {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let read = value.as_i64().and_then(|number| i32::try_from(number).ok());
        if read.is_none() {
            issues.wrong_type(path, "number", value);
        }
        read
    }
}

impl Field for Rank {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let rank = i32::read(value, path, issues)?;
        if rank < 0 {
            issues.too_small(path, 0);
            return None;
        }
        Some(Self(rank))
    }
}

impl Field for Status {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let read = value.as_str().and_then(Self::from_name);
        if read.is_none() {
            issues.none_of(path, &Self::ALL.map(Self::name), value);
        }
        read
    }
}

impl Field for Map<String, Value> {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        if let Value::Object(map) = value {
            return Some(map.clone());
        }
        issues.wrong_type(path, "record", value);
        None
    }
}

impl<T: Field> Field for IndexMap<String, T> {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let map = Map::read(value, path, issues)?;
        if map.len() > MAX_ENTRIES {
            issues.too_big(path, MAX_ENTRIES);
            return None;
        }
        map.iter().map(|(name, value)| Some((name.clone(), T::read(value, &path.key(name), issues)?))).collect()
    }
}
