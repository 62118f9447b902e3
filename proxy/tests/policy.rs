//! Policies of a rule end to end: freshness by heuristic, targeted fields, settings by response, variants by choice, foreign tags.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::{Got, Proxy, Upstream, cache_all, fetch, response};
use vitrine_shared::feed::Mode;

const FRESH: &str = "Cache-Control: max-age=60\r\n";

/// Asks through the cache and answers at the upstream, with the head of what was asked there.
async fn fill(
    proxy: &Proxy,
    upstream: &mut Upstream,
    request: reqwest::RequestBuilder,
    answer: &[u8],
) -> (Got, String) {
    let getting = tokio::spawn(fetch(request));
    let asked = upstream.answer(answer).await;
    let got = getting.await.unwrap().unwrap();
    proxy.settled().await;
    (got, asked)
}

#[tokio::test]
async fn what_says_nothing_is_fresh_for_a_part_of_its_age() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("heuristic = { percent = 10, max = \"1d\" }")).await;
    let old = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    fill(&proxy, &mut upstream, proxy.get("/a"), &response("200 OK", old, "page")).await;
    let got = fetch(proxy.get("/a")).await.unwrap();
    assert!(got.is_hit() && got.cache_status().contains("ttl=86"), "RFC 9111 §4.2.2: {got:?}");
    fill(&proxy, &mut upstream, proxy.get("/b"), &response("403 Forbidden", old, "no")).await;
    let (again, _) = fill(&proxy, &mut upstream, proxy.get("/b"), &response("403 Forbidden", old, "again")).await;
    assert_eq!(again.body, "again", "RFC 9110 §15.1: not heuristically cacheable");
}

#[tokio::test]
async fn a_targeted_field_speaks_to_this_cache_alone() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let fields = "Cache-Control: no-store\r\nCDN-Cache-Control: max-age=60\r\n";
    fill(&proxy, &mut upstream, proxy.get("/a"), &response("200 OK", fields, "page")).await;
    let got = fetch(proxy.get("/a")).await.unwrap();
    assert!(got.is_hit(), "RFC 9213 §2.2: {got:?}");
    assert_eq!(got.header("cache-control"), "no-store", "what browsers are told is Cache-Control");
    assert_eq!(got.header("cdn-cache-control"), "max-age=60", "RFC 9213 §3.1: caches behind may use it too");
    let broken = "Cache-Control: no-store\r\nCDN-Cache-Control: max-age=60, &\r\n";
    fill(&proxy, &mut upstream, proxy.get("/b"), &response("200 OK", broken, "one")).await;
    let (again, _) = fill(&proxy, &mut upstream, proxy.get("/b"), &response("200 OK", broken, "two")).await;
    assert_eq!(again.body, "two", "RFC 9213 §2.1: ignored as a whole");
}

#[tokio::test]
async fn the_response_decides_by_the_rules_entries() {
    let mut upstream = Upstream::start().await;
    let entries = "[[rules.responses]]\nstatus = [\"5xx\"]\nedge_ttl = \"1h\"\n\
        [[rules.responses]]\nheaders = { x-draft = true }\nstore = false\n\
        [[rules.responses]]\ncontent_type = [\"text/html\"]\nbrowser_ttl = \"revalidate\"\nset_cookie = \"strip\"\nmax_object = \"8B\"\n";
    let proxy = Proxy::start(upstream.addr(), &cache_all(entries)).await;
    fill(&proxy, &mut upstream, proxy.get("/error"), &response("500 Oh", "", "failed")).await;
    let error = fetch(proxy.get("/error")).await.unwrap();
    assert!(error.is_hit() && error.status == 500, "an operator's own time for errors: {error:?}");

    let draft = format!("{FRESH}X-Draft: 1\r\n");
    fill(&proxy, &mut upstream, proxy.get("/draft"), &response("200 OK", &draft, "one")).await;
    let (again, _) = fill(&proxy, &mut upstream, proxy.get("/draft"), &response("200 OK", &draft, "two")).await;
    assert_eq!(again.body, "two", "store = false");

    let page = format!("{FRESH}Content-Type: text/html\r\nSet-Cookie: id=1\r\n");
    let (first, _) = fill(&proxy, &mut upstream, proxy.get("/page"), &response("200 OK", &page, "page")).await;
    let hit = fetch(proxy.get("/page")).await.unwrap();
    assert!(hit.is_hit(), "{hit:?}");
    for got in [first, hit] {
        assert_eq!(got.header("set-cookie"), "", "no client gets it");
        assert_eq!(got.header("cache-control"), "no-cache", "the entry's browser_ttl");
    }
    let private = "Cache-Control: private\r\nContent-Type: text/html\r\nSet-Cookie: id=1\r\n";
    let (got, _) = fill(&proxy, &mut upstream, proxy.get("/private"), &response("200 OK", private, "page")).await;
    assert_eq!(got.header("set-cookie"), "", "nor where it is not stored");

    fill(&proxy, &mut upstream, proxy.get("/long"), &response("200 OK", &page, "over eight bytes")).await;
    let (again, _) = fill(&proxy, &mut upstream, proxy.get("/long"), &response("200 OK", &page, "again")).await;
    assert_eq!(again.body, "again", "the entry's max_object");
}

#[tokio::test]
async fn clients_with_the_same_choice_share_a_variant() {
    let mut upstream = Upstream::start().await;
    let choices = "vary = { accept-language = { languages = [\"en\", \"de\"] } }";
    let proxy = Proxy::start(upstream.addr(), &cache_all(choices)).await;
    let vary = format!("{FRESH}Vary: Accept-Language\r\n");
    let get = |languages: &str| proxy.get("/").header("accept-language", languages);
    // By what it varies is not known yet.
    fill(&proxy, &mut upstream, proxy.get("/"), &response("200 OK", &vary, "none")).await;
    let (_, asked) = fill(&proxy, &mut upstream, get("fr, de-AT;q=0.8"), &response("200 OK", &vary, "hallo")).await;
    assert!(asked.to_lowercase().contains("accept-language: de\r\n"), "what is keyed is what is asked: {asked}");
    for languages in ["de", "DE-CH, en;q=0.5", "it, de;q=0.1"] {
        let got = fetch(get(languages)).await.unwrap();
        assert!(got.is_hit() && got.body == "hallo", "{languages}: {got:?}");
    }
    assert_eq!(fetch(get("it")).await.unwrap().body, "none", "no match is as none asked");

    let unknown = format!("{FRESH}Vary: User-Agent\r\n");
    fill(&proxy, &mut upstream, proxy.get("/other"), &response("200 OK", &unknown, "one")).await;
    let (again, _) = fill(&proxy, &mut upstream, proxy.get("/other"), &response("200 OK", &unknown, "two")).await;
    assert!(again.body == "two" && again.cache_status().contains("unknown_vary"), "{again:?}");
}

#[tokio::test]
async fn tags_of_other_systems_purge_and_stay_behind_a_304() {
    let mut upstream = Upstream::start().await;
    let keys = "tag_headers = [\"Surrogate-Key\", \"Cache-Groups\"]";
    let proxy = Proxy::with(upstream.addr(), keys, "", &cache_all("")).await;
    let fields = "Cache-Control: max-age=0\r\nETag: \"1\"\r\nSurrogate-Key: page 12\r\nCache-Groups: \"g\"\r\n";
    let (got, _) = fill(&proxy, &mut upstream, proxy.get("/"), &response("200 OK", fields, "page")).await;
    assert_eq!(got.header("surrogate-key"), "");
    assert_eq!(got.header("cache-groups"), "\"g\"", "caches nearer to the client may use it");
    let not_modified = format!("HTTP/1.1 304 Not Modified\r\n{FRESH}ETag: \"1\"\r\n\r\n");
    fill(&proxy, &mut upstream, proxy.get("/"), not_modified.as_bytes()).await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    proxy.purge(Mode::Hard, &["12"]);
    let (got, _) = fill(&proxy, &mut upstream, proxy.get("/"), &response("200 OK", FRESH, "new")).await;
    assert_eq!(got.body, "new", "RFC 9111 §3.2: what the 304 does not name still counts");
}

#[tokio::test]
async fn a_passed_response_shows_clients_no_tags() {
    let mut upstream = Upstream::start().await;
    let keys = "tag_headers = [\"Surrogate-Key\", \"Cache-Groups\"]";
    let rule = "[[rules]]\nname = \"p\"\naction = \"pass\"\npaths = [\"/**\"]\n";
    let proxy = Proxy::with(upstream.addr(), keys, "", rule).await;
    let passing = proxy.getting("/");
    let fields = "Surrogate-Key: a b\r\nCache-Groups: \"g\"\r\nVitrine-Tags: c\r\n";
    upstream.answer(&response("200 OK", fields, "x")).await;
    let got = passing.await.unwrap().unwrap();
    assert_eq!(
        [got.header("surrogate-key"), got.header("vitrine-tags"), got.header("cache-groups")],
        ["", "", "\"g\""]
    );
}
