//! Purges that operators order through an edge: `POST /v1/purges` of the internal port.

use serde_json::{Value, json};
use vitrine_load_tests::stack::TestStack;
use vitrine_shared::ack::AckAnswer;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::feed::{Mode, Ordered};
use vitrine_shared::tag::Tag;

use crate::shop::{Shop, numbers};

fn order(key: &str, tags: &[&str]) -> Value {
    json!({ "v": 1, "mode": "soft", "tags": tags, "who": "anna", "key": key })
}

async fn sent(shop: &Shop, order: &Value) -> (u16, String) {
    let answer = shop.internal_post("/v1/purges").json(order).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn ordered(shop: &Shop, order: &Value) -> Epoch {
    let (status, text) = sent(shop, order).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str::<Ordered>(&text).unwrap().epoch
}

#[tokio::test]
async fn an_order_is_numbered_once_by_its_key_and_travels_whole() {
    let stack = TestStack::start().await.unwrap();
    let (one, other) = (Shop::start(&stack).await, Shop::start(&stack).await);
    one.follows().await;
    other.follows().await;
    let first = order("k", &["cat_p_1", "url:h/a"]);
    // At two processes at once, of which one at most numbers.
    let (at_one, at_other) = tokio::join!(ordered(&one, &first), ordered(&other, &first));
    assert_eq!((at_one, at_other), (Epoch::new(1, 1), Epoch::new(1, 1)));
    let purge = one.page(Epoch::new(1, 0), 0).await.batches[0].purges[0].clone();
    assert_eq!((purge.mode, purge.event.as_deref()), (Mode::Soft, Some("operator.purge by anna")));
    assert_eq!(purge.tags, [Tag::parse("cat_p_1").unwrap(), Tag::parse("url:h/a").unwrap()]);

    let (status, text) = sent(&one, &order("k", &["other"])).await;
    assert!(status == 422 && text.contains("key_reused"), "{status} {text}");
    let everything = json!({ "v": 1, "everything": true, "who": "", "key": "l" });
    assert_eq!(ordered(&other, &everything).await, Epoch::new(1, 2));
    assert!(one.page(Epoch::new(1, 1), 0).await.batches[0].purges[0].everything);
    assert_eq!(numbers(&one.state.pool).await.len(), 2);
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn it_is_waited_for_at_any_process_and_those_who_hold_it_up_are_named() {
    let stack = TestStack::start().await.unwrap();
    let (one, other) = (Shop::start(&stack).await, Shop::start(&stack).await);
    one.follows().await;
    other.follows().await;
    other.report("edge_1", other.position().await).await;
    let epoch = ordered(&one, &order("k", &["a"])).await;
    for shop in [&one, &other] {
        let url = format!("/v1/acks/{epoch}?wait_ms=100");
        let answer: AckAnswer = shop.internal_get(&url).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer.acknowledged, None);
        assert!(answer.waiting_for.iter().any(|waiting| waiting.name == "edge_1"), "{answer:?}");
    }
    let wait = format!("/v1/acks/{epoch}?wait_ms=20000");
    let (answer, _) = tokio::join!(other.internal_get(&wait).send(), one.report("edge_1", epoch));
    assert_eq!(answer.unwrap().json::<AckAnswer>().await.unwrap().acknowledged.unwrap().members, 3);
    other.stop().await;
    one.stop().await;
}

#[tokio::test]
async fn what_is_no_order_is_refused_and_numbers_nothing() {
    let stack = TestStack::start().await.unwrap();
    let shop = Shop::start(&stack).await;
    for wrong in [json!({}), order("", &["a"]), order("k", &[]), order("k", &["two words"])] {
        assert_eq!(sent(&shop, &wrong).await.0, 400, "{wrong}");
    }
    let url = format!("{}/v1/purges", shop.internal);
    let unknown = reqwest::Client::new().post(url).json(&order("k", &["a"])).send().await.unwrap();
    assert_eq!(unknown.status(), 401);
    assert!(numbers(&shop.state.pool).await.is_empty());
    shop.stop().await;
}
