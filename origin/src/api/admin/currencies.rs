//! `/admin/currencies`.

use axum::Router;

use super::kept::read_routes;
use super::resource::Resource;
use super::resources::{SEARCH, texts};
use crate::query::graph;
use crate::state::AppState;

pub(super) static CURRENCIES: Resource = Resource {
    entity: &graph::CURRENCY,
    fields: &["code", "name", "symbol", "symbol_native", "decimal_digits", "rounding"],
    params: &[SEARCH, texts("code")],
    limit: 200,
    one: "currency",
    many: "currencies",
    title: "Currency",
};

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    read_routes("/currencies", &CURRENCIES)
}
