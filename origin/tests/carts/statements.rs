//! How many statements each route costs: as many for a full cart as for an empty one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::counting::Counting;
use crate::shop::{EUROPE, ON_SALE, PLAIN, Shop, US};

/// Reads, writes, the commit and the answer. `BEGIN`, which takes the lock along, is not logged: one more round trip.
const CHANGE: usize = 4;

struct Counted<'s> {
    shop: &'s Shop,
    counting: Counting,
}

impl Counted<'_> {
    /// Sends a request and checks what it cost, without the look-up of the publishable key, which the origin remembers while it holds a lease.
    async fn costs(&self, expected: usize, method: Method, path: &str, body: Option<Value>) -> Value {
        self.counting.take();
        let (status, answer) = self.shop.ask(method.clone(), path, body).await;
        let sent = self.counting.take();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        let keys = sent.iter().filter(|statement| is_key_lookup(statement)).count();
        assert_eq!(keys, 1, "{sent:#?}");
        assert_eq!(sent.len() - keys, expected, "{method} {path}: {sent:#?}");
        answer
    }
}

fn is_key_lookup(statement: &str) -> bool {
    statement.starts_with("SELECT shown.term, shown.seq, k.id")
}

#[tokio::test]
async fn each_route_costs_its_statements_whatever_the_cart_holds() {
    let shop = Shop::start().await;
    let counted = Counted { shop: &shop, counting: Counting::begin() };
    // Reading, writing, the answer: nobody else knows of the cart yet.
    let cart = counted.costs(3, Method::POST, "carts", Some(json!({ "region_id": EUROPE }))).await;
    let id = cart["cart"]["id"].as_str().unwrap().to_owned();
    let path = |rest: &str| format!("carts/{id}{rest}");
    for (variant, quantity) in [(ON_SALE, 1), (PLAIN, 2), (ON_SALE, 1)] {
        let item = json!({ "variant_id": variant, "quantity": quantity });
        counted.costs(CHANGE, Method::POST, &path("/line-items"), Some(item)).await;
    }
    let cart = counted.costs(1, Method::GET, &path(""), None).await;
    let line = cart["cart"]["items"][0]["id"].as_str().unwrap().to_owned();
    counted.costs(CHANGE, Method::POST, &path(&format!("/line-items/{line}")), Some(json!({ "quantity": 3 }))).await;
    counted.costs(CHANGE, Method::POST, &path(""), Some(json!({ "promo_codes": ["TEN"] }))).await;
    counted.costs(CHANGE, Method::POST, &path("/promotions"), Some(json!({ "promo_codes": ["TEN"] }))).await;
    let address = json!({ "shipping_address": { "first_name": "Ann", "country_code": "dk" } });
    counted.costs(CHANGE, Method::POST, &path(""), Some(address)).await;
    // A new guest is looked for and made.
    let (_, _) = shop.ask(Method::POST, &path(""), Some(json!({ "email": "ann@test.com" }))).await;
    counted.costs(CHANGE, Method::POST, &path(""), Some(json!({ "email": "ann@test.com" }))).await;
    let options = format!("shipping-options?cart_id={id}");
    let options = counted.costs(2, Method::GET, &options, None).await;
    let option = options["shipping_options"][0]["id"].clone();
    let method = json!({ "option_id": option });
    counted.costs(CHANGE, Method::POST, &path("/shipping-methods"), Some(method)).await;
    counted.costs(CHANGE, Method::POST, &path("/taxes"), None).await;
    let fields = "?fields=*items,*region,*items.product,*items.variant,*promotions,*shipping_methods,*customer";
    counted.costs(1, Method::GET, &path(fields), None).await;
    counted.costs(CHANGE, Method::DELETE, &path("/promotions"), Some(json!({ "promo_codes": ["TEN"] }))).await;
    counted.costs(CHANGE, Method::DELETE, &path(&format!("/line-items/{line}")), None).await;
    counted.costs(CHANGE, Method::POST, &path(""), Some(json!({ "region_id": US }))).await;
    counted.costs(1, Method::GET, &format!("payment-providers?region_id={EUROPE}"), None).await;
}
