//! That cases tell what a configuration does, and for each mistake the exact words.

use std::path::Path;

use vitrine_shared::config::Source;

use super::*;

const CONFIG: &str = r#"
default_upstream = "origin"
[listen]
http = "127.0.0.1:1"
ops = "127.0.0.1:2"
[upstreams.origin]
addresses = ["h:1"]
tag_headers = ["Surrogate-Key"]
[upstreams.media]
addresses = ["h:2"]
strip_prefix = "/static"
path_prefix = "/bucket"
[rate_limits.visitors]
requests = 9
per = "1m"
[rate_limits.shops]
by = "header:x-shop"
requests = 9
per = "1m"
count = "upstream"
[[rules]]
name = "media"
action = "cache"
paths = ["/static/{key**}"]
upstream = "media"
edge_ttl = "30d"
key = { query = "none" }
tags = ["file:{key}"]
[[rules]]
name = "products"
action = "cache"
paths = ["/products/{handle}"]
edge_ttl = "4h"
browser_ttl = "30m"
stale_while_revalidate = "1m"
bypass = { cookies = ["session"] }
key = { headers = ["x-locale"] }
tags = ["product-handle:{handle}"]
cors = { origins = ["https://shop.example"] }
vary = { accept-language = { languages = ["en", "de"] } }
request_headers = { set = { x-tenant = "a" } }
response_headers = { set = { x-frame-options = "DENY" } }
purge_from = ["10.0.0.0/8"]
rate_limits = ["visitors", "shops"]
"#;

fn source(name: &str, text: &str) -> Source {
    Source::of(Path::new(name), text, |_| None).unwrap()
}

fn report(cases: &str) -> Report {
    let config = Config::of_source(&source("p.toml", CONFIG)).unwrap_or_else(|errors| panic!("{errors:?}"));
    run(&config, &source("p.cases.toml", cases))
}

/// What is said of one case with this request and end.
fn said(case: &str) -> Vec<String> {
    report(&format!("[[cases]]\nname = \"c\"\n{case}\n")).errors.iter().map(ToString::to_string).collect()
}

const RIGHT: &str = r#"
[[cases]]
name = "a product"
request = { url = "https://shop.example/products/shirt?utm_source=x&b=2&a=1", headers = { cookie = "a=1", user-agent = "u", accept-language = "de-AT", x-locale = "" } }
response = { headers = { surrogate-key = "one two", set-cookie = [], vary = "Accept-Language", content-type = "text/html" } }
[cases.expect]
rule = "products"
action = "cache"
rate_limits = ["visitors"]
upstream = "origin"
sent = "/products/shirt?a=1&b=2"
request_headers = { cookie = false, accept-language = "de", x-tenant = "a", host = "shop.example", x-forwarded-proto = "https", x-locale = false }
stored = true
edge_ttl = "4h"
browser_ttl = "30m"
stale_while_revalidate = "1m"
stale_if_error = "0s"
tags = ["two", "product-handle:shirt", "one"]
varies_by = ["accept-language"]
response_headers = { cache-control = "public, max-age=1800", x-frame-options = "DENY", surrogate-key = false }
differs_from = "in English"

[[cases]]
name = "in English"
request = { url = "https://shop.example/products/shirt?a=1&b=2" , headers = { accept-language = "en" } }
expect = { differs_from = ["a product of another locale", "over plain HTTP"] }

[[cases]]
name = "a product of another locale"
request = { url = "https://shop.example/products/shirt?a=1&b=2", headers = { x-locale = "de" } }
expect = { rule = "products", request_headers = { x-locale = "de" } }

[[cases]]
name = "over plain HTTP"
request = { url = "http://shop.example/products/shirt?a=1&b=2" }
expect = { same_as = ["over plain HTTP, in another order"] }

[[cases]]
name = "over plain HTTP, in another order"
request = { url = "http://SHOP.example:80/products/./%73hirt?b=2&a=1&gclid=7" }
expect = { action = "cache" }

[[cases]]
name = "a client that is logged in"
request = { url = "/products/shirt?utm_source=x", headers = { cookie = "session=1" }, client = "203.0.113.9" }
response = { headers = { cache-control = "private" } }
[cases.expect]
rule = "products"
action = "pass"
reason = "cookie"
sent = "/products/shirt?utm_source=x"
request_headers = { cookie = "session=1", x-forwarded-for = "203.0.113.9", x-tenant = "a" }
stored = false
response_headers = { cache-control = "private", x-frame-options = "DENY" }

[[cases]]
name = "a product that is private"
request = { url = "/products/shirt" }
response = { headers = { cache-control = "private" } }
expect = { not_stored = "private", response_headers = { cache-control = "private" } }

[[cases]]
name = "a product that is absent"
request = { url = "/products/none" }
response = { status = 404, headers = { date = "Sun, 06 Nov 1994 08:49:37 GMT" } }
expect = { edge_ttl = "1m", browser_ttl = "1m" }

[[cases]]
name = "a file"
request = { url = "/static/a/b.jpg?w=1" }
expect = { rule = "media", upstream = "media", sent = "/bucket/a/b.jpg" }

[[cases]]
name = "a preflight"
request = { method = "OPTIONS", url = "/products/a", headers = { origin = "https://shop.example", access-control-request-method = "GET" } }
expect = { action = "preflight", rule = "products", response_headers = { access-control-allow-origin = "https://shop.example" } }

[[cases]]
name = "a purge"
request = { method = "PURGE", url = "/products/a", client = "10.1.2.3" }
expect = { action = "purge", rule = "products" }

[[cases]]
name = "a stranger's purge"
request = { method = "PURGE", url = "/products/a" }
expect = { action = "refuse", reason = "forbidden" }

[[cases]]
name = "a purge where none is"
request = { method = "PURGE", url = "/static/a", client = "10.1.2.3" }
expect = { action = "refuse", reason = "method_not_allowed" }

[[cases]]
name = "a broken path"
request = { url = "/%zz" }
expect = { action = "refuse", reason = "path", upstream = "none" }

[[cases]]
name = "all else"
request = { url = "/cart" }
expect = { rule = "default", action = "pass", reason = "no_rule" }
"#;

#[test]
fn cases_tell_what_the_configuration_does() {
    let report = report(RIGHT);
    assert_eq!(report.errors, [], "{:#?}", report.errors.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!((report.cases, report.failed), (15, 0));
}

/// Of a product's page that is stored, each expectation fails with exactly this.
fn product_fails<const N: usize>(rows: [(&str, &str); N]) {
    let product = "request = { url = \"/products/a\" }\nresponse = { headers = { cache-control = \"max-age=60\" } }\n";
    for (case, expected) in rows {
        let said = said(&format!("{product}{case}"));
        assert_eq!(said.len(), 1, "{case}: {said:?}");
        let place = said[0].strip_prefix("p.cases.toml:5: ");
        assert!(place.is_some_and(|told| told.ends_with(expected)), "{case}: {said:?}");
    }
}

#[test]
fn what_comes_out_otherwise_is_told_with_both() {
    product_fails([
        ("expect = { rule = \"media\" }", "`cases.expect.rule`: case `c`: expected `media`, got `products`"),
        (
            "expect = { rule = \"product\" }",
            "`cases.expect.rule`: case `c`: unknown rule `product`, got `products` (did you mean `products`?)",
        ),
        (
            "expect = { action = \"pas\" }",
            "`cases.expect.action`: case `c`: unknown action `pas`, got `cache` (did you mean `pass`?)",
        ),
        ("expect = { reason = \"cookie\" }", "`cases.expect.reason`: case `c`: expected `cookie`, got `none`"),
        ("expect = { upstream = \"media\" }", "`cases.expect.upstream`: case `c`: expected `media`, got `origin`"),
        ("expect = { sent = \"/a\" }", "`cases.expect.sent`: case `c`: expected `/a`, got `/products/a`"),
        ("expect = { stored = false }", "`cases.expect.stored`: case `c`: expected that it is not stored, but it is"),
        (
            "expect = { not_stored = \"private\" }",
            "`cases.expect.not_stored`: case `c`: expected `private`, got `stored`",
        ),
        ("expect = { edge_ttl = \"1h\" }", "`cases.expect.edge_ttl`: case `c`: expected `1h`, got `4h`"),
        (
            "expect = { edge_ttl = \"1x\" }",
            "`cases.expect.edge_ttl`: case `c`: `1x` is not a duration (write numbers with the units d, h, m, s or ms, from long to short, such as \"4h\" or \"1h30m\")",
        ),
        ("expect = { browser_ttl = \"1h\" }", "`cases.expect.browser_ttl`: case `c`: expected `1h`, got `30m`"),
        (
            "expect = { stale_while_revalidate = \"1h\" }",
            "`cases.expect.stale_while_revalidate`: case `c`: expected `1h`, got `1m`",
        ),
        ("expect = { stale_if_error = \"1h\" }", "`cases.expect.stale_if_error`: case `c`: expected `1h`, got `0s`"),
    ]);
}

#[test]
fn what_is_expected_of_tags_fields_and_keys_is_told_too() {
    product_fails([
        ("expect = { tags = [\"x\"] }", "`cases.expect.tags`: case `c`: expected `x`, got `product-handle:a`"),
        (
            "expect = { rate_limits = [\"shops\"] }",
            "`cases.expect.rate_limits`: case `c`: expected `shops`, got `visitors`",
        ),
        ("expect = { varies_by = [\"x\"] }", "`cases.expect.varies_by`: case `c`: expected `x`, got `none`"),
        (
            "expect = { request_headers = { x-tenant = false } }",
            "`cases.expect.request_headers.x-tenant`: case `c`: expected `absent`, got `(not shown)`",
        ),
        (
            "expect = { response_headers = { x-frame-options = \"SAME*\" } }",
            "`cases.expect.response_headers.x-frame-options`: case `c`: expected `SAME*`, got `DENY`",
        ),
        ("expect = { same_as = \"d\" }", "`cases.expect.same_as`: case `c`: unknown case `d` (did you mean `c`?)"),
        (
            "expect = { differs_from = \"c\" }",
            "`cases.expect.differs_from`: case `c`: `c` is answered by the same object",
        ),
        ("expect = {}", "`cases.expect`: case `c`: it expects nothing (such as action = \"cache\")"),
        (
            "expect = { edge_tll = \"4h\" }",
            "unknown field `edge_tll`, expected one of `rule`, `action`, `reason`, `rate_limits`, `upstream`, `sent`, `request_headers`, `same_as`, `differs_from`, `stored`, `not_stored`, `edge_ttl`, `browser_ttl`, `stale_while_revalidate`, `stale_if_error`, `tags`, `varies_by`, `response_headers` (did you mean `edge_ttl`?)",
        ),
    ]);
}

#[test]
fn what_cannot_be_expected_is_told() {
    for (case, expected) in [
        (
            "request = { url = \"/cart\" }\nresponse = {}\nexpect = { stored = true }",
            "expected that it is stored, but it is not: `pass`",
        ),
        (
            "request = { url = \"/cart\" }\nresponse = {}\nexpect = { edge_ttl = \"4h\" }",
            "expected `4h`, got `not stored: pass`",
        ),
        (
            "request = { url = \"/products/a\" }\nexpect = { edge_ttl = \"4h\" }",
            "what is expected of a response needs one (add response = { status = 200 })",
        ),
        ("request = { url = \"/cart\" }\nexpect = { same_as = \"c\" }", "its request is not answered from the cache"),
        (
            "request = { url = \"cart\" }\nexpect = { action = \"pass\" }",
            "`cart` is not a URL (write \"https://shop.example/path\" or \"/path\")",
        ),
        (
            "request = { url = \"/cart\", client = \"a\" }\nexpect = { action = \"pass\" }",
            "`a` is not an IP address (write such as \"10.0.0.7\")",
        ),
        (
            "request = { url = \"/cart\" }\nresponse = { status = 100 }\nexpect = { action = \"pass\" }",
            "`100` is not a final status (from 200 to 599)",
        ),
    ] {
        let said = said(case);
        assert!(said.len() == 1 && said[0].ends_with(&format!("case `c`: {expected}")), "{case}: {said:?}");
    }
    let twice = report(
        "[[cases]]\nname = \"c\"\nrequest = { url = \"/\" }\nexpect = { action = \"pass\" }\n[[cases]]\nname = \"c\"\nrequest = { url = \"/\" }\nexpect = { action = \"cache\" }\n",
    );
    assert_eq!((twice.cases, twice.failed, twice.errors.len()), (2, 1, 2));
}
