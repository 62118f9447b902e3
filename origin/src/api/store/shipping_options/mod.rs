//! `/store/shipping-options`: how a cart can be sent, at which price.

mod shown;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::own::{equals, private};
use super::params::{self, Common, Form, Meaning, Param};
use crate::api::body::JsonBody;
use crate::api::input::field::Name;
use crate::api::input::object::{describe, read};
use crate::api::middleware::no_store;
use crate::api::openapi::{Answer, Guard, Operation, Query};
use crate::cart::{self, CartError, Facts, ShippingOption};
use crate::error::ApiError;
use crate::pricing::write_price;
use crate::query::cart::{Ask as AskCart, Options, Variants, load};
use crate::query::graph::{self, SHIPPING_OPTION};
use crate::query::hole::Nonce;
use crate::query::{self, Ask, Filter, Paging, Prices, Selection, Sight, Test, fetch};
use crate::state::AppState;
use crate::totals::write_number;
use shown::{ALWAYS, CALCULATED, LISTED};

/// The default of `limit`, which Medusa takes here and passes over.
const LIMIT: i64 = 20;
/// Most options of an answer.
const MAX_OPTIONS: i64 = 1_000;
const PARAMS: &[Param] = &[
    Param { name: "cart_id", form: Form::Text, meaning: Meaning::Context, tag: None },
    Param { name: "is_return", form: Form::Flag, meaning: Meaning::Context, tag: None },
];
/// What is shown of a rule, which has no id here.
const RULE: [&str; 3] = ["attribute", "value", "operator"];

/// Its routes.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/shipping-options", get(list))
        .route("/shipping-options/{id}/calculate", post(calculate))
        .layer(from_fn(no_store))
}

/// Two statements: one tells which options are offered to the cart and at which price, one shows them.
async fn list(State(state): State<AppState>, _: Caller, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let common = Common { limit: Some(LIMIT), logic: true };
    let input = params::read(query.as_deref().unwrap_or_default(), &SHIPPING_OPTION, PARAMS, common)?;
    let id = input
        .context("cart_id")
        .ok_or_else(|| ApiError::invalid_data("Invalid request: Field 'cart_id' is required"))?;
    let mut selection = Selection::of(&SHIPPING_OPTION);
    let fields = LISTED.choose(input.fields.as_deref())?;
    for path in fields.paths().chain(ALWAYS.iter().copied()) {
        selection.add(path);
    }
    selection.add_keyless("rules", &RULE);
    let facts = facts_of(&state, id).await?;
    let is_return = input.flag("is_return");
    let offered: Vec<&ShippingOption> =
        facts.shipping_options.iter().filter(|option| cart::is_offered(option, is_return)).collect();
    let documents = documents(&state, &selection, &facts, &offered).await?;
    Ok(private(format!("{{\"shipping_options\":[{}]}}", documents.join(","))))
}

/// What an option costs a cart. Medusa fails where the price is flat; here it is told.
async fn calculate(
    State(state): State<AppState>,
    _: Caller,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    JsonBody(body): JsonBody,
) -> Result<Response, ApiError> {
    let common = Common { limit: None, logic: false };
    let input = params::read(query.as_deref().unwrap_or_default(), &SHIPPING_OPTION, &[], common)?;
    let cart_id = cart_of(&body)?;
    let mut selection = Selection::of(&SHIPPING_OPTION);
    for path in CALCULATED.choose(input.fields.as_deref())?.paths() {
        selection.add(path);
    }
    selection.add("calculated_price");
    let facts = facts_of(&state, &cart_id).await?;
    let option = facts.shipping_options.iter().find(|option| option.id == id);
    let option = option
        .filter(|option| cart::is_offered(option, false))
        .ok_or_else(|| ApiError::not_found(format!("ShippingOption with id: {id} was not found")))?;
    if option.price_type != "flat" {
        let name = &option.name;
        return Err(ApiError::invalid_data(format!(
            "Cannot calculate price for shipping option {name}: its provider does not"
        )));
    }
    let documents = documents(&state, &selection, &facts, &[option]).await?;
    Ok(private(format!("{{\"shipping_option\":{}}}", documents.join(","))))
}

/// Its routes, for `OpenAPI`.
pub(super) fn operations() -> [Operation; 2] {
    let option = json!({ "$ref": "#/components/schemas/shipping_option" });
    let of = |method, path: &str, name: &str, schema: Value| Operation {
        method,
        path: path.to_owned(),
        guard: Guard::Storefront,
        query: Query::One(&[]),
        body: None,
        answer: Answer::Json(200, json!({ "type": "object", "properties": { name: schema }, "required": [name] })),
        refusals: &[400, 404],
    };
    let list = json!({ "type": "array", "items": option });
    let calculate = of("POST", "/store/shipping-options/{id}/calculate", "shipping_option", option);
    [
        Operation {
            query: Query::List(PARAMS, LIMIT),
            ..of("GET", "/store/shipping-options", "shipping_options", list)
        },
        Operation { body: Some(describe(cart_of)), ..calculate },
    ]
}

/// The body of a calculation: the cart.
fn cart_of(body: &Map<String, Value>) -> Result<String, ApiError> {
    read(body, |object| {
        object.optional::<Map<String, Value>>("data");
        object.required::<Name>("cart_id").0
    })
}

async fn facts_of(state: &AppState, cart_id: &str) -> Result<Facts, ApiError> {
    let known = if cart_id.contains('\0') { "" } else { cart_id };
    let ask = AskCart { cart_id: Some(known), variants: Variants::OfAll, options: Options::All, ..AskCart::default() };
    let facts = load(&state.pool, &ask).await?;
    if facts.cart.is_none() {
        return Err(CartError::NotFound(format!("Cart id not found: {cart_id}")).into());
    }
    Ok(facts)
}

async fn documents(
    state: &AppState,
    selection: &Selection,
    facts: &Facts,
    options: &[&ShippingOption],
) -> Result<Vec<String>, ApiError> {
    let Some((_, key)) = SHIPPING_OPTION.column("id").filter(|_| !options.is_empty()) else {
        return Ok(Vec::new());
    };
    let nonce = Nonce::new();
    let filter = match options {
        [only] => equals(&graph::SHIPPING_OPTION, "id", &only.id),
        options => {
            let ids = options.iter().map(|option| query::Value::Text(option.id.clone())).collect();
            Filter::Column(key, Test::In(ids))
        }
    };
    let ask = Ask {
        selection,
        filter: &filter,
        order: &[],
        paging: Paging { limit: MAX_OPTIONS, offset: 0 },
        sight: &Sight::Everything,
        counted: false,
        prices: Prices::None,
        stock_channel: None,
        nonce: &nonce,
    };
    let (_, page) = fetch(&state.pool, &ask).await?;
    page.rows.iter().map(|row| document(&row.document, &nonce, facts, options)).collect()
}

fn document(text: &str, nonce: &Nonce, facts: &Facts, options: &[&ShippingOption]) -> Result<String, ApiError> {
    let cart = facts.cart();
    let mut out = Vec::with_capacity(text.len() + 1_024);
    let fill = |key: &str, out: &mut Vec<u8>| {
        let Some(option) = options.iter().find(|option| option.id == key) else { return };
        out.extend_from_slice(b"\"calculated_price\":");
        let price = cart::calculated(&option.prices, &cart, facts, None);
        let mut is_inclusive = false;
        if let (Some(price), Some(set)) = (price, option.price_set_id.as_deref()) {
            is_inclusive = price.calculated_tax_inclusive;
            write_price(set, &price, None, out);
            out.extend_from_slice(b",\"amount\":");
            write_number(price.calculated.amount.0, out);
        } else {
            out.extend_from_slice(b"null");
        }
        let is_short = cart::lacks_stock(option, &cart.items, facts);
        let rest = format!(",\"is_tax_inclusive\":{is_inclusive},\"insufficient_inventory\":{is_short}");
        out.extend_from_slice(rest.as_bytes());
    };
    nonce.fill(text, &mut out, fill).map_err(|error| ApiError::unknown(&error))?;
    String::from_utf8(out).map_err(|error| ApiError::unknown(&error))
}
