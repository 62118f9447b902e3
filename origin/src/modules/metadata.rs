//! `metadata`: what a merchant keeps beside Medusa's fields.

use serde_json::{Map, Value};

use super::Patch;

/// A JSON object, or nothing.
pub type Metadata = Option<Map<String, Value>>;

/// Carries out an update as Medusa does (`mergeMetadata`): given keys replace those of before, an empty string removes
/// its key, an empty object removes all keys and `null` the object.
pub fn merge(patch: Patch<Metadata>, metadata: &mut Metadata) {
    match patch {
        Patch::Keep => {}
        Patch::Set(None) => *metadata = None,
        Patch::Set(Some(given)) if given.is_empty() => *metadata = Some(given),
        Patch::Set(Some(given)) => {
            let kept = metadata.get_or_insert_default();
            for (key, value) in given {
                if value == Value::String(String::new()) {
                    kept.shift_remove(&key);
                } else {
                    kept.insert(key, value);
                }
            }
        }
    }
}

/// As it is bound to a statement.
pub fn to_json(metadata: &Metadata) -> Option<Value> {
    metadata.clone().map(Value::Object)
}

/// As it is read from a row; what is no object reads as nothing.
pub fn from_json(value: Option<Value>) -> Metadata {
    match value {
        Some(Value::Object(map)) => Some(map),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_merged_removed_and_cleared() {
        let table = [
            (json!({"a": 1, "b": 2}), Patch::Keep, json!({"a": 1, "b": 2})),
            (json!({"a": 1, "b": 2}), Patch::Set(json!({"b": 3, "c": null})), json!({"a": 1, "b": 3, "c": null})),
            (json!({"a": 1, "b": 2}), Patch::Set(json!({"a": ""})), json!({"b": 2})),
            (json!({"a": 1}), Patch::Set(json!({})), json!({})),
            (json!({"a": 1}), Patch::Set(Value::Null), Value::Null),
            (Value::Null, Patch::Set(json!({"a": 1})), json!({"a": 1})),
        ];
        for (before, patch, after) in table {
            let mut metadata = from_json(Some(before));
            let patch = match patch {
                Patch::Keep => Patch::Keep,
                Patch::Set(value) => Patch::Set(from_json(Some(value))),
            };
            merge(patch, &mut metadata);
            assert_eq!(to_json(&metadata).unwrap_or(Value::Null), after);
        }
    }
}
