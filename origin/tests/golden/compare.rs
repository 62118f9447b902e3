//! Compares two JSON values and tells each difference by its path.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::differences::{DIFFERENCES, UNORDERED};

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Differences that are not listed: the first of each place.
    pub(crate) unlisted: BTreeMap<String, String>,
    /// Entries of [`DIFFERENCES`] that occurred.
    pub(crate) used: BTreeSet<usize>,
    /// Entries of [`UNORDERED`] whose order did differ.
    pub(crate) reordered: BTreeSet<usize>,
}

impl Comparison {
    fn differs(&mut self, sample: &str, path: &str, what: &str) {
        let listed = DIFFERENCES.iter().position(|it| it.sample == sample && it.path == path);
        match listed {
            Some(index) => {
                self.used.insert(index);
            }
            None => self.tell(sample, path, what),
        }
    }

    /// Notes a difference that is not listed.
    pub(crate) fn tell(&mut self, sample: &str, path: &str, what: &str) {
        self.unlisted.entry(format!("{sample}: {path}")).or_insert_with(|| what.to_owned());
    }
}

/// Compares; `path` names members with dots and the entries of arrays with `[]`.
pub(crate) fn compare(sample: &str, path: &str, expected: &Value, found: &Value, comparison: &mut Comparison) {
    match (expected, found) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, value) in wanted {
                let below = join(path, name);
                match got.get(name) {
                    Some(other) if is_time(name) => times(sample, &below, value, other, comparison),
                    Some(other) => compare(sample, &below, value, other, comparison),
                    None => comparison.differs(sample, &below, "missing"),
                }
            }
            for name in got.keys().filter(|name| !wanted.contains_key(*name)) {
                comparison.differs(sample, &join(path, name), "not in Medusa's answer");
            }
        }
        (Value::Array(wanted), Value::Array(got)) => arrays(sample, path, wanted, got, comparison),
        _ if expected == found => {}
        _ => comparison.differs(sample, path, &format!("{} and not {}", short(found), short(expected))),
    }
}

fn arrays(sample: &str, path: &str, wanted: &[Value], got: &[Value], comparison: &mut Comparison) {
    let entries = format!("{path}[]");
    if let Some(index) = UNORDERED.iter().position(|it| it.matches(sample, path)) {
        let ids = |list: &[Value]| list.iter().map(|item| item["id"].to_string()).collect::<Vec<_>>();
        if ids(wanted) != ids(got) {
            comparison.reordered.insert(index);
        }
        let by_id: HashMap<String, &Value> = got.iter().map(|item| (item["id"].to_string(), item)).collect();
        for item in wanted {
            match by_id.get(&item["id"].to_string()) {
                Some(other) => compare(sample, &entries, item, other, comparison),
                None => comparison.differs(sample, &entries, &format!("{} is missing", item["id"])),
            }
        }
        if wanted.len() != got.len() {
            comparison.differs(sample, &entries, &format!("{} entries and not {}", got.len(), wanted.len()));
        }
        return;
    }
    if wanted.len() != got.len() {
        comparison.differs(sample, &entries, &format!("{} entries and not {}", got.len(), wanted.len()));
    }
    for (item, other) in wanted.iter().zip(got) {
        compare(sample, &entries, item, other, comparison);
    }
}

/// Times differ from run to run, their form does not.
fn times(sample: &str, path: &str, expected: &Value, found: &Value, comparison: &mut Comparison) {
    let form = |value: &Value| value.as_str().map(|text| text.replace(|c: char| c.is_ascii_digit(), "0"));
    if form(expected) != form(found) || expected.is_null() != found.is_null() {
        comparison.differs(sample, path, &format!("{} and not {}", short(found), short(expected)));
    }
}

fn is_time(name: &str) -> bool {
    name.ends_with("_at")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}
