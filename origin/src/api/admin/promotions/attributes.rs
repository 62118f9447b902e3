//! What rules can name, and with what (`api/admin/promotions/utils`).

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::resource::rows;
use super::super::resources::{SEARCH, param};
use crate::api::auth::AdminUser;
use crate::api::store::params::{self, Common, Form, Input, Meaning, Param};
use crate::error::ApiError;
use crate::query::graph::{self, Entity};
use crate::query::{Filter, Paging, Test, Value as Compared};
use crate::state::AppState;

/// What can be named: its id, the path that rules name, what it is called, and where its values are.
struct Attribute {
    id: &'static str,
    path: &'static str,
    label: &'static str,
    values: Option<Values>,
}

/// Where the values of an attribute are.
struct Values {
    entity: &'static Entity,
    label: &'static str,
    value: &'static str,
}

const fn of(
    id: &'static str,
    path: &'static str,
    label: &'static str,
    entity: &'static Entity,
    (name, value): (&'static str, &'static str),
) -> Attribute {
    Attribute { id, path, label, values: Some(Values { entity, label: name, value }) }
}

static OF_CART: [Attribute; 4] = [
    of("customer_group", "customer.groups.id", "Customer Group", &graph::CUSTOMER_GROUP, ("name", "id")),
    of("region", "region.id", "Region", &graph::REGION, ("name", "id")),
    of("country", "shipping_address.country_code", "Country", &graph::COUNTRY, ("display_name", "iso_2")),
    of("sales_channel", "sales_channel_id", "Sales Channel", &graph::SALES_CHANNEL, ("name", "id")),
];
static OF_ITEMS: [Attribute; 5] = [
    of("product", "items.product.id", "Product", &graph::PRODUCT, ("title", "id")),
    of("product_category", "items.product.categories.id", "Product Category", &graph::CATEGORY, ("name", "id")),
    of("product_collection", "items.product.collection_id", "Product Collection", &graph::COLLECTION, ("title", "id")),
    of("product_type", "items.product.type_id", "Product Type", &graph::TYPE, ("value", "id")),
    of("product_tag", "items.product.tags.id", "Product Tag", &graph::TAG, ("value", "id")),
];
static OF_SHIPPING: [Attribute; 1] = [of(
    "shipping_option_type",
    "shipping_methods.shipping_option.shipping_option_type_id",
    "Shipping Option Type",
    &graph::SHIPPING_OPTION_TYPE,
    ("label", "id"),
)];
static CURRENCY: Attribute = of("currency_code", "currency_code", "Currency Code", &graph::CURRENCY, ("name", "code"));

const CONTEXT: [Param; 3] = [
    param("promotion_type", Form::Text, Meaning::Context),
    param("application_method_type", Form::Text, Meaning::Context),
    param("application_method_target_type", Form::Text, Meaning::Context),
];

/// What a promotion that is being written is.
pub(super) fn context(query: Option<&str>) -> Result<Input, ApiError> {
    params::read(query.unwrap_or_default(), &graph::PROMOTION, &CONTEXT, Common { limit: None, logic: false })
}

/// Whether there are such rules.
pub(super) fn check_type(rule_type: &str) -> Result<(), ApiError> {
    if ["rules", "target-rules", "buy-rules", "target_rules", "buy_rules"].contains(&rule_type) {
        return Ok(());
    }
    Err(ApiError::invalid_data(format!("Invalid param rule_type ({rule_type})")))
}

/// The attributes of some rules, as Medusa tells them (`getRuleAttributesMap`).
fn told(rule_type: &str, promotion: &str, method: &str, target: &str) -> Vec<Value> {
    let of_target = || if target == "shipping_methods" { &OF_SHIPPING[..] } else { &OF_ITEMS[..] };
    let operators = json!([
        {"id": "in", "value": "in", "label": "In"},
        {"id": "eq", "value": "eq", "label": "Equals"},
        {"id": "ne", "value": "ne", "label": "Not In"}
    ]);
    let equals = json!([{"id": "eq", "value": "eq", "label": "Equals"}]);
    let plain = |attribute: &Attribute| {
        json!({
            "id": attribute.id, "value": attribute.path, "label": attribute.label, "required": false,
            "field_type": "multiselect", "operators": operators
        })
    };
    let quantity = |id: &str, label: &str| {
        json!({
            "id": id, "value": id, "label": label, "field_type": "number", "required": true, "disguised": true,
            "operators": equals
        })
    };
    let is_buy_get = promotion == "buyget";
    match rule_type {
        "rules" => {
            let mut told: Vec<Value> = OF_CART.iter().map(plain).collect();
            told.push(json!({
                "id": CURRENCY.id, "value": CURRENCY.path, "label": CURRENCY.label, "field_type": "select",
                "required": method == "fixed", "disguised": true, "hydrate": true, "operators": equals
            }));
            told
        }
        "target-rules" => {
            let last = is_buy_get.then(|| quantity("apply_to_quantity", "Quantity of items promotion will apply to"));
            of_target().iter().map(plain).chain(last).collect()
        }
        "buy-rules" => {
            let last = is_buy_get.then(|| quantity("buy_rules_min_quantity", "Minimum quantity of items"));
            of_target().iter().map(plain).chain(last).collect()
        }
        _ => Vec::new(),
    }
}

/// `GET /admin/promotions/rule-attribute-options/:rule_type`.
pub(super) async fn list(
    _: AdminUser,
    Path(rule_type): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let context = context(query.as_deref())?;
    check_type(&rule_type)?;
    let of = |name: &str| context.context(name).unwrap_or_default().to_owned();
    let [promotion, method, target] = CONTEXT.map(|param| of(param.name));
    Ok(Json(json!({ "attributes": told(&rule_type, &promotion, &method, &target) })).into_response())
}

/// The rules of a promotion with what its values are called, and those that its method is shown as.
pub(super) async fn shown(
    state: &AppState,
    rule_type: &str,
    promotion: &Value,
    context: &Input,
) -> Result<Value, ApiError> {
    let method = &promotion["application_method"];
    let of = |held: &Value, name: &str| held.as_str().or(context.context(name)).unwrap_or_default().to_owned();
    let attributes = told(
        rule_type,
        &of(&promotion["type"], "promotion_type"),
        &of(&method["type"], "application_method_type"),
        &of(&method["target_type"], "application_method_target_type"),
    );
    let rules = match rule_type {
        "rules" => &promotion["rules"],
        "target-rules" | "target_rules" => &method["target_rules"],
        _ => &method["buy_rules"],
    };
    let mut shown = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute["disguised"] == true) {
        let id = attribute["id"].as_str().unwrap_or_default();
        let value = &method[id];
        let is_set = !value.is_null() && *value != 0 && *value != "";
        if !is_set && attribute["required"] != true {
            continue;
        }
        let values = match attribute["field_type"].as_str() {
            Some("number") => value.clone(),
            _ if is_set => json!([{ "label": value, "value": value }]),
            _ => json!([]),
        };
        let mut rule = attribute.clone();
        for (name, value) in [
            ("attribute", json!(id)),
            ("attribute_label", attribute["label"].clone()),
            ("operator", json!("eq")),
            ("operator_label", json!("Equals")),
            ("values", values),
        ] {
            rule[name] = value;
        }
        remove(&mut rule, &["id", "value"]);
        shown.push(rule);
    }
    for rule in rules.as_array().into_iter().flatten() {
        let Some(attribute) = attributes.iter().find(|attribute| attribute["value"] == rule["attribute"]) else {
            continue;
        };
        let mut whole = attribute.clone();
        for (name, value) in rule.as_object().into_iter().flatten() {
            whole[name.as_str()] = value.clone();
        }
        whole["values"] = labelled(state, attribute["id"].as_str().unwrap_or_default(), &rule["values"]).await?;
        whole["attribute_label"] = attribute["label"].clone();
        let operator = rule["operator"].as_str().unwrap_or_default();
        whole["operator_label"] = match operator {
            "in" => "In".into(),
            "eq" => "Equals".into(),
            "ne" => "Not In".into(),
            other => other.into(),
        };
        shown.push(whole);
    }
    Ok(Value::Array(shown))
}

fn remove(object: &mut Value, names: &[&str]) {
    if let Some(object) = object.as_object_mut() {
        for name in names {
            drop(object.shift_remove(*name));
        }
    }
}

/// Values with what they are called.
async fn labelled(state: &AppState, attribute: &str, values: &Value) -> Result<Value, ApiError> {
    let texts: Vec<String> =
        values.as_array().into_iter().flatten().filter_map(|it| it["value"].as_str().map(str::to_owned)).collect();
    let Some(from) = find(attribute).and_then(|attribute| attribute.values.as_ref()) else {
        return Ok(values.clone());
    };
    let paging = Paging { limit: params::MAX_LIMIT, offset: 0 };
    let (_, found) = rows(state, from.entity, &[from.value, from.label], from.among(&texts), paging).await?;
    let label = |text: &String| found.iter().find(|row| row[from.value] == **text).map(|row| row[from.label].clone());
    Ok(texts
        .iter()
        .map(|text| json!({ "value": text, "label": label(text).unwrap_or_else(|| text.as_str().into()) }))
        .collect())
}

fn find(id: &str) -> Option<&'static Attribute> {
    OF_CART.iter().chain(&OF_ITEMS).chain(&OF_SHIPPING).chain([&CURRENCY]).find(|attribute| attribute.id == id)
}

const VALUE_PARAMS: [Param; 3] = [
    SEARCH,
    param("value", Form::Texts, Meaning::Context),
    param("application_method_target_type", Form::Text, Meaning::Context),
];

/// `GET /admin/promotions/rule-value-options/:rule_type/:rule_attribute_id`.
pub(super) async fn values(
    State(state): State<AppState>,
    _: AdminUser,
    Path((rule_type, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    check_type(&rule_type)?;
    let Some(from) = find(&id).and_then(|attribute| attribute.values.as_ref()) else {
        return Err(ApiError::invalid_data(format!("Invalid rule attribute - {id}")));
    };
    let common = Common { limit: Some(100), logic: false };
    let input = params::read(query.as_deref().unwrap_or_default(), from.entity, &VALUE_PARAMS, common)?;
    let wanted = input.contexts("value");
    let among = (!wanted.is_empty()).then(|| from.among(wanted));
    let filter = Filter::All([input.filter.clone()].into_iter().chain(among).collect());
    let paging = Paging { limit: input.limit, offset: input.offset };
    let (count, rows) = rows(&state, from.entity, &[from.value, from.label], filter, paging).await?;
    let values: Vec<Value> =
        rows.iter().map(|row| json!({ "label": row[from.label], "value": row[from.value] })).collect();
    let body = json!({ "values": values, "count": count, "offset": input.offset, "limit": input.limit });
    Ok(Json(body).into_response())
}

// === impl Values ===

impl Values {
    fn among(&self, values: &[String]) -> Filter {
        let test = Test::In(values.iter().cloned().map(Compared::Text).collect());
        self.entity.column(self.value).map_or(Filter::Any(Vec::new()), |(_, column)| Filter::Column(column, test))
    }
}
