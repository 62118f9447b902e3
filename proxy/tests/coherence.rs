//! What nobody may be served: another client's answer, what a purge replaced, what the upstream has taken back.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::sync::{Arc, Barrier};

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue, VARY};
use support::{Got, Proxy, Upstream, cache_all, fetch, response};
use tokio::task::JoinHandle;
use vitrine_proxy::rules::CacheSettings;
use vitrine_proxy::store::{Object, Variants};
use vitrine_proxy::vary::{VaryMode, VarySpec};
use vitrine_shared::feed::Mode;

const FRESH: &str = "Cache-Control: max-age=60\r\n";
/// A date that the upstream may well give to two contents, if both were made within its second.
const DATED: &str = "Last-Modified: Sat, 21 Nov 2026 08:00:00 GMT\r\nVitrine-Tags: product:1\r\n";
const OBEY: &str = "request_directives = \"obey\"";

/// A proxy that holds `/` as `old`, with these fields.
async fn holding(keys: &str, fields: &str) -> (Upstream, Proxy) {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all(keys)).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", fields, "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    (upstream, proxy)
}

fn asking(proxy: &Proxy, field: (&'static str, &str)) -> JoinHandle<reqwest::Result<Got>> {
    tokio::spawn(fetch(proxy.get("/").header(field.0, field.1)))
}

#[tokio::test]
async fn a_failure_that_is_one_clients_own_is_not_for_those_who_wait_with_it() {
    let keys = "bypass = { authorization = false }\n[[rules.responses]]\nstatus = [\"5xx\"]\nstore = false\n";
    for (request, fields) in [
        (("x-a", "1"), "Cache-Control: private\r\n"),
        (("x-a", "1"), "Set-Cookie: session=first\r\n"),
        (("x-a", "1"), "Vary: *\r\n"),
        (("authorization", "Basic first"), ""),
    ] {
        let mut upstream = Upstream::start().await;
        let proxy = Proxy::start(upstream.addr(), &cache_all(keys)).await;
        let first = asking(&proxy, request);
        let held = upstream.next().await;
        let second = proxy.getting("/");
        proxy.engine.until_waiting(2).await;
        held.send(&response("500 Oh", fields, "first's own"));
        drop(held);
        assert_eq!(first.await.unwrap().unwrap().body, "first's own");
        upstream.answer(&response("500 Oh", "", "second's own")).await;
        let second = second.await.unwrap().unwrap();
        assert_eq!((second.body.as_str(), second.header("set-cookie")), ("second's own", ""), "{fields}");
    }
}

#[tokio::test]
async fn a_failure_is_for_those_of_its_variant_alone() {
    let mut upstream = Upstream::start().await;
    let keys = "forward = \"all\"\nvary = { cookie = \"exact\", x-kind = \"exact\" }";
    let proxy = Proxy::start(upstream.addr(), &cache_all(keys)).await;
    for (name, vary) in [("cookie", "Vary: Cookie\r\n"), ("x-kind", "Vary: X-Kind\r\n")] {
        let asked = upstream.asked();
        let first = asking(&proxy, (name, "id=1"));
        let held = upstream.next().await;
        let others = [asking(&proxy, (name, "id=1")), asking(&proxy, (name, "id=2"))];
        proxy.engine.until_waiting(3).await;
        held.send(&response("503 Oh", vary, "of 1"));
        drop(held);
        let second = upstream.next().await;
        assert_eq!(second.header(name), Some("id=2"));
        second.send(&response("503 Oh", vary, "of 2"));
        drop(second);
        assert_eq!(first.await.unwrap().unwrap().body, "of 1");
        for (other, body) in others.into_iter().zip(["of 1", "of 2"]) {
            assert_eq!(other.await.unwrap().unwrap().body, body);
        }
        assert_eq!(upstream.asked() - asked, 2, "one for each variant");
        proxy.settled().await;
    }
}

#[tokio::test]
async fn by_its_date_nothing_is_confirmed_that_was_purged() {
    // A purge between two attempts: the second is stamped after it, so what it confirms counts as newer than the purge.
    let (mut upstream, proxy) = holding("", &format!("Cache-Control: max-age=0\r\n{DATED}")).await;
    for mode in [Mode::Hard, Mode::Soft] {
        let getting = proxy.getting("/");
        let first_try = upstream.next().await;
        assert!(first_try.header("if-modified-since").is_some());
        proxy.purge(mode, &["product:1"]);
        first_try.hang_up();
        let second_try = upstream.next().await;
        assert_eq!(second_try.header("if-modified-since"), None, "{mode:?}");
        second_try.send(&response("200 OK", &format!("Cache-Control: max-age=0\r\n{DATED}"), "new"));
        drop(second_try);
        assert_eq!(getting.await.unwrap().unwrap().body, "new");
        proxy.settled().await;
    }
    // A soft purge before the refresh.
    let (mut upstream, proxy) = holding("", &format!("{FRESH}{DATED}")).await;
    proxy.purge(Mode::Soft, &["product:1"]);
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "old");
    let refresh = upstream.next().await;
    assert_eq!(refresh.header("if-modified-since"), None);
    refresh.send(&response("200 OK", &format!("{FRESH}{DATED}"), "new"));
    drop(refresh);
    proxy.settled().await;
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "new");
}

#[tokio::test]
async fn a_304_without_tags_leaves_the_tags_as_they_were() {
    let fields = "Cache-Control: max-age=0\r\nETag: \"1\"\r\nVitrine-Tags: product:1\r\n";
    let (mut upstream, proxy) = holding("", fields).await;
    let getting = proxy.getting("/");
    upstream.answer(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\n\r\n").await;
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    assert!(fetch(proxy.get("/")).await.unwrap().is_hit());
    proxy.purge(Mode::Hard, &["product:1"]);
    let getting = proxy.getting("/");
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    assert_eq!(getting.await.unwrap().unwrap().body, "new");
}

#[tokio::test]
async fn what_the_upstream_has_taken_back_is_not_served_stale_any_more() {
    for (status, fields) in
        [("200 OK", "Cache-Control: private\r\n"), ("200 OK", "Cache-Control: no-store\r\n"), ("403 Forbidden", "")]
    {
        let stale = "Cache-Control: max-age=0, stale-while-revalidate=1000\r\n";
        let (mut upstream, proxy) = holding("", stale).await;
        assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "old");
        upstream.answer(&response(status, fields, "taken back")).await;
        proxy.settled().await;
        let getting = proxy.getting("/");
        upstream.answer(&response(status, fields, "again")).await;
        assert_eq!(getting.await.unwrap().unwrap().body, "again", "{status} {fields}");
        assert_eq!(upstream.asked(), 3);
    }
    // But a failure leaves it.
    let stale = "Cache-Control: max-age=0, stale-while-revalidate=1000\r\n";
    let (mut upstream, proxy) = holding("", stale).await;
    for status in ["500 Oh", "503 Oh", "429 Slowly"] {
        assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "old", "{status}");
        upstream.answer(&response(status, "", "failed")).await;
        proxy.settled().await;
    }
    assert_eq!(fetch(proxy.get("/")).await.unwrap().body, "old");
}

#[tokio::test]
async fn a_client_that_forbids_storing_takes_nothing_from_the_others() {
    let fields = "Cache-Control: max-age=60\r\nETag: \"1\"\r\n";
    let (mut upstream, proxy) = holding(OBEY, fields).await;
    let getting = asking(&proxy, ("cache-control", "no-cache, no-store"));
    let request = upstream.next().await;
    if request.header("if-none-match").is_some() {
        request.send(b"HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nCache-Control: max-age=60\r\n\r\n");
    } else {
        request.send(&response("200 OK", fields, "old"));
    }
    drop(request);
    assert_eq!(getting.await.unwrap().unwrap().body, "old");
    proxy.settled().await;
    let got = fetch(proxy.get("/")).await.unwrap();
    assert!(got.is_hit(), "{got:?}");

    // Nor does it keep what is stale from being refreshed for the others.
    let stale = "Cache-Control: max-age=0, stale-while-revalidate=1000\r\nETag: \"1\"\r\n";
    let (mut upstream, proxy) = holding(OBEY, stale).await;
    let got = asking(&proxy, ("cache-control", "no-store")).await.unwrap().unwrap();
    assert_eq!(got.body, "old");
    let refresh = upstream.next().await;
    refresh.send(&response("200 OK", FRESH, "new"));
    drop(refresh);
    proxy.settled().await;
    let got = fetch(proxy.get("/")).await.unwrap();
    assert!(got.is_hit() && got.body == "new", "{got:?}");
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn only_if_cached_holds_for_what_is_passed_where_its_answers_are_not_shared() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", "Cache-Control: private\r\n", "mine")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    for (method, name, value) in [(Method::HEAD, "x-a", "1"), (Method::GET, "range", "bytes=0-1")] {
        let request = proxy.request(method, "/").header("cache-control", "only-if-cached").header(name, value);
        let got = tokio::select! {
            got = fetch(request) => got.unwrap(),
            request = upstream.next() => panic!("{}", request.head()),
        };
        assert_eq!(got.status, 504, "RFC 9111 §5.2.1.7: {got:?}");
    }
}

/// Keeps all from joining or starting fills until the other end of the barrier is reached.
fn hold_fills(proxy: &Proxy) -> Arc<Barrier> {
    const PARTS: usize = 16;
    let (held, released) = (Arc::new(Barrier::new(PARTS + 1)), Arc::new(Barrier::new(PARTS + 1)));
    for key in 0..PARTS {
        let (engine, held, released) = (proxy.engine.clone(), held.clone(), released.clone());
        std::thread::spawn(move || {
            engine.context().inflight.join_or_start(key as u128, None, || {
                held.wait();
                released.wait();
                None
            })
        });
    }
    held.wait();
    released
}

/// Takes what is stored out of the store.
fn take_out(proxy: &Proxy) -> Object {
    let store = &proxy.engine.context().store;
    let object = store.objects().next().unwrap();
    store.withdraw(&object);
    assert_eq!(store.len(), 0);
    object
}

#[tokio::test]
async fn what_was_stored_between_the_look_and_the_fill_is_not_asked_for_again() {
    let (upstream, proxy) = holding("", FRESH).await;
    let object = take_out(&proxy);
    let released = hold_fills(&proxy);
    let getting = proxy.getting("/");
    proxy.engine.until_placing(1).await;
    proxy.engine.context().store.insert(object);
    released.wait();
    assert!(getting.await.unwrap().unwrap().is_hit());
    assert_eq!(upstream.asked(), 1);
}

#[tokio::test]
async fn by_what_it_varies_may_be_learned_between_the_look_and_the_fill() {
    let (mut upstream, proxy) = holding("vary = { unknown = \"exact\" }", FRESH).await;
    let primary = take_out(&proxy).key();
    let released = hold_fills(&proxy);
    let getting = asking(&proxy, ("x-kind", "b"));
    proxy.engine.until_placing(1).await;
    let mut settings = CacheSettings::of_scope("origin".into());
    settings.vary.unknown = VaryMode::Exact;
    let fields = HeaderMap::from_iter([(VARY, HeaderValue::from_static("x-kind"))]);
    let spec = VarySpec::of(&fields, &settings).unwrap();
    proxy.engine.context().store.insert_variants(Arc::new(Variants::new(primary, spec)));
    released.wait();
    let request = upstream.next().await;
    assert_eq!(request.header("x-kind"), Some("b"), "asked for its variant at once");
    request.send(&response("200 OK", &format!("{FRESH}Vary: X-Kind\r\n"), "b"));
    drop(request);
    assert_eq!(getting.await.unwrap().unwrap().body, "b");
    proxy.settled().await;
    assert!(asking(&proxy, ("x-kind", "b")).await.unwrap().unwrap().is_hit());
    assert_eq!(upstream.asked(), 2);
}

#[tokio::test]
async fn a_304_that_was_not_asked_for_confirms_nothing() {
    // There is no validator, or only a date, which does not count for what was purged.
    for fields in [
        "Cache-Control: max-age=0, stale-if-error=60\r\nVitrine-Tags: product:1\r\n".to_owned(),
        format!("{FRESH}{DATED}"),
    ] {
        let (mut upstream, proxy) = holding("", &fields).await;
        proxy.purge(Mode::Hard, &["product:1"]);
        let getting = proxy.getting("/");
        let request = upstream.next().await;
        assert_eq!((request.header("if-none-match"), request.header("if-modified-since")), (None, None));
        request.send(b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
        drop(request);
        upstream.answer(&response("200 OK", FRESH, "new")).await;
        assert_eq!(getting.await.unwrap().unwrap().body, "new");
    }
}

#[tokio::test]
async fn clients_who_leave_give_everything_back() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("compression = {}")).await;
    let clients: Vec<_> = (0..10).map(|_| proxy.getting("/")).collect();
    proxy.engine.until_waiting(10).await;
    for client in &clients {
        client.abort();
    }
    proxy.engine.until_waiting(0).await;
    let held = upstream.next().await;
    held.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhello");
    let late = proxy.get("/").send().await.unwrap();
    drop(late);
    held.hang_up();
    proxy.settled().await;
    let context = proxy.engine.context();
    assert_eq!((context.store.len(), context.presence.len(), proxy.engine.waiting()), (0, 0, 0));
}
