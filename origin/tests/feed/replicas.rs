//! Reads from a streaming standby: never older than what the reader must not miss, whatever the standby does.

use reqwest::{Client, StatusCode};
use serde_json::Value;
use vitrine_load_tests::stack::{Replication, Scratch, Standby, TestStack};
use vitrine_origin::config::Secret;
use vitrine_shared::epoch::Epoch;
use vitrine_shared::headers::{self, CACHE_EPOCH, CACHE_MIN_EPOCH};

use crate::shop::{Shop, database, until};

const SHOP: &str = "
    INSERT INTO sales_channel (id, name) VALUES ('sc', 'C');
    INSERT INTO api_key (id, token, redacted, title, type) VALUES ('apk', 'pk_of_the_test', 'pk', 'K', 'publishable');
    INSERT INTO publishable_api_key_sales_channel VALUES ('apk', 'sc');
    INSERT INTO product (id, title, handle, status) VALUES ('prod_1', 'First', 'p', 'published');
    INSERT INTO product_sales_channel VALUES ('prod_1', 'sc');
    INSERT INTO product_category (id, name, handle, mpath, is_active) VALUES ('pcat_1', 'Men', 'men', 'pcat_1', true)";

/// An origin with one replica.
struct Pair {
    shop: Shop,
    standby: Standby,
    stack: TestStack,
    client: Client,
    _scratch: Scratch,
}

impl Pair {
    async fn start() -> Self {
        let mut stack = TestStack::start_private().await.unwrap();
        let (mut config, pool) = database(&stack).await;
        sqlx::raw_sql(SHOP).execute(&pool).await.unwrap();
        let scratch = Scratch::new().unwrap();
        let primary = stack.postgres().unwrap();
        let standby = Standby::of(primary, scratch.data(), "replica", Replication::Asynchronous).await.unwrap();
        standby.caught_up(primary).await.unwrap();
        config.database.replicas = vec![Secret::new(standby.url("vitrine"))];
        // A busy machine is no failure of the standby.
        config.database.replica_timeout_ms = 10_000;
        // What is asked of Postgres is what this is about.
        config.cache.enabled = false;
        let shop = Shop::with(config).await;
        shop.follows().await;
        Self { shop, standby, stack, client: Client::new(), _scratch: scratch }
    }

    /// The product's title, and from which epoch on that is true.
    async fn title(&self, least: Option<Epoch>) -> (String, Epoch) {
        // Another path each time would be another test: no cache is on the way but that of keys.
        let mut request = self.client.get(format!("{}/store/products/prod_1?fields=title", self.shop.public));
        request = request.header("x-publishable-api-key", "pk_of_the_test");
        if let Some(least) = least {
            request = request.header(CACHE_MIN_EPOCH, headers::epoch_value(least));
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let epoch = headers::epoch(response.headers(), &CACHE_EPOCH).unwrap().unwrap();
        let body: Value = response.json().await.unwrap();
        (body["product"]["title"].as_str().unwrap().to_owned(), epoch)
    }

    fn reads(&self, outcome: &str) -> u64 {
        self.shop.state.metrics.replicas.reads.with_label_values(&[outcome]).get()
    }

    /// Changes the title by hand and waits until this origin has applied that; returns its epoch.
    async fn rename(&self, sql: &'static str) -> Epoch {
        let before = self.shop.position().await;
        sqlx::raw_sql(sql).execute(&self.shop.state.pool).await.unwrap();
        let expected = Epoch::new(before.term, before.seq + 1);
        self.shop.applied(expected).await;
        expected
    }

    /// Waits until the replica is used again.
    async fn used_again(&self) {
        let used = self.reads("replica");
        until("the replica answers", async || {
            self.title(None).await;
            self.reads("replica") > used
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_is_never_older_than_the_asked_epoch_while_the_replica_stands_still() {
    let mut pair = Pair::start().await;
    pair.used_again().await;
    pair.standby.pause_replay().await.unwrap();
    let second = pair.rename("UPDATE product SET title = 'Second'").await;
    for least in [None, Some(second), Some(Epoch::new(1, second.seq - 1))] {
        let (title, epoch) = pair.title(least).await;
        assert_eq!(title, "Second", "{least:?}");
        assert!(epoch >= second);
    }
    assert!(pair.reads("lagging") >= 1);

    // The replica is as new as this origin knows, and older than what is asked: a write that was numbered and not heard of.
    pair.standby.resume_replay().await.unwrap();
    pair.used_again().await;
    assert_eq!(pair.title(None).await.0, "Second");
    pair.standby.pause_replay().await.unwrap();
    let (lagging, used) = (pair.reads("lagging"), pair.reads("replica"));
    until("it is passed over for the asked epoch", async || {
        let (title, epoch) = pair.title(Some(Epoch::new(1, second.seq + 1))).await;
        assert_eq!((title.as_str(), epoch), ("Second", Epoch::new(1, second.seq + 1)));
        pair.reads("lagging") > lagging
    })
    .await;
    assert_eq!(pair.reads("replica"), used);

    // Of an earlier term it is no replica of this history.
    pair.standby.resume_replay().await.unwrap();
    pair.standby.caught_up(pair.stack.postgres().unwrap()).await.unwrap();
    pair.standby.pause_replay().await.unwrap();
    sqlx::query("UPDATE feed_position SET term = term + 1").execute(&pair.shop.state.pool).await.unwrap();
    until("the origin is in the new term", async || pair.shop.state.live.applied().term == 2).await;
    pair.shop.follows().await;
    until("it is passed over for its term", async || {
        assert_eq!(pair.title(None).await.0, "Second");
        pair.reads("other_term") >= 1
    })
    .await;
    assert_eq!(pair.reads("replica"), used);
    pair.shop.stop().await;
}

#[tokio::test]
async fn a_replica_that_dies_is_passed_over_until_it_is_back() {
    let mut pair = Pair::start().await;
    pair.used_again().await;
    pair.standby.postgres().stop_hard();
    until("its failure is seen", async || {
        assert_eq!(pair.title(None).await.0, "First");
        pair.reads("failed") >= 1
    })
    .await;
    assert_eq!(pair.title(None).await.0, "First");
    pair.rename("UPDATE product SET title = 'Second'").await;
    assert_eq!(pair.title(None).await.0, "Second");
    pair.standby.postgres().restart().await.unwrap();
    pair.used_again().await;
    assert_eq!(pair.title(None).await.0, "Second");
    pair.shop.stop().await;
}
