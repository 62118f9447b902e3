//! What rules decide by and key by, over real connections: nothing that a rule does not key shapes an answer that others get.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::echo::{Echo, reflected};
use support::raw::{Raw, exchange, get};
use support::{Proxy, cache_all, response};

const HOST: &str = "shop.example";
const PHONE: &str = "User-Agent: Mozilla/5.0 (iPhone) Mobile\r\n";

async fn ask(proxy: &Proxy, target: &str, lines: &str) -> Raw {
    let got = exchange(proxy.http, &get(HOST, target, lines)).await;
    proxy.settled().await;
    got
}

fn is_hit(got: &Raw) -> bool {
    got.header("cache-status").unwrap().contains("vitrine; hit")
}

#[tokio::test]
async fn the_upstream_answers_by_the_class_of_device_that_is_keyed() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(echo.addr(), &cache_all("key = { device = true }\n")).await;
    let phone = ask(&proxy, "/p", &format!("{PHONE}X-Device-Class: tablet\r\n")).await;
    let body = phone.body.to_lowercase();
    assert!(body.contains("x-device-class: mobile\r\n") && !body.contains("tablet"), "{phone:?}");
    let computer = ask(&proxy, "/p", "User-Agent: X11\r\nX-Device-Class: mobile\r\n").await;
    assert!(!is_hit(&computer) && computer.body.to_lowercase().contains("x-device-class: desktop\r\n"), "{computer:?}");
    let other_phone = ask(&proxy, "/p", "User-Agent: Android Mobile\r\n").await;
    assert!(is_hit(&other_phone) && other_phone.body == phone.body, "{other_phone:?}");
    assert_eq!(echo.asked(), 2);
}

#[tokio::test]
async fn parameters_that_do_not_count_are_not_sent() {
    let echo = Echo::start().await;
    let rules = "key = { sort_query = false, query = { deny = [\"_*\", \"session\"] } }\n";
    let proxy = Proxy::start(echo.addr(), &cache_all(rules)).await;
    let first = ask(&proxy, "/p?b=1&_cb=9&a=2&utm_source=x&session=7", "").await;
    assert!(first.body.starts_with("GET /p?b=1&a=2 HTTP"), "{first:?}");
    assert!(is_hit(&ask(&proxy, "/p?_cb=8&b=1&a=2", "").await));
    assert!(!is_hit(&ask(&proxy, "/p?a=2&b=1", "").await), "another order is another request here");
}

#[tokio::test]
async fn rules_match_on_query_header_and_cookie_and_keep_their_own_objects() {
    let echo = Echo::start().await;
    let rules = "[[rules]]\nname = \"draft\"\naction = \"pass\"\npaths = [\"/**\"]\nquery = { draft = true }\n\
                 [[rules]]\nname = \"flight\"\naction = \"cache\"\npaths = [\"/**\"]\nheaders = { rsc = \"1\" }\nedge_ttl = \"1h\"\n\
                 key = { headers = [\"rsc\"] }\n\
                 [[rules]]\nname = \"euro\"\naction = \"cache\"\npaths = [\"/**\"]\ncookies = { currency = \"EUR\" }\nedge_ttl = \"1h\"\n\
                 [[rules]]\nname = \"rest\"\naction = \"cache\"\npaths = [\"/**\"]\nedge_ttl = \"1h\"\n";
    let proxy = Proxy::start(echo.addr(), rules).await;
    for (target, lines, rule, asked) in [
        ("/p", "", "rest", 1),
        ("/p", "RSC: 1\r\n", "flight", 2),
        ("/p", "Cookie: currency=EUR\r\n", "euro", 3),
        ("/p?draft=", "", "draft", 4),
        ("/p", "RSC: 0\r\n", "rest", 4),
        ("/p", "Cookie: a=1; currency=EUR\r\n", "euro", 4),
        ("/p", "RSC: 1\r\nCookie: currency=EUR\r\n", "flight", 4),
    ] {
        let got = ask(&proxy, target, lines).await;
        assert!(got.header("cache-status").unwrap().contains(&format!("rule={rule}")), "{lines}: {got:?}");
        assert_eq!(echo.asked(), asked, "{target} {lines}");
    }
    assert!(echo.heads().iter().all(|head| !head.to_lowercase().contains("cookie:")), "no rule keys it");
}

#[tokio::test]
async fn entries_for_responses_decide_by_status_type_and_field() {
    let echo = Echo::answering(|request| {
        let head = reflected(request);
        let (status, fields) = match head.split(' ').nth(1).unwrap() {
            "/failed" => ("503 Service Unavailable", "Content-Type: text/html\r\n"),
            "/draft" => ("200 OK", "Content-Type: text/html\r\nX-Draft: 1\r\n"),
            "/picture" => ("200 OK", "Content-Type: image/png\r\nSet-Cookie: a=1\r\n"),
            _ => ("200 OK", "Content-Type: text/html\r\nSet-Cookie: a=1\r\n"),
        };
        response(status, fields, &head)
    })
    .await;
    let rules = "[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\nedge_ttl = \"1h\"\nbrowser_ttl = \"revalidate\"\n\
                 [[rules.responses]]\nstatus = [\"5xx\"]\nedge_ttl = \"10m\"\n\
                 [[rules.responses]]\nheaders = { x-draft = true }\nstore = false\n\
                 [[rules.responses]]\ncontent_type = [\"image/*\"]\nset_cookie = \"strip\"\nbrowser_ttl = \"10m\"\n";
    let proxy = Proxy::start(echo.addr(), rules).await;
    for (target, hit, cache_control) in [
        ("/failed", true, "no-cache"),
        ("/picture", true, "public, max-age=60"),
        ("/page", false, ""),
        ("/draft", false, ""),
    ] {
        ask(&proxy, target, "").await;
        let got = ask(&proxy, target, "").await;
        assert_eq!(is_hit(&got), hit, "{target}: {got:?}");
        assert_eq!(got.header("set-cookie").is_some(), target == "/page", "{target}: {got:?}");
        if hit {
            assert!(got.header("cache-control").unwrap().starts_with(cache_control), "{target}: {got:?}");
        }
    }
}
