//! From a change to its transaction, its epoch, and what each node did with it.

use std::process::Command;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vitrine_load_tests::stack::{find_binary, wait_until};

use crate::common::{Answer, Shop};

const SOON: Duration = Duration::from_secs(30);
const PAGE: &str = "/store/products?handle=product-7&fields=id,title";

/// What the origin's internal port tells of a thing.
async fn trail(shop: &Shop, query: &str) -> Value {
    let url = format!("{}/v1/trail?{query}", shop.origin.internal_url());
    let answer = Answer::read(shop.client.get(url).bearer_auth(&shop.stack.secrets().internal_token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

/// What an edge's operations port answers.
async fn ops(shop: &Shop, edge: usize, method: Method, path: &str, body: Option<Value>) -> Answer {
    let request = shop.client.request(method, format!("{}{path}", shop.edges[edge].ops_url()));
    let request = request.bearer_auth(&shop.stack.secrets().ops_token);
    Answer::read(body.iter().fold(request, reqwest::RequestBuilder::json)).await
}

/// A node of an event's trail, by its name.
fn node<'t>(event: &'t Value, name: &str) -> &'t Value {
    event["trail"]["nodes"].as_array().unwrap().iter().find(|node| node["name"] == name).unwrap_or(&Value::Null)
}

#[tokio::test]
async fn the_trail_of_an_update_leads_to_each_node() {
    let shop = Shop::start(2).await;
    let id = shop.warm(0, PAGE).await.json()["products"][0]["id"].as_str().unwrap().to_owned();
    shop.warm(1, PAGE).await;
    let token = shop.login().await;
    shop.rename_acked(&token, &id, "A new name").await;
    assert!(shop.get(0, PAGE).await.body.contains("A new name"));

    // Edges tell it with the renewals of their leases.
    let of = format!("about={id}");
    let told = async || {
        let event = trail(&shop, &of).await["events"][0].clone();
        node(&event, "edge-0")["first_fresh_fill"].is_object()
            && ["edge-0", "edge-1"].iter().all(|edge| node(&event, edge)["unusable"].is_u64())
    };
    let outcome = wait_until("both edges have told", SOON, told).await;
    let event = trail(&shop, &of).await["events"][0].clone();
    assert!(outcome.is_ok(), "{event:#}");
    assert_eq!((&event["event"], &event["trail"]["acknowledged"]), (&json!("product.updated"), &json!(true)));
    assert!(event["xid"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    for edge in ["edge-0", "edge-1"] {
        let node = node(&event, edge);
        assert_eq!((&node["applied"], &node["unusable"]), (&json!(true), &json!(1)), "{node:#}");
        // On a busy machine the endpoint may be the quicker one.
        assert!(node["via"] == "stream" || node["via"] == "endpoint", "{node:#}");
        assert!(node["received_before_ms"].as_u64() >= node["applied_before_ms"].as_u64(), "{node:#}");
    }
    let fill = node(&event, "edge-0")["first_fresh_fill"]["url"].as_str().unwrap().to_owned();
    assert!(fill.contains("/store/products?") && fill.contains("product-7"), "{fill}");
    assert!(node(&event, "edge-1")["first_fresh_fill"].is_null(), "nothing was read there: {event:#}");

    // By its other names it is the same, and what is about something else is not among them.
    for query in [format!("epoch={}", event["epoch"].as_str().unwrap()), format!("ticket={}", event["ticket"])] {
        assert_eq!(trail(&shop, &query).await["events"][0]["ticket"], event["ticket"], "{query}");
    }
    assert_eq!(trail(&shop, "about=product.updated&limit=1").await["events"][0]["ticket"], event["ticket"]);
    assert_eq!(trail(&shop, "about=prod_nobody").await["events"], json!([]));

    at_an_edge(&shop, &id, &event).await;
}

/// An edge asks the origin, and adds what it knows itself.
async fn at_an_edge(shop: &Shop, id: &str, event: &Value) {
    let told = ops(shop, 1, Method::GET, &format!("/trail?about={id}"), None).await.json();
    let found = &told["origin"]["events"][0];
    assert_eq!((&found["ticket"], &found["here"]["unusable"]), (&event["ticket"], &json!(1)), "{told:#}");
    // A purge of this edge alone, which reached nothing any more.
    let purge = json!({ "purges": [{ "tag": format!("product:{id}") }] });
    assert_eq!(ops(shop, 1, Method::POST, "/purge?scope=edge", Some(purge)).await.status, StatusCode::OK);
    let own = async || {
        let told = ops(shop, 1, Method::GET, &format!("/trail?about={id}"), None).await.json();
        told["purges"][0]["here"]["unusable"] == json!(0)
    };
    wait_until("the edge's own purge is counted", SOON, own).await.unwrap();
    for (path, status) in [("/trail", 400), ("/trail?about=", 400), ("/trail?about=x&epoch=1.1", 400)] {
        assert_eq!(ops(shop, 1, Method::GET, path, None).await.status.as_u16(), status, "{path}");
    }
    let open = Answer::read(shop.client.get(format!("{}/trail?about={id}", shop.edges[1].ops_url()))).await;
    assert_eq!(open.status, StatusCode::UNAUTHORIZED);

    let (binary, url) = (find_binary("vitrine-proxy", "VITRINE_PROXY_BIN").unwrap(), shop.edges[1].ops_url());
    let mut command = Command::new(binary);
    command
        .args(["trail", id, "--ops", &url, "--config", "/dev/null"])
        .env("OPS_TOKEN", &shop.stack.secrets().ops_token);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for words in ["product.updated (ticket", "acknowledged", "edge-0: applied", "1 object unusable", "purged here by"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
