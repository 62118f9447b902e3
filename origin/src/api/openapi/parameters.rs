//! Parameters, from the tables that queries are read by.

use serde_json::{Map, Value, json};

use super::operation::Query;
use crate::api::store::params::{Form, MAX_LIMIT, MAX_OFFSET, Param};
use crate::query::fields;
use crate::query::filter::MAX_PATTERN;

/// Most bytes of a character in a query string, percent-encoded.
const MOST_BYTES: usize = 12;
/// Operators of times.
const OPERATORS: [&str; 8] = ["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"];
/// Most values of a parameter that are told of; a query has at most so many parts anyway.
const MAX_VALUES: usize = 100;

/// What varies of a path.
pub(super) fn of_path(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    names
        .map(|name| {
            let schema = json!({ "type": "string", "minLength": 1 });
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

/// What a query may hold.
pub(super) fn of_query(query: Query) -> Vec<Value> {
    let (params, limit) = match query {
        Query::Ignored => return Vec::new(),
        Query::One(params) => (params, None),
        Query::List(params, limit) => (params, Some(limit)),
    };
    let mut all = vec![plain("fields", json!({ "type": "string", "maxLength": fields::MAX_LENGTH / MOST_BYTES }))];
    if let Some(limit) = limit {
        let count = |most: i64| json!({ "type": "integer", "minimum": 0, "maximum": most });
        let mut limits = count(MAX_LIMIT);
        limits["default"] = limit.into();
        all.push(plain("limit", limits));
        all.push(plain("offset", count(MAX_OFFSET)));
        all.push(plain("order", json!({ "type": "string" })));
        all.push(plain("with_deleted", json!({ "type": "boolean" })));
    }
    all.extend(params.iter().map(of_param));
    all
}

fn of_param(param: &Param) -> Value {
    match param.form {
        Form::Group(inner) => nested(param.name, inner.iter().map(|part| (part.name, schema(part.form))).collect()),
        Form::Operators => nested(param.name, OPERATORS.map(|name| (name, time())).into()),
        form => plain(param.name, schema(form)),
    }
}

fn plain(name: &str, schema: impl Into<Value>) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema.into() })
}

fn nested(name: &str, parts: Vec<(&'static str, Value)>) -> Value {
    let properties: Map<String, Value> = parts.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    json!({ "name": name, "in": "query", "required": false, "style": "deepObject", "explode": true, "schema": schema })
}

fn schema(form: Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string", "maxLength": MAX_PATTERN / MOST_BYTES }),
        Form::Texts | Form::KeysOrGroup(_) => {
            json!({ "type": "array", "items": { "type": "string" }, "maxItems": MAX_VALUES })
        }
        Form::Flag => json!({ "type": "boolean" }),
        Form::OneOf(words) => json!({ "enum": words }),
        Form::Operators => time(),
        Form::Group(_) => json!({ "type": "object" }),
    }
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}
