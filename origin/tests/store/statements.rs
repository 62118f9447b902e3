//! How many SQL statements a request costs: as many whatever it selects and however long its list is.

use std::io;
use std::sync::{Arc, Mutex};

use reqwest::Client;
use tokio::net::TcpListener;
use vitrine_load_tests::stack::TestDatabase;
use vitrine_origin::seed::Kind;
use vitrine_origin::{AppState, api};

use crate::counting::Counting;
use crate::shop::{self, KEY, id};

/// A router without lease and background: nothing is answered from a cache, and nothing but requests asks Postgres.
struct Router {
    url: String,
    client: Client,
    _database: TestDatabase,
}

impl Router {
    async fn start() -> Self {
        let database = TestDatabase::from_template("store_reads", shop::load).await.unwrap();
        let mut config = shop::config(&database.url());
        config.database.slow_statement_ms = 0;
        let state = AppState::new(config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = api::public(&state).unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, client: Client::new(), _database: database }
    }

    async fn get(&self, path: &str) -> u16 {
        let request = self.client.get(format!("{}/store/{path}", self.url)).header("x-publishable-api-key", KEY);
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        response.bytes().await.unwrap();
        status
    }
}

#[tokio::test]
async fn a_read_is_one_statement_whatever_it_selects() {
    let router = Router::start().await;
    router.get("regions").await;
    let counting = Counting::begin();
    let (product, region) = (id(Kind::Product, 0), id(Kind::Region, 0));
    let deep = "fields=*variants,*variants.options,*variants.images,*options.values,*categories,*collection,*type,*tags,*images";
    // One for the publishable key, and where prices are asked for one for the region; both are kept where caches may be used.
    let table = [
        ("products?limit=1".to_owned(), 2),
        ("products?limit=60".to_owned(), 2),
        (format!("products?limit=60&{deep}"), 2),
        ("products?limit=60&q=Product&order=-created_at".to_owned(), 2),
        (format!("products?limit=60&region_id={region}&country_code=dk&{deep},%2Bvariants.inventory_quantity"), 3),
        (format!("products/{product}?{deep}"), 2),
        (format!("products/{product}?region_id={region}&country_code=dk"), 3),
        ("product-variants?limit=100&fields=*images,*product".to_owned(), 2),
        ("product-categories?fields=*category_children,*products,*parent_category.parent_category".to_owned(), 2),
        ("collections?fields=*products&limit=100".to_owned(), 2),
        ("product-tags?fields=*products".to_owned(), 2),
        ("product-types".to_owned(), 2),
        ("product-options?fields=*values".to_owned(), 2),
        ("regions?fields=*countries,*payment_providers".to_owned(), 2),
        ("currencies?limit=200".to_owned(), 2),
        ("return-reasons".to_owned(), 2),
    ];
    for (path, expected) in table {
        assert_eq!(router.get(&path).await, 200, "{path}");
        let statements = counting.take();
        assert_eq!(statements.len(), expected, "{path}: {statements:#?}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_slow_statement_is_logged_with_its_route() {
    let router = Router::start().await;
    let log = Log::default();
    let writer = log.clone();
    // As warnings alone are logged, which is how a busy shop runs.
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.with_ansi(false).finish());
    assert_eq!(router.get(&format!("products/{}", id(Kind::Product, 0))).await, 200);
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = log.lines().find(|line| line.contains("WITH page")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("method=GET") && line.contains("route=/store/products/{key}"), "{line}");
}
