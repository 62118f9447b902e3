//! Purges of all edges in front of an origin that is not Vitrine's: a proxy numbers them, and no edge serves what was purged once that is
//! acknowledged. No Postgres and no Redis.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::program::{Addresses, Program, TOKEN};
use support::{Got, LIMIT, Proxy, cache_all, fetch, local};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use vitrine_load_tests::stack::wait_until;

const HOST: &str = "shop.example";
const SEQUENCER_TOKEN: &str = "sequencer-secret";
const TAGS: &str = "reads_through = true\ntag_headers = [\"Surrogate-Key\"]";

/// A shop that knows nothing of Vitrine: every page shows its version. Below `/held` answers wait after they were made.
#[derive(Clone)]
struct Shop {
    addr: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    version: AtomicU64,
    asked: AtomicUsize,
    held: AtomicUsize,
    release: Semaphore,
}

impl Shop {
    async fn start() -> Self {
        let inner = Arc::new(Inner {
            version: AtomicU64::new(1),
            asked: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            release: Semaphore::new(0),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let routes = Router::new().fallback(page).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { addr, inner }
    }

    /// Changes every page; what they show from now on.
    fn change(&self) -> String {
        format!("v{}", self.inner.version.fetch_add(1, Ordering::SeqCst) + 1)
    }

    async fn until_held(&self, many: usize) {
        wait_until("answers are held", LIMIT, async || self.inner.held.load(Ordering::SeqCst) >= many).await.unwrap();
    }
}

async fn page(State(shop): State<Arc<Inner>>, request: Request) -> Response {
    let body = format!("v{}", shop.version.load(Ordering::SeqCst));
    shop.asked.fetch_add(1, Ordering::SeqCst);
    if request.uri().path().starts_with("/held") {
        shop.held.fetch_add(1, Ordering::SeqCst);
        shop.release.acquire().await.unwrap().forget();
    }
    ([("cache-control", "max-age=600"), ("surrogate-key", "shirts all-pages")], body).into_response()
}

fn sequencer_table(addr: SocketAddr, journal: &Path) -> String {
    format!(
        "[sequencer]\nlisten = \"{addr}\"\ntoken = \"{SEQUENCER_TOKEN}\"\njournal = \"{}\"\nlease = \"1s\"\n",
        journal.display()
    )
}

fn feed_table(addr: SocketAddr) -> String {
    format!("[feed]\nurl = \"http://{addr}\"\ntoken = \"{SEQUENCER_TOKEN}\"\n")
}

/// Three edges in this process, the first of which numbers.
async fn three(shop: &Shop, journal: &Path) -> [Proxy; 3] {
    let addr = local();
    let rules = cache_all("");
    let one = Proxy::with(shop.addr, TAGS, &sequencer_table(addr, journal), &rules).await;
    let two = Proxy::with(shop.addr, TAGS, &feed_table(addr), &rules).await;
    let three = Proxy::with(shop.addr, TAGS, &feed_table(addr), &rules).await;
    for edge in [&one, &two, &three] {
        edge.connected().await;
    }
    [one, two, three]
}

async fn read(http: SocketAddr, path: &str) -> Got {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    fetch(client.get(format!("http://{http}{path}")).header("host", HOST)).await.unwrap()
}

/// `POST /purge` at an edge; its answer and `Vitrine-Ack`.
async fn purge(ops: SocketAddr, query: &str, key: &str, purges: Value) -> (u16, Value, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{ops}/purge{query}")).bearer_auth(TOKEN).header("idempotency-key", key);
    let got = fetch(request.body(json!({ "purges": purges }).to_string())).await.unwrap();
    let ack = got.header("vitrine-ack").to_owned();
    (got.status, serde_json::from_str(&got.body).unwrap(), ack)
}

#[tokio::test]
async fn every_kind_of_purge_reaches_every_edge_before_it_is_acknowledged() {
    let (shop, journal) = (Shop::start().await, TempDir::new().unwrap());
    let edges = three(&shop, &journal.path().join("journal")).await;
    let url = format!("http://{HOST}/a/b?y=2&x=1");
    for (n, what) in [
        json!({ "url": url }),
        json!({ "tag": "shirts" }),
        json!({ "prefix": format!("{HOST}/a") }),
        json!({ "host": HOST }),
        json!({ "all": true }),
    ]
    .into_iter()
    .enumerate()
    {
        for edge in &edges {
            read(edge.http, "/a/b?x=1&y=2").await;
            edge.settled().await;
            assert!(read(edge.http, "/a/b?x=1&y=2").await.is_hit(), "{what}");
        }
        let new = shop.change();
        let (status, told, ack) = purge(edges[2].ops, "?wait=acked", &n.to_string(), json!([what])).await;
        assert_eq!((status, &told["acknowledged"], &told["scope"]), (200, &json!(true), &json!("all")), "{told}");
        assert!(ack.starts_with("acked;") && ack.contains("members=3"), "{ack}");
        assert_eq!(told["trail"]["nodes"].as_array().unwrap().len(), 3, "{told}");
        for edge in &edges {
            assert_eq!(read(edge.http, "/a/b?x=1&y=2").await.body, new, "{what}");
        }
        // Repeated it is the same purge, at whichever edge.
        for edge in &edges {
            let (status, again, _) = purge(edge.ops, "", &n.to_string(), json!([what])).await;
            assert_eq!((status, &again["epoch"]), (200, &told["epoch"]));
        }
    }
    let (status, told, _) = purge(edges[1].ops, "", "0", json!([{ "all": true }])).await;
    assert_eq!((status, &told["type"]), (422, &json!("key_reused")));
}

#[tokio::test]
async fn a_purge_of_one_edge_stays_there() {
    let (shop, journal) = (Shop::start().await, TempDir::new().unwrap());
    let edges = three(&shop, journal.path()).await;
    for edge in &edges {
        read(edge.http, "/a").await;
        edge.settled().await;
    }
    let new = shop.change();
    let (status, told, _) = purge(edges[2].ops, "?scope=edge", "k", json!([{ "all": true }])).await;
    assert_eq!((status, told.get("epoch")), (200, None));
    assert_eq!(read(edges[2].http, "/a").await.body, new);
    assert_eq!(read(edges[1].http, "/a").await.body, "v1");
    // The same key with the wider scope goes on to the others.
    assert_eq!(purge(edges[2].ops, "?wait=acked", "k", json!([{ "all": true }])).await.0, 200);
    assert_eq!(read(edges[1].http, "/a").await.body, new);
}

/// The origin names no epoch: what was asked for before the purge is stamped with where the edge stood then.
#[tokio::test]
async fn a_fill_that_began_before_the_purge_is_never_served_after_it() {
    let (shop, journal) = (Shop::start().await, TempDir::new().unwrap());
    let edges = three(&shop, journal.path()).await;
    let http = edges[1].http;
    let early = tokio::spawn(async move { read(http, "/held").await });
    shop.until_held(1).await;
    let new = shop.change();
    let (status, ..) = purge(edges[2].ops, "?wait=acked", "k", json!([{ "tag": "shirts" }])).await;
    assert_eq!(status, 200);
    // Who comes now waits for what is on its way, may not have it, and asks anew.
    let late = tokio::spawn(async move { read(http, "/held").await });
    edges[1].counted("vitrine_requests_waiting 2").await;
    shop.inner.release.add_permits(1);
    assert_eq!(early.await.unwrap().body, "v1");
    shop.until_held(2).await;
    shop.inner.release.add_permits(1);
    assert_eq!(late.await.unwrap().body, new);
    edges[1].settled().await;
    shop.inner.release.add_permits(9);
    assert_eq!(read(http, "/held").await.body, new);
}

#[tokio::test]
async fn only_the_token_opens_the_sequencers_port() {
    let (shop, journal) = (Shop::start().await, TempDir::new().unwrap());
    let addr = local();
    let _edge = Proxy::with(shop.addr, TAGS, &sequencer_table(addr, journal.path()), &cache_all("")).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path) in
        [("GET", "feed"), ("GET", "members"), ("PUT", "members/x"), ("POST", "purges"), ("GET", "acks/1.1")]
    {
        for token in ["", "wrong"] {
            let request =
                client.request(method.parse().unwrap(), format!("http://{addr}/v1/{path}")).bearer_auth(token);
            assert_eq!(request.send().await.unwrap().status(), 401, "{method} {path}");
        }
    }
    let order =
        |body: Value| client.post(format!("http://{addr}/v1/purges")).bearer_auth(SEQUENCER_TOKEN).json(&body).send();
    for wrong in [
        json!({}),
        json!({ "v": 1, "who": "", "key": "k" }),
        json!({ "v": 9, "everything": true, "who": "", "key": "k" }),
    ] {
        assert_eq!(order(wrong).await.unwrap().status().as_u16() / 100, 4);
    }
}

/// The programs themselves.
struct Edges {
    shop: Shop,
    folder: TempDir,
    sequencer: SocketAddr,
    addresses: [Addresses; 3],
    programs: Vec<Program>,
}

impl Edges {
    async fn start() -> Self {
        let (shop, folder, sequencer) = (Shop::start().await, TempDir::new().unwrap(), local());
        let addresses = [Addresses::new(), Addresses::new(), Addresses::new()];
        let mut edges = Self { shop, folder, sequencer, addresses, programs: Vec::new() };
        for number in 0..3 {
            let program = edges.program(number).await;
            edges.programs.push(program);
        }
        edges
    }

    fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("journal")
    }

    async fn program(&self, number: usize) -> Program {
        let table =
            if number == 0 { sequencer_table(self.sequencer, &self.journal()) } else { feed_table(self.sequencer) };
        let text = format!(
            "edge = \"edge-{}\"\n{}{table}[upstreams.origin]\naddresses = [\"{}\"]\n{TAGS}\n{}",
            number + 1,
            self.addresses[number].listen(),
            self.shop.addr,
            cache_all(""),
        );
        let file = self.folder.path().join(format!("edge-{number}.toml"));
        std::fs::write(&file, text).unwrap();
        Program::start(&self.addresses[number], &file).await
    }

    fn http(&self) -> [SocketAddr; 3] {
        [0, 1, 2].map(|number: usize| self.addresses[number].http)
    }

    async fn connected(&self) {
        for program in &self.programs {
            wait_until("it has a lease", LIMIT, async || program.metric("vitrine_connected").await == 1).await.unwrap();
        }
    }

    async fn all_read(&self, expected: &str) {
        for http in self.http() {
            assert_eq!(read(http, "/a").await.body, expected);
        }
    }

    async fn acked(&self, key: &str) -> (Value, String) {
        let (status, told, ack) = purge(self.addresses[2].ops, "?wait=acked", key, json!([{ "tag": "shirts" }])).await;
        assert_eq!(status, 200, "{told} {ack}");
        (told, ack)
    }
}

fn signal(program: &Program, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(program.pid()).unwrap()), signal).unwrap();
}

#[tokio::test]
async fn an_edge_that_hangs_is_waited_for_until_its_lease_ends_and_named() {
    let edges = Edges::start().await;
    edges.all_read("v1").await;
    edges.acked("first").await;
    edges.all_read("v1").await;
    signal(&edges.programs[1], Signal::SIGSTOP);
    let new = edges.shop.change();
    let ops = edges.addresses[2].ops;
    // It holds a lease of a second at most; who does not wait is told of it, at the latest when it is over.
    let (status, told, ack) = purge(ops, "?wait=acked", "second", json!([{ "tag": "shirts" }])).await;
    assert_eq!((status, &told["acknowledged"]), (200, &json!(true)), "{told}");
    assert!(ack.contains("lapsed=\"edge-2\"") && ack.contains("members=2"), "{ack}");
    let nodes = told["trail"]["nodes"].as_array().unwrap();
    let hung = nodes.iter().find(|node| node["name"] == "edge-2").unwrap();
    assert_eq!((&hung["applied"], &hung["may_serve"]), (&json!(false), &json!(false)));
    for http in [edges.http()[0], edges.http()[2]] {
        assert_eq!(read(http, "/a").await.body, new);
    }
    // It wakes up and serves nothing of before.
    signal(&edges.programs[1], Signal::SIGCONT);
    assert_eq!(read(edges.http()[1], "/a").await.body, new);
    edges.connected().await;
    let new = edges.shop.change();
    let (_, ack) = edges.acked("third").await;
    assert!(ack.contains("members=3") && !ack.contains("lapsed"), "{ack}");
    edges.all_read(&new).await;
}

#[tokio::test]
async fn a_sequencer_that_is_killed_goes_on_by_its_journal_and_without_it_every_cache_asks_anew() {
    let mut edges = Edges::start().await;
    edges.all_read("v1").await;
    let (first, _) = edges.acked("first").await;
    edges.all_read("v1").await;
    edges.programs[0].kill();

    // Nobody may take a purge for one of all edges.
    let new = edges.shop.change();
    let ops = edges.addresses[2].ops;
    let (status, told, _) = purge(ops, "?wait=acked", "second", json!([{ "tag": "shirts" }])).await;
    assert_eq!((status, &told["type"], &told["scope"]), (503, &json!("this_edge_only"), &json!("edge")), "{told}");
    assert_eq!(told["idempotency_key"], "second");
    assert_eq!(read(edges.http()[2], "/a").await.body, new);

    edges.programs[0] = edges.program(0).await;
    edges.connected().await;
    let (second, ack) = edges.acked("second").await;
    let number = |told: &Value| {
        let epoch: vitrine_shared::epoch::Epoch = told["epoch"].as_str().unwrap().parse().unwrap();
        epoch
    };
    assert_eq!(
        number(&second),
        vitrine_shared::epoch::Epoch { seq: number(&first).seq + 1, ..number(&first) },
        "{ack}"
    );
    edges.all_read(&new).await;

    // Its journal is lost, and nobody knows what it may have numbered: without a purge nothing of before is served.
    edges.programs[0].kill();
    let new = edges.shop.change();
    std::fs::remove_dir_all(edges.journal()).unwrap();
    edges.programs[0] = edges.program(0).await;
    for http in edges.http() {
        wait_until("the floor rises", LIMIT, async || read(http, "/a").await.body == new).await.unwrap();
    }
    edges.connected().await;
    let (third, _) = edges.acked("third").await;
    assert!(number(&third).term > number(&second).term);
    edges.all_read(&new).await;
    let new = edges.shop.change();
    edges.acked("fourth").await;
    edges.all_read(&new).await;
}
