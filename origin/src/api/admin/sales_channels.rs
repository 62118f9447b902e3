//! `/admin/sales-channels`.

use axum::Router;

use super::kept::read_routes;
use super::resources::SALES_CHANNELS;
use crate::state::AppState;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    read_routes("/sales-channels", &SALES_CHANNELS)
}
