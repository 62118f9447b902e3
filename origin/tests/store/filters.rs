//! Filters, orders and pages, executed.

use serde_json::Value;
use vitrine_origin::seed::Kind;

use crate::shop::{PRODUCTS, Shop, id};

fn handles(answer: &Value) -> Vec<String> {
    let products = answer["products"].as_array().unwrap_or_else(|| panic!("{answer}"));
    products.iter().map(|product| product["handle"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn filters_narrow_as_they_say() {
    let shop = Shop::start().await;
    let all = PRODUCTS;
    // Product i: collection i % 5, type i % 2, tag i % 4, category i % 9 of the leaves, sizes S, M, L and XL.
    let table: Vec<(String, u64)> = vec![
        (String::new(), all),
        (format!("collection_id={}", id(Kind::Collection, 0)), all / 5),
        (
            format!("collection_id[]={}&collection_id[]={}", id(Kind::Collection, 0), id(Kind::Collection, 1)),
            2 * all / 5,
        ),
        (format!("type_id={}&tag_id={}", id(Kind::Type, 0), id(Kind::Tag, 0)), all / 4),
        (format!("type_id={}&tag_id={}", id(Kind::Type, 1), id(Kind::Tag, 0)), 0),
        (format!("category_id[]={}", id(Kind::Category, 3)), 7),
        (format!("option_value_id={}", id(Kind::OptionValue, 1)), 1),
        (format!("option_id={}", id(Kind::ProductOption, 2)), 1),
        ("handle=product-7".into(), 1),
        ("handle[]=product-7&handle[]=product-8".into(), 2),
        ("title=Product%207".into(), 1),
        ("q=Product%207".into(), 6),
        ("q=P7-XL".into(), 1),
        ("q=100%25".into(), 0),
        ("variants[sku]=P3-M".into(), 1),
        ("variants[options][value]=XL".into(), all),
        ("variants[options][value]=XXL".into(), 0),
        ("$or[0][handle]=product-3&$or[1][handle]=product-4".into(), 2),
        ("$and[0][handle]=product-3&$and[1][title]=Product%204".into(), 0),
        ("is_giftcard=true".into(), 0),
        ("is_giftcard=false".into(), all),
        ("created_at[$lt]=2026-01-01T00:00:00.010Z".into(), 10),
        ("created_at[$gte]=2026-01-01T00:00:00.010Z".into(), all - 10),
        ("created_at[$gt]=2026-01-01T00:00:00.010Z&created_at[$lte]=2026-01-01T00:00:00.012Z".into(), 2),
        ("created_at=2026-01-01T00:00:00.010Z".into(), 1),
        ("created_at[$ne]=2026-01-01T00:00:00.010Z".into(), all - 1),
        ("deleted_at[$gt]=2020-01-01".into(), 0),
    ];
    for (filter, expected) in table {
        let answer = shop.json(&format!("products?limit=1&fields=id,handle&{filter}")).await;
        assert_eq!(answer["count"].as_u64(), Some(expected), "{filter}: {answer}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn pages_follow_their_order() {
    let shop = Shop::start().await;
    let table = [
        ("order=created_at&limit=2", vec!["product-0", "product-1"]),
        ("order=-created_at&limit=2", vec!["product-59", "product-58"]),
        ("order=created_at&limit=2&offset=10", vec!["product-10", "product-11"]),
        ("order=title&limit=2&offset=1", vec!["product-1", "product-10"]),
        ("limit=2&offset=59", vec!["product-59"]),
        ("limit=2&offset=1000", vec![]),
        ("limit=0", vec![]),
    ];
    for (query, expected) in table {
        let answer = shop.json(&format!("products?fields=id,handle&{query}")).await;
        assert_eq!(handles(&answer), expected, "{query}");
        assert_eq!(answer["count"].as_u64(), Some(PRODUCTS), "{query}");
    }
    for (query, message) in [
        ("order=status_nope", "Order field status_nope is not valid"),
        ("order=-sales_channels", "Order field sales_channels is not valid"),
        ("sales_channel_id=sc_other", "Requested sales channel is not part of the publishable key"),
    ] {
        assert_eq!(shop.json(&format!("products?{query}")).await["message"], message, "{query}");
    }
    shop.stop().await;
}

#[tokio::test]
async fn what_is_not_for_sale_here_is_not_shown() {
    let shop = Shop::start().await;
    let count = async |path: &str| shop.json(path).await["count"].as_u64().unwrap();
    let below = async || {
        let answer = shop.json(&format!("collections/{}?fields=*products", id(Kind::Collection, 0))).await;
        answer["collection"]["products"].as_array().unwrap().len()
    };
    assert_eq!((count("products").await, count("product-variants").await, below().await), (60, 240, 12));
    sqlx::raw_sql(
        "UPDATE product SET status = 'draft' WHERE handle = 'product-0'; \
         UPDATE product SET deleted_at = now() WHERE handle = 'product-5'; \
         DELETE FROM product_sales_channel WHERE product_id IN (SELECT id FROM product WHERE handle = 'product-10')",
    )
    .execute(&shop.state.pool)
    .await
    .unwrap();
    shop.until("the origin applies the writes", async || count("products").await == 57).await;
    assert_eq!((count("product-variants").await, below().await), (228, 9));
    for number in [0, 5, 10] {
        let status = shop.get(&format!("products/{}", id(Kind::Product, number))).send().await.unwrap().status();
        assert_eq!(status, 404, "{number}");
    }
    shop.stop().await;
}
