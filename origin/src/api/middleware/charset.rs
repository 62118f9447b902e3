//! JSON with its character set, as Express sends it.

use axum::response::Response;
use http::{HeaderValue, header};

/// Completes `application/json`.
pub(crate) async fn charset(mut response: Response) -> Response {
    let is_bare = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if is_bare {
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    response
}
