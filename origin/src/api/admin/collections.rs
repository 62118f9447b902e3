//! `/admin/collections`.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::input;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::COLLECTIONS;
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::collection::{self, CollectionPatch, NewCollection};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Collections>("/collections").route("/collections/{id}/products", post(set_products))
}

pub(super) enum Collections {}

impl Kept for Collections {
    const RESOURCE: &'static Resource = &COLLECTIONS;
    const OBJECT: &'static str = "collection";
    type New = NewCollection;
    type Patch = CollectionPatch;

    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError> {
        input::new_collection(body)
    }

    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError> {
        input::collection_patch(body)
    }

    async fn create(outbox: &Outbox, _: &str, given: Self::New) -> Result<Done<String>, WriteError> {
        collection::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: Self::Patch) -> Result<Done<()>, WriteError> {
        collection::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        collection::delete(outbox, id).await
    }
}

async fn set_products(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = input::membership(&body)?;
    let chosen = COLLECTIONS.choose(query.as_deref())?;
    let done = collection::set_products(&state.outbox, &id, given).await?;
    COLLECTIONS.written(&state, &id, &chosen, done.receipt).await
}
