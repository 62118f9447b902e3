//! What lists cost as the catalogue grows: ours alone, straight from Postgres, with exact counts.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use sqlx::Connection as _;

use super::contender::Shop;
use super::kinds::URLS;
use super::load::{self, Requests, Window};
use super::{OriginBenchOptions, WARM_UP};
use crate::bench::{BenchError, Summary, as_f64};
use crate::stack::connect;

/// Its name in options and results.
pub(super) const NAME: &str = "scale";
/// How many times the p95 of the smallest shop the largest may take.
pub(super) const BAR: f64 = 2.0;
/// As far as lists are asked.
const DEEPEST: usize = 10_000;
const LIMIT: usize = 20;

/// What a list took.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Scale {
    pub(super) products: u32,
    pub(super) list: &'static str,
    pub(super) rate: f64,
    pub(super) ms: Summary,
}

/// Makes a shop of so many products and measures its lists.
pub(super) async fn measure(options: &OriginBenchOptions, products: u32) -> Result<Vec<Scale>, BenchError> {
    eprintln!("bench-origin: our shop alone, of {products} products ...");
    let mut shop = Shop::start(products, true).await?;
    let contenders = shop.contenders();
    let straight = contenders.last().ok_or_else(|| BenchError::Answer("no contender".to_owned()))?;
    let mut connection = connect(&shop.database_url()).await?;
    let category = "SELECT product_category_id FROM product_category_product ORDER BY 1 LIMIT 1";
    let category: String = sqlx::query_scalar(category).fetch_one(&mut connection).await?;
    let collection: String =
        sqlx::query_scalar("SELECT id FROM product_collection ORDER BY id LIMIT 1").fetch_one(&mut connection).await?;
    connection.close().await?;
    let lists = [
        ("no filter", String::new()),
        ("by category", format!("&category_id[]={category}")),
        ("by collection", format!("&collection_id[]={collection}")),
    ];
    let mut found = Vec::new();
    for (list, filter) in lists {
        let count = straight.get(&format!("/store/products?limit=1&fields=id{filter}")).await?;
        let count = count["count"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        // Pages are full everywhere, or small shops would be cheaper for having less to show.
        let last = count.saturating_sub(LIMIT).min(DEEPEST);
        let path =
            |number: usize| format!("/store/products?limit={LIMIT}&offset={}{filter}", last * number / (URLS - 1));
        let heads = Arc::new((0..URLS).map(|number| straight.head(&path(number))).collect());
        let requests = Requests { address: straight.address, heads };
        let begin = Instant::now() + WARM_UP;
        let window = Window { begin, end: begin + options.measured() };
        let answers = load::ask(requests, options.connections, window).await?;
        let rate = as_f64(answers.ms.len()) / options.seconds;
        found.push(Scale { products, list, rate, ms: Summary::of(answers.ms) });
    }
    shop.stop().await;
    Ok(found)
}
