//! Cache deception: a victim who is logged in is led to an address of its account that looks like a file's; then the attacker
//! asks for the same. The upstream here takes addresses as loosely as any does, and does not say that accounts are private.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::echo::Echo;
use support::raw::{Raw, exchange, get};
use support::{Proxy, response};

const SHOP: &str = "shop.example";
const LOGGED_IN: &str = "Cookie: theme=dark; session=victims-secret\r\n";

/// What a path means to frameworks that decode first, cut at delimiters, merge slashes and climb.
fn loosely(target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap();
    let mut path = path.to_owned();
    for _ in 0..2 {
        let decoded = percent_encoding::percent_decode_str(&path).decode_utf8_lossy().into_owned();
        path = decoded;
    }
    let path = path.replace('\\', "/").to_lowercase();
    let path = path.split(['?', '#', '\0', '\n', '\r']).next().unwrap();
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').map(|segment| segment.split(';').next().unwrap()) {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

async fn upstream() -> Echo {
    Echo::answering(|request| {
        let target = request.head().split(' ').nth(1).unwrap();
        let path = loosely(target);
        if path == "/account" || path.starts_with("/account/") {
            let cookie = request.header("cookie").unwrap_or("nobody");
            return response("200 OK", "Content-Type: text/html\r\n", &format!("the account of {cookie}"));
        }
        response("200 OK", "Content-Type: text/css\r\n", &format!("a file {path}"))
    })
    .await
}

/// Accounts pass; files are cached by where they are and by what they end in, whatever the upstream says.
fn rules(forward: &str) -> String {
    let cached = |name: &str, paths: &str| {
        format!(
            "[[rules]]\nname = \"{name}\"\naction = \"cache\"\npaths = [{paths}]\nedge_ttl = \"1h\"\nforward = \"{forward}\"\n"
        )
    };
    let account = "[[rules]]\nname = \"account\"\naction = \"pass\"\npaths = [\"/account/**\"]\n";
    format!(
        "{account}{}{}",
        cached("folders", "\"/static/**\", \"/assets/**\""),
        cached("files", "\"/**/*.css\", \"/**/*.js\"")
    )
}

struct Seen {
    by_victim: Raw,
    by_attacker: Raw,
}

async fn lure(proxy: &Proxy, target: &str) -> Seen {
    let by_victim = exchange(proxy.http, &get(SHOP, target, LOGGED_IN)).await;
    proxy.settled().await;
    let by_attacker = exchange(proxy.http, &get(SHOP, target, "")).await;
    proxy.settled().await;
    Seen { by_victim, by_attacker }
}

async fn nobody_is_deceived(targets: &[&str]) {
    for forward in ["keyed", "headers", "all"] {
        let upstream = upstream().await;
        let proxy = Proxy::start(upstream.addr(), &rules(forward)).await;
        for target in targets {
            let seen = lure(&proxy, target).await;
            let told = format!("{forward}: {target}: {:?} {:?}", seen.by_victim, seen.by_attacker);
            assert!(!seen.by_attacker.body.contains("secret"), "{told}");
            assert!(!seen.by_attacker.head.contains("secret"), "{told}");
        }
    }
}

#[tokio::test]
async fn the_upstream_is_loose_and_files_are_cached() {
    assert_eq!(loosely("/static/..%2faccount%3f.css"), "/account");
    let upstream = upstream().await;
    let proxy = Proxy::start(upstream.addr(), &rules("all")).await;
    let page = exchange(proxy.http, &get(SHOP, "/account/orders", LOGGED_IN)).await;
    assert!(page.body.contains("victims-secret"), "the victim sees its account: {page:?}");
    let seen = lure(&proxy, "/static/shop.css").await;
    assert_eq!(seen.by_victim.body, "a file /static/shop.css");
    // What answers to cookies is stored only where the upstream says so; the next without is.
    assert!(seen.by_attacker.head.contains("stored"), "{:?}", seen.by_attacker);
    let seen = lure(&proxy, "/static/shop.css").await;
    assert!(seen.by_victim.head.contains("hit") && seen.by_attacker.head.contains("hit"), "{:?}", seen.by_victim);
}

#[tokio::test]
async fn a_file_below_an_account_is_the_account() {
    nobody_is_deceived(&["/account/x.css", "/account/orders/x.js", "/account/.css", "/account/x.css?y=z.css"]).await;
}

#[tokio::test]
async fn encoded_delimiters_do_not_make_an_account_a_file() {
    nobody_is_deceived(&[
        "/account%2fx.css",
        "/account%2Fx.css",
        "/account%5cx.css",
        "/account;x.css",
        "/account;/x.css",
        "/account%3bx.css",
        "/account%00.css",
        "/account%00x.css",
        "/account%0a.css",
        "/account%0d%0a.css",
        "/account%3f.css",
        "/account%3fx=y.css",
        "/account%23.css",
        "/account%252fx.css",
        "/account%253f.css",
        "/account\\x.css",
        "/account#x.css",
        "/%61ccount%2fx.css",
    ])
    .await;
}

#[tokio::test]
async fn climbing_out_of_a_folder_does_not_make_an_account_a_file() {
    nobody_is_deceived(&[
        "/static/../account",
        "/assets/../account",
        "/static/%2e%2e/account",
        "/static/..%2faccount",
        "/static/..%2Faccount/x.css",
        "/static/..%5caccount",
        "/static/%2e%2e%2faccount",
        "/static%2f..%2faccount%2fx.css",
        "/static/..%252faccount",
        "/static/%252e%252e/account",
        "/static/..;/account",
        "/static/..;x=y/account",
        "/static/..%3b/account",
        "/static/a/..%2f..%2faccount",
        "/assets/.%2e/account",
    ])
    .await;
}

#[tokio::test]
async fn slashes_and_capitals_do_not_make_an_account_a_file() {
    nobody_is_deceived(&[
        "//account/x.css",
        "/account//x.css",
        "/;/account/x.css",
        "/./account/x.css",
        "/Account/x.css",
    ])
    .await;
}

/// Rules in the wrong order take an account's page for a file.
#[tokio::test]
async fn rules_in_the_wrong_order_do_not_show_accounts() {
    for forward in ["keyed", "headers", "all"] {
        let upstream = upstream().await;
        let all = rules(forward);
        let (account, files) = all.split_at(all.match_indices("[[rules]]").nth(1).unwrap().0);
        let proxy = Proxy::start(upstream.addr(), &format!("{files}{account}")).await;
        for target in ["/account/x.css", "/account/orders/x.js"] {
            let seen = lure(&proxy, target).await;
            assert!(seen.by_victim.head.contains("rule=files"), "{forward}: {:?}", seen.by_victim);
            assert!(!seen.by_attacker.body.contains("secret"), "{forward}: {:?}", seen.by_attacker);
        }
    }
}

/// A bucket's prefix is a wall: no request, passed or not, asks for what stands beside it.
#[tokio::test]
async fn nothing_climbs_out_of_a_bucket() {
    let upstream = upstream().await;
    let keys = "strip_prefix = \"/static\"\npath_prefix = \"/bucket\"\n";
    let proxy = Proxy::with(upstream.addr(), keys, "", &support::cache_all("")).await;
    for target in [
        "/static/..%2Fother/x",
        "/static/a%2F..%2F..%2Fother/x",
        "/static/..%5Cother/x",
        "/static/..%252Fother/x",
        "/static/..;/other/x",
        "/static/%2e%2e%2Fother",
    ] {
        for lines in ["", "Authorization: x\r\n"] {
            let got = exchange(proxy.http, &get(SHOP, target, lines)).await;
            assert_eq!(got.status, 400, "{target}: {got:?}");
        }
    }
    assert_eq!(upstream.asked(), 0);
    for (target, asked) in [("/static/../static/a", "/bucket/a"), ("/static/a%2Fb..c", "/bucket/a%2Fb..c")] {
        assert_eq!(exchange(proxy.http, &get(SHOP, target, "Authorization: x\r\n")).await.status, 200);
        assert!(upstream.heads().last().unwrap().starts_with(&format!("GET {asked} ")), "{:?}", upstream.heads());
    }
}
