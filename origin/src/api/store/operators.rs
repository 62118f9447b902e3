//! Times as parameters: text, a list, or a map of operators (Medusa's `createOperatorMap`).

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Utc};

use super::params::expected;
use crate::api::query_string::Node;
use crate::error::ApiError;
use crate::query::filter::{Test, Value};

/// Operators that compare times.
const COMPARING: [&str; 8] = ["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"];
/// Operators that Medusa takes here and Postgres cannot apply to times.
const MATCHING: [&str; 4] = ["$like", "$ilike", "$re", "$contains"];

/// The tests that a value makes.
pub(super) fn operators(name: &str, node: &Node, issues: &mut Vec<String>) -> Result<Vec<Test>, ApiError> {
    let Node::Map(map) = node else {
        return Ok(vec![Test::In(times(name, node, issues)?)]);
    };
    let mut tests = Vec::new();
    for (operator, value) in map {
        if MATCHING.contains(&operator.as_str()) {
            return Err(ApiError::invalid_data(format!("Invalid request: `{operator}` cannot be applied to '{name}'")));
        }
        // As Medusa's validator does, what it does not know it passes over.
        if !COMPARING.contains(&operator.as_str()) {
            continue;
        }
        let path = format!("{name}, {operator}");
        let mut values = times(&path, value, issues)?;
        tests.extend(match operator.as_str() {
            "$ne" | "$nin" => Some(Test::NotIn(values)),
            "$eq" | "$in" => Some(Test::In(values)),
            "$gt" => values.pop().map(Test::Above),
            "$gte" => values.pop().map(Test::AtLeast),
            "$lt" => values.pop().map(Test::Below),
            _ => values.pop().map(Test::AtMost),
        });
    }
    Ok(tests)
}

/// The texts of a text or a list of texts.
pub(super) fn texts_of(node: &Node) -> Option<Vec<String>> {
    let text = |node: &Node| if let Node::Text(text) = node { Some(text.clone()) } else { None };
    match node {
        Node::Text(text) => Some(vec![text.clone()]),
        Node::List(list) => list.iter().map(text).collect(),
        Node::Map(_) => None,
    }
}

fn times(name: &str, node: &Node, issues: &mut Vec<String>) -> Result<Vec<Value>, ApiError> {
    let Some(texts) = texts_of(node) else {
        issues.push(expected("string, array", name, node));
        return Ok(Vec::new());
    };
    texts
        .iter()
        .map(|text| {
            time(text).map(Value::Time).ok_or_else(|| {
                let shown: String = text.chars().take(64).collect();
                ApiError::invalid_data(format!("Invalid request: '{shown}' is not a time, for field '{name}'"))
            })
        })
        .collect()
}

/// Years that Postgres's timestamps and Medusa's four-digit dates have in common.
const YEARS: std::ops::RangeInclusive<i32> = 0..=9_999;

/// ISO 8601, with or without zone (then UTC), or a date alone.
pub(in crate::api) fn time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let local = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|time| time.and_utc());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    zoned().or_else(local).or_else(date).filter(|time| YEARS.contains(&time.year()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_usual_forms() {
        for (text, expected) in [
            ("2020-01-02T03:04:05Z", true),
            ("2020-01-02T03:04:05.678+02:00", true),
            ("2020-01-02T03:04:05", true),
            ("2020-01-02", true),
            ("2020-13-02", false),
            ("9999-12-31", true),
            ("-9999-01-01", false),
            ("-4713-01-01T00:00:00", false),
            ("+10000-01-01", false),
            ("", false),
        ] {
            assert_eq!(time(text).is_some(), expected, "{text}");
        }
    }
}
