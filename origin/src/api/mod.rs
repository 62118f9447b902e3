//! HTTP: extract, call, shape the reply.

pub mod ack;
pub mod admin;
pub mod auth;
pub mod body;
pub mod etag;
pub mod health;
mod input;
pub mod internal;
pub mod middleware;
mod openapi;
mod probe;
pub mod query_string;
pub mod reply;
pub mod store;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::state::{AppState, StartError};

/// The public listener: the shop's API.
pub fn public(state: &AppState) -> Result<Router, StartError> {
    let http = &state.config.http;
    let request_timeout = Duration::from_millis(http.request_timeout_ms);
    // A write may wait for its acknowledgement on top of its own time.
    let write_timeout = request_timeout + Duration::from_millis(state.config.feed.max_ack_wait_ms);
    let store_cors = middleware::cors("http.store_cors", &[&http.store_cors])?;
    let admin_cors = middleware::cors("http.admin_cors", &[&http.admin_cors])?;
    let auth_cors = middleware::cors("http.store_cors", &[&http.store_cors, &http.admin_cors])?;
    let store = Router::new().nest("/store", store::router());
    let waiting = axum::middleware::from_fn_with_state(state.clone(), ack::layer);
    // Every route of /admin is guarded here, so that none can forget to.
    let guard = axum::middleware::from_extractor_with_state::<auth::AdminUser, _>(state.clone());
    let admin = Router::new().nest("/admin", admin::router(state).layer(guard)).layer(waiting);
    let auth = Router::new().nest("/auth", auth::router());
    Ok(Router::new()
        .merge(middleware::timed(store, request_timeout).layer(store_cors))
        .merge(middleware::timed(admin, write_timeout).layer(admin_cors))
        .merge(middleware::timed(auth, request_timeout).layer(auth_cors))
        .merge(middleware::timed(probe::router(state), request_timeout))
        .merge(health::router())
        .merge(openapi::router())
        .fallback(no_route)
        .layer(axum::middleware::map_response(middleware::charset))
        .layer(DefaultBodyLimit::max(http.max_body_bytes))
        .layer(axum::middleware::from_fn_with_state(state.clone(), middleware::observe))
        .with_state(state.clone()))
}

/// The internal listener: feed, members, metrics.
pub fn internal_listener(state: &AppState) -> Router {
    let limit = Duration::from_millis(state.config.http.request_timeout_ms)
        + Duration::from_millis(state.config.feed.max_feed_wait_ms);
    Router::new()
        .merge(middleware::timed(Router::new().nest("/v1", internal::router(state)), limit))
        .merge(health::router())
        .route("/metrics", axum::routing::get(health::metrics))
        .fallback(no_route)
        .layer(DefaultBodyLimit::max(state.config.http.max_body_bytes))
        .layer(axum::middleware::from_fn_with_state(state.clone(), middleware::observe))
        .with_state(state.clone())
}

/// What Express says of a route that it does not know; Medusa's clients see the same.
async fn no_route(method: http::Method, uri: http::Uri) -> Response {
    let html = no_route_page(&method, uri.path());
    let headers = [("content-security-policy", "default-src 'none'"), ("x-content-type-options", "nosniff")];
    (StatusCode::NOT_FOUND, headers, axum::response::Html(html)).into_response()
}

/// Express's page.
fn no_route_page(method: &http::Method, path: &str) -> String {
    let path: String = path.chars().flat_map(escape_html).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n\
         <pre>Cannot {method} {path}</pre>\n</body>\n</html>\n"
    )
}

fn escape_html(c: char) -> Vec<char> {
    match c {
        '<' => "&lt;".chars().collect(),
        '>' => "&gt;".chars().collect(),
        '&' => "&amp;".chars().collect(),
        '"' => "&quot;".chars().collect(),
        '\'' => "&#39;".chars().collect(),
        c => vec![c],
    }
}
