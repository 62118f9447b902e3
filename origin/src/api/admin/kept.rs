//! What merchants keep: things of one kind with a list, and one of which is made, shown, changed and deleted by routes of
//! one shape.

use std::future::Future;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{get, post};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Deleted;
use super::resource::Resource;
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::outbox::Outbox;
use crate::state::AppState;
use crate::workflows::Done;

/// A kind of thing that merchants keep.
pub(super) trait Kept: 'static {
    /// How it is read.
    const RESOURCE: &'static Resource;
    /// What one is called in the answer to a deletion.
    const OBJECT: &'static str;
    /// One to be made.
    type New: Send;
    /// What an update does to one.
    type Patch: Send;

    /// The body that makes one.
    fn new(body: &Map<String, Value>) -> Result<Self::New, ApiError>;
    /// The body that changes one.
    fn patch(body: &Map<String, Value>) -> Result<Self::Patch, ApiError>;
    /// Makes one for `user`; returns its id.
    fn create(
        outbox: &Outbox,
        user: &str,
        given: Self::New,
    ) -> impl Future<Output = Result<Done<String>, WriteError>> + Send;
    /// Changes one.
    fn update(
        outbox: &Outbox,
        id: &str,
        patch: Self::Patch,
    ) -> impl Future<Output = Result<Done<()>, WriteError>> + Send;
    /// Deletes one. One that is not there is deleted.
    fn delete(outbox: &Outbox, id: &str) -> impl Future<Output = Result<Done<()>, WriteError>> + Send;
}

/// The routes of a kind, below `path`.
pub(super) fn routes<K: Kept>(path: &str) -> Router<AppState> {
    let one = format!("{path}/{{id}}");
    read_routes(path, K::RESOURCE).route(path, post(create::<K>)).route(&one, post(update::<K>).delete(delete::<K>))
}

/// The routes that read a kind, below `path`.
pub(super) fn read_routes(path: &str, resource: &'static Resource) -> Router<AppState> {
    let list = move |State(state): State<AppState>, _: AdminUser, RawQuery(query): RawQuery| async move {
        resource.list(&state, query.as_deref(), Vec::new()).await
    };
    let retrieve = move |State(state): State<AppState>,
                         _: AdminUser,
                         Path(id): Path<String>,
                         RawQuery(query): RawQuery| async move {
        resource.retrieve(&state, &id, query.as_deref(), Vec::new()).await
    };
    Router::new().route(path, get(list)).route(&format!("{path}/{{id}}"), get(retrieve))
}

async fn create<K: Kept>(
    State(state): State<AppState>,
    user: AdminUser,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let given = K::new(&body)?;
    let chosen = K::RESOURCE.choose(query.as_deref())?;
    let done = K::create(&state.outbox, &user.id, given).await?;
    K::RESOURCE.written(&state, &done.value, &chosen, done.receipt).await
}

async fn update<K: Kept>(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let patch = K::patch(&body)?;
    let chosen = K::RESOURCE.choose(query.as_deref())?;
    let done = K::update(&state.outbox, &id, patch).await?;
    K::RESOURCE.written(&state, &id, &chosen, done.receipt).await
}

async fn delete<K: Kept>(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Written<Deleted>, ApiError> {
    let done = K::delete(&state.outbox, &id).await?;
    Ok(Written { receipt: done.receipt, body: Deleted::new(id, K::OBJECT) })
}
