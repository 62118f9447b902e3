//! What entities look like, from the graph that answers are compiled by. `fields` decides what of one is shown, so no member
//! has to be there.

use serde_json::{Map, Value, json};

use crate::query::graph::{Cardinality, Computed, Entity, Kind};

/// The schemas of the document by name.
pub(super) fn all() -> Value {
    let mut schemas = Map::new();
    schemas.insert("Error".into(), error());
    let mut waiting = crate::query::graph::roots();
    while let Some(entity) = waiting.pop() {
        let name = name_of(entity);
        if !schemas.contains_key(&name) {
            schemas.insert(name, schema(entity));
            waiting.extend(entity.relations.iter().map(|relation| relation.target));
        }
    }
    Value::Object(schemas)
}

/// A reference to an entity's schema.
pub(super) fn reference(entity: &Entity) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", name_of(entity)) })
}

/// Medusa's error.
fn error() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string" },
            "message": { "type": "string" },
            "code": { "type": "string" }
        },
        "required": ["message"],
        "additionalProperties": false
    })
}

/// Its table; of one that is a query, the last table in it.
fn name_of(entity: &Entity) -> String {
    let words = entity.table.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    match words.iter().position(|word| *word == "FROM") {
        Some(at) => words.get(at + 1).copied().unwrap_or("row").to_owned(),
        None if words.len() > 1 => entity.key.to_owned() + "_only",
        None => words.first().copied().unwrap_or("row").to_owned(),
    }
}

/// All digits of a number.
fn raw() -> Value {
    json!({
        "type": "object",
        "properties": { "value": { "type": "string" }, "precision": { "type": "integer" } },
        "required": ["value", "precision"]
    })
}

fn schema(entity: &Entity) -> Value {
    let mut properties = Map::new();
    for column in entity.columns {
        let schema = match column.kind {
            Kind::Text | Kind::TextIfAny => json!({ "type": ["string", "null"] }),
            Kind::Boolean => json!({ "type": ["boolean", "null"] }),
            Kind::Integer => json!({ "type": ["integer", "null"] }),
            Kind::Numeric => json!({ "type": ["number", "null"] }),
            Kind::Time => json!({ "type": ["string", "null"], "format": "date-time" }),
            Kind::Json => json!({}),
            Kind::Raw => json!({ "anyOf": [raw(), { "type": "null" }] }),
        };
        properties.insert(column.name.to_owned(), schema);
    }
    for (name, computed) in entity.computed {
        let schema = match computed {
            Computed::Price => json!({ "type": ["object", "null"] }),
            Computed::Stock => json!({ "type": ["number", "null"] }),
            Computed::Total if name.starts_with("raw_") => raw(),
            Computed::Total => json!({ "type": "number" }),
        };
        properties.insert((*name).to_owned(), schema);
    }
    for relation in entity.relations {
        let target = reference(relation.target);
        let schema = match relation.cardinality {
            Cardinality::One => json!({ "anyOf": [target, { "type": "null" }] }),
            Cardinality::Many => json!({ "type": "array", "items": target }),
        };
        properties.insert(relation.name.to_owned(), schema);
    }
    json!({ "type": "object", "properties": properties })
}
