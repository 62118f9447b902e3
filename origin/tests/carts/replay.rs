//! Samples of carts: requests to Medusa 2.21.2 with its answers, which build on one another.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::{Map, Value};

use crate::shop::Shop;

/// A request with Medusa's answer.
pub(crate) struct Step {
    /// Such as `042-cart-create`.
    pub(crate) name: String,
    request: Value,
    /// The answer's status.
    pub(crate) status: u64,
    /// The answer's body.
    pub(crate) body: Value,
}

/// Ids of the samples, and what they are here: those that Medusa made anew are made anew here too.
#[derive(Default)]
pub(crate) struct Known(HashMap<String, String>);

/// All samples, by number.
pub(crate) fn steps() -> Vec<Step> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_carts");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let mut sample: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        Step {
            name: file.file_stem().unwrap().to_string_lossy().into_owned(),
            request: sample["request"].take(),
            status: sample["response"]["status"].as_u64().unwrap(),
            body: sample["response"]["body"].take(),
        }
    };
    files.iter().map(read).collect()
}

impl Step {
    /// Its number, as in `042`.
    pub(crate) fn number(&self) -> &str {
        &self.name[..3]
    }

    /// The id of the cart that it is about.
    pub(crate) fn cart(&self) -> &str {
        self.request["path"].as_str().unwrap().split('/').nth(3).unwrap_or_default()
    }

    /// Sends it, its ids replaced by those here; `token` stands in for the sample's own.
    pub(crate) async fn send(&self, shop: &Shop, known: &Known, token: &str) -> (u64, Value) {
        let text = |name: &str| known.here(self.request[name].as_str().unwrap());
        let method: Method = self.request["method"].as_str().unwrap().parse().unwrap();
        let mut request = shop.request(method, &format!("{}{}", text("path"), text("query_raw")));
        for (name, value) in self.request["headers"].as_object().unwrap() {
            let value =
                if name == "authorization" { format!("Bearer {token}") } else { value.as_str().unwrap().into() };
            request = request.header(name, value);
        }
        if !self.request["body"].is_null() {
            request = request.body(known.here(&self.request["body"].to_string()));
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16().into(), response.json().await.unwrap())
    }
}

impl Known {
    /// Notes that a sample's id is another one here.
    pub(crate) fn note(&mut self, sample: &str, here: &str) {
        self.0.entry(sample.to_owned()).or_insert_with(|| here.to_owned());
    }

    /// Learns from an answer which ids stand where the sample has its own.
    pub(crate) fn learn(&mut self, expected: &Value, found: &Value) {
        match (expected, found) {
            (Value::String(sample), Value::String(here)) if sample != here && is_id(sample) && is_id(here) => {
                let prefix = |id: &str| id.split('_').next().unwrap_or_default().to_owned();
                if prefix(sample) == prefix(here) {
                    self.note(sample, here);
                }
            }
            (Value::Array(expected), Value::Array(found)) => {
                expected.iter().zip(found).for_each(|(expected, found)| self.learn(expected, found));
            }
            (Value::Object(expected), Value::Object(found)) => {
                for (name, value) in expected {
                    self.learn(value, found.get(name).unwrap_or(&Value::Null));
                }
            }
            _ => {}
        }
    }

    /// A value with the ids that it has here.
    pub(crate) fn translated(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.here(text)),
            Value::Array(list) => Value::Array(list.iter().map(|item| self.translated(item)).collect()),
            Value::Object(map) => {
                let map: Map<String, Value> =
                    map.iter().map(|(name, value)| (name.clone(), self.translated(value))).collect();
                Value::Object(map)
            }
            other => other.clone(),
        }
    }

    fn here(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (sample, here)| text.replace(sample, here))
    }
}

/// A prefix and a ULID.
fn is_id(text: &str) -> bool {
    let parts = text.split_once('_');
    parts.is_some_and(|(prefix, ulid)| {
        prefix.bytes().all(|b| b.is_ascii_lowercase())
            && ulid.len() == 26
            && ulid.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    })
}
