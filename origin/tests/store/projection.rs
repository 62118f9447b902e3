//! A selection cut out of a full document is what Postgres makes of the selection.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use vitrine_origin::api::store::routes::PRODUCTS;
use vitrine_origin::query::hole::Nonce;
use vitrine_origin::query::project::{full_product, is_covered, project};
use vitrine_origin::query::{Ask, Filter, Paging, Prices, Selection, Sight, fetch};
use vitrine_origin::seed::Kind;

use crate::shop::{Shop, id};

const CASES: usize = 60;

#[tokio::test]
async fn a_projection_is_what_postgres_would_have_made() {
    let shop = Shop::start().await;
    sqlx::raw_sql("UPDATE product_category SET is_internal = true WHERE handle = 'men-shirts'; \
         UPDATE product SET type_id = NULL, collection_id = NULL, metadata = '{\"a\": [1.50, \"é\\\"\"]}', weight = 1.50 \
         WHERE handle = 'product-1'")
        .execute(&shop.state.pool)
        .await
        .unwrap();
    let sight = Sight::Store { channels: vec![id(Kind::SalesChannel, 0)] };
    let (full, nonce) = (full_product(), Nonce::new());
    let documents = read(&shop, &full, &Sight::Everything, &nonce).await;
    let paths: Vec<String> = PRODUCTS.shown.allowed.iter().cloned().collect();
    let mut runner = TestRunner::deterministic();
    let chosen = proptest::sample::subsequence(paths.clone(), 0..12).prop_shuffle();
    for _ in 0..CASES {
        let paths = chosen.new_tree(&mut runner).unwrap().current();
        let mut selection = Selection::of(PRODUCTS.entity);
        for path in &paths {
            assert!(selection.add(path), "{path}");
        }
        assert!(is_covered(&selection), "{paths:?}");
        let direct = read(&shop, &selection, &sight, &nonce).await;
        assert_eq!(direct.len(), documents.len());
        for (full, direct) in documents.iter().zip(direct) {
            let mut text = Vec::new();
            project(serde_json::from_str(full).unwrap(), &selection, &sight, &nonce, &mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), direct, "{paths:?}");
        }
    }
    shop.stop().await;
}

async fn read(shop: &Shop, selection: &Selection, sight: &Sight, nonce: &Nonce) -> Vec<String> {
    let ask = Ask {
        selection,
        filter: &Filter::everything(),
        order: &[],
        paging: Paging { limit: 5, offset: 0 },
        sight,
        counted: false,
        prices: Prices::None,
        stock_channel: None,
        nonce,
    };
    fetch(&shop.state.pool, &ask).await.unwrap().1.rows.into_iter().map(|row| row.document).collect()
}
