//! What of the Auth API is served, for OpenAPI.

use serde_json::{Value, json};

use super::{reset, verification};
use crate::api::input::object::{describe, read};
use crate::api::openapi::{Answer, Guard, Operation, Query};

/// All of it.
pub(in crate::api) fn operations() -> Vec<Operation> {
    let of = |method, path: &str, guard, answer, refusals| Operation {
        method,
        path: path.to_owned(),
        guard,
        query: Query::Ignored,
        body: None,
        answer,
        refusals,
    };
    let token = || {
        Answer::Json(200, object(json!({ "token": text(), "verification_required": { "const": true } }), &["token"]))
    };
    let provider = "/auth/{actor}/{provider}";
    let at = |rest: &str| format!("{provider}/{rest}");
    let success = || Answer::Json(200, object(json!({ "success": { "const": true } }), &["success"]));
    let reset = describe(|body| read(body, reset::body));
    let request = describe(|body| read(body, verification::request_body));
    let confirm = describe(|body| read(body, verification::confirm_body));
    let verification = object(json!({ "verification": { "type": "object" } }), &["verification"]);
    let names = ["entity_id", "entity_type", "code_provider", "verified_at"];
    let confirmed = object(names.map(|name| (name.to_owned(), text())).into_iter().collect::<Value>(), &names);
    let (anybody, bearer) = (Guard::Anybody, Guard::Bearer);
    vec![
        Operation { body: Some(credentials()), ..of("POST", provider, anybody, token(), &[401, 429]) },
        of("GET", provider, anybody, token(), &[400, 401, 429]),
        Operation { body: Some(credentials()), ..of("POST", &at("register"), anybody, token(), &[401, 429]) },
        of("GET", &at("callback"), anybody, token(), &[400, 401]),
        of("POST", &at("callback"), anybody, token(), &[400, 401]),
        Operation {
            body: Some(reset),
            ..of("POST", &at("reset-password"), anybody, Answer::Text(201, "text/plain"), &[429])
        },
        Operation { body: Some(password()), ..of("POST", &at("update"), anybody, success(), &[401]) },
        of("GET", "/auth/{actor}/providers", anybody, Answer::Json(200, providers()), &[400]),
        of(
            "POST",
            "/auth/session",
            bearer,
            Answer::Json(200, object(json!({ "user": { "type": "object" } }), &["user"])),
            &[],
        ),
        of("DELETE", "/auth/session", bearer, success(), &[]),
        of("POST", "/auth/token/refresh", bearer, token(), &[400, 404]),
        Operation {
            body: Some(request),
            ..of("POST", "/auth/verification/request", bearer, Answer::Json(201, verification), &[429])
        },
        Operation {
            body: Some(confirm),
            ..of("POST", "/auth/verification/confirm", anybody, Answer::Json(200, confirmed), &[])
        },
    ]
}

/// What the provider looks at; it passes the rest over.
fn credentials() -> Value {
    object(json!({ "email": text(), "password": text() }), &["email", "password"])
}

fn password() -> Value {
    object(json!({ "password": text() }), &[])
}

fn providers() -> Value {
    let names = ["id", "identifier", "display_name", "flow"];
    let provider = object(names.map(|name| (name.to_owned(), text())).into_iter().collect::<Value>(), &names);
    object(json!({ "providers": { "type": "array", "items": provider } }), &["providers"])
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn object(properties: impl Into<Value>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties.into(), "required": required })
}
