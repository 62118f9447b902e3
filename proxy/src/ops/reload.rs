//! `POST /reload`: the configuration's file, now.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::serve::{OpsServer, unauthorized};
use crate::reload::{Outcome, Trigger};

/// 200 with the generation in force; 422 with all that is wrong with the file, and the generation that stays.
pub(super) async fn reload(State(server): State<Arc<OpsServer>>, headers: HeaderMap) -> Response {
    if !server.token.as_ref().is_some_and(|token| token.admits(&headers)) {
        return unauthorized();
    }
    let Some(reloader) = server.reloader.clone() else {
        let error = json!({ "type": "no_file", "message": "this proxy was started without a file" });
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    };
    let Ok(outcome) = tokio::task::spawn_blocking(move || reloader.reload(Trigger::Request)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let generation = server.current.load().generation;
    let result = outcome.result();
    match outcome {
        Outcome::Ok { warnings, pending } => {
            let body = json!({ "result": result, "generation": generation, "warnings": warnings, "pending": pending });
            Json(body).into_response()
        }
        Outcome::Unchanged { pending } => {
            Json(json!({ "result": result, "generation": generation, "pending": pending })).into_response()
        }
        Outcome::Bad(errors) => {
            let body = json!({ "result": result, "generation": generation, "errors": errors });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
    }
}
