//! Whether all contenders answer the same: ratios of different answers would mean nothing.

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::contender::Contender;
use super::kinds::{Kind, URLS};
use crate::bench::BenchError;

const AT_ONCE: usize = 8;

/// Compares every URL's body; times and the order of lists within a document do not count.
pub(super) async fn check(contenders: &[Contender], kinds: &[Kind]) -> Result<(), BenchError> {
    let Some((first, others)) = contenders.split_first() else { return Ok(()) };
    for kind in kinds {
        eprintln!("bench-origin: comparing the answers to {} ...", kind.name);
        let checks = (0..URLS).map(|number| async move {
            let path = (kind.url)(&first.catalog, number);
            let expected = normal(first.get(&path).await?);
            for other in others {
                if let Some(place) = differs(&expected, &normal(other.get(&path).await?), "") {
                    return Err(BenchError::Answer(format!(
                        "{} and {} differ: {path}: {place}",
                        first.name, other.name
                    )));
                }
            }
            Ok(())
        });
        futures_util::stream::iter(checks).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await?;
    }
    Ok(())
}

/// Without times, lists in the order of their ids but for the outermost.
fn normal(mut body: Value) -> Value {
    if let Some(members) = body.as_object_mut() {
        for member in members.values_mut() {
            match member {
                Value::Array(items) => items.iter_mut().for_each(tidy),
                member => tidy(member),
            }
        }
    }
    body
}

fn tidy(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.ends_with("_at"));
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => {
            items.iter_mut().for_each(tidy);
            items.sort_by_key(|item| item["id"].as_str().or(item["iso_2"].as_str()).unwrap_or_default().to_owned());
        }
        _ => {}
    }
}

/// The first place where two differ.
fn differs(a: &Value, b: &Value, place: &str) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            names.into_iter().find_map(|name| {
                let below = format!("{place}.{name}");
                match (a.get(name), b.get(name)) {
                    (Some(a), Some(b)) => differs(a, b, &below),
                    (one, _) => {
                        Some(format!("{below} is only in {}", if one.is_some() { "the first" } else { "the other" }))
                    }
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(index, (a, b))| differs(a, b, &format!("{place}[{index}]")))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        (a, b) if a == b => None,
        (a, b) => Some(format!("{place}: {} and {}", short(a), short(b))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_counts_is_found_and_the_rest_is_not() {
        let one = json!({ "products": [{ "id": "a", "created_at": "1", "tags": [{ "id": "x" }, { "id": "y" }], "n": 1 }], "count": 1 });
        let same = json!({ "products": [{ "id": "a", "created_at": "2", "tags": [{ "id": "y" }, { "id": "x" }], "n": 1.0 }], "count": 1 });
        let other = json!({ "products": [{ "id": "a", "tags": [{ "id": "y" }], "n": 1 }], "count": 1 });
        assert_eq!(differs(&normal(one.clone()), &normal(same), ""), None);
        assert!(differs(&normal(one.clone()), &normal(other), "").is_some_and(|it| it.contains("tags")));
        let reordered = json!({ "products": [{ "id": "b" }, { "id": "a" }] });
        let ordered = json!({ "products": [{ "id": "a" }, { "id": "b" }] });
        assert!(differs(&normal(reordered), &normal(ordered), "").is_some());
        assert!(differs(&normal(one.clone()), &normal(json!({ "products": [] })), "").is_some());
    }
}
