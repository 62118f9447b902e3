//! What is wrong with a body, in the words of Medusa's error formatter.

use serde_json::Value;

use crate::error::ApiError;

/// How many things are told at once.
const MAX_TOLD: usize = 3;
/// Most characters of a wrong value that are shown.
const MAX_SHOWN: usize = 100;

/// Where in the body a value stands.
#[derive(Debug, Clone, Default)]
pub(in crate::api) struct Path {
    text: String,
    /// Medusa's formatter does not find values below a list, and calls them missing.
    is_below_list: bool,
}

/// What is wrong so far.
#[derive(Debug, Default)]
pub(in crate::api) struct Issues(Vec<String>);

// === impl Path ===

impl Path {
    /// The value under a name.
    pub(in crate::api) fn key(&self, name: &str) -> Self {
        Self { text: self.joined(name), is_below_list: self.is_below_list }
    }

    /// The value at a place of a list.
    pub(in crate::api) fn index(&self, index: usize) -> Self {
        Self { text: self.joined(&index.to_string()), is_below_list: true }
    }

    fn joined(&self, part: &str) -> String {
        if self.text.is_empty() { part.to_owned() } else { format!("{}, {part}", self.text) }
    }
}

// === impl Issues ===

impl Issues {
    /// A value that must be there is not.
    pub(in crate::api) fn missing(&mut self, path: &Path) {
        self.0.push(format!("Field '{}' is required", path.text));
    }

    /// A value is of another type than `expected`.
    pub(in crate::api) fn wrong_type(&mut self, path: &Path, expected: &str, value: &Value) {
        if path.is_below_list {
            return self.missing(path);
        }
        let shown = printed(value);
        self.0.push(format!("Expected type: '{expected}' for field '{}', got: '{shown}'", path.text));
    }

    /// A value is none of those that there are.
    pub(in crate::api) fn none_of(&mut self, path: &Path, names: &[&str], value: &Value) {
        let (names, shown) = (names.join(", "), printed(value));
        self.0.push(format!("Expected: '{names}' for field '{}', but got: '{shown}'", path.text));
    }

    /// A number, text or list is too small.
    pub(in crate::api) fn too_small(&mut self, path: &Path, least: impl std::fmt::Display) {
        self.0.push(format!("Value for field '{}' too small, expected at least: '{least}'", path.text));
    }

    /// A number, text or list is too big.
    pub(in crate::api) fn too_big(&mut self, path: &Path, most: usize) {
        self.0.push(format!("Value for field '{}' too big, expected at most: '{most}'", path.text));
    }

    /// Names that the route does not know.
    pub(in crate::api) fn unrecognized(&mut self, names: &[&str]) {
        let names: String = names.join(", ").chars().take(MAX_SHOWN).collect();
        self.0.push(format!("Unrecognized fields: '{names}'"));
    }

    /// Anything else.
    pub(in crate::api) fn other(&mut self, message: impl Into<String>) {
        self.0.push(message.into());
    }

    /// The value, unless something was wrong.
    pub(in crate::api) fn settle<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                let told: Vec<String> = self.0.into_iter().take(MAX_TOLD).collect();
                Err(ApiError::invalid_data(format!("Invalid request: {}", told.join("; "))))
            }
        }
    }
}

/// A value as JavaScript prints it in a sentence.
fn printed(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(printed).collect::<Vec<_>>().join(","),
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    text.chars().take(MAX_SHOWN).collect()
}
