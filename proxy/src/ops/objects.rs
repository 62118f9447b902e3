//! `GET /objects`: what is stored.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::purge::{refuse, refused};
use super::serve::{OpsServer, told};
use crate::explain::{BadSelector, Listing, Selector};

/// Which objects are shown: those that a purge of the one thing named would reach, or all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    tag: Option<String>,
    prefix: Option<String>,
    host: Option<String>,
    url: Option<String>,
    /// How many.
    limit: Option<usize>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of objects, with how many there are in all.
pub(super) async fn objects(
    State(server): State<Arc<OpsServer>>,
    headers: HeaderMap,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Response {
    if let Some(refused) = refused(&server, &headers) {
        return refused;
    }
    let shown = match shown {
        Ok(Query(shown)) => shown,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid_query", &error.body_text()),
    };
    let listing = match listing(&server, &shown) {
        Ok(listing) => listing,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, "invalid_query", &error.to_string()),
    };
    // All objects are walked through, which takes its time where they are many.
    let page = tokio::task::spawn_blocking(move || listing.page(&server.engine, &server.purger)).await;
    match page {
        Ok(page) => told(&headers, &page),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn listing(server: &OpsServer, shown: &Shown) -> Result<Listing, BadSelector> {
    let [tag, prefix, host, url] = [&shown.tag, &shown.prefix, &shown.host, &shown.url].map(Option::as_deref);
    let selector = Selector::new(tag, prefix, host, url, &server.current.load().config.rules)?;
    Listing::new(selector, shown.cursor.as_deref(), shown.limit)
}
