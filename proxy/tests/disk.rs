//! The disk tier through the whole edge: what outlives a restart, and what must not.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::path::Path;
use std::sync::Arc;

use reqwest::Method;
use support::origin_feed::OriginFeed;
use support::{Got, LIMIT, Proxy, Upstream, cache_all, fetch, response};
use vitrine_load_tests::stack::wait_until;
use vitrine_proxy::disk::{Stage, Tier};

const HOST: &str = "shop.example";
const FRESH: &str = "Cache-Control: max-age=3600\r\nETag: \"1\"\r\n";

/// `[cache.disk]` in this folder.
fn disk(folder: &Path) -> String {
    format!("[cache.disk]\npath = \"{}\"\nsize = \"64MiB\"\nadmission = \"all\"\n", folder.display())
}

async fn start(upstream: &Upstream, folder: &Path, rules: &str) -> Proxy {
    start_with(upstream, folder, "", "", rules).await
}

async fn start_with(upstream: &Upstream, folder: &Path, keys: &str, tables: &str, rules: &str) -> Proxy {
    let proxy = Proxy::with(upstream.addr(), keys, &format!("{}{tables}", disk(folder)), rules).await;
    let tier = tier(&proxy);
    wait_until("the disk is read", LIMIT, async || tier.stage() == Stage::Ready).await.unwrap();
    proxy
}

fn tier(proxy: &Proxy) -> Arc<Tier> {
    proxy.engine.context().disk.clone().unwrap()
}

/// Waits until so many objects were written.
async fn written(proxy: &Proxy, writes: u64) {
    proxy.settled().await;
    let tier = tier(proxy);
    wait_until("the objects are written", LIMIT, async || tier.report().counts.writes >= writes).await.unwrap();
}

/// Ends the edge as a signal does, and waits until its folder is left in order.
async fn stop(proxy: Proxy) {
    proxy.stopped().await;
}

/// A request for a path of one host, whatever port the edge has.
fn asking(proxy: &Proxy, path: &str) -> reqwest::RequestBuilder {
    proxy.get(path).header("host", HOST)
}

fn getting(proxy: &Proxy, path: &str) -> tokio::task::JoinHandle<reqwest::Result<Got>> {
    tokio::spawn(fetch(asking(proxy, path)))
}

async fn get(proxy: &Proxy, upstream: &mut Upstream, path: &str, answer: &[u8]) -> Got {
    let asked = getting(proxy, path);
    upstream.answer(answer).await;
    asked.await.unwrap().unwrap()
}

/// An edge stores an answer for `/a`, and leaves it on its disk.
async fn leave(folder: &Path, upstream: &mut Upstream, answer: &[u8]) {
    let proxy = start(upstream, folder, &cache_all("")).await;
    get(&proxy, upstream, "/a", answer).await;
    written(&proxy, 1).await;
    stop(proxy).await;
}

#[tokio::test]
async fn what_was_stored_is_a_hit_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let got = get(&proxy, &mut upstream, "/a", &response("200 OK", FRESH, "hello")).await;
    assert_eq!((got.status, got.body.as_str()), (200, "hello"));
    written(&proxy, 1).await;
    stop(proxy).await;

    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let got = fetch(asking(&proxy, "/a")).await.unwrap();
    assert_eq!((got.status, got.body.as_str(), got.header("etag")), (200, "hello", "\"1\""));
    assert!(got.is_hit() && got.cache_status().contains("disk"), "{}", got.cache_status());
    assert!(got.cache_status().contains("ttl=") && !got.header("age").is_empty());
    // From then on it is memory's.
    let again = fetch(asking(&proxy, "/a")).await.unwrap();
    assert!(again.is_hit() && !again.cache_status().contains("disk"), "{}", again.cache_status());
    assert_eq!(upstream.asked(), 1);
    let report = tier(&proxy).report();
    assert_eq!((report.objects, report.counts.hits, report.failing.len()), (1, 1, 0));
}

#[tokio::test]
async fn variants_come_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let rules = cache_all("vary = { accept-language = \"exact\" }");
    let proxy = start(&upstream, folder.path(), &rules).await;
    let vary = format!("{FRESH}Vary: Accept-Language\r\n");
    let speaking = |proxy: &Proxy, language: &str| fetch(asking(proxy, "/a").header("accept-language", language));
    for (language, body) in [("de", "hallo"), ("fr", "salut")] {
        let getting = tokio::spawn(speaking(&proxy, language));
        // The first is asked once more, with the field that its answer varies by.
        if language == "de" {
            upstream.answer(&response("200 OK", &vary, "who")).await;
        }
        upstream.answer(&response("200 OK", &vary, body)).await;
        assert_eq!(getting.await.unwrap().unwrap().body, body);
    }
    let asked = upstream.asked();
    written(&proxy, 3).await;
    stop(proxy).await;

    let proxy = start(&upstream, folder.path(), &rules).await;
    for (language, body) in [("fr", "salut"), ("de", "hallo")] {
        let got = speaking(&proxy, language).await.unwrap();
        assert_eq!(got.body, body);
        assert!(got.is_hit() && got.cache_status().contains("disk"), "{}", got.cache_status());
    }
    // A variant that is not there is asked for at once with its field.
    let getting = tokio::spawn(speaking(&proxy, "it"));
    let head = upstream.answer(&response("200 OK", &vary, "ciao")).await;
    assert!(head.to_lowercase().contains("accept-language: it"), "{head}");
    assert_eq!(getting.await.unwrap().unwrap().body, "ciao");
    assert_eq!(upstream.asked(), asked + 1);
}

#[tokio::test]
async fn what_is_stale_is_validated_and_its_body_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let stale = response("200 OK", "Cache-Control: max-age=0\r\nETag: \"1\"\r\n", "hello");
    leave(folder.path(), &mut upstream, &stale).await;

    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let asked = getting(&proxy, "/a");
    let head = upstream.answer(&response("304 Not Modified", FRESH, "")).await;
    assert!(head.to_lowercase().contains("if-none-match: \"1\""), "{head}");
    let got = asked.await.unwrap().unwrap();
    assert_eq!((got.status, got.body.as_str()), (200, "hello"));
    assert!(got.cache_status().contains("fwd=stale; fwd-status=304"), "{}", got.cache_status());
}

#[tokio::test]
async fn what_is_stale_is_served_on_the_grounds_that_memory_knows() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let rules = cache_all("stale_if_error = \"1h\"");
    let proxy = start(&upstream, folder.path(), &rules).await;
    let stale = |more: &str| response("200 OK", &format!("Cache-Control: max-age=0{more}\r\nETag: \"1\"\r\n"), "hello");
    get(&proxy, &mut upstream, "/error", &stale("")).await;
    get(&proxy, &mut upstream, "/behind", &stale(", stale-while-revalidate=3600")).await;
    written(&proxy, 2).await;
    stop(proxy).await;

    let proxy = start(&upstream, folder.path(), &rules).await;
    let got = get(&proxy, &mut upstream, "/error", &response("503 Service Unavailable", "", "")).await;
    assert_eq!((got.status, got.body.as_str()), (200, "hello"));
    assert!(got.cache_status().contains("reason=sie"), "{}", got.cache_status());
    // Here nobody waits for the upstream.
    let got = fetch(asking(&proxy, "/behind")).await.unwrap();
    assert_eq!(got.body, "hello");
    assert!(got.cache_status().contains("reason=swr disk"), "{}", got.cache_status());
    upstream.answer(&response("200 OK", FRESH, "newer")).await;
    proxy.settled().await;
    assert_eq!(fetch(asking(&proxy, "/behind")).await.unwrap().body, "newer");
}

/// A body in which every place can be told from every other.
fn long(size: usize) -> String {
    (0..size / 8).fold(String::new(), |text, at| text + &format!("{at:07} "))
}

#[tokio::test]
async fn a_long_body_is_sent_on_as_it_is_read_and_kept_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let body = long(3 << 20);
    leave(folder.path(), &mut upstream, &response("200 OK", FRESH, &body)).await;

    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let got = fetch(asking(&proxy, "/a")).await.unwrap();
    assert!(got.body == body && got.header("content-length") == body.len().to_string());
    assert!(got.is_hit() && got.cache_status().contains("disk"), "{}", got.cache_status());
    assert!(!got.header("age").is_empty());
    proxy.settled().await;
    let part = fetch(asking(&proxy, "/a").header("range", "bytes=2000000-2000007")).await.unwrap();
    assert_eq!((part.status, part.body.as_str()), (206, &body[2_000_000..2_000_008]));
    assert!(!part.cache_status().contains("disk"), "{}", part.cache_status());
    // A client that wants it validated gets it so.
    stop(proxy).await;
    let proxy = start(&upstream, folder.path(), &cache_all("request_directives = \"obey\"")).await;
    let getting = tokio::spawn(fetch(asking(&proxy, "/a").header("cache-control", "no-cache")));
    let head = upstream.answer(&response("304 Not Modified", FRESH, "")).await;
    assert!(head.to_lowercase().contains("if-none-match: \"1\""), "{head}");
    assert!(getting.await.unwrap().unwrap().body == body);
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_long_body_that_turns_out_wrong_is_cut_and_not_ended() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let body = long(3 << 20);
    leave(folder.path(), &mut upstream, &response("200 OK", FRESH, &body)).await;
    let segment = folder.path().join("segments/00000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[2 << 20] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    assert!(fetch(asking(&proxy, "/a")).await.is_err(), "the response does not come to its end");
    // Then it is a miss.
    let got = get(&proxy, &mut upstream, "/a", &response("200 OK", FRESH, "new")).await;
    assert_eq!(got.body, "new");
    assert_eq!(tier(&proxy).report().counts.broken, 1);
}

#[tokio::test]
async fn only_if_cached_gets_what_lies_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    leave(folder.path(), &mut upstream, &response("200 OK", FRESH, "hello")).await;
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let cached = |path: &str| fetch(asking(&proxy, path).header("cache-control", "only-if-cached"));
    assert_eq!(cached("/b").await.unwrap().status, 504);
    let got = cached("/a").await.unwrap();
    assert_eq!((got.status, got.body.as_str()), (200, "hello"));
    assert_eq!(upstream.asked(), 1);
}

async fn purge(proxy: &Proxy, body: &str) {
    let request = reqwest::Client::new().post(format!("http://{}/purge", proxy.ops)).bearer_auth("ops-secret");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

/// Stores two objects, purges in some way, and starts again, killed or stopped: the first must be gone and the other be there.
async fn purged(purge: impl AsyncFn(&Proxy, &mut Upstream)) {
    for killed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut upstream = Upstream::start().await;
        let rules = cache_all("purge_from = [\"127.0.0.0/8\"]");
        let keys = "tag_headers = [\"Cache-Tag\", \"Cache-Groups\"]";
        let proxy = start_with(&upstream, folder.path(), keys, "", &rules).await;
        for (path, tag) in [("/a", "t1"), ("/b", "t2")] {
            let lines = format!("{FRESH}Cache-Tag: {tag}\r\nCache-Groups: \"{tag}\"\r\n");
            get(&proxy, &mut upstream, path, &response("200 OK", &lines, path)).await;
        }
        written(&proxy, 2).await;
        purge(&proxy, &mut upstream).await;
        // What the folder looks like now is what a process that is killed leaves.
        let copy = tempfile::tempdir().unwrap();
        copy_all(folder.path(), copy.path());
        stop(proxy).await;
        let folder = if killed { copy } else { folder };

        let proxy = start_with(&upstream, folder.path(), keys, "", &rules).await;
        let got = get(&proxy, &mut upstream, "/a", &response("200 OK", FRESH, "new")).await;
        assert_eq!(got.body, "new", "killed: {killed}");
        let other = fetch(asking(&proxy, "/b")).await.unwrap();
        assert!(other.is_hit() && other.body == "/b", "killed: {killed}: {}", other.cache_status());
    }
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_purge_by_tag_outlives_a_restart() {
    purged(async |proxy, _| purge(proxy, r#"{"purges": [{"tag": "t1"}]}"#).await).await;
}

#[tokio::test]
async fn a_purge_by_url_outlives_a_restart() {
    purged(async |proxy, _| purge(proxy, r#"{"purges": [{"url": "http://shop.example/a"}]}"#).await).await;
}

#[tokio::test]
async fn a_purge_by_its_method_outlives_a_restart() {
    purged(async |proxy, _| {
        let method = Method::from_bytes(b"PURGE").unwrap();
        assert_eq!(fetch(proxy.request(method, "/a").header("host", HOST)).await.unwrap().status, 200);
    })
    .await;
}

#[tokio::test]
async fn an_invalidation_by_an_unsafe_method_outlives_a_restart() {
    purged(async |proxy, upstream| {
        let posting = tokio::spawn(fetch(proxy.request(Method::POST, "/a").header("host", HOST)));
        upstream.answer(&response("204 No Content", "", "")).await;
        assert_eq!(posting.await.unwrap().unwrap().status, 204);
    })
    .await;
}

#[tokio::test]
async fn groups_that_were_invalidated_stay_so_after_a_restart() {
    purged(async |proxy, upstream| {
        let posting = tokio::spawn(fetch(proxy.request(Method::POST, "/c").header("host", HOST)));
        upstream.answer(&response("204 No Content", "Cache-Group-Invalidation: \"t1\"\r\n", "")).await;
        posting.await.unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_unsafe_method_reaches_what_lies_on_the_disk_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    for path in ["/a", "/b"] {
        get(&proxy, &mut upstream, path, &response("200 OK", FRESH, path)).await;
    }
    written(&proxy, 2).await;
    stop(proxy).await;
    // Nothing is in memory now.
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let posting = tokio::spawn(fetch(proxy.request(Method::POST, "/a").header("host", HOST)));
    upstream.answer(&response("204 No Content", "", "")).await;
    posting.await.unwrap().unwrap();
    assert_eq!(tier(&proxy).report().invalidated, 1);
    for _ in 0..2 {
        let got = get(&proxy, &mut upstream, "/a", &response("200 OK", "Cache-Control: no-store\r\n", "new")).await;
        assert_eq!(got.body, "new");
    }
    stop(proxy).await;
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let got = get(&proxy, &mut upstream, "/a", &response("200 OK", "Cache-Control: no-store\r\n", "new")).await;
    assert_eq!(got.body, "new");
    assert!(fetch(asking(&proxy, "/b")).await.unwrap().is_hit());
}

/// Rule 12: purges of the feed that came while the edge was away are caught up with before anything is served.
#[tokio::test]
async fn the_feed_goes_on_where_the_last_process_stood() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let feed = OriginFeed::start(5).await;
    let keys = "speaks_epochs = true\nreads_through = true";
    let proxy = start_with(&upstream, folder.path(), keys, &feed.table(""), &cache_all("")).await;
    proxy.connected().await;
    for (path, tag) in [("/a", "product:1"), ("/b", "product:2"), ("/c", "product:3")] {
        let lines = format!("{FRESH}Vitrine-Tags: {tag}\r\nCache-Epoch: {}\r\n", feed.position());
        get(&proxy, &mut upstream, path, &response("200 OK", &lines, path)).await;
    }
    written(&proxy, 3).await;
    feed.commit(&["product:1"]);
    proxy.applied(feed.position()).await;
    stop(proxy).await;
    feed.commit(&["product:2"]);

    let proxy = start_with(&upstream, folder.path(), keys, &feed.table(""), &cache_all("")).await;
    proxy.connected().await;
    assert_eq!(proxy.engine.context().live.applied(), feed.position());
    for path in ["/a", "/b"] {
        let lines = format!("Cache-Control: no-store\r\nCache-Epoch: {}\r\n", feed.position());
        let asked = getting(&proxy, path);
        let head = upstream.answer(&response("200 OK", &lines, "new")).await;
        assert!(head.to_lowercase().contains("if-none-match"), "what was purged may still be asked about: {head}");
        assert_eq!(asked.await.unwrap().unwrap().body, "new", "{path} was purged");
    }
    let got = fetch(asking(&proxy, "/c")).await.unwrap();
    assert!(got.is_hit() && got.body == "/c", "{}", got.cache_status());

    // Past what the origin remembers, nothing older is served.
    stop(proxy).await;
    feed.commit(&["product:9"]);
    feed.forget();
    let proxy = start_with(&upstream, folder.path(), keys, &feed.table(""), &cache_all("")).await;
    proxy.connected().await;
    let lines = format!("{FRESH}Cache-Epoch: {}\r\n", feed.position());
    let got = get(&proxy, &mut upstream, "/c", &response("200 OK", &lines, "new")).await;
    assert_eq!(got.body, "new");
}

/// An origin whose history begins again gives numbers that were applied: nothing stored before may be believed.
#[tokio::test]
async fn a_feed_that_stands_before_what_was_applied_empties_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let keys = "speaks_epochs = true\nreads_through = true";
    let feed = OriginFeed::start(500).await;
    let table = feed.table("");
    let proxy = start_with(&upstream, folder.path(), keys, &table, &cache_all("")).await;
    proxy.connected().await;
    let lines = format!("{FRESH}Cache-Epoch: {}\r\n", feed.position());
    get(&proxy, &mut upstream, "/a", &response("200 OK", &lines, "old")).await;
    written(&proxy, 1).await;
    stop(proxy).await;
    feed.rewind(3);
    let proxy = start_with(&upstream, folder.path(), keys, &table, &cache_all("")).await;
    proxy.connected().await;
    assert_eq!(proxy.engine.context().live.applied(), feed.position());
    let lines = format!("{FRESH}Vitrine-Tags: product:1\r\nCache-Epoch: {}\r\n", feed.position());
    assert_eq!(get(&proxy, &mut upstream, "/a", &response("200 OK", &lines, "new")).await.body, "new");
    assert!(fetch(asking(&proxy, "/a")).await.unwrap().is_hit());
    // Its numbers count again.
    feed.commit(&["product:1"]);
    proxy.applied(feed.position()).await;
    let lines = format!("{FRESH}Cache-Epoch: {}\r\n", feed.position());
    assert_eq!(get(&proxy, &mut upstream, "/a", &response("200 OK", &lines, "newer")).await.body, "newer");
}

#[tokio::test]
async fn without_a_lease_what_lies_on_the_disk_is_asked_about_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    let keys = "speaks_epochs = true\nreads_through = true";
    let feed = OriginFeed::start(5).await;
    let proxy = start_with(&upstream, folder.path(), keys, &feed.table(""), &cache_all("")).await;
    proxy.connected().await;
    let lines = format!("{FRESH}Cache-Epoch: {}\r\n", feed.position());
    let body = long(3 << 20);
    get(&proxy, &mut upstream, "/short", &response("200 OK", &lines, "hello")).await;
    get(&proxy, &mut upstream, "/long", &response("200 OK", &lines, &body)).await;
    written(&proxy, 2).await;
    stop(proxy).await;
    feed.up(false);
    let proxy = start_with(&upstream, folder.path(), keys, &feed.table(""), &cache_all("")).await;
    for (path, body) in [("/short", "hello"), ("/long", body.as_str())] {
        let asked = getting(&proxy, path);
        let head = upstream.answer(&response("304 Not Modified", &lines, "")).await;
        assert!(head.to_lowercase().contains("if-none-match: \"1\""), "{head}");
        assert!(asked.await.unwrap().unwrap().body == body);
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_told_and_the_edge_runs() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::with(upstream.addr(), "", &disk(&file), &cache_all("")).await;
    get(&proxy, &mut upstream, "/a", &response("200 OK", FRESH, "hello")).await;
    proxy.settled().await;
    assert!(fetch(asking(&proxy, "/a")).await.unwrap().is_hit());
    purge(&proxy, r#"{"purges": [{"all": true}]}"#).await;
    let report = tier(&proxy).report();
    assert_eq!((report.stage, report.failing.len()), (Stage::Absent, 1));
    assert!(report.failing[0].error.contains("name a folder"), "{:?}", report.failing);
    // When it can be used, it is.
    std::fs::remove_file(&file).unwrap();
    let ready = async || tier(&proxy).stage() == Stage::Ready;
    wait_until("the folder is in use", LIMIT, ready).await.unwrap();
    get(&proxy, &mut upstream, "/b", &response("200 OK", FRESH, "hello")).await;
    written(&proxy, 1).await;
}

#[tokio::test]
async fn two_edges_never_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::start().await;
    let first = start(&upstream, folder.path(), &cache_all("")).await;
    let second = Proxy::with(upstream.addr(), "", &disk(folder.path()), &cache_all("")).await;
    let report = tier(&second).report();
    assert_eq!(report.stage, Stage::Absent);
    assert!(report.failing[0].error.contains("a folder of its own"), "{:?}", report.failing);
    assert_eq!(tier(&first).stage(), Stage::Ready);
    stop(first).await;
    let ready = async || tier(&second).stage() == Stage::Ready;
    wait_until("the second has it", LIMIT, ready).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_goes_away_is_begun_anew() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("cache");
    let mut upstream = Upstream::start().await;
    let tables = format!("[cache.disk]\npath = \"{}\"\nsize = \"1MiB\"\nadmission = \"all\"\n", folder.display());
    let proxy = Proxy::with(upstream.addr(), "", &tables, &cache_all("")).await;
    let tier = tier(&proxy);
    wait_until("the disk is read", LIMIT, async || tier.stage() == Stage::Ready).await.unwrap();
    let body = long(100_000);
    get(&proxy, &mut upstream, "/0", &response("200 OK", FRESH, &body)).await;
    written(&proxy, 1).await;
    std::fs::remove_dir_all(&folder).unwrap();
    // The next segments find no folder.
    for number in 1..8 {
        get(&proxy, &mut upstream, &format!("/{number}"), &response("200 OK", FRESH, &body)).await;
    }
    purge(&proxy, r#"{"purges": [{"tag": "t"}]}"#).await;
    let begun = async || folder.join("state").exists() && tier.report().failing.is_empty();
    wait_until("it is begun anew", LIMIT, begun).await.unwrap();
    let before = tier.report().counts.writes;
    get(&proxy, &mut upstream, "/9", &response("200 OK", FRESH, &body)).await;
    written(&proxy, before + 1).await;
    stop(proxy).await;
    let proxy = Proxy::with(upstream.addr(), "", &tables, &cache_all("")).await;
    let tier = proxy.engine.context().disk.clone().unwrap();
    wait_until("the disk is read", LIMIT, async || tier.stage() == Stage::Ready).await.unwrap();
    assert!(fetch(asking(&proxy, "/9")).await.unwrap().is_hit());
}

#[tokio::test]
async fn explain_and_status_tell_of_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut upstream = Upstream::start().await;
    leave(folder.path(), &mut upstream, &response("200 OK", FRESH, "hello")).await;
    let proxy = start(&upstream, folder.path(), &cache_all("")).await;
    let ops = async |path: &str| {
        let request = reqwest::Client::new().get(format!("http://{}{path}", proxy.ops)).bearer_auth("ops-secret");
        request.send().await.unwrap().text().await.unwrap()
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let told = json(&ops("/explain?url=http://shop.example/a").await);
    assert_eq!(told["verdict"]["is_on_disk"], true, "{told}");
    assert!(told["summary"].as_str().unwrap().contains("disk"), "{told}");
    let told = json(&ops("/explain?url=http://shop.example/b").await);
    assert_eq!(told["verdict"].get("is_on_disk"), None, "{told}");
    let status = json(&ops("/status").await);
    assert_eq!((status["disk"]["stage"].as_str(), status["disk"]["objects"].as_u64()), (Some("ready"), Some(1)));
    assert_eq!(json(&ops("/objects").await)["on_disk"], 1);
    let metrics = ops("/metrics").await;
    for line in ["vitrine_disk_up 1", "vitrine_disk_objects 1", "vitrine_disk_writes_total 0"] {
        assert!(metrics.contains(line), "{line}");
    }
}
