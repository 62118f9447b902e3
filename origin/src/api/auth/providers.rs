//! `GET /auth/:actor/providers`: how somebody can sign in.

use axum::Json;
use axum::extract::Path;
use serde_json::{Value, json};

use super::actor::Actor;
use crate::error::ApiError;
use crate::modules::auth::EMAILPASS;

/// Lists them; all kinds of actors have the same.
pub(super) async fn list(Path(actor): Path<String>) -> Result<Json<Value>, ApiError> {
    Actor::of_path(&actor, EMAILPASS)?;
    Ok(Json(json!({ "providers": [{
        "id": EMAILPASS,
        "identifier": EMAILPASS,
        "display_name": "Email/Password Authentication",
        "flow": "credentials"
    }] })))
}
