//! Medusa's own answers, replayed on the demo shop. Ids, times and tokens are compared in form only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::differences::DIFFERENCES;
use crate::shop::{KEY, Shop};

/// The samples in the order in which they were taken: each may name what an earlier one made.
const SAMPLES: [&str; 35] = [
    "122-admin-login",
    "123-admin-users-me",
    "124-admin-products-list",
    "125-admin-product-create",
    "126-admin-product-update",
    "127-admin-product-retrieve",
    "128-admin-variant-update",
    "129-admin-product-delete",
    "132-admin-stock-locations",
    "137-admin-inventory-items-list",
    "138-admin-promotions-list",
    "139-admin-price-lists-list",
    "141-admin-regions-list",
    "142-admin-sales-channels-list",
    "144-admin-shipping-options-list",
    "145-admin-shipping-profiles-list",
    "146-admin-tax-regions-list",
    "147-admin-tax-rates-list",
    "148-admin-product-categories-list",
    "149-admin-collections-list",
    "150-admin-stores-list",
    "155-admin-price-preferences-list",
    "156-admin-currencies-list",
    "157-admin-product-tags-list",
    "158-admin-product-types-list",
    "159-admin-err-unauth",
    "217-admin-price-list-create",
    "218-admin-promotion-create",
    "219-admin-inventory-item-by-sku",
    "220-admin-inventory-level-update",
    "223-admin-price-preference-create",
    "224-products-usd-tax-inclusive",
    "226-admin-upload",
    "231-admin-price-preference-update",
    "232-taxincl-product",
];

/// Variants that samples name and none tells, by sku.
const VARIANTS: [(&str, &str); 1] = [("variant_01M7YPGDYZ1NYTYB3VWGPMPT0J", "P1-M")];

/// What a replay has learnt: our ids for Medusa's, and the token.
#[derive(Default)]
struct Learnt {
    ids: BTreeMap<String, String>,
    token: String,
}

#[tokio::test]
async fn every_sample_is_answered_as_medusa_answers_it() {
    let shop = Shop::demo().await;
    let mut learnt = Learnt::default();
    for (theirs, sku) in VARIANTS {
        let ours: String = sqlx::query_scalar("SELECT id FROM product_variant WHERE sku = $1")
            .bind(sku)
            .fetch_one(&shop.pool)
            .await
            .unwrap();
        learnt.ids.insert(theirs.to_owned(), ours);
    }
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for name in SAMPLES {
        let sample = load(name);
        let (status, content_type, body) = replay(&shop, &sample, &learnt).await;
        let response = &sample["response"];
        let mut tell = |path: &str, what: String| {
            found.entry((name[..3].to_owned(), path.to_owned())).or_insert(what);
        };
        if response["status"] != status {
            tell("status", format!("{status}: {body}"));
        }
        if response["headers"]["content-type"] != content_type.to_lowercase() {
            tell("content-type", content_type);
        }
        learnt.learn(&response["body"], &body);
        compare("", &response["body"], &body, &mut tell);
    }
    let listed = |sample: &str, path: &str| DIFFERENCES.iter().any(|it| it.sample == sample && it.path == path);
    let unlisted: Vec<_> = found.iter().filter(|((sample, path), _)| !listed(sample, path)).collect();
    assert!(unlisted.is_empty(), "differences that are not listed: {unlisted:#?}");
    for it in DIFFERENCES {
        let occurs = found.contains_key(&(it.sample.to_owned(), it.path.to_owned()));
        assert!(occurs, "no longer differs: {} {}", it.sample, it.path);
    }
}

fn load(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden_admin");
    serde_json::from_str(&fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap()
}

async fn replay(shop: &Shop, sample: &Value, learnt: &Learnt) -> (u16, String, Value) {
    let asked = &sample["request"];
    let path = format!("{}{}", asked["path"].as_str().unwrap(), asked["query_raw"].as_str().unwrap());
    let path = learnt.in_our_ids(path);
    let mut request = shop.anonymous(asked["method"].as_str().unwrap(), &path);
    for (name, value) in asked["headers"].as_object().unwrap() {
        request = match name.as_str() {
            "authorization" => request.bearer_auth(&learnt.token),
            "x-publishable-api-key" => request.header(name, KEY),
            _ => request.header(name, value.as_str().unwrap()),
        };
    }
    if path == "/admin/uploads" {
        // The sample does not tell the body, which was multipart.
        let file =
            reqwest::multipart::Part::bytes(b"hello".to_vec()).file_name("a.txt").mime_str("text/plain").unwrap();
        request = request.multipart(reqwest::multipart::Form::new().part("files", file));
    } else if !asked["body"].is_null() {
        request = request.body(learnt.in_our_ids(asked["body"].to_string()));
    }
    let response = request.send().await.unwrap();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    let status = response.status().as_u16();
    (status, content_type, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

impl Learnt {
    fn learn(&mut self, theirs: &Value, ours: &Value) {
        if let Some(token) = ours["token"].as_str() {
            token.clone_into(&mut self.token);
        }
        self.learn_ids(theirs, ours);
    }

    /// Ids stand in the same places.
    fn learn_ids(&mut self, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::Object(wanted), Value::Object(got)) => {
                for (name, value) in wanted {
                    if let (Some(Value::String(ours)), Value::String(theirs)) = (got.get(name), value)
                        && (name == "id" || name.ends_with("_id"))
                    {
                        self.ids.entry(theirs.clone()).or_insert_with(|| ours.clone());
                    } else if let Some(other) = got.get(name) {
                        self.learn_ids(value, other);
                    }
                }
            }
            (Value::Array(wanted), Value::Array(got)) => {
                for (value, other) in in_order(wanted).into_iter().zip(in_order(got)) {
                    self.learn_ids(value, other);
                }
            }
            _ => {}
        }
    }

    fn in_our_ids(&self, mut text: String) -> String {
        for (theirs, ours) in &self.ids {
            text = text.replace(theirs, ours);
        }
        text
    }
}

fn compare(path: &str, expected: &Value, found: &Value, tell: &mut impl FnMut(&str, String)) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (expected, found) {
        (Value::Object(wanted), Value::Object(got)) => {
            for (name, value) in wanted {
                match got.get(name) {
                    Some(other) => compare(&join(name), value, other, tell),
                    None => tell(&join(name), "missing".to_owned()),
                }
            }
            for name in got.keys().filter(|name| !wanted.contains_key(*name)) {
                tell(&join(name), "not in Medusa's answer".to_owned());
            }
        }
        (Value::Array(wanted), Value::Array(got)) => {
            if wanted.len() != got.len() {
                tell(&format!("{path}[]"), format!("{} entries and not {}", got.len(), wanted.len()));
            }
            let (wanted, got) = (in_order(wanted), in_order(got));
            for (value, other) in wanted.iter().zip(&got) {
                compare(&format!("{path}[]"), value, other, tell);
            }
        }
        _ if form(expected) == form(found) => {}
        _ => tell(path, format!("{found} and not {expected}")),
    }
}

/// What was made within one millisecond comes in any order, in Medusa as here: entries are matched by what names them.
fn in_order(list: &[Value]) -> Vec<&Value> {
    let mut list: Vec<&Value> = list.iter().collect();
    let name = |item: &Value| {
        let names = ["handle", "sku", "title", "name", "value", "currency_code", "rank"];
        names.iter().find_map(|name| item.get(*name).filter(|name| !name.is_null()).map(Value::to_string))
    };
    list.sort_by_key(|item| name(item));
    list
}

/// A value without what differs from run to run.
fn form(value: &Value) -> Value {
    let Value::String(text) = value else {
        return value.clone();
    };
    let is_upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let id = |part: &str| match part.split_once('_') {
        Some((prefix, ulid)) if ulid.len() == 26 && ulid.chars().all(is_upper) => prefix.to_owned(),
        _ => part.to_owned(),
    };
    if text.split('.').count() == 3 && text.starts_with("ey") {
        return "a token".into();
    }
    if text.ends_with('Z') && text.len() == 24 {
        return text.replace(|c: char| c.is_ascii_digit(), "0").into();
    }
    if let Some(at) = text.find("-a.txt") {
        return text[..at].trim_end_matches(|c: char| c.is_ascii_digit()).into();
    }
    if text.contains('_') && !text.contains(' ') {
        return text.split('.').map(id).collect::<Vec<_>>().join(".").into();
    }
    text.clone().into()
}
