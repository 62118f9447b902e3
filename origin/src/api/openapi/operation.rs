//! One method of one path.

use serde_json::{Map, Value, json};

use super::{parameters, schemas};
use crate::api::store::params::Param;
use crate::query::Entity;

/// One method of one path.
#[derive(Debug)]
pub(in crate::api) struct Operation {
    /// Such as `POST`.
    pub(in crate::api) method: &'static str,
    /// With `{name}` for what varies.
    pub(in crate::api) path: String,
    /// Whom it lets in.
    pub(in crate::api) guard: Guard,
    /// What its query may hold.
    pub(in crate::api) query: Query,
    /// The schema of its body.
    pub(in crate::api) body: Option<Value>,
    /// What it answers when all is well.
    pub(in crate::api) answer: Answer,
    /// Statuses of its refusals, besides those of all.
    pub(in crate::api) refusals: &'static [u16],
}

/// Whom an operation lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) enum Guard {
    /// Everybody.
    Anybody,
    /// A storefront.
    Storefront,
    /// A customer of a storefront.
    Customer,
    /// Whoever has a token.
    Bearer,
    /// A merchant.
    Merchant,
}

/// What a query may hold.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) enum Query {
    /// Anything: nothing looks at it.
    Ignored,
    /// `fields`, and these.
    One(&'static [Param]),
    /// The same, and what lists take; with the default of `limit`.
    List(&'static [Param], i64),
}

/// What is answered when all is well.
#[derive(Debug, Clone)]
pub(in crate::api) enum Answer {
    /// A list of these under this name.
    List(&'static str, &'static Entity),
    /// One of these under this name.
    One(&'static str, &'static Entity),
    /// A deletion.
    Deleted,
    /// JSON.
    Json(u16, Value),
    /// Text.
    Text(u16, &'static str),
}

// === impl Operation ===

impl Operation {
    /// Its object in the document.
    pub(super) fn to_json(&self) -> Value {
        let mut parameters = parameters::of_path(&self.path);
        parameters.extend(parameters::of_query(self.query));
        let mut operation = json!({
            "operationId": self.name(),
            "tags": [self.path.split('/').nth(1).unwrap_or_default()],
            "parameters": parameters,
            "responses": self.responses(),
            "security": self.guard.security(),
        });
        if let Some(schema) = &self.body {
            let required = schema.get("required").is_some();
            operation["requestBody"] =
                json!({ "required": required, "content": { "application/json": { "schema": schema } } });
        }
        operation
    }

    fn name(&self) -> String {
        let words: Vec<&str> =
            self.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        format!("{}_{}", self.method.to_ascii_lowercase(), words.join("_"))
    }

    fn responses(&self) -> Value {
        let (status, kind, schema) = self.answer.parts();
        let told = json!({ "description": "As asked", "content": { kind: { "schema": schema } } });
        let mut responses = Map::new();
        if self.guard == Guard::Merchant && self.method != "GET" {
            // `?wait=acked` that was not acknowledged in time.
            responses.insert("202".into(), told.clone());
        }
        responses.insert(status.to_string(), told);
        let error =
            json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } } });
        let mut refuse = |status: u16| {
            let mut refusal = error.clone();
            refusal["description"] = http::StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or("Refused")
                .into();
            responses.insert(status.to_string(), refusal);
        };
        self.guard.refusals().iter().chain(self.refusals).copied().for_each(&mut refuse);
        if self.body.is_some() {
            [400, 413].into_iter().for_each(&mut refuse);
        }
        if !matches!(self.query, Query::Ignored) {
            refuse(400);
        }
        refuse(503);
        // By the HTTP server, before anything of ours looks at it.
        responses.insert("414".into(), json!({ "description": "URI Too Long" }));
        Value::Object(responses)
    }
}

// === impl Guard ===

impl Guard {
    fn security(self) -> Value {
        match self {
            Self::Anybody => json!([]),
            Self::Storefront => json!([{ "publishable_key": [] }]),
            Self::Customer => {
                json!([{ "publishable_key": [], "bearer": [] }, { "publishable_key": [], "session": [] }])
            }
            Self::Bearer => json!([{ "bearer": [] }, { "session": [] }]),
            Self::Merchant => json!([{ "bearer": [] }, { "session": [] }, { "secret_key": [] }]),
        }
    }

    /// What who is not let in is told.
    fn refusals(self) -> &'static [u16] {
        match self {
            Self::Anybody => &[],
            Self::Storefront => &[400],
            Self::Customer => &[400, 401],
            Self::Bearer | Self::Merchant => &[401],
        }
    }
}

// === impl Answer ===

impl Answer {
    fn parts(&self) -> (u16, &'static str, Value) {
        const JSON: &str = "application/json";
        let object =
            |name: &str, value: Value| json!({ "type": "object", "properties": { name: value }, "required": [name] });
        match self {
            Self::List(name, entity) => {
                let mut schema = object(name, json!({ "type": "array", "items": schemas::reference(entity) }));
                for count in ["count", "offset", "limit"] {
                    schema["properties"][count] = json!({ "type": "integer" });
                }
                schema["required"] = json!([name, "count", "offset", "limit"]);
                (200, JSON, schema)
            }
            // `null` where another deleted it meanwhile.
            Self::One(name, entity) => {
                (200, JSON, object(name, json!({ "anyOf": [schemas::reference(entity), { "type": "null" }] })))
            }
            Self::Deleted => {
                let properties =
                    json!({ "id": { "type": "string" }, "object": { "type": "string" }, "deleted": { "const": true } });
                let required = ["id", "object", "deleted"];
                (200, JSON, json!({ "type": "object", "properties": properties, "required": required }))
            }
            Self::Json(status, schema) => (*status, JSON, schema.clone()),
            Self::Text(status, kind) => (*status, kind, json!({ "type": "string" })),
        }
    }
}
