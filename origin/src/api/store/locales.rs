//! `GET /store/locales`: not there, as in Medusa without its translation feature. Storefronts ask at each navigation, so edges
//! may keep that it is not.

use axum::extract::OriginalUri;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use vitrine_shared::tag::Tag;

use super::caller::Caller;
use crate::api::no_route_page;
use crate::api::reply::Reply;

/// Says that there is no such route.
pub(super) async fn absent(
    caller: Caller,
    method: Method,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let page = no_route_page(&method, uri.path()).into_bytes();
    let reply = Reply::new(caller.moment, StatusCode::NOT_FOUND, page).of_type("text/html; charset=utf-8");
    let reply = reply.tagged(caller.tags()).tagged([Tag::all("locales")]).until(caller.key.ends_at);
    let mut response = reply.respond(&headers);
    let security = HeaderValue::from_static("default-src 'none'");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, security);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
