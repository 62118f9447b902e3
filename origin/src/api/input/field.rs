//! Types of values, and how each is read.

use std::str::FromStr as _;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::issues::{Issues, Path};
use crate::api::store::operators;
use crate::modules::product::Status;

/// Most bytes of a text.
const MAX_TEXT: usize = 65_536;
/// Most bytes of a text that is indexed or names something.
const MAX_NAME: usize = 1_024;
/// Most bytes of a small object, as JSON.
const MAX_SMALL_MAP: usize = 16_384;
/// Most entries of a map.
const MAX_ENTRIES: usize = 1_000;
/// Texts without a NUL, which Postgres cannot hold.
const NO_NUL: &str = "^[^\\u0000]*$";

/// A value that can stand in a body.
pub(in crate::api) trait Field: Sized {
    /// Reads it, or says what is wrong.
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self>;

    /// The JSON Schema of what it takes.
    fn schema() -> Value;
}

/// A text of at most `MOST` bytes.
#[derive(Debug, Default)]
pub(in crate::api) struct Limited<const MOST: usize>(pub(in crate::api) String);

/// A text.
pub(in crate::api) type Text = Limited<MAX_TEXT>;
/// A text that is indexed or names something: a title, a handle, a code.
pub(in crate::api) type Name = Limited<MAX_NAME>;

/// A name of one character and more (zod's `min(1)`).
#[derive(Debug, Default)]
pub(in crate::api) struct Filled(pub(in crate::api) String);

/// An e-mail address (zod's `email`).
#[derive(Debug, Default)]
pub(in crate::api) struct Email(pub(in crate::api) String);

/// A small object, as visitors may have us keep it.
#[derive(Debug, Default)]
pub(in crate::api) struct SmallMap(pub(in crate::api) Map<String, Value>);

/// How many pieces: more than none (`z.number().gt(0)`).
#[derive(Debug, Default)]
pub(in crate::api) struct Pieces(pub(in crate::api) i32);

/// How many pieces, or none (`z.number().gte(0)`).
#[derive(Debug, Default)]
pub(in crate::api) struct PiecesOrNone(pub(in crate::api) i32);

/// A boolean, or its name as text (`booleanString`).
#[derive(Debug)]
pub(in crate::api) struct Flag(pub(in crate::api) bool);

/// A text or a list of at most `MOST` texts.
#[derive(Debug, Default)]
pub(in crate::api) struct OneOrMany<const MOST: usize>(pub(in crate::api) Vec<String>);

/// A time in ISO 8601.
#[derive(Debug)]
pub(in crate::api) struct Time(pub(in crate::api) DateTime<Utc>);

/// A number that is not negative, without fraction.
#[derive(Debug)]
pub(in crate::api) struct Rank(pub(in crate::api) i32);

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

    fn schema() -> Value {
        json!({ "type": "string", "maxLength": MOST, "pattern": NO_NUL })
    }
}

impl Field for Filled {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let Limited::<MAX_NAME>(text) = Limited::read(value, path, issues)?;
        if text.is_empty() {
            issues.too_small(path, 1);
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> Value {
        json!({ "type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": NO_NUL })
    }
}

impl Field for Email {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let Limited::<MAX_NAME>(text) = Limited::read(value, path, issues)?;
        if !is_email(&text) {
            issues.other("Invalid email address");
            return None;
        }
        Some(Self(text))
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "email", "maxLength": MAX_NAME, "pattern": EMAIL })
    }
}

/// What [`is_email`] takes, for whoever makes addresses up.
const EMAIL: &str = "^[A-Za-z0-9_+-]+@([A-Za-z0-9][A-Za-z0-9-]*\\.)+[A-Za-z]{2,}$";

/// Whether zod takes it for an e-mail address (`zod/v4/core/regexes.js`): no dot at an end of the local part, nor two together
/// anywhere; ASCII; a domain of two labels and more, the last of letters.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b"_'+-.".contains(&b);
    let may_end = |b: u8| b.is_ascii_alphanumeric() || b"_+-".contains(&b);
    let label = |label: &str| {
        let first = label.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        first && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let Some((labels, last)) = domain.rsplit_once('.') else {
        return false;
    };
    !text.contains("..")
        && !local.starts_with('.')
        && local.bytes().all(is_local)
        && local.bytes().last().is_some_and(may_end)
        && labels.split('.').all(label)
        && last.len() >= 2
        && last.bytes().all(|b| b.is_ascii_alphabetic())
}

impl Field for bool {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        if let Value::Bool(value) = value {
            return Some(*value);
        }
        issues.wrong_type(path, "boolean", value);
        None
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
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

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, { "enum": ["true", "false"] }] })
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

    fn schema() -> Value {
        json!({ "type": "number" })
    }
}

impl<const MOST: usize> Field for OneOrMany<MOST> {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let one = |value: &Value| value.as_str().filter(|text| text.len() <= MAX_NAME).map(str::to_owned);
        let read = match value {
            Value::Array(list) if list.len() > MOST => {
                issues.too_big(path, MOST);
                return None;
            }
            Value::Array(list) => list.iter().map(one).collect(),
            value => one(value).map(|text| vec![text]),
        };
        if read.is_none() {
            issues.wrong_type(path, "string, array", value);
        }
        read.map(Self)
    }

    fn schema() -> Value {
        let text = Name::schema();
        json!({ "anyOf": [text, { "type": "array", "maxItems": MOST, "items": text }] })
    }
}

impl Field for Time {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let read = value.as_str().and_then(operators::time).map(Self);
        if read.is_none() {
            issues.wrong_type(path, "date", value);
        }
        read
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "date-time" })
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

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX })
    }
}

impl Field for SmallMap {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let map = Map::read(value, path, issues)?;
        if serde_json::to_vec(&map).map_or(0, |text| text.len()) > MAX_SMALL_MAP {
            issues.too_big(path, MAX_SMALL_MAP);
            return None;
        }
        Some(Self(map))
    }

    fn schema() -> Value {
        json!({ "type": "object" })
    }
}

impl Field for PiecesOrNone {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let number = Decimal::read(value, path, issues)?;
        if number < Decimal::ZERO {
            issues.too_small(path, 0);
            return None;
        }
        if number > Decimal::from(i32::MAX) {
            issues.too_big(path, i32::MAX.unsigned_abs() as usize);
            return None;
        }
        let whole = i32::try_from(number).ok().filter(|whole| Decimal::from(*whole) == number);
        if whole.is_none() {
            issues.wrong_type(path, "int", value);
        }
        whole.map(Self)
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX })
    }
}

impl Field for Pieces {
    fn read(value: &Value, path: &Path, issues: &mut Issues) -> Option<Self> {
        let pieces = PiecesOrNone::read(value, path, issues)?.0;
        if pieces == 0 {
            issues.too_small(path, 0);
            return None;
        }
        Some(Self(pieces))
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": i32::MAX })
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

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX })
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

    fn schema() -> Value {
        json!({ "enum": Self::ALL.map(Self::name) })
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

    fn schema() -> Value {
        json!({ "type": "object" })
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

    fn schema() -> Value {
        json!({ "type": "object", "maxProperties": MAX_ENTRIES, "additionalProperties": T::schema() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_zod_takes() {
        for good in ["a@b.co", "a.b+c@x-y.example.com", "u1795253092321@test.com", "o'neil@test.com", "1@2.aa"] {
            assert!(is_email(good), "{good}");
        }
        for wrong in [
            "",
            "a",
            "@b.co",
            "a@b",
            "a@b.c",
            "a@.co",
            "a@b..co",
            "a..b@c.co",
            ".a@b.co",
            "a.@b.co",
            "a@b@c.co",
            "a b@c.co",
            "ø@b.co",
            "a'@b.co",
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }
}
