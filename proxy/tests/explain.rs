//! Explanations over the operations port: each main situation, what a draft would change, and that looking changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::origin_feed::OriginFeed;
use support::program::{Addresses, Program};
use support::{Got, LIMIT, Proxy, Upstream, cache_all, fetch, response};
use vitrine_load_tests::stack::wait_until;
use vitrine_proxy::feed::connection::State;
use vitrine_shared::clock::BootTime;
use vitrine_shared::feed::Mode;

const FRESH: &str = "Cache-Control: max-age=60\r\n";

fn ops(proxy: &Proxy, method: Method, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.request(method, format!("http://{}{path}", proxy.ops)).bearer_auth("ops-secret")
}

fn json_of(got: &Got) -> Value {
    assert_eq!(got.status, 200, "{got:?}");
    serde_json::from_str(&got.body).unwrap()
}

/// Explains a GET of a path of this proxy, with further members of the question.
async fn explain(proxy: &Proxy, path: &str, more: Value) -> Value {
    let mut question = json!({ "url": format!("http://{}{path}", proxy.http) });
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json_of(&fetch(ops(proxy, Method::POST, "/explain").body(question.to_string())).await.unwrap())
}

async fn summary(proxy: &Proxy, path: &str, more: Value) -> String {
    explain(proxy, path, more).await["summary"].as_str().unwrap().to_owned()
}

async fn fill(proxy: &Proxy, upstream: &mut Upstream, request: reqwest::RequestBuilder, answer: &[u8]) -> String {
    let getting = tokio::spawn(fetch(request));
    let asked = upstream.answer(answer).await;
    getting.await.unwrap().unwrap();
    proxy.settled().await;
    asked
}

fn verdict(told: &Value) -> (&str, &str) {
    (told["verdict"]["outcome"].as_str().unwrap(), told["verdict"]["reason"].as_str().unwrap())
}

#[tokio::test]
async fn a_miss_and_then_a_hit_with_all_that_is_known() {
    let mut upstream = Upstream::start().await;
    let rules = format!(
        "[[rules]]\nname = \"account\"\naction = \"pass\"\npaths = [\"/account/**\"]\n\
         [[rules]]\nname = \"drafts\"\naction = \"pass\"\npaths = [\"/**\"]\ncookies = {{ draft = true }}\n{}",
        cache_all("tags = [\"page:{rest}\"]\nkey = { cookies = [\"currency\"], headers = [\"x-shop\"] }")
            .replace("/**", "/{rest**}")
    );
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let request = json!({ "headers": [["Cookie", "currency=hunter2; letmein=7"], ["X-Shop", "de"]] });
    let path = "/p/1?b=2&utm_source=mail&a=1";
    let before = explain(&proxy, path, request.clone()).await;
    assert_eq!(verdict(&before), ("miss", "uri_miss"));
    let text = before["summary"].as_str().unwrap();
    assert!(text.starts_with("Miss: under rule `all` the upstream is asked for the whole answer."), "{text}");
    assert!(before["object"].is_null());

    let fields = format!("{FRESH}Vitrine-Tags: product:1 product:2\r\nContent-Type: text/html\r\n");
    let get = proxy.get(path).header("cookie", "currency=hunter2; letmein=7").header("x-shop", "de");
    fill(&proxy, &mut upstream, get, &response("200 OK", &fields, "page")).await;
    let told =
        explain(&proxy, path, json!({ "headers": request["headers"], "tags": ["product:1", "product:3"] })).await;
    assert_eq!(verdict(&told), ("hit", ""), "{told:#}");
    assert_eq!(told["rule"]["name"], "all");
    assert_eq!(
        told["rule"]["passed_over"],
        json!([
            { "rule": "account", "because": "it is for other paths" },
            { "rule": "drafts", "because": "it wants the cookie `draft`" },
        ])
    );
    assert_eq!(told["rule"]["settings"]["edge_ttl"], "respect");
    assert_eq!(told["request"]["dropped"][0]["name"], "utm_source");
    let key = &told["key"];
    assert_eq!(key["url"], format!("http://{}/p/1?a=1&b=2", proxy.http));
    assert_eq!(key["headers"], json!([{ "name": "x-shop", "values": ["de"] }]));
    assert_eq!(key["cookies"][0]["name"], "currency");
    assert!(key["hash"].as_str().unwrap().len() == 32);
    let object = &told["object"];
    assert_eq!((&object["standing"], &object["status"], &object["bytes"]), (&json!("fresh"), &json!(200), &json!(4)));
    assert_eq!(object["freshness_from"], "max-age of the upstream's Cache-Control");
    assert!((55..=60).contains(&object["ttl_seconds"].as_i64().unwrap()));
    assert_eq!(object["stamp"], json!({ "epoch": "0.0", "local": 0 }));
    let tags = &object["tags"];
    assert_eq!(tags["others"].as_array().unwrap().len(), 2, "{tags}");
    assert_eq!(
        tags["asked"],
        json!([
            { "tag": "product:1", "is_carried": true },
            { "tag": "product:3", "is_carried": false },
        ])
    );
    assert!(tags["known"].as_array().unwrap().contains(&json!(format!("url:{}/p/1?a=1&b=2", proxy.http))), "{tags}");
    assert!(tags["known"].to_string().contains("page:p"), "{tags}");
    assert!(told["client"]["fields"].to_string().contains("max-age=60"));
    assert_eq!(told["upstream"]["health"][0]["healthy"], true);
    assert_eq!(told["edge"]["generation"], 1);
    let all = told.to_string();
    assert!(
        !all.contains("hunter2") && !all.contains("letmein"),
        "no cookie's value, and none that does not count: {all}"
    );

    // Another currency is another key.
    let other = explain(&proxy, path, json!({ "headers": [["Cookie", "currency=usd"], ["X-Shop", "de"]] })).await;
    assert_eq!(verdict(&other), ("miss", "uri_miss"));
    assert_ne!(other["key"]["cookies"], key["cookies"]);
}

#[tokio::test]
async fn each_way_past_the_cache_is_told() {
    let upstream = Upstream::start().await;
    let rules = cache_all(
        "bypass = { cookies = [\"medusa_*\"], query = [\"preview\"] }\npurge_from = [\"10.0.0.0/8\"]\n\
         cors = { origins = [\"https://shop.example\"] }",
    );
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let cookie = explain(&proxy, "/", json!({ "headers": [["Cookie", "a=1; medusa_session=hunter2"]] })).await;
    assert_eq!(verdict(&cookie), ("pass", "cookie"));
    assert_eq!(cookie["rule"]["passed_for"], "cookie `medusa_session`");
    assert!(!cookie.to_string().contains("hunter2"));
    let query = summary(&proxy, "/?preview=1", json!({})).await;
    assert!(query.contains("Here it is the query `preview`."), "{query}");
    let refused = explain(&proxy, "/a/..%2f..%2fb", json!({})).await;
    assert_eq!(verdict(&refused), ("refused", "path"));
    let preflight = json!({
        "method": "OPTIONS",
        "headers": [["Origin", "https://shop.example"], ["Access-Control-Request-Method", "GET"]],
    });
    assert_eq!(verdict(&explain(&proxy, "/", preflight).await), ("preflight", ""));
    for (client, says) in [("10.1.2.3", "This client's address may."), ("192.0.2.9", "may not")] {
        let told = summary(&proxy, "/", json!({ "method": "PURGE", "client": client })).await;
        assert!(told.contains(says), "{told}");
    }
    let post = explain(&proxy, "/", json!({ "method": "POST" })).await;
    assert_eq!((verdict(&post), &post["rule"]["name"]), (("pass", "no_rule"), &json!("default")));
    assert_eq!(post["rule"]["passed_over"][0]["because"], "it is for other methods");
    assert_eq!(upstream.asked(), 0);
}

#[tokio::test]
async fn the_purge_that_killed_an_object_is_told() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    let tagged = format!("{FRESH}Vitrine-Tags: product:1\r\nETag: \"1\"\r\n");
    for path in ["/a", "/b", "/c"] {
        fill(&proxy, &mut upstream, proxy.get(path), &response("200 OK", &tagged, "page")).await;
    }
    let purge = json!({ "purges": [{ "url": format!("http://{}/a", proxy.http) }] });
    let purge = ops(&proxy, Method::POST, "/purge").header("x-purged-by", "anna").body(purge.to_string());
    let id = json_of(&fetch(purge).await.unwrap())["id"].as_str().unwrap().to_owned();
    let told = explain(&proxy, "/a", json!({})).await;
    assert_eq!(verdict(&told), ("miss", "purged"));
    assert_eq!((&told["object"]["standing"], &told["verdict"]["conditionally"]), (&json!("purged"), &json!(true)));
    let record = &told["object"]["purge"]["record"];
    assert_eq!((&record["source"], &record["who"], &record["id"]), (&json!("api"), &json!("anna"), &json!(id)));
    let text = told["summary"].as_str().unwrap();
    assert!(
        text.contains(&format!("It was purged by anna on the operations port (purge {id}): url {}/a", proxy.http)),
        "{text}"
    );
    assert_eq!(verdict(&explain(&proxy, "/b", json!({})).await), ("hit", ""));

    proxy.purge(Mode::Soft, &["product:1"]);
    let soft = explain(&proxy, "/b", json!({})).await;
    assert_eq!(verdict(&soft), ("stale", "soft_purged"));
    assert!(soft["summary"].as_str().unwrap().contains("It was softly purged by the origin's purge"), "{soft:#}");

    let post = tokio::spawn(fetch(proxy.request(Method::POST, "/c")));
    upstream.answer(&response("200 OK", "", "done")).await;
    post.await.unwrap().unwrap();
    let of_unsafe = summary(&proxy, "/c", json!({})).await;
    assert!(of_unsafe.contains("by the success of a POST (request "), "{of_unsafe}");
}

#[tokio::test]
async fn a_purge_of_the_feed_is_told_by_its_epoch_and_tags() {
    let mut upstream = Upstream::start().await;
    let feed = OriginFeed::start(5).await;
    let epochs = "speaks_epochs = true\nreads_through = true";
    let proxy = Proxy::with(upstream.addr(), epochs, &feed.table(""), &cache_all("")).await;
    let is_connected = async || proxy.engine.connection().state(BootTime::now()) == State::Connected;
    wait_until("the lease comes", LIMIT, is_connected).await.unwrap();
    let fields = format!("{FRESH}Cache-Epoch: 1.5\r\nVitrine-Tags: product:1\r\n");
    fill(&proxy, &mut upstream, proxy.get("/"), &response("200 OK", &fields, "page")).await;
    let before = explain(&proxy, "/", json!({})).await;
    assert_eq!((&before["object"]["stamp"]["epoch"], &before["edge"]["applied"]), (&json!("1.5"), &json!("1.5")));
    feed.commit(&["product:1"]);
    let is_applied = async || proxy.engine.context().live.applied().seq == 6;
    wait_until("the purge is applied", LIMIT, is_applied).await.unwrap();
    let told = explain(&proxy, "/", json!({})).await;
    let record = &told["object"]["purge"]["record"];
    assert_eq!((verdict(&told), &record["source"]), (("miss", "purged"), &json!("feed")), "{told:#}");
    assert_eq!((&record["position"], &record["targets"]), (&json!("feed 1.6"), &json!(["tag product:1"])));
    assert!(told["summary"].as_str().unwrap().contains("It was purged by the origin: tag product:1, "), "{told:#}");
}

#[tokio::test]
async fn stale_unstored_and_varying_answers_are_told() {
    let mut upstream = Upstream::start().await;
    let rules = cache_all("vary = { accept-language = \"exact\" }\nstale_while_revalidate = \"0s\"")
        .replace("/**", "/a/**")
        + "[[rules]]\nname = \"graceful\"\naction = \"cache\"\npaths = [\"/**\"]\nstale_while_revalidate = \"1h\"\nstale_if_error = \"2h\"\n";
    let proxy = Proxy::start(upstream.addr(), &rules).await;
    let stale = "Cache-Control: max-age=0\r\nETag: \"1\"\r\n";
    fill(&proxy, &mut upstream, proxy.get("/stale"), &response("200 OK", stale, "page")).await;
    let told = explain(&proxy, "/stale", json!({})).await;
    assert_eq!(verdict(&told), ("stale", "swr"));
    let windows = &told["object"];
    assert!((3_590..=3_600).contains(&windows["stale_while_revalidate_left_seconds"].as_u64().unwrap()), "{windows:#}");
    assert!((7_190..=7_200).contains(&windows["stale_if_error_left_seconds"].as_u64().unwrap()));

    fill(&proxy, &mut upstream, proxy.get("/a/stale"), &response("200 OK", stale, "page")).await;
    let told = explain(&proxy, "/a/stale", json!({})).await;
    assert_eq!(verdict(&told), ("miss", "stale"));
    assert!(
        told["summary"].as_str().unwrap().contains("the upstream is asked whether what is stored still holds"),
        "{told:#}"
    );

    let cookie = format!("{FRESH}Set-Cookie: a=1\r\n");
    fill(&proxy, &mut upstream, proxy.get("/cookie"), &response("200 OK", &cookie, "page")).await;
    let told = explain(&proxy, "/cookie", json!({})).await;
    assert_eq!((verdict(&told), &told["last_not_stored"]["reason"]), (("miss", "uri_miss"), &json!("set_cookie")));
    let text = told["summary"].as_str().unwrap();
    assert!(
        text.contains("it would not share the answer with others")
            && text.contains("The last answer was not stored (`set_cookie`)"),
        "{text}"
    );

    let vary = format!("{FRESH}Vary: Accept-Language\r\n");
    fill(&proxy, &mut upstream, proxy.get("/a/v"), &response("200 OK", &vary, "page")).await;
    let told = explain(&proxy, "/a/v", json!({ "headers": [["Accept-Language", "de"]] })).await;
    assert_eq!(verdict(&told), ("miss", "vary_miss"));
    assert_eq!(told["variants"], json!({ "kept": 1, "this": [{ "name": "accept-language", "values": ["de"] }] }));
    assert_eq!(verdict(&explain(&proxy, "/a/v", json!({})).await), ("hit", ""));
}

#[tokio::test]
async fn looking_changes_nothing() {
    let mut upstream = Upstream::start().await;
    // As many variants as there are, so that the next pushes one out.
    let proxy = Proxy::with(
        upstream.addr(),
        "",
        "[cache]\nmax_variants = 2\n",
        &cache_all("vary = { foo = \"exact\" }\nstale_while_revalidate = \"1h\""),
    )
    .await;
    let vary = |fresh: &str| format!("{fresh}Vary: Foo\r\n");
    let get = |foo: &str| proxy.get("/").header("foo", foo);
    fill(&proxy, &mut upstream, proxy.get("/"), &response("200 OK", &vary(FRESH), "none")).await;
    fill(&proxy, &mut upstream, get("1"), &response("200 OK", &vary(FRESH), "one")).await;
    fill(&proxy, &mut upstream, proxy.get("/stale"), &response("200 OK", "Cache-Control: max-age=0\r\n", "x")).await;
    // Of the two variants nobody has asked for one again, so the older will make room; were it asked for, the other would.
    let metrics = async || {
        let text = reqwest::get(format!("http://{}/metrics", proxy.ops)).await.unwrap().text().await.unwrap();
        let moving = |line: &&str| !line.contains("lease_left") && !line.starts_with("process_");
        text.lines().filter(moving).map(str::to_owned).collect::<Vec<_>>()
    };
    // The counters of requests are written behind their responses.
    let mut before = metrics().await;
    loop {
        tokio::task::yield_now().await;
        let again = metrics().await;
        if again == before {
            break;
        }
        before = again;
    }
    let asked = upstream.asked();
    for round in 0..100 {
        let path = if round % 2 == 0 { "/" } else { "/stale" };
        explain(&proxy, path, json!({})).await;
    }
    assert_eq!(upstream.asked(), asked, "no refresh begins");
    assert_eq!(metrics().await, before, "nothing is counted");
    assert_eq!(summary(&proxy, "/stale", json!({})).await.split(':').next(), Some("Stale"));
    fill(&proxy, &mut upstream, get("2"), &response("200 OK", &vary(FRESH), "two")).await;
    assert_eq!(
        verdict(&explain(&proxy, "/", json!({})).await),
        ("miss", "vary_miss"),
        "it made room though it was looked at"
    );
    assert!(fetch(get("1")).await.unwrap().is_hit());
}

#[tokio::test]
async fn a_draft_shows_what_it_changes() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    fill(&proxy, &mut upstream, proxy.get("/p?a=1&b=2"), &response("200 OK", FRESH, "page")).await;
    let draft = |rules: &str| {
        format!(
            "default_upstream = \"origin\"\n[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n\
             [upstreams.origin]\naddresses = [\"{}\"]\n{rules}",
            upstream.addr()
        )
    };
    let changed = draft(
        &cache_all("")
            .replace("name = \"all\"", "name = \"pages\"")
            .replace("edge_ttl = \"respect\"", "edge_ttl = \"4h\""),
    );
    let told = explain(&proxy, "/p?a=1&b=2", json!({ "draft": changed })).await;
    assert_eq!((verdict(&told["now"]), verdict(&told["draft"])), (("hit", ""), ("hit", "")));
    assert_eq!(
        told["differences"],
        json!([
            { "what": "rule.name", "now": "all", "draft": "pages" },
            { "what": "rule.settings.edge_ttl", "now": "respect", "draft": "4h" },
        ])
    );
    let rekeyed = draft(&cache_all("key = { query = { allow = [\"a\"] } }"));
    let told = explain(&proxy, "/p?a=1&b=2", json!({ "draft": rekeyed })).await;
    assert_eq!(verdict(&told["draft"]), ("miss", "uri_miss"), "another key holds nothing");
    let places: Vec<&str> =
        told["differences"].as_array().unwrap().iter().map(|difference| difference["what"].as_str().unwrap()).collect();
    assert!(["key.url", "verdict.outcome", "object.standing"].iter().all(|place| places.contains(place)), "{places:?}");
    let same = explain(&proxy, "/p?a=1&b=2", json!({ "draft": draft(&cache_all("")) })).await;
    assert_eq!(same["differences"], json!([]), "{same:#}");

    let wrong = json!({ "url": "http://h/", "draft": draft("[[rules]]\nname = \"x\"\nacton = \"pass\"\n") });
    let got = fetch(ops(&proxy, Method::POST, "/explain").body(wrong.to_string())).await.unwrap();
    assert_eq!(got.status, 422, "{got:?}");
    let errors: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!((&errors["result"], errors["errors"][0]["line"].is_number()), (&json!("bad"), true), "{errors}");
    // The variables of the process are nobody's to read.
    let secret = json!({ "url": "http://h/", "draft": draft("[[rules]]\nname = \"${PATH}\"\naction = \"pass\"\n") });
    assert_eq!(fetch(ops(&proxy, Method::POST, "/explain").body(secret.to_string())).await.unwrap().status, 422);
}

#[tokio::test]
async fn questions_are_checked_and_need_the_token() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("")).await;
    fill(&proxy, &mut upstream, proxy.get("/a"), &response("200 OK", FRESH, "page")).await;
    for path in ["/explain?url=http://h/", "/objects"] {
        let open = reqwest::get(format!("http://{}{path}", proxy.ops)).await.unwrap();
        assert_eq!(open.status(), 401, "{path}");
    }
    let shut = Proxy::without_token(upstream.addr(), &cache_all("")).await;
    assert_eq!(fetch(ops(&shut, Method::GET, "/explain?url=http://h/")).await.unwrap().status, 403);
    for query in
        ["", "url=/a", "url=http://h/&header=x", "url=http://h/&x=1", "url=http://h/&client=h", "url=http://h/&tag="]
    {
        let got = fetch(ops(&proxy, Method::GET, &format!("/explain?{query}"))).await.unwrap();
        assert_eq!(got.status, 400, "{query}: {got:?}");
    }
    let query = format!("/explain?url=http://{}/a&header=Accept:%20text/html&header=X-A:1&tag=t", proxy.http);
    let got = fetch(ops(&proxy, Method::GET, &query)).await.unwrap();
    assert_eq!(verdict(&json_of(&got)), ("hit", ""));
    let text = fetch(ops(&proxy, Method::GET, &query).header("accept", "text/plain")).await.unwrap();
    assert!(text.body.starts_with("Hit: rule `all` serves what is stored, fresh for another "), "{}", text.body);
    assert!(text.body.contains("\nfreshness    age "), "{}", text.body);
    let large = fetch(ops(&proxy, Method::POST, "/explain").body(vec![b' '; 9 << 20])).await;
    assert!(large.is_err() || large.is_ok_and(|got| got.status == 413));
}

#[tokio::test]
async fn objects_are_listed_by_tag_prefix_host_and_url() {
    let mut upstream = Upstream::start().await;
    let proxy = Proxy::start(upstream.addr(), &cache_all("vary = { accept-language = \"exact\" }")).await;
    let at = |path: &str| format!("http://{}{path}", proxy.http);
    for path in ["/p/1", "/p/1?a=1", "/p/2", "/pages", "/q"] {
        let fields = format!("{FRESH}Vitrine-Tags: of:{}\r\n", path.len());
        fill(&proxy, &mut upstream, proxy.get(path), &response("200 OK", &fields, "page")).await;
    }
    let vary = format!("{FRESH}Vary: Accept-Language\r\n");
    fill(&proxy, &mut upstream, proxy.get("/v"), &response("200 OK", &vary, "v")).await;
    fill(&proxy, &mut upstream, proxy.get("/v").header("accept-language", "de"), &response("200 OK", &vary, "de"))
        .await;
    let list =
        async |query: &str| json_of(&fetch(ops(&proxy, Method::GET, &format!("/objects?{query}"))).await.unwrap());
    let urls = |page: &Value| {
        let objects = page["objects"].as_array().unwrap();
        let mut urls: Vec<String> = objects.iter().map(|object| object["url"].as_str().unwrap().to_owned()).collect();
        urls.sort_unstable();
        urls
    };
    assert_eq!(urls(&list("tag=of:4").await), [at("/p/1"), at("/p/2")]);
    assert_eq!(urls(&list(&format!("prefix={}/p", proxy.http)).await), [at("/p/1"), at("/p/1?a=1"), at("/p/2")]);
    assert_eq!(urls(&list(&format!("url={}", at("/p/1"))).await), [at("/p/1")]);
    assert_eq!(list(&format!("host={}", proxy.http)).await["total"], 7);
    assert_eq!(urls(&list("host=other.example").await), [] as [String; 0]);
    let both = list(&format!("url={}", at("/v"))).await;
    let variants: Vec<&Value> =
        both["objects"].as_array().unwrap().iter().map(|object| &object["variant"][0]["values"]).collect();
    assert!(variants.contains(&&json!([""])) || variants.contains(&&json!([])), "{variants:?}");
    assert!(variants.contains(&&json!(["de"])), "{variants:?}");

    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = list(&format!("limit=3{cursor}")).await;
        assert_eq!(page["total"], 7);
        seen.extend(
            page["objects"].as_array().unwrap().iter().map(|object| format!("{}{}", object["url"], object["variant"])),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    seen.sort_unstable();
    let pages = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), pages), (7, 7), "all of them, each once");

    proxy.purge(Mode::Hard, &["of:6"]);
    let purged = list(&format!("url={}", at("/pages"))).await;
    let object = &purged["objects"][0];
    assert_eq!(object["standing"], "purged");
    assert!(object["purge"].as_str().unwrap().starts_with("purged by the origin's purge"), "{object}");
    for query in ["tag=a&host=h", "prefix=/p", "cursor=x", "host=a/b", "x=1"] {
        assert_eq!(fetch(ops(&proxy, Method::GET, &format!("/objects?{query}"))).await.unwrap().status, 400, "{query}");
    }
    let text = fetch(ops(&proxy, Method::GET, "/objects?tag=of:2").header("accept", "text/plain")).await.unwrap();
    assert!(text.body.starts_with(&format!("200 {}  fresh, 4 bytes, age ", at("/q"))), "{}", text.body);
}

/// Runs the command line; gives its success, output and errors.
fn run(file: &std::path::Path, arguments: &[&str]) -> (bool, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_vitrine-proxy"));
    // Where the environment names another proxy, this one is still meant.
    command.args(arguments).arg("--config").arg(file).env_remove("OPS_URL").env_remove("OPS_TOKEN");
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[tokio::test]
async fn the_command_line_asks_the_running_proxy_and_else_the_file() {
    let mut upstream = Upstream::start().await;
    let addresses = Addresses::new();
    let text = |rules: &str| {
        let upstream = upstream.addr();
        let head = "edge = \"test\"\ndefault_upstream = \"origin\"\n";
        format!("{head}{}[upstreams.origin]\naddresses = [\"{upstream}\"]\n{rules}", addresses.listen())
    };
    let rules = cache_all("bypass = { cookies = [\"sid\"] }");
    let file = written(&text(&rules));
    let draft = written(&text(&rules.replace("name = \"all\"", "name = \"${PAGES:-pages}\"")));
    let (file, draft) = (file.path(), draft.path().to_str().unwrap());
    let url = format!("http://{}/a", addresses.http);

    let (good, told, said) = run(file, &["explain", &url, "-H", "Cookie: sid=hunter2"]);
    assert!(good && said.starts_with("No proxy answers at http://"), "{said}");
    assert!(
        told.starts_with("Pass: the upstream `origin` is asked past the cache.") && !told.contains("hunter2"),
        "{told}"
    );
    let (good, told, _) = run(file, &["explain", &url, "--json", "--draft", draft]);
    let compared: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((good, verdict(&compared["now"]).0), (true, "lookup"));
    assert!(compared["now"].get("edge").is_none() && compared["now"].get("object").is_none());
    assert_eq!(compared["differences"], json!([{ "what": "rule.name", "now": "all", "draft": "pages" }]));

    let program = Program::start(&addresses, file).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let getting = tokio::spawn(fetch(client.get(&url)));
    upstream.answer(&response("200 OK", &format!("{FRESH}Vitrine-Tags: product:1\r\n"), "page")).await;
    getting.await.unwrap().unwrap();
    let is_stored = async || run(file, &["explain", &url]).1.starts_with("Hit: rule `all` serves what is stored");
    wait_until("it is stored", LIMIT, is_stored).await.unwrap();
    let (good, told, said) = run(file, &["explain", &url, "-X", "HEAD", "--tag", "product:1", "--draft", draft]);
    assert!(good && said.is_empty(), "{said}");
    assert!(
        told.contains("has `product:1`") && told.ends_with("What the draft changes:\n  rule.name: all -> pages\n"),
        "{told}"
    );
    let (good, told, _) = run(file, &["objects", "--tag", "product:1"]);
    assert!(
        good && told.starts_with(&format!("200 {url}  fresh, 4 bytes")) && told.ends_with("1 of 1 objects\n"),
        "{told}"
    );
    let prefix = format!("{}/b", addresses.http);
    assert_eq!(run(file, &["objects", "--prefix", &prefix]).1, "0 of 0 objects\n");

    for (arguments, why) in [
        (&["explain", "/a"][..], "is not a URL"),
        (&["explain", &url, "-H", "x"], "Name: value"),
        (&["explain", &url, "--draft", "/nowhere"], "cannot be read"),
        (&["objects", "--cursor", "x"], "is no cursor"),
        (&["objects", "--tag", "a", "--host", "h"], "cannot be used with"),
    ] {
        let (good, _, said) = run(file, arguments);
        assert!(!good && said.contains(why), "{arguments:?}: {said}");
    }
    let ops = format!("http://{}", program.ops);
    let (good, _, said) = run(std::path::Path::new("/nowhere"), &["explain", &url, "--ops", &ops]);
    assert!(
        !good && said.contains("401") && said.contains("export OPS_TOKEN"),
        "without its file the token is not known: {said}"
    );
}
