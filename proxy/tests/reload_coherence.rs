//! Purges and reloads together: rules come and go, what was purged stays purged.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use serde_json::json;
use support::program::{Addresses, Program, TOKEN};
use support::{Got, Upstream, fetch, response};
use tokio::task::JoinHandle;

const FRESH: &str = "Cache-Control: max-age=600\r\n";
const CACHED: &str = "action = \"cache\"\nmethods = [\"GET\", \"HEAD\"]\n";

/// A program whose rules are changed, in front of an upstream.
struct Edge {
    upstream: Upstream,
    program: Program,
    addresses: Addresses,
    generation: i64,
    _folder: tempfile::TempDir,
}

impl Edge {
    async fn start(rule: &str) -> Self {
        let (upstream, addresses) = (Upstream::start().await, Addresses::new());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proxy.toml");
        std::fs::write(&file, text(&upstream, &addresses, rule)).unwrap();
        let program = Program::start(&addresses, &file).await;
        Self { upstream, program, addresses, generation: 1, _folder: folder }
    }

    async fn reload(&mut self, rule: &str) {
        self.generation += 1;
        let serial = format!("{rule}\n# {}\n", self.generation);
        self.program.replace(&text(&self.upstream, &self.addresses, &serial));
        self.program.hang_up();
        self.program.generation(self.generation).await;
    }

    fn asking(&self, method: Method, path: &str) -> JoinHandle<reqwest::Result<Got>> {
        tokio::spawn(fetch(reqwest::Client::new().request(method, format!("http://{}{path}", self.program.http))))
    }

    async fn purge(&self, what: serde_json::Value) {
        let request = reqwest::Client::new().post(format!("http://{}/purge", self.program.ops)).bearer_auth(TOKEN);
        let got = fetch(request.body(json!({ "purges": [what] }).to_string())).await.unwrap();
        assert_eq!(got.status, 200, "{got:?}");
    }

    /// What a client gets; `body` where the upstream must be asked for it.
    async fn get(&mut self, path: &str, body: &str) -> Got {
        let mut getting = self.asking(Method::GET, path);
        tokio::select! {
            got = &mut getting => return got.unwrap().unwrap(),
            request = self.upstream.next() => request.send(&response("200 OK", FRESH, body)),
        }
        getting.await.unwrap().unwrap()
    }

    async fn post(&mut self, path: &str) {
        let posting = self.asking(Method::POST, path);
        self.upstream.answer(&response("200 OK", "", "")).await;
        posting.await.unwrap().unwrap();
    }
}

fn text(upstream: &Upstream, addresses: &Addresses, rule: &str) -> String {
    format!(
        "edge = \"test\"\n{}[upstreams.origin]\naddresses = [\"{}\"]\n[[rules]]\nname = \"all\"\npaths = [\"/**\"]\n{rule}",
        addresses.listen(),
        upstream.addr()
    )
}

#[tokio::test]
async fn a_url_that_is_purged_while_other_rules_are_in_force_stays_purged_when_they_go() {
    for other in [
        "action = \"pass\"\n".to_owned(),
        format!("{CACHED}key = {{ query = {{ deny = [\"a\"] }} }}\n"),
        format!("{CACHED}key = {{ query = \"none\" }}\n"),
    ] {
        let mut edge = Edge::start(CACHED).await;
        for path in ["/p?a=1", "/q?a=1", "/other?a=1"] {
            assert_eq!(edge.get(path, "old").await.body, "old");
            assert!(edge.get(path, "new").await.is_hit());
        }
        edge.reload(&other).await;
        edge.purge(json!({ "url": format!("http://{}/p?a=1", edge.program.http) })).await;
        edge.post("/q?a=1").await;
        edge.reload(CACHED).await;
        assert_eq!(edge.get("/p?a=1", "new").await.body, "new", "{other}");
        assert_eq!(edge.get("/q?a=1", "new").await.body, "new", "{other}");
        assert_eq!(edge.get("/other?a=1", "new").await.body, "old", "{other}");
    }
}

#[tokio::test]
async fn an_unsafe_request_invalidates_what_newer_rules_have_stored_meanwhile() {
    let mut edge = Edge::start(&format!("{CACHED}key = {{ query = \"none\" }}\n")).await;
    let posting = edge.asking(Method::POST, "/p?a=1");
    let held = edge.upstream.next().await;
    edge.reload(CACHED).await;
    assert_eq!(edge.get("/p?a=1", "old").await.body, "old");
    held.send(&response("200 OK", "", ""));
    drop(held);
    posting.await.unwrap().unwrap();
    assert_eq!(edge.get("/p?a=1", "new").await.body, "new");
}

#[tokio::test]
async fn a_tag_that_a_rule_gives_anew_purges_all_that_it_should_be_on() {
    let mut edge = Edge::start(CACHED).await;
    assert_eq!(edge.get("/p", "old").await.body, "old");
    edge.reload(&format!("{CACHED}tags = [\"pages\"]\n")).await;
    edge.purge(json!({ "tag": "pages" })).await;
    assert_eq!(edge.get("/p", "new").await.body, "new");
}
