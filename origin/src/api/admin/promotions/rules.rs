//! The rules of a promotion: those of the cart, of what is discounted, of what must be bought.

use axum::extract::{Path, RawQuery, State};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::Batched;
use super::super::resource::{Resource, raw};
use super::{GivenRule, PROMOTIONS, RuleSet, attributes};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, nullish, required};
use crate::api::input::field::{Name, OneOrMany};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::promotion::{self, RuleBatch};

static RULES: Resource = Resource {
    entity: &graph::PROMOTION_RULE,
    fields: &["id", "description", "attribute", "operator", "values.value"],
    params: &[],
    limit: 50,
    one: "rule",
    many: "rules",
    title: "Promotion rule",
};

/// `AdminCreatePromotionRule`, `AdminUpdatePromotionRule`.
const COLUMNS: [Column; 3] = [
    required("operator", Form::OneOf(&["gte", "lte", "gt", "lt", "eq", "ne", "in"])),
    nullish("description", Form::Text),
    required("attribute", Form::Name),
];
/// Most rules of a promotion that are given at once.
const MAX_RULES: usize = 100;
/// Most values of a rule.
const MAX_VALUES: usize = 10_000;

/// The rules of a promotion's body.
pub(super) fn given(object: &mut Object<'_, '_>, name: &'static str) -> Vec<GivenRule> {
    object.objects(name, MAX_RULES, Others::Refused, |rule| rule_of(rule, true)).unwrap_or_default()
}

fn rule_of(rule: &mut Object<'_, '_>, is_new: bool) -> GivenRule {
    let mut row = if is_new { rule.new_row(&COLUMNS) } else { rule.patch_row(&COLUMNS) };
    if is_new && row.get("description").is_none() {
        // Rows that are written together set the same columns.
        row.set("description", Value::Null);
    }
    rule.check_presence("values");
    let values: OneOrMany<MAX_VALUES> = rule.optional("values").unwrap_or_default();
    GivenRule { row, values: values.0 }
}

fn batch(body: &Map<String, Value>) -> Result<RuleBatch, ApiError> {
    read(body, |object| RuleBatch {
        create: given(object, "create"),
        update: object
            .objects("update", MAX_RULES, Others::Refused, |rule| (rule.required::<Name>("id").0, rule_of(rule, false)))
            .unwrap_or_default(),
        delete: object.values::<Name>("delete", MAX_RULES).unwrap_or_default().into_iter().map(|id| id.0).collect(),
    })
}

/// `POST /admin/promotions/:id/rules/batch`.
pub(super) async fn cart(
    state: State<AppState>,
    _: AdminUser,
    id: Path<String>,
    query: RawQuery,
    body: JsonBody,
) -> Result<Written<Batched>, ApiError> {
    change(state, id, query, body, RuleSet::Cart).await
}

/// `POST /admin/promotions/:id/target-rules/batch`.
pub(super) async fn target(
    state: State<AppState>,
    _: AdminUser,
    id: Path<String>,
    query: RawQuery,
    body: JsonBody,
) -> Result<Written<Batched>, ApiError> {
    change(state, id, query, body, RuleSet::Target).await
}

/// `POST /admin/promotions/:id/buy-rules/batch`.
pub(super) async fn buy(
    state: State<AppState>,
    _: AdminUser,
    id: Path<String>,
    query: RawQuery,
    body: JsonBody,
) -> Result<Written<Batched>, ApiError> {
    change(state, id, query, body, RuleSet::Buy).await
}

async fn change(
    State(state): State<AppState>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
    set: RuleSet,
) -> Result<Written<Batched>, ApiError> {
    let batch = batch(&body)?;
    let chosen = RULES.choose(query.as_deref())?;
    let deleted = batch.delete.clone();
    let done = promotion::change_rules(&state.outbox, &id, set, batch).await?;
    let created = RULES.documents(&state, &done.value.created, &chosen).await?;
    let updated = RULES.documents(&state, &done.value.updated, &chosen).await?;
    Ok(Written { receipt: done.receipt, body: Batched::new(created, updated, deleted, "promotion-rule") })
}

/// Rules as the dashboard edits them.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    rules: Box<RawValue>,
}

/// `GET /admin/promotions/:id/:rule_type`.
pub(super) async fn list(
    State(state): State<AppState>,
    _: AdminUser,
    Path((id, rule_type)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<axum::Json<Shown>, ApiError> {
    let context = attributes::context(query.as_deref())?;
    attributes::check_type(&rule_type)?;
    let chosen = PROMOTIONS.choose(None)?;
    let document = PROMOTIONS.document(&state, &id, &chosen).await?;
    let promotion: Value = serde_json::from_str(&document).map_err(|error| ApiError::unknown(&error))?;
    let shown = attributes::shown(&state, &rule_type, &promotion, &context).await?;
    Ok(axum::Json(Shown { rules: raw(shown.to_string())? }))
}
