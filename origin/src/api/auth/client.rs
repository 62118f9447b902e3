//! Which client a request is from, for counting.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use http::request::Parts;

use crate::state::AppState;

/// Longest name of a client that is looked at.
const MAX_NAME: usize = 64;

/// A name for the client: its address as the edge tells it, which replaces what strangers claim; else that of the connection.
///
/// Who reaches the origin past the edges may claim any. The count for the identity holds for them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientName(pub(super) String);

impl FromRequestParts<AppState> for ClientName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        let told = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        // The edge's chain begins with the client.
        let told = told.and_then(|chain| chain.split(',').next()).map(str::trim).filter(|name| !name.is_empty());
        let peer = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_string());
        let name = told.map(|name| name.chars().take(MAX_NAME).collect()).or_else(peer);
        Ok(Self(name.unwrap_or_default()))
    }
}
