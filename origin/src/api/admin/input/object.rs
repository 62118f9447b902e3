//! An object of the body: its fields are taken by name, and what is left over is refused or passed over.

use serde_json::{Map, Value};

use super::field::Field;
use super::issues::{Issues, Path};
use crate::error::ApiError;
use crate::modules::Patch;

/// An object under way.
pub(super) struct Object<'v, 'i> {
    map: &'v Map<String, Value>,
    path: Path,
    known: Vec<&'static str>,
    issues: &'i mut Issues,
}

/// What becomes of names that are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// Refused (zod's `strict`).
    Refused,
    /// Passed over (zod's default).
    Passed,
}

/// Reads a body.
pub(super) fn read<T>(body: &Map<String, Value>, of: impl FnOnce(&mut Object<'_, '_>) -> T) -> Result<T, ApiError> {
    let mut issues = Issues::default();
    if holds_nul(body) {
        issues.other("Text cannot hold a NUL character");
        return issues.settle(None);
    }
    let read = visit(body, Path::default(), Others::Refused, &mut issues, of);
    issues.settle(Some(read))
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
    let mut object = Object { map, path, known: Vec::new(), issues };
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
    pub(super) fn required<T: Field + Default>(&mut self, name: &'static str) -> T {
        match self.get(name) {
            None => {
                self.issues.missing(&self.path.key(name));
                T::default()
            }
            Some(value) => T::read(value, &self.path.key(name), self.issues).unwrap_or_default(),
        }
    }

    /// A field that may be left out, but not be null.
    pub(super) fn optional<T: Field>(&mut self, name: &'static str) -> Option<T> {
        let value = self.get(name)?;
        T::read(value, &self.path.key(name), self.issues)
    }

    /// A field that may be left out or null.
    pub(super) fn nullish<T: Field>(&mut self, name: &'static str) -> Option<T> {
        let value = self.get(name).filter(|value| !value.is_null())?;
        T::read(value, &self.path.key(name), self.issues)
    }

    /// What an update does to a field that cannot be emptied.
    pub(super) fn patch<T: Field>(&mut self, name: &'static str) -> Patch<T> {
        self.optional(name).into()
    }

    /// What an update does to a field that `null` empties.
    pub(super) fn patch_nullish<T: Field>(&mut self, name: &'static str) -> Patch<Option<T>> {
        match self.get(name) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Set(None),
            Some(value) => {
                T::read(value, &self.path.key(name), self.issues).map_or(Patch::Keep, |read| Patch::Set(Some(read)))
            }
        }
    }

    /// A list of objects that may be left out.
    pub(super) fn objects<T>(
        &mut self,
        name: &'static str,
        most: usize,
        others: Others,
        mut of: impl FnMut(&mut Object<'_, '_>) -> T,
    ) -> Option<Vec<T>> {
        self.list(name, most, |value, path, issues| object(value, path, others, issues, &mut of))
    }

    /// A list of values that may be left out.
    pub(super) fn values<T: Field>(&mut self, name: &'static str, most: usize) -> Option<Vec<T>> {
        self.list(name, most, |value, path, issues| T::read(value, &path, issues))
    }

    /// The same for a list that must be there.
    pub(super) fn required_objects<T>(
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
    pub(super) fn required_values<T: Field>(&mut self, name: &'static str, most: usize) -> Vec<T> {
        self.check_presence(name);
        self.values(name, most).unwrap_or_default()
    }

    /// Says that something else is wrong.
    pub(super) fn refuse(&mut self, message: impl Into<String>) {
        self.issues.other(message);
    }

    /// Whether there is a field of this name; it counts as known from now on.
    pub(super) fn has(&mut self, name: &'static str) -> bool {
        self.get(name).is_some()
    }

    fn check_presence(&mut self, name: &'static str) {
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

impl<'v> Object<'v, '_> {
    fn get(&mut self, name: &'static str) -> Option<&'v Value> {
        self.known.push(name);
        self.map.get(name)
    }
}
