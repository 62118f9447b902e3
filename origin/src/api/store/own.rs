//! What belongs to who is signed in: read from Postgres itself, and told to nobody else.

use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};

use super::params::{self, Common, Input, Param};
use crate::error::ApiError;
use crate::query::fields::Shown;
use crate::query::hole::Nonce;
use crate::query::{Ask, Entity, Filter, Order, Page, Paging, Prices, Selection, Sight, Test, Value, fetch};
use crate::state::AppState;

/// A kind of thing that somebody owns.
#[derive(Debug)]
pub(super) struct Own {
    /// What it is.
    pub(super) entity: &'static Entity,
    /// Which fields.
    pub(super) shown: &'static LazyLock<Shown>,
    /// What its list takes.
    pub(super) params: &'static [Param],
    /// The default of `limit`.
    pub(super) limit: i64,
    /// The name of a list in the answer.
    pub(super) many: &'static str,
}

/// Which of its fields a request asks for.
#[derive(Debug)]
pub(super) struct Chosen(Selection);

/// No edge keeps it, nor a browser.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

// === impl Own ===

impl Own {
    /// Reads the query of a route about one thing; it takes `fields` alone.
    pub(super) fn choose(&self, query: Option<&str>) -> Result<Chosen, ApiError> {
        let common = Common { limit: None, logic: false };
        let input = params::read(query.unwrap_or_default(), self.entity, &[], common)?;
        self.selection(&input).map(Chosen)
    }

    /// The document of the one thing that passes, or nothing.
    pub(super) async fn find(
        &self,
        state: &AppState,
        chosen: &Chosen,
        filter: &Filter,
    ) -> Result<Option<String>, ApiError> {
        let page = ask(state, &chosen.0, filter, &[], Paging { limit: 1, offset: 0 }, false).await?;
        Ok(page.rows.into_iter().next().map(|row| row.document))
    }

    /// Answers a list; `within` narrows it besides the query.
    pub(super) async fn list(
        &self,
        state: &AppState,
        query: Option<&str>,
        within: Filter,
    ) -> Result<Response, ApiError> {
        let common = Common { limit: Some(self.limit), logic: false };
        let input = params::read(query.unwrap_or_default(), self.entity, self.params, common)?;
        let order = self.order(input.order.as_deref())?;
        let selection = self.selection(&input)?;
        let paging = Paging { limit: input.limit, offset: input.offset };
        let filter = Filter::All(vec![input.filter, within]);
        let page = ask(state, &selection, &filter, &order, paging, true).await?;
        let documents: Vec<String> = page.rows.into_iter().map(|row| row.document).collect();
        let (many, documents, total) = (self.many, documents.join(","), page.total);
        let Paging { limit, offset } = paging;
        Ok(private(format!("{{\"{many}\":[{documents}],\"count\":{total},\"offset\":{offset},\"limit\":{limit}}}")))
    }

    fn selection(&self, input: &Input) -> Result<Selection, ApiError> {
        let fields = self.shown.choose(input.fields.as_deref())?;
        let mut selection = Selection::of(self.entity);
        for path in fields.paths() {
            selection.add(path);
        }
        Ok(selection)
    }

    /// Only columns that are shown can order it.
    fn order(&self, order: Option<&str>) -> Result<Vec<Order>, ApiError> {
        let Some(order) = order.filter(|order| !order.is_empty()) else {
            return Ok(Vec::new());
        };
        let (name, descending) = order.strip_prefix('-').map_or((order, false), |name| (name, true));
        let column = self.entity.column(name).filter(|_| self.shown.allows(name));
        let (_, column) = column.ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            ApiError::invalid_data(format!("Order field {shown} is not valid"))
        })?;
        Ok(vec![Order { column, descending }])
    }
}

/// A condition that a text column has this value.
pub(super) fn equals(entity: &'static Entity, column: &str, value: &str) -> Filter {
    // Postgres can hold no NUL, so no column has one.
    let values = if value.contains('\0') { Vec::new() } else { vec![Value::Text(value.to_owned())] };
    entity.column(column).map_or(Filter::Any(Vec::new()), |(_, column)| Filter::Column(column, Test::In(values)))
}

/// A JSON text as an answer that nobody keeps.
pub(super) fn private(body: String) -> Response {
    ([(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, PRIVATE)], body).into_response()
}

async fn ask(
    state: &AppState,
    selection: &Selection,
    filter: &Filter,
    order: &[Order],
    paging: Paging,
    counted: bool,
) -> Result<Page, ApiError> {
    let ask = Ask {
        selection,
        filter,
        order,
        paging,
        sight: &Sight::Everything,
        counted,
        prices: Prices::None,
        stock_channel: None,
        nonce: &Nonce::new(),
    };
    Ok(fetch(&state.pool, &ask).await?.1)
}
