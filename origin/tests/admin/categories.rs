//! The tree of categories: ranks without gaps, and paths.

use serde_json::{Value, json};

use crate::shop::{Shop, id};

/// `name rank mpath`, with names for ids in the path, of all that live.
async fn tree(shop: &Shop) -> Vec<String> {
    let rows: Vec<(String, String, i32, String)> = sqlx::query_as(
        "SELECT id, name, rank, mpath FROM product_category WHERE deleted_at IS NULL ORDER BY mpath COLLATE \"C\", rank",
    )
    .fetch_all(&shop.pool)
    .await
    .unwrap();
    let names: std::collections::BTreeMap<&str, &str> =
        rows.iter().map(|row| (row.0.as_str(), row.1.as_str())).collect();
    let mut shown: Vec<String> = rows
        .iter()
        .map(|(_, _, rank, mpath)| {
            let path: Vec<&str> = mpath.split('.').map(|part| names.get(part).copied().unwrap_or("?")).collect();
            format!("{} {rank}", path.join("/"))
        })
        .collect();
    shown.sort();
    shown
}

async fn make(shop: &Shop, name: &str, parent: Option<&str>, rank: Option<i32>) -> String {
    let mut body = json!({"name": name, "parent_category_id": parent});
    if let Some(rank) = rank {
        body["rank"] = rank.into();
    }
    id(&shop.post("/admin/product-categories", body).await["product_category"])
}

async fn change(shop: &Shop, id: &str, body: Value) -> Value {
    shop.post(&format!("/admin/product-categories/{id}"), body).await["product_category"].take()
}

#[tokio::test]
async fn ranks_stay_without_gaps_and_paths_true() {
    let shop = Shop::empty().await;
    let a = make(&shop, "A", None, None).await;
    let b = make(&shop, "B", None, None).await;
    make(&shop, "C", None, Some(0)).await;
    make(&shop, "D", None, Some(99)).await;
    assert_eq!(tree(&shop).await, ["A 1", "B 2", "C 0", "D 3"]);
    let a1 = make(&shop, "A1", Some(&a), None).await;
    make(&shop, "A2", Some(&a), Some(0)).await;
    let deep = make(&shop, "A1x", Some(&a1), None).await;
    assert_eq!(tree(&shop).await, ["A 1", "A/A1 1", "A/A1/A1x 0", "A/A2 0", "B 2", "C 0", "D 3"]);
    change(&shop, &b, json!({"rank": 0})).await;
    assert_eq!(tree(&shop).await, ["A 2", "A/A1 1", "A/A1/A1x 0", "A/A2 0", "B 0", "C 1", "D 3"]);
    change(&shop, &b, json!({"rank": 50})).await;
    assert_eq!(tree(&shop).await, ["A 1", "A/A1 1", "A/A1/A1x 0", "A/A2 0", "B 3", "C 0", "D 2"]);
    let moved = change(&shop, &a1, json!({"parent_category_id": b})).await;
    assert_eq!((&moved["parent_category"]["name"], &moved["rank"]), (&json!("B"), &json!(0)));
    assert_eq!(tree(&shop).await, ["A 1", "A/A2 0", "B 3", "B/A1 0", "B/A1/A1x 0", "C 0", "D 2"]);
    change(&shop, &a1, json!({"parent_category_id": null, "rank": 1, "name": "A one"})).await;
    assert_eq!(tree(&shop).await, ["A 2", "A one 1", "A one/A1x 0", "A/A2 0", "B 4", "C 0", "D 3"]);
    shop.delete(&format!("/admin/product-categories/{deep}")).await;
    shop.delete(&format!("/admin/product-categories/{a1}")).await;
    assert_eq!(tree(&shop).await, ["A 1", "A/A2 0", "B 3", "C 0", "D 2"]);
}

#[tokio::test]
async fn what_would_break_the_tree_is_refused() {
    let shop = Shop::empty().await;
    let a = make(&shop, "A", None, None).await;
    let b = make(&shop, "B", Some(&a), None).await;
    let c = make(&shop, "C", Some(&b), None).await;
    let path = |id: &str| format!("/admin/product-categories/{id}");
    for below in [&a, &b, &c] {
        let refused = shop.refused(&path(&a), json!({"parent_category_id": below})).await;
        assert_eq!(
            refused,
            format!("Moving ProductCategory ({a}) into itself or one of its descendants is not allowed")
        );
    }
    let (status, answer) = shop.send("DELETE", &path(&b), None).await;
    let message = format!("Deleting ProductCategory ({b}) with category children is not allowed");
    assert_eq!((status, answer), (400, json!({"type": "not_allowed", "message": message})));
    let refused = shop.refused("/admin/product-categories", json!({"name": "X", "parent_category_id": "pcat_x"})).await;
    assert_eq!(refused, "Parent category with id: 'pcat_x' does not exist");
    let refused = shop.refused(&path(&a), json!({"rank": -1})).await;
    assert_eq!(refused, "Invalid request: Value for field 'rank' too small, expected at least: '0'");
    assert_eq!(shop.send("DELETE", &path("pcat_x"), None).await.0, 404);
    assert_eq!(tree(&shop).await, ["A 0", "A/B 0", "A/B/C 0"]);
}

#[tokio::test]
async fn writers_of_the_tree_come_one_after_the_other() {
    let shop = Shop::empty().await;
    let parent = make(&shop, "P", None, None).await;
    let makes = (0..12).map(|n| make_named(&shop, &parent, n));
    futures_util::future::join_all(makes).await;
    let ranks: Vec<i32> =
        sqlx::query_scalar("SELECT rank FROM product_category WHERE parent_category_id = $1 ORDER BY 1")
            .bind(&parent)
            .fetch_all(&shop.pool)
            .await
            .unwrap();
    assert_eq!(ranks, (0..12).collect::<Vec<_>>());
}

async fn make_named(shop: &Shop, parent: &str, n: i32) {
    make(shop, &format!("N{n}"), Some(parent), Some(n % 3)).await;
}
