//! `GET /openapi.json`: what this origin serves, as OpenAPI 3.1.
//!
//! It is made of what the routes are made of: parameters of the tables that queries are read by, bodies of the code that reads
//! them ([`super::input`]), answers of the entity graph. What no table says (which path has which) is in each area's
//! `operations.rs`.

mod operation;
mod parameters;
mod schemas;

use std::sync::LazyLock;

use axum::Router;
use axum::routing::get;
use http::header;
use serde_json::{Map, Value, json};

use super::{admin, auth, store};
use crate::state::AppState;

pub(super) use operation::{Answer, Guard, Operation, Query};

/// Its route.
pub(super) fn router() -> Router<AppState> {
    Router::new().route("/openapi.json", get(serve))
}

async fn serve() -> impl axum::response::IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], DOCUMENT.as_str())
}

fn operations() -> impl Iterator<Item = Operation> {
    store::operations().into_iter().chain(auth::operations()).chain(admin::operations())
}

fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method.to_ascii_lowercase()] = operation.to_json();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vitrine's origin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Wire-compatible with the Store, Auth and Admin APIs of Medusa 2.21.2."
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": {
                "publishable_key": { "type": "apiKey", "in": "header", "name": "x-publishable-api-key" },
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
                "session": { "type": "apiKey", "in": "cookie", "name": "connect.sid" },
                "secret_key": { "type": "http", "scheme": "basic" }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_operation_is_there_once_and_refers_to_what_there_is() {
        let mut seen = BTreeSet::new();
        for operation in operations() {
            assert!(seen.insert((operation.method, operation.path.clone())), "{} {}", operation.method, operation.path);
        }
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn bodies_and_parameters_are_those_that_are_read() {
        let document = document();
        let body = |path: &str| {
            document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"].clone()
        };
        assert_eq!(body("/admin/products")["required"], json!(["title"]));
        assert!(body("/admin/products")["properties"]["variants"]["items"]["properties"]["prices"].is_object());
        assert_eq!(body("/store/customers/me")["additionalProperties"], json!(false));
        let parameters = document["paths"]["/store/products"]["get"]["parameters"].as_array().unwrap();
        let names: BTreeSet<&str> = parameters.iter().filter_map(|it| it["name"].as_str()).collect();
        assert!(names.is_superset(&["limit", "fields", "region_id", "created_at", "category_id"].into()), "{names:?}");
    }
}
