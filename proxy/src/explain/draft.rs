//! What a draft configuration changes for a request.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::report::Explanation;

/// Names of what differs from moment to moment, or says in words what stands elsewhere.
const LEFT_OUT: [&str; 7] = ["summary", "sentence", "edge", "health", "hash", "is_filling", "freshness_from"];

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its place, such as `rule.settings.edge_ttl`.
    pub what: String,
    /// As it is; absent where there is none.
    pub now: Option<Value>,
    /// As it would be; absent where there would be none.
    pub draft: Option<Value>,
}

/// A request, explained under what is in force and under a draft.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Under what is in force.
    pub now: Explanation,
    /// Under the draft.
    pub draft: Explanation,
    /// What changes. Seconds that pass are no change.
    pub differences: Vec<Difference>,
}

impl Compared {
    /// Puts both beside one another.
    pub fn new(now: Explanation, draft: Explanation) -> Self {
        Self { differences: compare(&now, &draft), now, draft }
    }
}

fn compare(now: &Explanation, draft: &Explanation) -> Vec<Difference> {
    let has_both = now.object.is_some() && draft.object.is_some();
    let flat = |explanation: &Explanation| {
        let mut leaves = BTreeMap::new();
        // Explanations are plain data, which can be told.
        let value = serde_json::to_value(explanation).unwrap_or_default();
        flatten(&value, "", &mut leaves);
        // What is not there differs in nothing but that.
        leaves.retain(|place, _| {
            has_both || place == "object.standing" || !(place.starts_with("object.") || place.starts_with("client."))
        });
        leaves
    };
    let (mut now, mut draft) = (flat(now), flat(draft));
    let places: Vec<String> = now.keys().chain(draft.keys()).cloned().collect();
    let mut differences: Vec<Difference> = places
        .into_iter()
        .map(|what| Difference { now: now.remove(&what), draft: draft.remove(&what), what })
        .filter(|difference| difference.now != difference.draft)
        .collect();
    differences.sort_by(|one, other| one.what.cmp(&other.what));
    differences
}

fn flatten(value: &Value, place: &str, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if LEFT_OUT.contains(&name.as_str()) || name.ends_with("_seconds") {
                    continue;
                }
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                if place == "client.fields" {
                    fields(member, leaves);
                } else {
                    flatten(member, &place, leaves);
                }
            }
        }
        Value::Null => {}
        other => {
            leaves.insert(place.to_owned(), other.clone());
        }
    }
}

/// Each field on its own; Age counts seconds too.
fn fields(listed: &Value, leaves: &mut BTreeMap<String, Value>) {
    for field in listed.as_array().into_iter().flatten() {
        match field["name"].as_str() {
            None | Some("Age") => {}
            Some(name) => drop(leaves.insert(format!("client.{name}"), field["values"].clone())),
        }
    }
}
