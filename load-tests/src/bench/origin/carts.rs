//! Carts, filled one after the other as a storefront fills them, each call timed.

use std::time::Instant;

use serde_json::{Value, json};

use super::OriginBenchOptions;
use super::contender::Contender;
use crate::bench::BenchError;

/// Its name in options and results.
pub(super) const NAME: &str = "cart";
/// How many times faster than Medusa's each call must be, by its median.
pub(super) const BAR: f64 = 30.0;
/// What the storefronts ask of a cart.
const FIELDS: &str = "*items,*region,*items.product,*items.variant,*items.thumbnail,*items.metadata,%2Bitems.total,*promotions,%2Bshipping_methods.name";
const PROMOTION: &str = "TEN";
/// Carts that are filled before those that count.
const WARM_UP: u32 = 2;

/// A call of the flow, in milliseconds.
pub(super) type Timed = (&'static str, f64);

/// What a turn found.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) calls: Vec<Timed>,
    /// Processor time for each cart, in milliseconds: the server's processes, and Postgres's.
    pub(super) server_cpu_ms: f64,
    pub(super) postgres_cpu_ms: f64,
}

/// Fills carts.
pub(super) async fn turn(options: &OriginBenchOptions, contender: &Contender) -> Result<Turn, BenchError> {
    for number in 0..WARM_UP {
        fill(contender, number as usize).await?;
    }
    let before = contender.usage()?;
    let mut calls = Vec::new();
    for number in 0..options.carts {
        calls.extend(fill(contender, number as usize).await?);
    }
    let used = contender.usage()?.since(&before);
    let carts = f64::from(options.carts.max(1));
    Ok(Turn {
        calls,
        server_cpu_ms: used.server.as_secs_f64() * 1_000.0 / carts,
        postgres_cpu_ms: used.postgres.as_secs_f64() * 1_000.0 / carts,
    })
}

/// One cart, until only payment is missing. What it comes to is checked: a fast wrong answer is none.
async fn fill(contender: &Contender, number: usize) -> Result<Vec<Timed>, BenchError> {
    let mut flow = Flow { contender, calls: Vec::new() };
    let region = &contender.catalog.region;
    let cart = flow.post("create", "/store/carts", json!({ "region_id": region })).await?;
    let id = text(&cart, "/cart/id")?;
    let at = |below: &str| format!("/store/carts/{id}{below}");
    let [first, second] = [number * 2, number * 2 + 1].map(|place| contender.catalog.variant(place * 7).to_owned());
    let added = flow.post("add_item", &at("/line-items"), json!({ "variant_id": first, "quantity": 1 })).await?;
    let line = text(&added, "/cart/items/0/id")?;
    flow.post("add_second_item", &at("/line-items"), json!({ "variant_id": second, "quantity": 2 })).await?;
    flow.post("update_quantity", &at(&format!("/line-items/{line}")), json!({ "quantity": 3 })).await?;
    flow.get("get", &at(&format!("?fields={FIELDS}"))).await?;
    let address = json!({ "first_name": "Ann", "last_name": "Lee", "address_1": "Street 1", "city": "Copenhagen",
        "postal_code": "2100", "country_code": "dk" });
    let to = json!({ "email": "ann@example.com", "shipping_address": address, "billing_address": address });
    flow.post("addresses", &at(""), to).await?;
    let promoted = flow.post("promotion", &at(""), json!({ "promo_codes": [PROMOTION] })).await?;
    if promoted.pointer("/cart/discount_total").and_then(Value::as_f64).is_none_or(|total| total <= 0.0) {
        return Err(BenchError::Answer(format!("{}: no discount: {promoted}", contender.name)));
    }
    let options = flow.get("shipping_options", &format!("/store/shipping-options?cart_id={id}")).await?;
    let option = text(&options, "/shipping_options/0/id")?;
    let shipped = flow.post("shipping_method", &at("/shipping-methods"), json!({ "option_id": option })).await?;
    let total = |name: &str| shipped.pointer(&format!("/cart/{name}")).and_then(Value::as_f64).unwrap_or_default();
    let sum = total("subtotal") + total("tax_total") - total("discount_subtotal");
    if total("shipping_total") <= 0.0 || total("tax_total") <= 0.0 || (sum - total("total")).abs() > 1e-6 {
        return Err(BenchError::Answer(format!("{}: wrong totals: {shipped}", contender.name)));
    }
    Ok(flow.calls)
}

struct Flow<'a> {
    contender: &'a Contender,
    calls: Vec<Timed>,
}

impl Flow<'_> {
    async fn post(&mut self, call: &'static str, path: &str, body: Value) -> Result<Value, BenchError> {
        let start = Instant::now();
        let answer = self.contender.post(path, &body).await?;
        self.note(call, start);
        Ok(answer)
    }

    async fn get(&mut self, call: &'static str, path: &str) -> Result<Value, BenchError> {
        let start = Instant::now();
        let answer = self.contender.get(path).await?;
        self.note(call, start);
        Ok(answer)
    }

    fn note(&mut self, call: &'static str, start: Instant) {
        self.calls.push((call, start.elapsed().as_secs_f64() * 1_000.0));
    }
}

fn text(value: &Value, pointer: &str) -> Result<String, BenchError> {
    let found = value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| BenchError::Answer(format!("no {pointer} in {value}")))
}
