//! The samples: requests to Medusa 2.21.2 with its answers.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Numbers of samples that only tell ids, and are not replayed: other modules' routes, or another state of the shop.
const TOLD_ONLY: [&str; 3] = ["142", "143", "232"];

/// A request with Medusa's answer.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Such as `001-regions-list`.
    pub(crate) name: String,
    /// The path.
    pub(crate) path: String,
    /// The query with its `?`, raw.
    pub(crate) query: String,
    /// The request's headers.
    pub(crate) request_headers: Vec<(String, String)>,
    /// The answer's status.
    pub(crate) status: u16,
    /// The answer's headers that are compared.
    pub(crate) headers: Vec<(String, String)>,
    /// The answer's body: JSON, or a string of what is none.
    pub(crate) body: Value,
}

impl Sample {
    /// Its number, as in `001`.
    pub(crate) fn number(&self) -> String {
        self.name.chars().take(3).collect()
    }

    /// Whether it is replayed.
    pub(crate) fn is_replayed(&self) -> bool {
        !TOLD_ONLY.contains(&self.number().as_str())
    }
}

/// All samples, by number.
pub(crate) fn load() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Sample {
    let mut sample: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let text = |pointer: &str| sample.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let headers = |pointer: &str| {
        let headers = sample.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default();
        headers.into_iter().map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
    };
    Sample {
        name: file.file_stem().unwrap().to_string_lossy().into_owned(),
        path: text("/request/path"),
        query: text("/request/query_raw"),
        request_headers: headers("/request/headers"),
        status: u16::try_from(sample.pointer("/response/status").and_then(Value::as_u64).unwrap()).unwrap(),
        headers: headers("/response/headers"),
        body: sample.pointer_mut("/response/body").map(Value::take).unwrap(),
    }
}
