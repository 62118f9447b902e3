//! `?wait=acked` and `Prefer: wait=N` over HTTP.

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use vitrine_load_tests::stack::TestStack;
use vitrine_shared::epoch::Epoch;

use crate::shop::Shop;
use crate::signing_in::{shop_with_merchant, sign_in};

struct Merchant {
    shop: Shop,
    token: String,
}

impl Merchant {
    async fn of(stack: &TestStack) -> Self {
        let shop = shop_with_merchant(stack).await;
        let answer = sign_in(&shop, &json!({"email": "admin@test.com", "password": "supersecret"})).await;
        let token = answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        shop.follows().await;
        Self { shop, token }
    }

    fn create(&self, title: &str, query: &str) -> RequestBuilder {
        let url = format!("{}/admin/collections{query}", self.shop.public);
        Client::new().post(url).bearer_auth(&self.token).json(&json!({"title": title}))
    }
}

#[tokio::test]
async fn a_write_that_waits_says_that_it_was_acknowledged_and_one_that_does_not_says_nothing() {
    let stack = TestStack::start().await.unwrap();
    let merchant = Merchant::of(&stack).await;
    let answer = merchant.create("Rainwear", "?wait=acked").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let ack = answer.headers()["vitrine-ack"].to_str().unwrap().to_owned();
    let epoch: Epoch = ack.split('"').nth(1).unwrap().parse().unwrap();
    assert!(ack.starts_with(&format!("acked;epoch=\"{epoch}\";members=1;waited_ms=")), "{ack}");
    assert!(merchant.shop.state.live.applied() >= epoch);
    assert_eq!(answer.headers()["preference-applied"], "wait=10");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["collection"]["handle"], "rainwear");

    let silent = merchant.create("Headgear", "").send().await.unwrap();
    assert_eq!(silent.status(), StatusCode::OK);
    assert!(!silent.headers().contains_key("vitrine-ack"));
    merchant.shop.stop().await;
}

#[tokio::test]
async fn when_the_time_runs_out_the_write_is_committed_and_pending() {
    let stack = TestStack::start().await.unwrap();
    let merchant = Merchant::of(&stack).await;
    let shop = &merchant.shop;
    // An edge that has its lease and says nothing more.
    assert!(shop.report("edge_1", shop.position().await).await.lease_ms.is_some());
    let answer = merchant.create("Rainwear", "").header("prefer", "wait=1").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let ack = answer.headers()["vitrine-ack"].to_str().unwrap().to_owned();
    assert!(ack.starts_with("pending;epoch=\"") && ack.contains(";waiting_for=\"edge_1\";"), "{ack}");
    assert_eq!(answer.json::<Value>().await.unwrap()["collection"]["title"], "Rainwear");
    merchant.shop.stop().await;
}

#[tokio::test]
async fn a_write_that_fails_waits_for_nothing_and_leaves_no_event() {
    let stack = TestStack::start().await.unwrap();
    let merchant = Merchant::of(&stack).await;
    assert_eq!(merchant.create("Rainwear", "?wait=acked").send().await.unwrap().status(), StatusCode::OK);
    let pool = &merchant.shop.state.pool;
    let events = async || sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox").fetch_one(pool).await.unwrap();
    let before = events().await;
    let again = merchant.create("Rainwear", "?wait=acked").send().await.unwrap();
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    assert!(!again.headers().contains_key("vitrine-ack"));
    assert_eq!(events().await, before);
    let wrong = merchant.create("Footgear", "?wait=done").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    assert_eq!(events().await, before);
    merchant.shop.stop().await;
}

#[tokio::test]
async fn strangers_are_stopped_at_every_route_of_admin() {
    let stack = TestStack::start().await.unwrap();
    let merchant = Merchant::of(&stack).await;
    let expected = json!({"message": "Unauthorized"});
    for path in ["/admin/products", "/admin/users/me", "/admin/collections?wait=acked"] {
        for token in ["", "x.y.z"] {
            let url = format!("{}{path}", merchant.shop.public);
            let answer = Client::new().get(url).bearer_auth(token).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(answer.json::<Value>().await.unwrap(), expected);
        }
    }
    merchant.shop.stop().await;
}

#[tokio::test]
async fn a_product_that_moves_purges_the_category_it_left_and_the_one_it_joined() {
    let stack = TestStack::start().await.unwrap();
    let merchant = Merchant::of(&stack).await;
    let pool = &merchant.shop.state.pool;
    let categories: Vec<String> =
        sqlx::query_scalar("SELECT id FROM product_category ORDER BY id").fetch_all(pool).await.unwrap();
    let product: String = sqlx::query_scalar("SELECT id FROM product").fetch_one(pool).await.unwrap();
    let url = format!("{}/admin/products/{product}?wait=acked", merchant.shop.public);
    for category in &categories[..2] {
        let body = json!({"categories": [{"id": category}]});
        let answer = Client::new().post(&url).bearer_auth(&merchant.token).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let last = "SELECT tags FROM outbox WHERE name = 'product.updated' ORDER BY id DESC LIMIT 1";
    let tags: Vec<String> = sqlx::query_scalar(last).fetch_one(pool).await.unwrap();
    for category in &categories[..2] {
        assert!(tags.contains(&format!("products:category:{category}")), "{tags:?}");
    }
    merchant.shop.stop().await;
}
