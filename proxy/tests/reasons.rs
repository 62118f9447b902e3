//! For each reason that the code knows a request that produces it, over real sockets: what Cache-Status and the metrics call it, and
//! the sentence in which `explain` tells it, where it can know.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use std::collections::VecDeque;
use std::mem::discriminant;
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use support::echo::Echo;
use support::origin_feed::OriginFeed;
use support::{LIMIT, Proxy, Upstream, cache_all, fetch, response};
use tokio::io::AsyncWriteExt as _;
use vitrine_load_tests::stack::wait_until;
use vitrine_proxy::feed::connection::State;
use vitrine_proxy::key::TargetError;
use vitrine_proxy::reason::{MissReason, NotStored, Outcome, PassReason, StaleReason};
use vitrine_shared::clock::BootTime;

const FRESH: &str = "Cache-Control: max-age=60\r\n";
/// Stored, stale at once, and with a validator.
const VALIDATED: &str = "Cache-Control: max-age=0\r\nETag: \"1\"\r\n";
const NOT_MODIFIED: &[u8] = b"HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=0\r\nETag: \"1\"\r\n\r\n";

const RULES: &str = r#"
[rate_limits.once]
requests = 1
per = "1d"
[rate_limits.fills]
requests = 1
per = "1d"
count = "upstream"
[[rules]]
name = "pass"
action = "pass"
paths = ["/pass"]
[[rules]]
name = "bypass"
action = "cache"
paths = ["/bypass"]
bypass = { cookies = ["sid"], headers = ["x-preview"], query = ["preview"] }
[[rules]]
name = "plain"
action = "cache"
paths = ["/plain/**"]
cors = { origins = ["https://shop.example"] }
purge_from = ["127.0.0.1/32"]
[[rules]]
name = "obey"
action = "cache"
paths = ["/obey/**"]
request_directives = "obey"
[[rules]]
name = "all"
action = "cache"
paths = ["/all/**"]
forward = "all"
edge_ttl = "1h"
[[rules]]
name = "auth"
action = "cache"
paths = ["/auth"]
bypass = { authorization = false }
[[rules]]
name = "entries"
action = "cache"
paths = ["/entries"]
responses = [{ status = ["200"], store = false }]
[[rules]]
name = "stale"
action = "cache"
paths = ["/stale/**"]
stale_while_revalidate = "1h"
[[rules]]
name = "sie"
action = "cache"
paths = ["/sie"]
stale_if_error = "1h"
[[rules]]
name = "small"
action = "cache"
paths = ["/small"]
max_object = "8B"
[[rules]]
name = "ttl"
action = "cache"
paths = ["/ttl"]
edge_ttl = "1h"
[[rules]]
name = "limited"
action = "pass"
paths = ["/limited"]
rate_limits = ["once"]
[[rules]]
name = "fills"
action = "cache"
paths = ["/fills/**"]
rate_limits = ["fills"]
[[rules]]
name = "vary"
action = "cache"
paths = ["/vary"]
vary = { foo = "exact" }
"#;

/// How `explain` knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Knows {
    /// Before the request: as its verdict.
    Before,
    /// Before the request: as what would be done if the upstream failed.
    OnFailure,
    /// After the request: why its answer was not stored.
    After,
}

/// A request, and what the upstream answers where it is asked.
struct Step {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
    answer: Vec<u8>,
}

/// What produces an outcome: requests, of which the last is the one.
struct Row {
    outcome: Outcome,
    not_stored: Option<NotStored>,
    knows: Knows,
    steps: Vec<Step>,
}

fn get(path: &str, fields: &str) -> Step {
    Step {
        method: "GET",
        path: path.to_owned(),
        headers: Vec::new(),
        body: "",
        answer: response("200 OK", fields, "page"),
    }
}

/// Without the upstream.
fn local(path: &str) -> Step {
    Step { answer: Vec::new(), ..get(path, "") }
}

impl Step {
    fn method(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn answered(self, answer: &[u8]) -> Self {
        Self { answer: answer.to_vec(), ..self }
    }
}

fn row(outcome: Outcome, steps: Vec<Step>) -> Row {
    Row { outcome, not_stored: None, knows: Knows::Before, steps }
}

fn passed(reason: PassReason, steps: Vec<Step>) -> Row {
    row(Outcome::Pass(reason), steps)
}

fn unstored(reason: NotStored, step: Step) -> Row {
    let miss = row(Outcome::Miss(MissReason::Uri), vec![step]);
    Row { not_stored: Some(reason), knows: Knows::After, ..miss }
}

fn passes() -> Vec<Row> {
    let private = |path: &str| get(path, "Cache-Control: private\r\n");
    vec![
        passed(PassReason::Rule, vec![get("/pass", "")]),
        passed(PassReason::NoRule, vec![get("/none", "")]),
        passed(PassReason::Method, vec![get("/plain/method", "").method("DELETE")]),
        passed(PassReason::Body, vec![Step { body: "x", ..get("/plain/body", "").with("content-length", "1") }]),
        passed(PassReason::Upgrade, vec![get("/plain/upgrade", "").with("upgrade", "websocket")]),
        passed(PassReason::Authorization, vec![get("/plain/auth", "").with("authorization", "Basic eDp4")]),
        passed(PassReason::Cookie, vec![get("/bypass", "").with("cookie", "a=1; sid=2")]),
        passed(PassReason::Header, vec![get("/bypass", "").with("x-preview", "1")]),
        passed(PassReason::Query, vec![get("/bypass?preview=1", "")]),
        passed(PassReason::Path, vec![get("/all/a;b", "")]),
        passed(PassReason::Range, vec![private("/plain/range"), get("/plain/range", "").with("range", "bytes=0-1")]),
        passed(
            PassReason::HeadOnly,
            vec![private("/plain/head"), get("/plain/head", "").method("HEAD").answered(&response("200 OK", "", ""))],
        ),
    ]
}

fn lookups() -> Vec<Row> {
    let no_cache = |path: &str| get(path, "").with("cache-control", "no-cache");
    let max_stale = local("/obey/old").with("cache-control", "max-stale=60");
    let broken = || get("/sie", "").answered(&response("503 Oh", "", ""));
    let failing = |path: &str| get(path, VALIDATED).answered(b"HTTP/1.1 200 OK\r\nno field\r\n\r\n");
    let on_failure = |row| Row { knows: Knows::OnFailure, ..row };
    vec![
        row(Outcome::Miss(MissReason::Uri), vec![get("/plain/uri", FRESH)]),
        row(Outcome::Hit, vec![get("/plain/hit", FRESH), local("/plain/hit")]),
        row(
            Outcome::Miss(MissReason::Vary),
            vec![get("/vary", "Cache-Control: max-age=60\r\nVary: Foo\r\n"), get("/vary", FRESH).with("foo", "1")],
        ),
        row(
            Outcome::Revalidated(MissReason::Stale),
            vec![get("/plain/old", VALIDATED), get("/plain/old", "").answered(NOT_MODIFIED)],
        ),
        row(
            Outcome::Miss(MissReason::Request),
            vec![get("/obey/new", FRESH), no_cache("/obey/new").answered(&response("200 OK", FRESH, "new"))],
        ),
        row(Outcome::Unavailable(MissReason::Stale), vec![get("/plain/fails", VALIDATED), failing("/plain/fails")]),
        row(
            Outcome::Stale(StaleReason::WhileRevalidate),
            vec![get("/stale/swr", VALIDATED), get("/stale/swr", "").answered(NOT_MODIFIED)],
        ),
        row(Outcome::Stale(StaleReason::MaxStale), vec![get("/obey/old", VALIDATED), max_stale]),
        on_failure(row(Outcome::Stale(StaleReason::IfError), vec![get("/sie", VALIDATED), broken()])),
        row(Outcome::NotCached, vec![local("/plain/only").with("cache-control", "only-if-cached")]),
        row(
            Outcome::Preflight,
            vec![
                local("/plain/cors")
                    .method("OPTIONS")
                    .with("origin", "https://shop.example")
                    .with("access-control-request-method", "GET"),
            ],
        ),
        row(Outcome::Purge, vec![local("/plain/purge").method("PURGE")]),
        row(Outcome::Limited, vec![get("/limited", ""), local("/limited")]),
        row(Outcome::Limited, vec![get("/fills/1", FRESH), local("/fills/1"), local("/fills/2")]),
        row(Outcome::Refused(TargetError::Host), vec![local("/plain/host").with("host", "a b")]),
        row(Outcome::Refused(TargetError::Path), vec![local("/plain/%zz")]),
        row(Outcome::Refused(TargetError::Query), vec![local(&format!("/plain/x?{}", "a&".repeat(600)))]),
        row(Outcome::Refused(TargetError::TooLong), vec![local(&format!("/plain/{}", "x".repeat(17_000)))]),
        row(Outcome::Refused(TargetError::Method), vec![local("/plain/trace").method("TRACE")]),
    ]
}

fn unstored_answers() -> Vec<Row> {
    let tags: Vec<String> = (0..=1_000).map(|number| format!("t{number}")).collect();
    let many = format!("{FRESH}Surrogate-Key: {}\r\n", tags.join(" "));
    let fresh = |field: &str| format!("{FRESH}{field}\r\n");
    let error = response("500 Oh", "", "");
    vec![
        unstored(NotStored::NoStore, get("/plain/no-store", "Cache-Control: no-store\r\n")),
        unstored(NotStored::Private, get("/plain/private", "Cache-Control: private\r\n")),
        unstored(NotStored::SetCookie, get("/plain/set-cookie", &fresh("Set-Cookie: a=1"))),
        unstored(NotStored::Cookie, get("/all/cookie", "").with("cookie", "id=1")),
        unstored(NotStored::Authorization, get("/auth", FRESH).with("authorization", "Basic eDp4")),
        unstored(NotStored::Vary, get("/plain/vary", &fresh("Vary: *"))),
        unstored(NotStored::UnknownVary, get("/plain/unknown", &fresh("Vary: User-Agent"))),
        unstored(NotStored::Status, get("/ttl", "").answered(&error)),
        unstored(NotStored::ResponseRule, get("/entries", FRESH)),
        unstored(NotStored::NoFreshness, get("/plain/nothing", "")),
        unstored(NotStored::Protocol, get("/plain/protocol", &fresh("Vitrine-Tags: a,b"))),
        unstored(NotStored::TooManyTags, get("/plain/tags", &many)),
        unstored(NotStored::TooLarge, get("/small", FRESH).answered(&response("200 OK", FRESH, "more than eight"))),
        unstored(NotStored::RequestNoStore, get("/obey/secret", FRESH).with("cache-control", "no-store")),
    ]
}

/// Asks, and gives the client's Cache-Status.
async fn ask(proxy: &Proxy, step: &Step) -> String {
    let mut request = proxy.request(Method::from_bytes(step.method.as_bytes()).unwrap(), &step.path);
    for (name, value) in &step.headers {
        request = request.header(*name, *value);
    }
    if !step.body.is_empty() {
        request = request.body(step.body);
    }
    let status = fetch(request).await.unwrap().cache_status().to_owned();
    proxy.settled().await;
    status
}

async fn explain(proxy: &Proxy, step: &Step) -> Value {
    let url = format!("http://{}{}", proxy.http, step.path);
    let question = json!({ "url": url, "method": step.method, "headers": step.headers, "client": "127.0.0.1" });
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = client.post(format!("http://{}/explain", proxy.ops)).bearer_auth("ops-secret");
    let got = fetch(post.body(question.to_string())).await.unwrap();
    assert_eq!(got.status, 200, "{got:?}");
    serde_json::from_str(&got.body).unwrap()
}

fn says(told: &Value, sentence: &str) -> bool {
    told.as_str().is_some_and(|told| told.starts_with(sentence))
}

/// What of an explanation tells a row's sentence.
fn is_told(row: &Row, before: &Value, after: &Value) -> bool {
    match row.knows {
        Knows::Before => says(&before["verdict"]["sentence"], row.outcome.sentence()),
        Knows::OnFailure => says(&before["verdict"]["if_the_upstream_fails"], row.outcome.sentence()),
        Knows::After => {
            let reason = row.not_stored.unwrap();
            let told = &after["last_not_stored"];
            told["reason"] == reason.label() && says(&told["sentence"], reason.sentence())
        }
    }
}

fn is_in_cache_status(row: &Row, status: &str) -> bool {
    let reason = row.outcome.reason();
    let not_stored = row.not_stored.map_or("", NotStored::label);
    (reason.is_empty() || status.contains(&format!("reason={reason}")))
        && (not_stored.is_empty() || status.contains(&format!("not-stored={not_stored}")))
        && status.starts_with("vitrine")
}

/// Waits until requests with this outcome were counted.
async fn counted(proxy: &Proxy, outcome: Outcome) {
    let labels = format!("outcome=\"{}\",reason=\"{}\"", outcome.label(), outcome.reason());
    let metrics = format!("http://{}/metrics", proxy.ops);
    let is_counted = async || {
        let text = reqwest::get(&metrics).await.unwrap().text().await.unwrap();
        text.lines().any(|line| line.starts_with("vitrine_requests_total") && line.contains(&labels))
    };
    wait_until(&labels, LIMIT, is_counted).await.unwrap();
}

/// Produces each row of the table; gives back what was produced.
async fn table() -> Vec<(Outcome, Option<NotStored>)> {
    let answers: Arc<Mutex<VecDeque<Vec<u8>>>> = Arc::default();
    let queue = answers.clone();
    let upstream =
        Echo::answering(move |_| queue.lock().pop_front().unwrap_or_else(|| response("500 Unexpected", "", ""))).await;
    let keys = "tag_headers = [\"Surrogate-Key\"]";
    let proxy = Proxy::with(upstream.addr(), keys, "", RULES).await;
    let mut produced = Vec::new();
    for row in passes().into_iter().chain(lookups()).chain(unstored_answers()) {
        let (last, earlier) = row.steps.split_last().unwrap();
        for step in earlier {
            answers.lock().extend((!step.answer.is_empty()).then(|| step.answer.clone()));
            ask(&proxy, step).await;
        }
        let before = explain(&proxy, last).await;
        answers.lock().extend((!last.answer.is_empty()).then(|| last.answer.clone()));
        let status = ask(&proxy, last).await;
        let after = explain(&proxy, last).await;
        assert!(is_in_cache_status(&row, &status), "{:?} {:?}: {status}", row.outcome, row.not_stored);
        assert!(is_told(&row, &before, &after), "{:?} {:?}: {before:#}\n{after:#}", row.outcome, row.not_stored);
        assert!(answers.lock().is_empty(), "{:?}: the upstream is asked as often as it has answers", row.outcome);
        counted(&proxy, row.outcome).await;
        produced.push((row.outcome, row.not_stored));
    }
    produced
}

/// What purges cause: what is stored is purged, softly purged, or overtaken while it is fetched.
async fn purges() -> Vec<(Outcome, Option<NotStored>)> {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let live = &proxy.engine.context().live;
    let first = proxy.getting("/");
    upstream.answer(&response("200 OK", FRESH, "old")).await;
    first.await.unwrap().unwrap();
    proxy.settled().await;
    let mut produced = Vec::new();
    for (mode, outcome) in [
        (vitrine_shared::feed::Mode::Soft, Outcome::Stale(StaleReason::SoftPurged)),
        (vitrine_shared::feed::Mode::Hard, Outcome::Miss(MissReason::Purged)),
    ] {
        live.purge(&[], true, mode);
        let told = explain(&proxy, &local("/")).await;
        assert!(says(&told["verdict"]["sentence"], outcome.sentence()), "{told:#}");
        let asking = proxy.getting("/");
        upstream.answer(&response("200 OK", FRESH, "new")).await;
        let got = asking.await.unwrap().unwrap();
        assert!(got.cache_status().contains(&format!("reason={}", outcome.reason())), "{got:?}");
        proxy.settled().await;
        produced.push(outcome);
    }
    // What comes about while a request waits, nobody can tell before.
    let overtaken = Outcome::Miss(MissReason::Overtaken);
    let before = proxy.getting("/other");
    let held = upstream.next().await;
    live.purge(&[], true, vitrine_shared::feed::Mode::Hard);
    let after = proxy.getting("/other");
    proxy.engine.until_waiting(2).await;
    held.send(&response("200 OK", FRESH, "old"));
    drop(held);
    before.await.unwrap().unwrap();
    upstream.answer(&response("200 OK", FRESH, "new")).await;
    let got = after.await.unwrap().unwrap();
    assert!(got.cache_status().contains("reason=overtaken"), "{got:?}");
    produced.push(overtaken);
    for outcome in &produced {
        counted(&proxy, *outcome).await;
    }
    // Nobody asked after the purge, so nothing is stored in place of what it overtook.
    let before = proxy.getting("/alone");
    let held = upstream.next().await;
    live.purge(&[], true, vitrine_shared::feed::Mode::Hard);
    held.send(&response("200 OK", FRESH, "old"));
    drop(held);
    before.await.unwrap().unwrap();
    proxy.settled().await;
    let told = explain(&proxy, &local("/alone")).await;
    let reason = NotStored::Overtaken;
    assert_eq!(told["last_not_stored"]["reason"], reason.label(), "{told:#}");
    assert!(says(&told["last_not_stored"]["sentence"], reason.sentence()), "{told:#}");
    let mut produced: Vec<_> = produced.into_iter().map(|outcome| (outcome, None)).collect();
    produced.push((Outcome::Miss(MissReason::Uri), Some(reason)));
    produced
}

/// What an edge does without a lease.
async fn cut_off() -> Vec<Outcome> {
    let mut upstream = Upstream::start().await;
    let feed = OriginFeed::start(5).await;
    let epochs = "speaks_epochs = true\nreads_through = true";
    let fields = format!("{FRESH}ETag: \"1\"\r\nCache-Epoch: 1.5\r\n");
    let is = async |proxy: &Proxy, expected: bool| {
        let is = async || (proxy.engine.connection().state(BootTime::now()) == State::Connected) == expected;
        wait_until("the lease comes or goes", LIMIT, is).await.unwrap();
    };
    let rows = [
        ("", Outcome::Revalidated(MissReason::Disconnected), "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n"),
        ("on_disconnect = \"serve\"", Outcome::HitDisconnected, ""),
        ("serve_for = \"5m\"", Outcome::Stale(StaleReason::ServeFor), "HTTP/1.1 502 Oh\r\nContent-Length: 0\r\n\r\n"),
    ];
    let mut produced = Vec::new();
    for (keys, outcome, answer) in rows {
        feed.grant(true);
        let proxy = Proxy::with(upstream.addr(), epochs, &feed.table(""), &cache_all(keys)).await;
        is(&proxy, true).await;
        let first = proxy.getting("/");
        upstream.answer(&response("200 OK", &fields, "page")).await;
        first.await.unwrap().unwrap();
        proxy.settled().await;
        feed.grant(false);
        is(&proxy, false).await;
        let told = explain(&proxy, &local("/")).await;
        let on_failure = matches!(outcome, Outcome::Stale(_));
        let place = if on_failure { "if_the_upstream_fails" } else { "sentence" };
        assert!(says(&told["verdict"][place], outcome.sentence()), "{outcome:?}: {told:#}");
        let asking = proxy.getting("/");
        if !answer.is_empty() {
            upstream.answer(answer.as_bytes()).await;
        }
        let got = asking.await.unwrap().unwrap();
        assert!(got.cache_status().contains(&format!("reason={}", outcome.reason())), "{got:?}");
        counted(&proxy, outcome).await;
        produced.push(outcome);
    }
    produced
}

/// A client that leaves while an interim response is on its way to it.
async fn gone() -> Outcome {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let mut client = tokio::net::TcpStream::connect(proxy.http).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n").await.unwrap();
    let held = upstream.next().await;
    // The connection is reset, so that the very next write to it fails.
    client.set_zero_linger().unwrap();
    drop(client);
    held.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
    counted(&proxy, Outcome::Gone).await;
    Outcome::Gone
}

#[tokio::test]
async fn each_reason_is_produced_and_told() {
    let mut produced = table().await;
    produced.extend(cut_off().await.into_iter().chain([gone().await]).map(|outcome| (outcome, None)));
    produced.extend(purges().await);
    let has = |is: &dyn Fn(Outcome) -> bool| produced.iter().any(|(outcome, _)| is(*outcome));
    for reason in PassReason::ALL {
        assert!(has(&|outcome| outcome == Outcome::Pass(*reason)), "{reason:?}");
    }
    for reason in MissReason::ALL {
        let of = [Outcome::Miss(*reason), Outcome::Revalidated(*reason), Outcome::Unavailable(*reason)];
        assert!(has(&|outcome| of.contains(&outcome)), "{reason:?}");
    }
    for reason in StaleReason::ALL {
        assert!(has(&|outcome| outcome == Outcome::Stale(*reason)), "{reason:?}");
    }
    for reason in TargetError::ALL {
        assert!(has(&|outcome| outcome == Outcome::Refused(*reason)), "{reason:?}");
    }
    for kind in Outcome::KINDS {
        assert!(has(&|outcome| discriminant(&outcome) == discriminant(kind)), "{kind:?}");
    }
    for reason in NotStored::ALL {
        assert!(produced.iter().any(|(_, not_stored)| *not_stored == Some(*reason)), "{reason:?}");
    }
}
