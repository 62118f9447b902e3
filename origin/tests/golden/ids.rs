//! The ids and times that the samples tell, by what they are of.

use std::collections::HashMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;
use vitrine_origin::seed::{Ids, Kind};

use crate::samples::Sample;

/// The time in ids that no sample tells: later than that of the samples' own, so that they come last in order.
const UNTOLD_MILLIS: u64 = 4_000_000_000_000;

/// Ids of the samples.
#[derive(Debug, Default)]
pub(crate) struct SampleIds {
    ids: HashMap<(Kind, String), String>,
    times: HashMap<(Kind, String), DateTime<Utc>>,
    skus: HashMap<String, String>,
}

impl Ids for SampleIds {
    fn id(&self, kind: Kind, number: u64, key: fmt::Arguments<'_>) -> String {
        let told = self.ids.get(&(kind, key.to_string())).cloned();
        told.unwrap_or_else(|| vitrine_shared::id::deterministic(kind.prefix(), UNTOLD_MILLIS, number))
    }

    fn created_at(&self, kind: Kind, _number: u64, key: fmt::Arguments<'_>) -> Option<DateTime<Utc>> {
        self.times.get(&(kind, key.to_string())).copied()
    }
}

impl SampleIds {
    /// Whatever the samples tell.
    pub(crate) fn of(samples: &[Sample]) -> Self {
        let mut ids = Self::default();
        for sample in samples {
            ids.read(&sample.body);
        }
        // Some show variants without their sku; by now it is known from others.
        ids.skus = ids
            .ids
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Variant)
            .map(|((_, sku), id)| (id.clone(), sku.clone()))
            .collect();
        for sample in samples {
            ids.read(&sample.body);
        }
        ids
    }

    fn read(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.read(item)),
            Value::Object(object) => {
                self.object(value);
                object.values().for_each(|inner| self.read(inner));
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Value) {
        let prefix = text(object, "id").split('_').next().unwrap_or_default();
        match prefix {
            "prod" => self.product(object),
            "pcol" => self.tell(Kind::Collection, text(object, "handle"), object),
            "pcat" => self.tell(Kind::Category, text(object, "handle"), object),
            "ptag" => self.tell(Kind::Tag, text(object, "value"), object),
            "ptyp" => self.tell(Kind::Type, text(object, "value"), object),
            "reg" => self.tell(Kind::Region, text(object, "name"), object),
            "rr" => self.tell(Kind::ReturnReason, text(object, "value"), object),
            "variant" => self.variant(object),
            // The shop has two channels of one name; the publishable key tells which one is its own.
            "apk" if text(object, "title") == "pk" => {
                self.tell(Kind::ApiKey, "pk", object);
                items(object, "sales_channels").for_each(|it| self.tell(Kind::SalesChannel, text(it, "name"), it));
            }
            _ => {}
        }
    }

    fn product(&mut self, product: &Value) {
        let handle = text(product, "handle");
        self.tell(Kind::Product, handle, product);
        if handle.is_empty() {
            return;
        }
        for option in items(product, "options") {
            let option_key = format!("{handle}/{}", text(option, "title"));
            self.tell(Kind::ProductOption, &option_key, option);
            for value in items(option, "values") {
                self.tell(Kind::OptionValue, &format!("{option_key}/{}", text(value, "value")), value);
            }
        }
        for image in items(product, "images") {
            self.tell(Kind::Image, &format!("{handle}/{}", image["rank"]), image);
        }
    }

    fn variant(&mut self, variant: &Value) {
        let known = self.skus.get(text(variant, "id")).cloned();
        let sku = known.as_deref().unwrap_or_else(|| text(variant, "sku"));
        self.tell(Kind::Variant, sku, variant);
        let price = &variant["calculated_price"];
        self.tell(Kind::PriceSet, sku, price);
        let currency = text(price, "currency_code");
        for source in [&price["calculated_price"], &price["original_price"]] {
            let key = format!("{sku}/{currency}");
            if source["price_list_id"].is_string() {
                self.tell(Kind::Price, &format!("sale/{key}"), source);
                let list = text(source, "price_list_id").to_owned();
                self.ids.insert((Kind::PriceList, "Sale".to_owned()), list);
            } else {
                self.tell(Kind::Price, &key, source);
            }
        }
    }

    fn tell(&mut self, kind: Kind, key: &str, object: &Value) {
        let id = text(object, "id");
        if key.is_empty() || key.starts_with('/') || id.is_empty() {
            return;
        }
        self.ids.insert((kind, key.to_owned()), id.to_owned());
        if let Ok(time) = text(object, "created_at").parse() {
            self.times.insert((kind, key.to_owned()), time);
        }
    }
}

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn items<'v>(object: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}
