//! Cache poisoning: an attacker asks first, a victim second, before an upstream that reflects all that it is sent. Whatever the
//! attacker sends, the victim gets the answer to its own request.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod support;

use support::echo::{Echo, reflected};
use support::raw::{Raw, exchange, get};
use support::{Proxy, cache_all, response};

const VICTIM: &str = "victim.example";
/// What attackers try to bring in.
const MARKS: [&str; 2] = ["evil", "1337"];
/// The ways in which fills forward fields. In the second an upstream must name in Vary what it reads, so that only what stays
/// true whatever it reads is tried there.
const KEYED: &str = "keyed";
const ALL: &str = "all";

struct Shop {
    proxy: Proxy,
    echo: Echo,
    mode: &'static str,
}

impl Shop {
    async fn open(mode: &'static str) -> Self {
        let echo = Echo::start().await;
        let keys = format!("forward = \"{mode}\"\nkey = {{ headers = [\"x-locale\"], cookies = [\"currency\"] }}");
        let proxy = Proxy::start(echo.addr(), &cache_all(&keys)).await;
        Self { proxy, echo, mode }
    }

    async fn send(&self, request: &[u8]) -> Raw {
        let got = exchange(self.proxy.http, request).await;
        self.proxy.settled().await;
        got
    }

    /// Sends the attacker's request, then the victim's for `path`, which must be answered as if there had been no attacker.
    async fn attack(&self, attack: &[u8], path: &str) -> (Raw, Raw) {
        let attacked = self.send(attack).await;
        let victim = self.send(&get(VICTIM, path, "")).await;
        let told = format!("{}: {}\n{victim:?}", self.mode, String::from_utf8_lossy(&attack[..attack.len().min(300)]));
        assert_eq!(victim.status, 200, "{told}");
        assert!(victim.body.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "the victim's own request: {told}");
        assert!(victim.body.to_lowercase().contains(&format!("host: {VICTIM}\r\n")), "the victim's own host: {told}");
        for mark in MARKS {
            assert!(!format!("{}{}", victim.head, victim.body).to_lowercase().contains(mark), "{told}");
        }
        (attacked, victim)
    }
}

/// Each line, with an attacker's value, and then without.
async fn lines_do_no_harm(modes: &[&'static str], lines: &[&str]) {
    for &mode in modes {
        let shop = Shop::open(mode).await;
        for (index, line) in lines.iter().enumerate() {
            let path = format!("/p{index}");
            let (attacked, victim) = shop.attack(&get(VICTIM, &path, &format!("{line}\r\n")), &path).await;
            assert_eq!(attacked.status, 200, "{mode}: {line}");
            assert!(
                victim.header("cache-status").unwrap().contains("hit"),
                "{mode}: {line}: the attack was on the same key"
            );
        }
    }
}

#[tokio::test]
async fn the_echo_reflects_what_it_is_sent() {
    let shop = Shop::open(KEYED).await;
    let got = shop.send(&get(VICTIM, "/p?q=evil", "X-Locale: evil-locale\r\nCookie: currency=evil-money\r\n")).await;
    for mark in ["q=evil", "evil-locale", "evil-money"] {
        assert!(got.body.contains(mark), "{got:?}");
    }
}

#[tokio::test]
async fn unkeyed_headers_are_not_reflected() {
    let lines = [
        "X-Evil: evil",
        "Accept: evil/evil",
        "Accept-Language: evil",
        "User-Agent: evil",
        "Referer: http://evil.example/",
        "Origin: http://evil.example",
        "Cookie: session=evil",
        "Cookie: Currency=evil",
        "X-Api-Version: evil",
        "X-Wap-Profile: http://evil.example/",
        "From: evil@evil.example",
        "Sec-CH-UA: evil",
        "Accept-Encoding: evil, <evil>;q=1.evil",
    ];
    lines_do_no_harm(&[KEYED], &lines).await;
}

#[tokio::test]
async fn cookies_that_are_not_keyed_are_not_reflected_where_headers_are_forwarded() {
    lines_do_no_harm(&["headers"], &["Cookie: session=evil", "Cookie: a=evil; b=evil"]).await;
}

#[tokio::test]
async fn claims_on_the_request_are_not_reflected() {
    let lines = [
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: evil",
        "X-Forwarded-Scheme: evil",
        "X-Forwarded-Port: 1337",
        "X-Forwarded-Prefix: /evil",
        "X-Forwarded-Server: evil",
        "X-Forwarded-Ssl: evil",
        "X-Forwarded-For: evil",
        "Forwarded: for=evil;host=evil.example;proto=evil",
        "X-Host: evil.example",
        "X-Original-Host: evil.example",
        "X-HTTP-Host-Override: evil.example",
        "X-Original-URL: /evil",
        "X-Rewrite-URL: /evil",
        "X-HTTP-Method-Override: EVIL",
        "X-HTTP-Method: EVIL",
        "X-Method-Override: EVIL",
        "X-Real-IP: evil",
        "X-Client-IP: evil",
        "X-Cluster-Client-IP: evil",
        "True-Client-IP: evil",
        "CF-Connecting-IP: evil",
        "Fastly-Client-IP: evil",
        "Cache-Min-Epoch: 1337.1337",
        "Vitrine-Tags: evil",
    ];
    lines_do_no_harm(&[KEYED, ALL], &lines).await;
}

#[tokio::test]
async fn hosts_that_are_ambiguous_are_refused() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        let heads = [
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}\r\nHost: evil.example\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: evil.example\r\nHost: {VICTIM}\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}\r\nHost: {VICTIM}\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}, evil.example\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: evil@{VICTIM}\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}/evil\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}#evil\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}:1337:80\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}:evil\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM} evil\r\n"),
            format!("GET /p HTTP/1.1\r\nHost: {VICTIM}\r\n evil\r\n"),
            format!("GET http://evil.example/p HTTP/1.1\r\nHost: {VICTIM}\r\n"),
            format!("GET http://evil@{VICTIM}/p HTTP/1.1\r\nHost: {VICTIM}\r\n"),
            format!("GET http://{VICTIM}/p HTTP/1.1\r\nHost: {VICTIM}\r\nHost: evil.example\r\n"),
            "GET /p HTTP/1.0\r\n".to_owned(),
            "GET /p HTTP/1.1\r\n".to_owned(),
            "GET /p HTTP/1.1\r\nHost:\r\n".to_owned(),
        ];
        for head in &heads {
            let (attacked, _) = shop.attack(format!("{head}Connection: close\r\n\r\n").as_bytes(), "/p").await;
            assert!(matches!(attacked.status, 0 | 400), "{mode}: {head}: {attacked:?}");
        }
        assert_eq!(shop.echo.asked(), 1, "{mode}: the victim alone was forwarded");
    }
}

#[tokio::test]
async fn hosts_in_other_spellings_are_one_or_keyed_apart() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        // The upstream is told the same of these as of the victim's.
        let same = ["Victim.EXAMPLE", "victim.example:80", "victim.example:", "victim.example:080", "victim.example."];
        for (index, host) in same.iter().enumerate() {
            let path = format!("/same{index}");
            let (_, victim) = shop.attack(&get(host, &path, ""), &path).await;
            assert!(victim.header("cache-status").unwrap().contains("hit"), "{mode}: {host}");
        }
        for (index, host) in ["victim.example:1337", "evil.example", "victim.example.evil"].iter().enumerate() {
            let path = format!("/other{index}");
            let (_, victim) = shop.attack(&get(host, &path, ""), &path).await;
            assert!(!victim.header("cache-status").unwrap().contains("hit"), "{mode}: {host}");
        }
    }
}

#[tokio::test]
async fn absolute_form_is_keyed_by_its_own_host() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        for (index, (target, host)) in [
            (format!("http://{VICTIM}/a0"), VICTIM),
            (format!("https://{VICTIM}/a1"), VICTIM),
            (format!("HTTP://{VICTIM}/a2"), VICTIM),
            ("http://evil.example/a3".to_owned(), "evil.example"),
            ("//evil.example/a4".to_owned(), VICTIM),
        ]
        .iter()
        .enumerate()
        {
            shop.attack(&get(host, target, ""), &format!("/a{index}")).await;
        }
    }
}

#[tokio::test]
async fn content_of_a_get_is_not_cached() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        let attacks = [
            ("GET", "Content-Length: 6\r\n", "q=evil"),
            ("GET", "Transfer-Encoding: chunked\r\n", "6\r\nq=evil\r\n0\r\n\r\n"),
            ("GET", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n", "q=evil"),
            ("HEAD", "Content-Length: 6\r\n", "q=evil"),
            ("POST", "Content-Length: 6\r\n", "q=evil"),
            ("GET", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "6\r\nq=evil\r\n0\r\n\r\n"),
            ("GET", "Content-Length: 6\r\nContent-Length: 0\r\n", "q=evil"),
            ("GET", "Transfer-Encoding: evil\r\n", "q=evil"),
        ];
        for (index, (method, lines, content)) in attacks.iter().enumerate() {
            let path = format!("/p{index}");
            let head =
                format!("{method} {path} HTTP/1.1\r\nHost: {VICTIM}\r\nConnection: close\r\n{lines}\r\n{content}");
            shop.attack(head.as_bytes(), &path).await;
        }
    }
}

#[tokio::test]
async fn parameters_are_not_cloaked() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        let attacks = [
            "a=1;utm_content=x;a=evil",
            "a=1&utm_content=x;a=evil",
            "utm_content=evil&a=1",
            "utm_content=x%26a=evil&a=1",
            "a=1&gclid=evil",
            "a=1&UTM_source=evil",
            "a=1&utm%5fx=evil",
            "a=1&a=evil",
            "a=evil&a=1",
            "a=1%26a=evil",
            "a=1%26evil",
            "a=1&%61=evil",
            "A=evil&a=1",
            "a=1%00evil",
            "a=1%0d%0aevil:%20evil",
            "a=1%23evil",
            "a=1?a=evil",
            "a=1&a%5b%5d=evil",
            "a=1&&&=evil",
            "a=1&_method=evil",
            "a=1#evil",
        ];
        for (index, query) in attacks.iter().enumerate() {
            shop.attack(&get(VICTIM, &format!("/p{index}?{query}"), ""), &format!("/p{index}?a=1")).await;
        }
    }
}

#[tokio::test]
async fn paths_in_odd_spellings_do_not_stand_for_others() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        let attacks = [
            "/a%2fb",
            "/a%2Fb",
            "/a%5cb",
            "/a\\b",
            "/a//b",
            "//a/b",
            "/a/../a/b",
            "/a/%2e%2e/a/b",
            "/evil/../a/b",
            "/evil%2f..%2fa/b",
            "/evil/..%2fa/b",
            "/evil/..;/a/b",
            "/a/b/",
            "/a/b/.",
            "/a/b;evil",
            "/a/b;/evil",
            "/;evil/a/b",
            "/a/b%3bevil",
            "/a/b%3fevil",
            "/a/b%23evil",
            "/a/b#evil",
            "/a/b%00evil",
            "/a/b%0aevil",
            "/a/b%0d%0aevil:%20evil",
            "/a/b%20evil",
            "/a/b evil",
            "/A/b",
            "/a/b%zz",
            "/a/%62",
            "/%c0%afa/b",
            "/a/b\u{e9}",
        ];
        for (index, path) in attacks.iter().enumerate() {
            shop.attack(&get(VICTIM, &format!("/p{index}{path}"), ""), &format!("/p{index}/a/b")).await;
        }
        let long = format!("/p/a/b{}", "x".repeat(20_000));
        let (attacked, _) = shop.attack(&get(VICTIM, &long, ""), "/p/a/b").await;
        assert_eq!(attacked.status, 414);
    }
}

#[tokio::test]
async fn hop_by_hop_fields_take_nothing_out_of_what_is_keyed() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        for (index, named) in
            ["x-locale", "host", "cookie", "x-forwarded-host", "via", "te", "x-request-id"].iter().enumerate()
        {
            let path = format!("/p{index}");
            let own = "X-Locale: de\r\nCookie: currency=eur\r\n";
            let attack = format!("GET {path} HTTP/1.1\r\nHost: {VICTIM}\r\nConnection: close, {named}\r\n{own}\r\n");
            shop.attack(attack.as_bytes(), &path).await;
            let victim = shop.send(&get(VICTIM, &path, own)).await;
            let body = victim.body.to_lowercase();
            for sent in ["x-locale: de\r\n", "currency=eur", &format!("host: {VICTIM}\r\n")] {
                assert!(body.contains(sent), "{mode}: {named}: {victim:?}");
            }
        }
    }
}

#[tokio::test]
async fn ranges_and_preconditions_of_one_are_not_answers_for_others() {
    let lines = [
        "Range: bytes=0-3",
        "Range: bytes=0-3, 5-6",
        "Range: evil=0-3",
        "If-Range: \"evil\"",
        "If-None-Match: \"evil\"",
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
        "If-Match: \"evil\"",
        "Cache-Control: no-store",
        "Cache-Control: no-cache",
        "Pragma: no-cache",
        "Expect: evil",
        "Max-Forwards: 1337",
    ];
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        for (index, line) in lines.iter().enumerate() {
            let path = format!("/p{index}");
            shop.attack(&get(VICTIM, &path, &format!("{line}\r\n")), &path).await;
        }
    }
}

#[tokio::test]
async fn other_methods_store_nothing_for_get() {
    for mode in [KEYED, ALL] {
        let shop = Shop::open(mode).await;
        for (index, method) in ["HEAD", "OPTIONS", "POST", "EVIL", "TRACE", "get"].iter().enumerate() {
            let path = format!("/p{index}");
            let attack = format!(
                "{method} {path} HTTP/1.1\r\nHost: {VICTIM}\r\nConnection: close\r\nX-Evil: evil\r\nContent-Length: 0\r\n\r\n"
            );
            if mode == ALL && *method == "HEAD" {
                continue; // A HEAD fills for GET, and there what the upstream reads is its own to name.
            }
            shop.attack(attack.as_bytes(), &path).await;
        }
    }
}

/// What a response says of itself outranks the rule's TTL: each is for its own client.
async fn each_gets_its_own(fields: &'static str, lines: &str) {
    for mode in [KEYED, ALL] {
        let echo = Echo::answering(move |request| response("200 OK", fields, &reflected(request))).await;
        let keys = format!("forward = \"{mode}\"\nbypass = {{ authorization = false }}");
        let rules = cache_all(&keys).replace("edge_ttl = \"respect\"", "edge_ttl = \"1h\"");
        let proxy = Proxy::start(echo.addr(), &rules).await;
        for _ in 0..2 {
            let first = exchange(proxy.http, &get(VICTIM, "/p", lines)).await;
            assert_eq!(first.status, 200);
            proxy.settled().await;
            let second = exchange(proxy.http, &get(VICTIM, "/p", "X-Request-Id: second\r\n")).await;
            assert!(!second.head.contains("hit") && second.body.contains("second"), "{mode}: {second:?}");
            assert!(!second.body.contains("secret"), "{mode}: {second:?}");
            proxy.settled().await;
        }
        assert_eq!(echo.asked(), 4, "{mode}");
    }
}

#[tokio::test]
async fn a_response_that_sets_a_cookie_is_for_its_client_alone() {
    each_gets_its_own("Cache-Control: max-age=60\r\nSet-Cookie: sid=secret\r\n", "").await;
}

#[tokio::test]
async fn a_private_response_is_for_its_client_alone() {
    for fields in [
        "Cache-Control: private, max-age=60\r\n",
        "Cache-Control: max-age=60\r\nCache-Control: Private\r\n",
        "Cache-Control: private=\"x-name\", max-age=60\r\n",
        "Cache-Control: no-store\r\n",
        "Vary: *\r\n",
    ] {
        each_gets_its_own(fields, "").await;
    }
}

#[tokio::test]
async fn an_answer_to_authorization_is_for_its_client_alone() {
    for mode in [KEYED, ALL] {
        let fields = "Cache-Control: max-age=60\r\n";
        let echo = Echo::answering(move |request| response("200 OK", fields, &reflected(request))).await;
        let keys = format!("forward = \"{mode}\"\nbypass = {{ authorization = false }}");
        let rules = cache_all(&keys).replace("edge_ttl = \"respect\"", "edge_ttl = \"1h\"");
        let proxy = Proxy::start(echo.addr(), &rules).await;
        let first = exchange(proxy.http, &get(VICTIM, "/p", "Authorization: Bearer secret\r\n")).await;
        assert!(first.body.contains("secret"), "{first:?}");
        proxy.settled().await;
        let second = exchange(proxy.http, &get(VICTIM, "/p", "")).await;
        assert!(!second.body.contains("secret"), "{mode}: {second:?}");
        assert_eq!(echo.asked(), 2, "{mode}");
    }
}

#[tokio::test]
async fn strangers_do_not_choose_the_scheme_and_trusted_proxies_do() {
    let echo = Echo::start().await;
    let shop = Proxy::start(echo.addr(), &cache_all("")).await;
    exchange(shop.http, &get(VICTIM, "/p", "X-Forwarded-Proto: https\r\n")).await;
    shop.settled().await;
    let victim = exchange(shop.http, &get(VICTIM, "/p", "")).await;
    assert!(victim.head.contains("hit") && victim.body.to_lowercase().contains("x-forwarded-proto: http\r\n"));
}
