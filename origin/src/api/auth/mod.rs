//! Signing in, and the checks that others build on: [`AdminUser`] for merchants, [`Customer`] and [`MaybeCustomer`] for who
//! buys.
//!
//! The routes are Medusa's (`api/auth/*`) for actors `customer` and `user` by the provider `emailpass`. Who a request is from
//! is told by a session cookie or a bearer token ([`credentials`]).

mod actor;
mod admin_user;
mod client;
mod credentials;
mod customer;
mod limited;
mod notify;
mod operations;
mod password;
mod providers;
mod refresh;
mod register;
mod reset;
mod session;
mod sign_in;
mod token;
mod verification;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, header};

pub use actor::Actor;
pub use admin_user::AdminUser;
pub use customer::{Customer, MaybeCustomer, Registrant};
pub use token::{AppMetadata, Claims};

use crate::state::AppState;

pub(super) use credentials::are_absent;
pub(super) use notify::notify;
pub(super) use operations::operations;
pub(super) use reset::reset_token;

/// Routes under `/auth`.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/session", post(session::open).delete(session::close))
        .route("/token/refresh", post(refresh::refresh))
        .route("/verification/request", post(verification::request))
        .route("/verification/confirm", post(verification::confirm))
        .route("/{actor}/providers", get(providers::list))
        .route("/{actor}/{provider}", get(sign_in::sign_in).post(sign_in::sign_in))
        .route("/{actor}/{provider}/callback", get(sign_in::callback).post(sign_in::callback))
        .route("/{actor}/{provider}/register", post(register::register))
        .route("/{actor}/{provider}/reset-password", post(reset::begin))
        .route("/{actor}/{provider}/update", post(reset::finish))
        .layer(from_fn(no_store))
}

/// Tokens are for those who asked for them.
async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}
