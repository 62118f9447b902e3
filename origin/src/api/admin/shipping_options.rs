//! `/admin/shipping-options`, and conditions on them.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::routing::post;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::Batched;
use super::kept::{Kept, routes};
use super::resource::Resource;
use super::resources::{SEARCH, texts, times};
use crate::api::ack::Written;
use crate::api::auth::AdminUser;
use crate::api::body::JsonBody;
use crate::api::input::columns::{Column, Form, optional, required};
use crate::api::input::field::{Name, OneOrMany};
use crate::api::input::object::{Object, Others, read};
use crate::error::ApiError;
use crate::modules::WriteError;
use crate::modules::row::Row;
use crate::modules::shipping::{OptionPrice, condition};
use crate::outbox::Outbox;
use crate::query::graph;
use crate::state::AppState;
use crate::workflows::Done;
use crate::workflows::shipping::{self, GivenOption, RuleBatch};

static SHIPPING_OPTIONS: Resource = Resource {
    entity: &graph::SHIPPING_OPTION,
    fields: &[
        "id",
        "name",
        "price_type",
        "data",
        "provider_id",
        "metadata",
        "created_at",
        "updated_at",
        "service_zone_id",
        "shipping_profile_id",
        "*rules",
        "*type",
        "*prices",
        "*prices.price_rules",
        "*service_zone",
        "*shipping_profile",
        "*provider",
    ],
    params: &[
        SEARCH,
        texts("id"),
        texts("service_zone_id"),
        texts("shipping_profile_id"),
        texts("provider_id"),
        texts("shipping_option_type_id"),
        times("created_at"),
        times("updated_at"),
        times("deleted_at"),
    ],
    limit: 20,
    one: "shipping_option",
    many: "shipping_options",
    title: "Shipping Option",
};

static RULES: Resource = Resource {
    entity: &graph::SHIPPING_OPTION_RULE,
    fields: &["id", "attribute", "operator", "value", "shipping_option_id", "created_at", "updated_at", "deleted_at"],
    params: &[],
    limit: 50,
    one: "rule",
    many: "rules",
    title: "Shipping option rule",
};

/// `AdminCreateShippingOption`, `AdminUpdateShippingOption`.
const COLUMNS: [Column; 7] = [
    required("name", Form::Name),
    required("shipping_profile_id", Form::Name),
    optional("data", Form::Map),
    required("price_type", Form::OneOf(&["flat", "calculated"])),
    required("provider_id", Form::Name),
    optional("type_id", Form::Name),
    optional("metadata", Form::Map),
];
const ZONE: [Column; 1] = [required("service_zone_id", Form::Name)];
/// `AdminCreateShippingOptionTypeObject`.
const KIND: [Column; 3] =
    [required("label", Form::Name), optional("description", Form::Text), required("code", Form::Name)];
/// `AdminCreateShippingOptionRule`.
const RULE: [Column; 2] = [
    required("operator", Form::OneOf(&["in", "eq", "ne", "gt", "gte", "lt", "lte", "nin"])),
    required("attribute", Form::Name),
];
const NEW_PRICE: [Column; 1] = [required("amount", Form::Number)];
const CURRENCY: [Column; 1] = [optional("currency_code", Form::Lower)];
/// Operators of a price's conditions (`PricingRuleOperator`).
const OPERATORS: [&str; 5] = ["gte", "lte", "gt", "lt", "eq"];
/// Most prices of an option.
const MAX_PRICES: usize = 1_000;
/// Most conditions of an option, and of one of its prices.
const MAX_RULES: usize = 100;
/// Most values of a condition.
const MAX_VALUES: usize = 1_000;

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    routes::<ShippingOptions>("/shipping-options").route("/shipping-options/{id}/rules/batch", post(change_rules))
}

pub(super) enum ShippingOptions {}

impl Kept for ShippingOptions {
    const RESOURCE: &'static Resource = &SHIPPING_OPTIONS;
    const OBJECT: &'static str = "shipping_option";
    type New = GivenOption;
    type Patch = GivenOption;

    fn new(body: &Map<String, Value>) -> Result<GivenOption, ApiError> {
        read(body, |object| {
            let row = object.new_row(&COLUMNS).and(object.new_row(&ZONE));
            object.check_presence("prices");
            let given = given(object, row, true);
            if given.kind.is_some() == given.row.get("shipping_option_type_id").is_some() {
                object.refuse("Exactly one of 'type' or 'type_id' must be provided, but not both");
            }
            given
        })
    }

    fn patch(body: &Map<String, Value>) -> Result<GivenOption, ApiError> {
        read(body, |object| {
            let row = object.patch_row(&COLUMNS);
            let given = given(object, row, false);
            if given.kind.is_some() && given.row.get("shipping_option_type_id").is_some() {
                object.refuse("Only one of 'type' or 'type_id' can be provided");
            }
            given
        })
    }

    async fn create(outbox: &Outbox, _: &str, given: GivenOption) -> Result<Done<String>, WriteError> {
        shipping::create_option(outbox, given).await
    }

    async fn update(outbox: &Outbox, id: &str, patch: GivenOption) -> Result<Done<()>, WriteError> {
        shipping::update_option(outbox, id, patch).await
    }

    async fn delete(outbox: &Outbox, id: &str) -> Result<Done<()>, WriteError> {
        shipping::delete_option(outbox, id).await
    }
}

fn given(object: &mut Object<'_, '_>, mut row: Row, is_new: bool) -> GivenOption {
    if let Some(kind) = row.take("type_id") {
        row.set("shipping_option_type_id", kind);
    }
    GivenOption {
        row,
        kind: object.nested("type", Others::Refused, |kind| kind.new_row(&KIND)),
        prices: object.objects("prices", MAX_PRICES, Others::Refused, |price| price_of(price, is_new)),
        rules: object.objects("rules", MAX_RULES, Others::Refused, |rule| {
            let id = if is_new { None } else { rule.optional::<Name>("id").map(|id| id.0) };
            (id, rule_of(rule))
        }),
    }
}

fn price_of(price: &mut Object<'_, '_>, is_new: bool) -> OptionPrice {
    let id = if is_new { None } else { price.optional::<Name>("id").map(|id| id.0) };
    let amount = if id.is_none() { price.new_row(&NEW_PRICE) } else { price.patch_row(&NEW_PRICE) };
    let row = amount.and(price.patch_row(&CURRENCY));
    let region_id = price.optional::<Name>("region_id").map(|id| id.0);
    if id.is_none() && region_id.is_some() == row.get("currency_code").is_some() {
        price.refuse("Invalid input");
    }
    let rules = price.objects("rules", MAX_RULES, Others::Passed, |rule| {
        rule.check_presence("attribute");
        let attribute = rule.one_of("attribute", &["item_total"]).unwrap_or_default();
        rule.check_presence("operator");
        let operator = rule.one_of("operator", &OPERATORS).unwrap_or_default();
        condition(attribute, operator, &rule.required::<Decimal>("value").to_string())
    });
    OptionPrice { id, row, region_id, rules }
}

fn rule_of(rule: &mut Object<'_, '_>) -> Row {
    let row = rule.new_row(&RULE);
    rule.check_presence("value");
    let value: OneOrMany<MAX_VALUES> = rule.optional("value").unwrap_or_default();
    match <[String; 1]>::try_from(value.0) {
        Ok([one]) => row.with("value", one),
        Err(several) => row.with("value", several),
    }
}

fn batch(body: &Map<String, Value>) -> Result<RuleBatch, ApiError> {
    read(body, |object| RuleBatch {
        create: object.objects("create", MAX_RULES, Others::Refused, rule_of).unwrap_or_default(),
        update: object
            .objects("update", MAX_RULES, Others::Refused, |rule| (rule.required::<Name>("id").0, rule_of(rule)))
            .unwrap_or_default(),
        delete: object.values::<Name>("delete", MAX_RULES).unwrap_or_default().into_iter().map(|id| id.0).collect(),
    })
}

async fn change_rules(
    State(state): State<AppState>,
    _: AdminUser,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Written<Batched>, ApiError> {
    let batch = batch(&body)?;
    let chosen = RULES.choose(query.as_deref())?;
    let updated: Vec<String> = batch.update.iter().map(|(id, _)| id.clone()).collect();
    let deleted = batch.delete.clone();
    let done = shipping::change_rules(&state.outbox, &id, batch).await?;
    let created = RULES.documents(&state, &done.value, &chosen).await?;
    let updated = RULES.documents(&state, &updated, &chosen).await?;
    Ok(Written { receipt: done.receipt, body: Batched::new(created, updated, deleted, "shipping_option_rule") })
}
