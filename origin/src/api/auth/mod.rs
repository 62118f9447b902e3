//! Signing in, and the check that others build on: [`AdminUser`].

mod admin_user;
mod emailpass;
mod password;
mod refresh;
mod token;

use axum::Router;
use axum::routing::post;

pub use admin_user::AdminUser;
pub use token::{AppMetadata, Claims};

use crate::state::AppState;

/// Routes under `/auth`.
pub fn router() -> Router<AppState> {
    Router::new().route("/user/emailpass", post(emailpass::sign_in)).route("/token/refresh", post(refresh::refresh))
}
