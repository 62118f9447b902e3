//! `/admin/tax-rates`, and what rates are for.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::{delete, post};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::DeletedPart;
use super::kept::{Kept, routes};
use super::resource::{Resource, raw};
use super::resources::{SEARCH, flag, texts, times};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, METADATA, optional, required};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::tax::{self, GivenTaxRate};

static TAX_RATES: Resource = Resource {
    entity: &graph::TAX_RATE,
    fields: &[
        "id",
        "name",
        "code",
        "rate",
        "tax_region_id",
        "is_default",
        "is_combinable",
        "created_by",
        "created_at",
        "updated_at",
        "deleted_at",
        "metadata",
        "*tax_region",
        "*rules",
    ],
    params: &[
        SEARCH,
        texts("tax_region_id"),
        flag("is_default"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 20,
    one: "tax_rate",
    many: "tax_rates",
    title: "TaxRate",
};

/// A rate that a tax region is made with.
pub(super) const DEFAULT_RATE: [Column; 5] = [
    optional("rate", Form::Number),
    required("code", Form::Name),
    required("name", Form::Name),
    optional("is_combinable", Form::Flag),
    METADATA,
];
/// `AdminCreateTaxRate` besides.
const NEW: [Column; 2] = [optional("is_default", Form::Flag), required("tax_region_id", Form::Name)];
/// `AdminUpdateTaxRate` besides.
const PATCH: [Column; 1] = [optional("is_default", Form::Flag)];
/// `AdminCreateTaxRateRule`.
const RULE: [Column; 2] = [required("reference", Form::Name), required("reference_id", Form::Name)];
/// Most rules of a rate.
const MAX_RULES: usize = 1_000;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<TaxRates>("/tax-rates")
        .route("/tax-rates/{id}/rules", post(add_rule))
        .route("/tax-rates/{id}/rules/{rule_id}", delete(remove_rule))
}

pub(super) enum TaxRates {}

impl Kept for TaxRates {
    const RESOURCE: &'static Resource = &TAX_RATES;
    const OBJECT: &'static str = "tax_rate";
    type New = GivenTaxRate;
    type Patch = GivenTaxRate;

    fn new(body: &Map<String, Value>) -> Result<GivenTaxRate, ApiError> {
        read(body, |object| {
            let row = object.new_row(&DEFAULT_RATE).and(object.new_row(&NEW));
            GivenTaxRate { row, rules: rules(object) }
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenTaxRate, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&DEFAULT_RATE).and(object.patch_row(&PATCH));
            GivenTaxRate { row, rules: rules(object) }
        })
    }

    async fn create(outbox: &Outbox, user: &str, given: GivenTaxRate) -> Result<Done<String>, WriteError> {
        tax::create_rate(outbox, user, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenTaxRate) -> Result<Done<()>, WriteError> {
        tax::update_rate(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        tax::delete_rate(outbox, id).await
    }
}

fn rules(object: &mut Object<'_, '_>) -> Option<Vec<Row>> {
    object.objects("rules", MAX_RULES, Others::Passed, |rule| rule.new_row(&RULE))
}

async fn add_rule(
    State(state): State<AppState>,
    user: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Box<RawValue>>, ApiError> {
    let rule = read(&body, |object| object.new_row(&RULE))?;
    let chosen = TAX_RATES.choose(query.as_deref())?;
    let done = tax::add_rule(&state.outbox, &user.id, &id, rule).await?;
    TAX_RATES.written(&state, &id, &chosen, done.receipt).await
}

async fn remove_rule(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, rule_id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Written<DeletedPart>, ApiError> {
    let chosen = TAX_RATES.choose(query.as_deref())?;
    let done = tax::remove_rule(&state.outbox, &rule_id).await?;
    let parent = raw(TAX_RATES.document(&state, &id, &chosen).await?)?;
    Ok(Written { receipt: done.receipt, body: DeletedPart::new(rule_id, "tax_rate_rule", parent) })
}
