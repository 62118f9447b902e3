//! An object of the body: its fields are taken by name, and what is left over is refused or passed over.
//!
//! The code that reads a body also describes it: with [`describe`] it runs over no body, and each field that it takes leaves
//! its schema.

use std::cell::RefCell;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::field::Field;
use super::issues::{Issues, Path};
use crate::error::ApiError;
use crate::modules::Patch;

/// An object under way.
pub(in crate::api) struct Object<'v, 'i> {
    map: &'v Map<String, Value>,
    path: Path,
    known: Vec<&'static str>,
    issues: &'i mut Issues,
    description: Option<Description>,
}

/// What the fields that were taken say of themselves.
#[derive(Debug, Default)]
struct Description {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

/// What becomes of names that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Others {
    /// Refused (zod's `strict`).
    Refused,
    /// Passed over (zod's default).
    Passed,
}

/// Whether a field must be there, and may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
    Nullish,
}

/// How far the description of a body has come on this thread.
#[derive(Debug, Default)]
enum Describing {
    /// Bodies are read.
    #[default]
    No,
    /// The next one is described.
    Wanted,
    /// This came of it.
    Done(Value),
}

thread_local! {
    static DESCRIBING: RefCell<Describing> = const { RefCell::new(Describing::No) };
}

/// Reads a body.
pub(in crate::api) fn read<T>(
    body: &Map<String, Value>,
    of: impl FnOnce(&mut Object<'_, '_>) -> T,
) -> Result<T, ApiError> {
    read_with(body, Others::Refused, of)
}

/// The same where names that are not known may be passed over.
pub(in crate::api) fn read_with<T>(
    body: &Map<String, Value>,
    others: Others,
    of: impl FnOnce(&mut Object<'_, '_>) -> T,
) -> Result<T, ApiError> {
    let is_described = DESCRIBING.with_borrow(|it| matches!(it, Describing::Wanted));
    if is_described {
        let schema = schema_of(others, of);
        DESCRIBING.set(Describing::Done(schema));
        return Err(ApiError::invalid_data("This body was only described"));
    }
    let mut issues = Issues::default();
    if holds_nul(body) {
        issues.other("Text cannot hold a NUL character");
        return issues.settle(None);
    }
    let read = visit(body, Path::default(), others, &mut issues, of);
    issues.settle(Some(read))
}

/// The JSON Schema of what a function takes that reads a body by [`read`]: any object where it never does.
pub(in crate::api) fn describe<T>(reader: impl FnOnce(&Map<String, Value>) -> Result<T, ApiError>) -> Value {
    DESCRIBING.set(Describing::Wanted);
    // It fails in any case.
    let _ = reader(&Map::new());
    match DESCRIBING.take() {
        Describing::Done(schema) => schema,
        Describing::No | Describing::Wanted => json!({ "type": "object" }),
    }
}

fn schema_of<T>(others: Others, of: impl FnOnce(&mut Object<'_, '_>) -> T) -> Value {
    let (nothing, mut issues) = (Map::new(), Issues::default());
    let description = Some(Description::default());
    let mut object =
        Object { map: &nothing, path: Path::default(), known: Vec::new(), issues: &mut issues, description };
    of(&mut object);
    let Description { properties, required } = object.description.unwrap_or_default();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if others == Others::Refused {
        schema["additionalProperties"] = json!(false);
    }
    schema
}

fn object<T>(
    value: &Value,
    path: Path,
    others: Others,
    issues: &mut Issues,
    of: impl FnOnce(&mut Object<'_, '_>) -> T,
) -> Option<T> {
    let Value::Object(map) = value else {
        issues.wrong_type(&path, "object", value);
        return None;
    };
    Some(visit(map, path, others, issues, of))
}

fn visit<T>(
    map: &Map<String, Value>,
    path: Path,
    others: Others,
    issues: &mut Issues,
    of: impl FnOnce(&mut Object<'_, '_>) -> T,
) -> T {
    let mut object = Object { map, path, known: Vec::new(), issues, description: None };
    let read = of(&mut object);
    let unknown: Vec<&str> = map.keys().map(String::as_str).filter(|name| !object.known.contains(name)).collect();
    if others == Others::Refused && !unknown.is_empty() {
        object.issues.unrecognized(&unknown);
    }
    read
}

/// Postgres stores no text with a NUL in it. Nesting is bounded by the parser.
fn holds_nul(map: &Map<String, Value>) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::Array(list) => list.iter().any(within),
            Value::Object(map) => holds_nul(map),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
    map.iter().any(|(name, value)| name.contains('\0') || within(value))
}

// === impl Object ===

impl Object<'_, '_> {
    /// A field that must be there; its default stands in where it is wrong, which is an issue.
    pub(in crate::api) fn required<T: Field + Default>(&mut self, name: &'static str) -> T {
        self.tell(name, Presence::Required, T::schema);
        match self.get(name) {
            None => {
                self.issues.missing(&self.path.key(name));
                T::default()
            }
            Some(value) => T::read(value, &self.path.key(name), self.issues).unwrap_or_default(),
        }
    }

    /// A field that may be left out, but not be null.
    pub(in crate::api) fn optional<T: Field>(&mut self, name: &'static str) -> Option<T> {
        self.tell(name, Presence::Optional, T::schema);
        let value = self.get(name)?;
        T::read(value, &self.path.key(name), self.issues)
    }

    /// A field that may be left out or null.
    pub(in crate::api) fn nullish<T: Field>(&mut self, name: &'static str) -> Option<T> {
        self.tell(name, Presence::Nullish, T::schema);
        let value = self.get(name).filter(|value| !value.is_null())?;
        T::read(value, &self.path.key(name), self.issues)
    }

    /// What an update does to a field that cannot be emptied.
    pub(in crate::api) fn patch<T: Field>(&mut self, name: &'static str) -> Patch<T> {
        self.optional(name).into()
    }

    /// What an update does to a field that `null` empties.
    pub(in crate::api) fn patch_nullish<T: Field>(&mut self, name: &'static str) -> Patch<Option<T>> {
        self.tell(name, Presence::Nullish, T::schema);
        match self.get(name) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Set(None),
            Some(value) => {
                T::read(value, &self.path.key(name), self.issues).map_or(Patch::Keep, |read| Patch::Set(Some(read)))
            }
        }
    }

    /// An object that may be left out.
    pub(in crate::api) fn object<T>(
        &mut self,
        name: &'static str,
        others: Others,
        mut of: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Option<T> {
        self.tell(name, Presence::Optional, || schema_of(others, &mut of));
        let value = self.get(name)?;
        object(value, self.path.key(name), others, self.issues, of)
    }

    /// A list of objects that may be left out.
    pub(in crate::api) fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        others: Others,
        mut of: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Option<Vec<T>> {
        self.tell_list(name, most, || schema_of(others, &mut of));
        self.list(name, most, |value, path, issues| object(value, path, others, issues, &mut of))
    }

    /// A list of values that may be left out.
    pub(in crate::api) fn values<T: Field>(&mut self, name: &'static str, most: usize) -> Option<Vec<T>> {
        self.tell_list(name, most, T::schema);
        self.list(name, most, |value, path, issues| T::read(value, &path, issues))
    }

    /// The same for a list that must be there.
    pub(in crate::api) fn required_objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        others: Others,
        of: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Vec<T> {
        self.check_presence(name);
        self.objects(name, most, others, of).unwrap_or_default()
    }

    /// The same for values.
    pub(in crate::api) fn required_values<T: Field>(&mut self, name: &'static str, most: usize) -> Vec<T> {
        self.check_presence(name);
        self.values(name, most).unwrap_or_default()
    }

    /// Says that something else is wrong.
    pub(in crate::api) fn refuse(&mut self, message: impl Into<String>) {
        self.issues.other(message);
    }

    /// Takes a field of any type without looking at it; returns whether it is there.
    pub(in crate::api) fn has(&mut self, name: &'static str) -> bool {
        self.tell(name, Presence::Optional, || json!({}));
        self.get(name).is_some()
    }

    /// A text that is one of these.
    pub(in crate::api) fn one_of(&mut self, name: &'static str, names: &[&'static str]) -> Option<&'static str> {
        self.tell(name, Presence::Optional, || json!({ "enum": names }));
        let value = self.get(name)?;
        let found = value.as_str().and_then(|text| names.iter().copied().find(|name| *name == text));
        if found.is_none() {
            self.issues.none_of(&self.path.key(name), names, value);
        }
        found
    }

    /// A number that is not below `least`.
    pub(in crate::api) fn at_least(&mut self, name: &'static str, least: Decimal) -> Option<Decimal> {
        self.tell(name, Presence::Optional, || json!({ "type": "number", "minimum": least }));
        let number = Decimal::read(self.get(name)?, &self.path.key(name), self.issues)?;
        if number < least {
            self.issues.too_small(&self.path.key(name), least);
            return None;
        }
        Some(number)
    }

    /// An object that may be left out, or null.
    pub(in crate::api) fn nested<T>(
        &mut self,
        name: &'static str,
        others: Others,
        mut of: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Option<T> {
        self.tell(name, Presence::Nullish, || schema_of(others, &mut of));
        let value = self.get(name).filter(|value| !value.is_null())?;
        object(value, self.path.key(name), others, self.issues, of)
    }

    /// Whether a field is null; it counts as known from now on.
    pub(in crate::api) fn is_null(&mut self, name: &'static str) -> bool {
        self.get(name).is_some_and(Value::is_null)
    }

    /// Says so where a field that must be there is not.
    pub(in crate::api) fn check_presence(&mut self, name: &'static str) {
        if let Some(description) = &mut self.description {
            description.required.push(name);
        }
        if self.get(name).is_none() {
            self.issues.missing(&self.path.key(name));
        }
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut of: impl FnMut(&Value, Path, &mut Issues) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.get(name)?;
        let path = self.path.key(name);
        let Value::Array(list) = value else {
            self.issues.wrong_type(&path, "array", value);
            return None;
        };
        if list.len() > most {
            self.issues.too_big(&path, most);
            return None;
        }
        let read: Vec<Option<T>> =
            list.iter().enumerate().map(|(index, value)| of(value, path.index(index), self.issues)).collect();
        read.into_iter().collect()
    }
}

// === impl Object: its description ===

impl Object<'_, '_> {
    fn tell(&mut self, name: &'static str, presence: Presence, schema: impl FnOnce() -> Value) {
        let Some(description) = &mut self.description else {
            return;
        };
        let schema = match presence {
            Presence::Nullish => json!({ "anyOf": [schema(), { "type": "null" }] }),
            Presence::Required | Presence::Optional => schema(),
        };
        description.properties.insert(name.to_owned(), schema);
        if presence == Presence::Required {
            description.required.push(name);
        }
    }

    fn tell_list(&mut self, name: &'static str, most: usize, items: impl FnOnce() -> Value) {
        self.tell(name, Presence::Optional, || json!({ "type": "array", "maxItems": most, "items": items() }));
    }
}

impl<'v> Object<'v, '_> {
    fn get(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.map.get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::input::field::{Flag, Name};

    fn reader(object: &mut Object<'_, '_>) -> String {
        let name = object.required::<Name>("name").0;
        object.optional::<Flag>("flag");
        object.nullish::<Name>("note");
        object.required_objects("parts", 2, Others::Passed, |part| part.required::<i32>("n"));
        name
    }

    #[test]
    fn the_code_that_reads_a_body_describes_it() {
        let schema = describe(|body| read(body, reader));
        assert_eq!(schema["required"], json!(["name", "parts"]));
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["note"]["anyOf"][1], json!({"type": "null"}));
        let parts = &schema["properties"]["parts"];
        assert_eq!((&parts["maxItems"], &parts["items"]["required"]), (&json!(2), &json!(["n"])));
        assert_eq!(parts["items"]["additionalProperties"], Value::Null);
    }

    #[test]
    fn a_body_is_read_as_before_and_refused_in_medusas_words() {
        let body = json!({"name": "a", "parts": [{"n": 1, "other": 2}]});
        assert_eq!(read(body.as_object().unwrap(), reader).unwrap(), "a");
        let error = read(json!({"unknown": 1}).as_object().unwrap(), reader).unwrap_err();
        assert_eq!(
            error.message(),
            "Invalid request: Field 'name' is required; Field 'parts' is required; Unrecognized fields: 'unknown'"
        );
    }
}
