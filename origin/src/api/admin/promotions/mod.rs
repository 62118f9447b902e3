//! `/admin/promotions`, their rules, and what rules can name.

mod attributes;
mod rules;

use axum::Router;
use axum::routing::{get, post};
use serde_json::{Map, Value};

use super::campaigns;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, param, texts, times};
use crate::api::input::columns::{Column, Form, METADATA, nullish, optional, required};
use crate::api::input::object::{Object, Others, read};
use crate::api::store::params::{Form as ParamForm, Meaning};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::promotion::{GivenRule, RuleSet};
use crate::modules::row::Row;
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::promotion::{self, NewPromotion, PromotionPatch};

static PROMOTIONS: Resource = Resource {
    entity: &graph::PROMOTION,
    fields: &[
        "id",
        "code",
        "is_automatic",
        "is_tax_inclusive",
        "type",
        "limit",
        "used",
        "status",
        "created_at",
        "updated_at",
        "deleted_at",
        "metadata",
        "campaign_id",
        "*campaign",
        "*campaign.budget",
        "*application_method",
        "*application_method.buy_rules",
        "application_method.buy_rules.values.value",
        "*application_method.target_rules",
        "application_method.target_rules.values.value",
        "rules.id",
        "rules.attribute",
        "rules.operator",
        "rules.values.value",
    ],
    params: &[
        SEARCH,
        texts("code"),
        texts("id"),
        texts("campaign_id"),
        param("application_method", ParamForm::Group(&[texts("currency_code")]), Meaning::Inside("application_method")),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 50,
    one: "promotion",
    many: "promotions",
    title: "Promotion",
};

/// `CreatePromotion`, `UpdatePromotion`.
const COLUMNS: [Column; 8] = [
    required("code", Form::Name),
    optional("is_automatic", Form::Flag),
    required("type", Form::OneOf(&["standard", "buyget"])),
    optional("is_tax_inclusive", Form::Flag),
    optional("status", Form::OneOf(&["draft", "active", "inactive"])),
    nullish("limit", Form::Whole),
    nullish("campaign_id", Form::Name),
    METADATA,
];
/// `AdminCreateApplicationMethod`, `AdminUpdateApplicationMethod`.
const METHOD: [Column; 8] = [
    required("value", Form::Number),
    nullish("currency_code", Form::Lower),
    nullish("max_quantity", Form::Whole),
    required("type", Form::OneOf(&["fixed", "percentage"])),
    required("target_type", Form::OneOf(&["order", "shipping_methods", "items"])),
    optional("allocation", Form::OneOf(&["each", "across", "once"])),
    nullish("apply_to_quantity", Form::Whole),
    nullish("buy_rules_min_quantity", Form::Whole),
];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<Promotions>("/promotions")
        .route("/promotions/{id}/rules/batch", post(rules::cart))
        .route("/promotions/{id}/target-rules/batch", post(rules::target))
        .route("/promotions/{id}/buy-rules/batch", post(rules::buy))
        .route("/promotions/{id}/{rule_type}", get(rules::list))
        .route("/promotions/rule-attribute-options/{rule_type}", get(attributes::list))
        .route("/promotions/rule-value-options/{rule_type}/{rule_attribute_id}", get(attributes::values))
}

pub(super) enum Promotions {}

impl Kept for Promotions {
    const RESOURCE: &'static Resource = &PROMOTIONS;
    const OBJECT: &'static str = "promotion";
    type New = NewPromotion;
    type Patch = PromotionPatch;

    fn new(body: &Map<String, Value>) -> Result<NewPromotion, ApiError> {
        read(body, new)
    }

    fn patch(body: &Map<String, Value>) -> Result<PromotionPatch, ApiError> {
        read(body, |object| {
            let row = columns(object, false);
            let method = object.nested("application_method", Others::Refused, |method| {
                method.has("description");
                method.patch_row(&METHOD)
            });
            PromotionPatch { row, method }
        })
    }

    async fn create(outbox: &Outbox, _: &str, given: NewPromotion) -> Result<Done<String>, WriteError> {
        promotion::create(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: PromotionPatch) -> Result<Done<()>, WriteError> {
        promotion::update(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        promotion::delete(outbox, id).await
    }
}

fn new(object: &mut Object<'_, '_>) -> NewPromotion {
    let row = columns(object, true);
    let campaign = object.nested("campaign", Others::Refused, campaigns::new);
    object.check_presence("application_method");
    let method = object.nested("application_method", Others::Refused, |method| {
        method.has("description");
        (method.new_row(&METHOD), rules::given(method, "target_rules"), rules::given(method, "buy_rules"))
    });
    let rules = rules::given(object, "rules");
    let (method, target_rules, buy_rules) = method.unwrap_or_default();
    let has = |quantity: &str| method.get(quantity).is_some();
    let lacks = buy_rules.is_empty() || !has("apply_to_quantity") || !has("buy_rules_min_quantity");
    // `promoRefinement`.
    if (campaign.is_some() && row.text("campaign_id").is_some()) || (row.text("type") == Some("buyget") && lacks) {
        object.refuse("Buyget promotions require at least one buy rule and quantities to be defined");
    }
    NewPromotion { row, method, campaign, rules, target_rules, buy_rules }
}

/// The columns of a promotion, with what holds of them together.
fn columns(object: &mut Object<'_, '_>, is_new: bool) -> Row {
    let row = if is_new { object.new_row(&COLUMNS) } else { object.patch_row(&COLUMNS) };
    object.has("additional_data");
    let limit = row.get("limit").and_then(Value::as_i64);
    if limit.is_some_and(|limit| limit < 1) {
        object.refuse("Value for field 'limit' too small, expected at least: '1'");
    }
    if limit.is_some() && row.get("is_automatic") == Some(&Value::Bool(true)) {
        object.refuse("Automatic promotions cannot have a usage limit");
    }
    row
}
