//! Redis under Sentinel and as a cluster: masters are killed, hang, come back and hand slots on, and no purge is lost.

use std::time::Duration;

use vitrine_load_tests::stack::{Redis, RedisCluster, RedisSentinel, TestStack, wait_until};
use vitrine_shared::feed::STREAM_KEY;

use crate::common::Shop;

const SOON: Duration = Duration::from_secs(40);
const PAGE: &str = "/store/products?handle=product-4&fields=id,title";

/// A shop with one merchant who writes, and one page that shows it.
struct Writing {
    shop: Shop,
    token: String,
    product: String,
    writes: u32,
}

impl Writing {
    async fn with(stack: TestStack, redis: String) -> Self {
        let shop = Shop::with(stack, 1, &[("REDIS_URL", redis)]).await;
        let token = shop.login().await;
        let product = shop.product("product-4").await["id"].as_str().unwrap().to_owned();
        Self { shop, token, product, writes: 0 }
    }

    /// An acknowledged write, which the page shows at once.
    async fn write(&mut self) {
        self.writes += 1;
        let title = format!("Title {}", self.writes);
        self.shop.warm(0, PAGE).await;
        self.shop.rename_acked(&self.token, &self.product, &title).await;
        let page = self.shop.get(0, PAGE).await;
        assert!(page.body.contains(&title), "{title}: {page:?}");
    }

    async fn text(&self, url: String) -> String {
        let request = self.shop.client.get(url).bearer_auth(&self.shop.stack.secrets().ops_token);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Purges that the edge had by the stream.
    async fn by_stream(&self) -> f64 {
        let text = self.text(format!("{}/metrics", self.shop.edges[0].ops_url())).await;
        let line = text.lines().find(|line| line.starts_with("vitrine_feed_purges_total") && line.contains("stream"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }

    /// Where the edge stands, as `term-seq`.
    async fn applied(&self) -> String {
        let text = self.text(format!("{}/status", self.shop.edges[0].ops_url())).await;
        let status: serde_json::Value = serde_json::from_str(&text).unwrap();
        status["feed"]["newest"].as_str().unwrap().replace('.', "-")
    }

    /// Writes until this server's stream ends where the edge stands, and the edge has it from there.
    async fn until_the_stream_works_on(&mut self, server: &Redis) {
        let works = async || {
            let before = self.by_stream().await;
            self.write().await;
            let applied = self.applied().await;
            let last = server.ask(&format!("XREVRANGE {STREAM_KEY} + - COUNT 1")).await.unwrap_or_default();
            last.contains(&format!("\r\n{applied}\r\n")) && self.by_stream().await > before
        };
        wait_until("the stream works on the new master", SOON, works).await.unwrap();
    }
}

#[tokio::test]
async fn under_sentinel_a_master_that_is_killed_or_hangs_is_replaced_and_no_purge_is_lost() {
    let stack = TestStack::with_shop(1_000).await.unwrap();
    let mut redis = RedisSentinel::start(stack.data(), 2).await.unwrap();
    let mut writing = Writing::with(stack, redis.url()).await;
    writing.until_the_stream_works_on(&redis.servers[0]).await;

    redis.servers[0].stop_hard();
    let second = promoted(&redis, &mut writing, 0).await;
    writing.until_the_stream_works_on(&redis.servers[second]).await;
    redis.servers[0].restart().await.unwrap();
    wait_until("the old master follows the new one", SOON, async || redis.is_replica(0).await).await.unwrap();

    // Its connections stay open, and so do those of who reads and writes there.
    redis.servers[second].pause();
    let third = promoted(&redis, &mut writing, second).await;
    writing.until_the_stream_works_on(&redis.servers[third]).await;
    redis.servers[second].resume();
    wait_until("it follows too", SOON, async || redis.is_replica(second).await).await.unwrap();
    writing.until_the_stream_works_on(&redis.servers[third]).await;
}

/// Writes until the Sentinels have made another server master, and returns which.
async fn promoted(redis: &RedisSentinel, writing: &mut Writing, old: usize) -> usize {
    let mut master = old;
    let moved = async || {
        writing.write().await;
        master = redis.master().await.unwrap_or(old);
        master != old
    };
    wait_until("another server is master", SOON, moved).await.unwrap();
    master
}

#[tokio::test]
async fn in_a_cluster_the_stream_follows_its_slot_to_other_nodes() {
    let stack = TestStack::with_shop(1_000).await.unwrap();
    let mut redis = RedisCluster::start(stack.data(), 3, 3).await.unwrap();
    let mut writing = Writing::with(stack, redis.url()).await;
    let first = redis.master_of(STREAM_KEY).await.unwrap();
    writing.until_the_stream_works_on(&redis.nodes[first]).await;

    let second = (first + 1) % 3;
    redis.move_slot_of(STREAM_KEY, second).await.unwrap();
    writing.until_the_stream_works_on(&redis.nodes[second]).await;

    redis.nodes[second].stop_hard();
    let replica = taken_over(&redis, &mut writing, second).await;
    writing.until_the_stream_works_on(&redis.nodes[replica]).await;

    redis.nodes[second].restart().await.unwrap();
    wait_until("it follows its replica", SOON, async || redis.is_replica(second).await).await.unwrap();
    redis.nodes[replica].pause();
    let back = taken_over(&redis, &mut writing, replica).await;
    writing.until_the_stream_works_on(&redis.nodes[back]).await;
    redis.nodes[replica].resume();
    writing.until_the_stream_works_on(&redis.nodes[back]).await;
}

/// Writes until another node is master of the stream's slot, and returns which.
async fn taken_over(redis: &RedisCluster, writing: &mut Writing, old: usize) -> usize {
    let mut master = old;
    let moved = async || {
        writing.write().await;
        master = redis.master_of(STREAM_KEY).await.unwrap_or(old);
        master != old
    };
    wait_until("another node has the slot", SOON, moved).await.unwrap();
    master
}
