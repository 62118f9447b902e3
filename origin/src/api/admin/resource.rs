//! Reading a kind of thing for a merchant: its list, and one of it.

use std::fmt::Write as _;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use serde_json::value::RawValue;

use crate::api::ack::Written;
use crate::api::store::params::{self, Common, Input, Param};
use crate::error::ApiError;
use crate::outbox::Receipt;
use crate::query::fields::Fields;
use crate::query::hole::Nonce;
use crate::query::{Ask, Entity, Filter, Order, Page, Paging, Prices, Selection, Sight, Test, Value, fetch};
use crate::state::AppState;

/// A kind of thing.
#[derive(Debug)]
pub(super) struct Resource {
    /// What it is.
    pub(super) entity: &'static Entity,
    /// Which fields are shown unless asked otherwise.
    pub(super) fields: &'static [&'static str],
    /// What the list takes.
    pub(super) params: &'static [Param],
    /// The default of `limit`.
    pub(super) limit: i64,
    /// The name of one in the answer.
    pub(super) one: &'static str,
    /// The name of a list in the answer.
    pub(super) many: &'static str,
    /// What one is called where it is not found.
    pub(super) title: &'static str,
}

/// What is asked about one thing: which of its fields.
#[derive(Debug)]
pub(super) struct Chosen(Selection);

/// How many relations deep a field may be.
const MAX_DEPTH: usize = 5;
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

// === impl Resource ===

impl Resource {
    /// Reads the query of a route about one thing; it takes `fields` alone.
    pub(super) fn choose(&self, query: Option<&str>) -> Result<Chosen, ApiError> {
        let common = Common { limit: None, logic: false };
        let input = params::read(query.unwrap_or_default(), self.entity, &[], common)?;
        self.selection(&input).map(Chosen)
    }

    /// Answers a list; `within` narrows it besides the query.
    pub(super) async fn list(
        &self,
        state: &AppState,
        query: Option<&str>,
        within: Vec<Filter>,
    ) -> Result<Response, ApiError> {
        let common = Common { limit: Some(self.limit), logic: true };
        let input = params::read(query.unwrap_or_default(), self.entity, self.params, common)?;
        let order = self.order(input.order.as_deref())?;
        let paging = Paging { limit: input.limit, offset: input.offset };
        let selection = self.selection(&input)?;
        let filter = Filter::All([vec![input.filter], within].concat());
        let page = ask(state, &selection, &filter, &order, paging, true).await?;
        let mut body = format!("{{\"{}\":[", self.many);
        for (index, row) in page.rows.iter().enumerate() {
            if index > 0 {
                body.push(',');
            }
            body.push_str(&row.document);
        }
        let (total, Paging { limit, offset }) = (page.total, paging);
        // Writing to a String cannot fail.
        let _ = write!(body, "],\"count\":{total},\"offset\":{offset},\"limit\":{limit}}}");
        Ok(([(header::CONTENT_TYPE, JSON)], body).into_response())
    }

    /// Answers with one thing.
    pub(super) async fn retrieve(
        &self,
        state: &AppState,
        key: &str,
        query: Option<&str>,
        within: Vec<Filter>,
    ) -> Result<Response, ApiError> {
        let chosen = self.choose(query)?;
        let document = self.find(state, key, &chosen, within).await?.ok_or_else(|| self.not_found(key))?;
        Ok(([(header::CONTENT_TYPE, JSON)], format!("{{\"{}\":{document}}}", self.one)).into_response())
    }

    /// Answers a write with the thing that it concerned.
    pub(super) async fn written(
        &self,
        state: &AppState,
        key: &str,
        chosen: &Chosen,
        receipt: Receipt,
    ) -> Result<Written<Box<RawValue>>, ApiError> {
        let document = self.document(state, key, chosen).await?;
        let body = raw(format!("{{\"{}\":{document}}}", self.one))?;
        Ok(Written { receipt, body })
    }

    /// The document of one thing, or `null`: another may have deleted it meanwhile.
    pub(super) async fn document(&self, state: &AppState, key: &str, chosen: &Chosen) -> Result<String, ApiError> {
        Ok(self.find(state, key, chosen, Vec::new()).await?.unwrap_or_else(|| "null".to_owned()))
    }

    /// The documents of several things, in the order of their ids.
    pub(super) async fn documents(
        &self,
        state: &AppState,
        keys: &[String],
        chosen: &Chosen,
    ) -> Result<Box<RawValue>, ApiError> {
        let test = Test::In(keys.iter().cloned().map(Value::Text).collect());
        let (_, key) = self.entity.column(self.entity.key).ok_or_else(|| ApiError::unknown(&"no key"))?;
        let paging = Paging { limit: i64::try_from(keys.len()).unwrap_or(i64::MAX), offset: 0 };
        let page = ask(state, &chosen.0, &Filter::Column(key, test), &[], paging, false).await?;
        let documents: Vec<String> = page.rows.into_iter().map(|row| row.document).collect();
        raw(format!("[{}]", documents.join(",")))
    }

    fn not_found(&self, key: &str) -> ApiError {
        ApiError::not_found(format!("{} with id: {key} was not found", self.title))
    }

    async fn find(
        &self,
        state: &AppState,
        key: &str,
        chosen: &Chosen,
        within: Vec<Filter>,
    ) -> Result<Option<String>, ApiError> {
        if key.contains('\0') {
            return Ok(None);
        }
        let filter = Filter::All([vec![equals(self.entity, self.entity.key, key)], within].concat());
        let page = ask(state, &chosen.0, &filter, &[], Paging { limit: 1, offset: 0 }, false).await?;
        Ok(page.rows.into_iter().next().map(|row| row.document))
    }

    fn selection(&self, input: &Input) -> Result<Selection, ApiError> {
        let fields = Fields::free(input.fields.as_deref(), self.fields, MAX_DEPTH)?;
        let mut selection = Selection::of(self.entity);
        for path in fields.paths() {
            selection.add(path);
        }
        selection.drop_computed();
        Ok(selection)
    }

    fn order(&self, order: Option<&str>) -> Result<Vec<Order>, ApiError> {
        let Some(order) = order.filter(|order| !order.is_empty()) else {
            return Ok(Vec::new());
        };
        let (name, descending) = order.strip_prefix('-').map_or((order, false), |name| (name, true));
        let (_, column) = self.entity.column(name).ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            ApiError::invalid_data(format!("Order field {shown} is not valid"))
        })?;
        Ok(vec![Order { column, descending }])
    }
}

/// Rows as JSON with these columns, and how many there are in all.
pub(super) async fn rows(
    state: &AppState,
    entity: &'static Entity,
    columns: &[&str],
    filter: Filter,
    paging: Paging,
) -> Result<(i64, Vec<serde_json::Value>), ApiError> {
    let mut selection = Selection::of(entity);
    for column in columns {
        selection.add(column);
    }
    let page = ask(state, &selection, &filter, &[], paging, true).await?;
    let read = |row: &crate::query::Row| serde_json::from_str(&row.document);
    let rows: Result<Vec<serde_json::Value>, _> = page.rows.iter().map(read).collect();
    Ok((page.total, rows.map_err(|error| ApiError::unknown(&error))?))
}

/// A condition that a text column has this value.
pub(super) fn equals(entity: &'static Entity, column: &str, value: &str) -> Filter {
    let test = Test::In(vec![Value::Text(value.to_owned())]);
    entity.column(column).map_or(Filter::Any(Vec::new()), |(_, column)| Filter::Column(column, test))
}

/// JSON text as a body.
pub(super) fn raw(text: String) -> Result<Box<RawValue>, ApiError> {
    RawValue::from_string(text).map_err(|error| ApiError::unknown(&error))
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
