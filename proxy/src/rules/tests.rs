//! Tables of what rules decide, with the shipped file as the first of them.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use vitrine_shared::config::Source;

use super::*;
use crate::config::Config;
use crate::key::{Scheme, Target};

fn shipped() -> Config {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/proxy.toml");
    Config::load(&file, |name| (name == "INTERNAL_TOKEN").then(|| "t".to_owned())).unwrap()
}

fn compiled(rules: &str) -> Config {
    let text = format!(
        "default_upstream = \"a\"\n[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n\
         [upstreams.a]\naddresses = [\"h:1\"]\n[upstreams.b]\naddresses = [\"h:2\"]\n{rules}"
    );
    Config::of_source(&Source::of(Path::new("p.toml"), &text, |_| None).unwrap()).unwrap()
}

fn fields(lines: &[&str]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    fields
}

fn decide(config: &Config, method: &str, target: &str, lines: &[&str]) -> Decision {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let target = Target::parse(Scheme::Http, "Shop.Example:8080", target).unwrap();
    let headers = fields(lines);
    config.rules.decide(&RequestFacts::new(&method, &target, &headers))
}

/// `rule upstream cache` or `rule upstream pass:reason`.
fn told(config: &Config, method: &str, target: &str, lines: &[&str]) -> String {
    let decision = decide(config, method, target, lines);
    let action = match decision.action {
        Action::Cache(_) => "cache".to_owned(),
        Action::Pass(reason) => format!("pass:{}", reason.label()),
    };
    format!("{} {} {action}", decision.rule, decision.upstream.name)
}

#[test]
fn the_shipped_rules_cache_the_catalog_and_pass_what_is_private() {
    let config = shipped();
    for (target, expected) in [
        ("/store/products?handle=shirt", "catalog origin cache"),
        ("/store/products/prod_1", "catalog origin cache"),
        ("/store/collections/pcol_1", "catalog origin cache"),
        ("/store/product-categories?handle=a", "catalog origin cache"),
        ("/store/product-tags/ptag_1", "catalog origin cache"),
        ("/store/product-types", "catalog origin cache"),
        ("/store/regions", "catalog origin cache"),
        ("/store/currencies/eur", "catalog origin cache"),
        ("/store/locales", "catalog origin cache"),
        ("/products/shirt", "pages origin cache"),
        ("/products/shirt/", "pages origin cache"),
        ("/collections/summer", "pages origin cache"),
        ("/dk/products/shirt", "pages origin cache"),
        ("/dk/collections/summer", "pages origin cache"),
        ("/dk/categories/shirts", "pages origin cache"),
        ("/static/a/b.jpg", "media media cache"),
        ("/static/", "default origin pass:no_rule"),
        ("/static", "default origin pass:no_rule"),
        ("/store/carts/cart_1", "private origin pass:rule"),
        ("/store/customers/me", "anonymous origin cache"),
        ("/store/customers/me/addresses", "private origin pass:rule"),
        ("/store/customers", "private origin pass:rule"),
        ("/store/orders", "private origin pass:rule"),
        ("/store/shipping-options?cart_id=1", "private origin pass:rule"),
        ("/auth/customer/emailpass", "private origin pass:rule"),
        ("/admin/products/prod_1", "private origin pass:rule"),
        ("/admin/collections/x", "private origin pass:rule"),
        ("/hooks/payment/stripe", "private origin pass:rule"),
        ("/checkout", "private origin pass:rule"),
        ("/dk/checkout", "private origin pass:rule"),
        ("/dk/account/orders", "private origin pass:rule"),
        // A path that climbs is matched where it arrives.
        ("/products/x/%2e%2e/%2E./admin/users", "private origin pass:rule"),
        ("/store/products/../carts/c", "private origin pass:rule"),
        ("/health", "default origin pass:no_rule"),
        ("/", "default origin pass:no_rule"),
    ] {
        assert_eq!(told(&config, "GET", target, &[]), expected, "{target}");
    }
}

#[test]
fn the_shipped_catalog_has_the_promised_settings() {
    let config = shipped();
    for target in ["/store/products", "/products/shirt", "/collections/summer"] {
        let Action::Cache(plan) = decide(&config, "GET", target, &[]).action else { panic!("{target}") };
        assert_eq!(plan.settings.edge_ttl, EdgeTtl::Override(std::time::Duration::from_hours(4)));
        assert_eq!(plan.settings.browser_ttl, BrowserTtl::Override(std::time::Duration::from_mins(30)));
        assert_eq!(plan.settings.on_disconnect, OnDisconnect::Revalidate);
        assert_eq!(plan.settings.serve_for, Some(std::time::Duration::from_mins(5)));
    }
    let tags = |path: &str| match decide(&config, "GET", path, &[]).action {
        Action::Cache(plan) => plan.tags(path).iter().map(ToString::to_string).collect::<Vec<_>>(),
        Action::Pass(_) => Vec::new(),
    };
    assert_eq!(tags("/products/shirt"), ["product-handle:shirt"]);
    assert_eq!(tags("/dk/collections/summer"), ["collection-handle:summer"]);
    assert_eq!(tags("/dk/categories/a/b"), ["category-handle:a"]);
    assert_eq!(tags("/static/a/b.jpg"), ["file:a/b.jpg"]);
    let media = config.upstream("media").unwrap();
    assert_eq!(media.request_target("/static/a/b.jpg"), "/vitrine-media/a/b.jpg");
}

#[test]
fn what_a_cache_rule_passes_all_the_same() {
    let config = shipped();
    let catalog = "/store/products";
    for (method, lines, expected) in [
        ("HEAD", &[][..], "cache"),
        ("GET", &["cookie: medusa_session=s%3A"], "pass:cookie"),
        ("GET", &["cookie: a=1; connect.sid=x"], "pass:cookie"),
        ("GET", &["cookie: a=1", "cookie: _medusa_jwt=x"], "pass:cookie"),
        ("GET", &["cookie: xmedusa_session=1; Medusa_Session=1; a=medusa_session"], "cache"),
        ("GET", &["authorization: Bearer x"], "pass:authorization"),
        ("POST", &[], "pass:method"),
        ("get", &[], "pass:method"),
        ("PURGE", &[], "pass:method"),
        ("GET", &["content-length: 5"], "pass:body"),
        ("GET", &["content-length: 0"], "cache"),
        ("GET", &["transfer-encoding: chunked"], "pass:body"),
        ("GET", &["upgrade: websocket"], "pass:upgrade"),
        ("GET", &["cache-control: no-cache", "pragma: no-cache"], "cache"),
    ] {
        let expected = format!("catalog origin {expected}");
        assert_eq!(told(&config, method, catalog, lines), expected, "{method} {lines:?}");
    }
    let config = compiled(
        "[[rules]]\nname = \"r\"\naction = \"cache\"\npaths = [\"/**\"]\nupstream = \"b\"\n\
         bypass = { authorization = false, headers = [\"X-Preview\"], query = [\"draft[]\"] }\n",
    );
    for (target, lines, expected) in [
        ("/", &["authorization: x"][..], "cache"),
        ("/", &["x-preview: "], "pass:header"),
        ("/?a=1&draft%5b%5d", &[], "pass:query"),
        ("/?draft", &[], "cache"),
    ] {
        assert_eq!(told(&config, "GET", target, lines), format!("r b {expected}"), "{target}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let config = compiled(
        "[[rules]]\nname = \"wild\"\naction = \"pass\"\npaths = [\"/*/b\"]\nhosts = [\"other.example\"]\n\
         [[rules]]\nname = \"post\"\naction = \"pass\"\npaths = [\"/a/**\"]\nmethods = [\"POST\"]\n\
         [[rules]]\nname = \"host\"\naction = \"pass\"\npaths = [\"/a/b\"]\nhosts = [\"*.example\"]\nupstream = \"b\"\n\
         [[rules]]\nname = \"rest\"\naction = \"cache\"\npaths = [\"/**\"]\n",
    );
    for (method, target, expected) in [
        ("GET", "/a/b", "host b pass:rule"),
        ("POST", "/a/b", "post a pass:rule"),
        ("GET", "/a", "rest a cache"),
        ("GET", "/x/b", "rest a cache"),
        ("POST", "/", "rest a pass:method"),
    ] {
        assert_eq!(told(&config, method, target, &[]), expected, "{method} {target}");
    }
}

#[test]
fn rules_match_on_query_headers_and_cookies() {
    let config = compiled(
        "[[rules]]\nname = \"draft\"\naction = \"pass\"\npaths = [\"/**\"]\nquery = { \"draft[]\" = true }\n\
         [[rules]]\nname = \"eur\"\naction = \"cache\"\npaths = [\"/**\"]\ncookies = { Currency = \"EUR\", beta = false }\n\
         [[rules]]\nname = \"flight\"\naction = \"cache\"\npaths = [\"/**\"]\nheaders = { RSC = \"1\", next-url = \"/de*\" }\n\
         [[rules]]\nname = \"sorted\"\naction = \"cache\"\npaths = [\"/**\"]\nquery = { sort = \"price *\", page = false }\n\
         [[rules]]\nname = \"rest\"\naction = \"pass\"\npaths = [\"/**\"]\n",
    );
    for (target, lines, expected) in [
        ("/?draft%5b%5d", &[][..], "draft"),
        ("/?draft[]=1", &["cookie: Currency=EUR"], "draft"),
        ("/", &["cookie: a=1; Currency=EUR"], "eur"),
        ("/", &["cookie: a=1", "cookie: Currency=EUR"], "eur"),
        ("/", &["cookie: currency=EUR"], "rest"),
        ("/", &["cookie: Currency=EURO"], "rest"),
        ("/", &["cookie: Currency=EUR; beta"], "rest"),
        ("/", &["rsc: 1", "next-url: /de/products"], "flight"),
        ("/", &["rsc: 0", "rsc: 1", "next-url: /de"], "flight"),
        ("/", &["rsc: 1"], "rest"),
        ("/", &["rsc: 10", "next-url: /de"], "rest"),
        ("/?sort=price%20asc", &[], "sorted"),
        ("/?sort=name&sort=price%20asc", &[], "sorted"),
        ("/?sort=price%20asc&page", &[], "rest"),
        ("/?sort=pric%ffe", &[], "rest"),
        ("/?Sort=price%20asc", &[], "rest"),
    ] {
        let parsed = Target::parse(Scheme::Http, "h", target).unwrap();
        let (headers, method) = (fields(lines), Method::GET);
        let found = config.rules.find(&RequestFacts::new(&method, &parsed, &headers)).unwrap();
        assert_eq!(&*found.name, expected, "{target} {lines:?}");
    }
}

/// What one rule stored is not the answer to a request that another is for, though the key holds nothing of what tells them apart.
#[test]
fn rules_that_divide_a_url_by_conditions_share_no_objects() {
    let config = compiled(
        "[[rules]]\nname = \"vip\"\naction = \"cache\"\npaths = [\"/**\"]\ncookies = { vip = true }\nedge_ttl = \"10s\"\n\
         [[rules]]\nname = \"head\"\naction = \"cache\"\npaths = [\"/**\"]\nmethods = [\"HEAD\"]\n\
         [[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\nedge_ttl = \"4h\"\n",
    );
    let key = |method: &str, lines: &[&str]| {
        let target = Target::parse(Scheme::Http, "h", "/p").unwrap();
        match decide(&config, method, "/p", lines).action {
            Action::Cache(plan) => plan.settings.key.canonical(&target, &fields(lines)).key,
            Action::Pass(reason) => panic!("{reason:?}"),
        }
    };
    assert_ne!(key("GET", &["cookie: vip=1"]), key("GET", &[]));
    assert_eq!(key("GET", &["cookie: vip=1"]), key("GET", &["cookie: vip=2"]));
    assert_eq!(key("GET", &["cookie: a=1"]), key("GET", &[]));
    assert_eq!(key("HEAD", &[]), key("GET", &[]), "RFC 9111 §4: a stored GET answers HEAD");
}

#[test]
fn bypass_names_may_hold_stars() {
    let config = compiled(
        "[[rules]]\nname = \"r\"\naction = \"cache\"\npaths = [\"/**\"]\n\
         bypass = { cookies = [\"wordpress_logged_in_*\"], query = [\"preview*\"] }\n",
    );
    for (target, lines, expected) in [
        ("/", &["cookie: wordpress_logged_in_5f4dcc=me"][..], "pass:cookie"),
        ("/", &["cookie: wordpress_test_cookie=1"], "cache"),
        ("/?preview_id=7", &[], "pass:query"),
        ("/?xpreview=7", &[], "cache"),
    ] {
        assert_eq!(told(&config, "GET", target, lines), format!("r a {expected}"), "{target}");
    }
}

#[test]
fn a_rule_with_conditions_shadows_only_what_they_follow_from() {
    let shadows = |earlier: &str, later: &str| {
        let rule = |name: &str, lines: &str| {
            format!("[[rules]]\nname = \"{name}\"\naction = \"pass\"\npaths = [\"/**\"]\n{lines}\n")
        };
        let text = format!(
            "[listen]\nhttp = \"127.0.0.1:1\"\nops = \"127.0.0.1:2\"\n[upstreams.a]\naddresses = [\"h:1\"]\n{}{}",
            rule("one", earlier),
            rule("two", later)
        );
        Config::of_source(&Source::of(Path::new("p.toml"), &text, |_| None).unwrap()).is_err()
    };
    for (earlier, later, expected) in [
        ("headers = { x = true }", "", false),
        ("headers = { x = true }", "headers = { x = true }", true),
        ("headers = { x = true }", "headers = { X = \"1\" }", true),
        ("headers = { x = \"1\" }", "headers = { x = true }", false),
        ("headers = { x = \"a*\" }", "headers = { x = \"ab*\" }", true),
        ("headers = { x = \"ab*\" }", "headers = { x = \"a*\" }", false),
        ("headers = { x = false }", "headers = { x = true }", false),
        ("headers = { x = true }", "cookies = { x = true }", false),
        ("query = { q = false }", "query = { q = false, r = true }", true),
        ("query = { q = false, r = true }", "query = { q = false }", false),
        ("", "query = { q = false }", true),
    ] {
        assert_eq!(shadows(earlier, later), expected, "{earlier} {later}");
    }
}

fn any_condition() -> impl Strategy<Value = Option<Condition>> {
    let glob = "[ab*]{0,2}".prop_map(|text| Condition::Like(crate::glob::Glob::new(&text)));
    prop_oneof![3 => Just(None), 1 => Just(Some(Condition::Present)), 1 => Just(Some(Condition::Absent)), 2 => glob.prop_map(Some)]
}

fn any_conditions() -> impl Strategy<Value = Conditions> {
    (any_condition(), any_condition(), any_condition()).prop_map(|(query, header, cookie)| Conditions {
        query: query.map(|condition| ("q".into(), condition)).into_iter().collect(),
        headers: header.map(|condition| (HeaderName::from_static("x"), condition)).into_iter().collect(),
        cookies: cookie.map(|condition| ("c".into(), condition)).into_iter().collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// The index by first segment changes nothing: the first rule that matches is found.
    #[test]
    fn the_index_finds_what_a_walk_finds(
        given in proptest::collection::vec(("/(a|b|\\*|\\*\\*)(/(a|b|\\*))?", any_conditions()), 1..8), path in "/[abc](/[abc])?",
        query in proptest::option::of("[ab]{0,2}"), lines in proptest::collection::vec("(x: [ab]{0,2}|cookie: c=[ab]{0,2})", 0..3),
    ) {
        let upstream = Arc::new(crate::upstream::Upstream::of("u", Vec::new()));
        let rules: Vec<Rule> = given.iter().enumerate().map(|(index, (pattern, conditions))| Rule {
            rate_limits: Box::default(),
            name: index.to_string().into(), hosts: Vec::new(), paths: vec![pattern.parse().unwrap()].into(), methods: None,
            conditions: conditions.clone(), upstream: Arc::clone(&upstream), transform: Arc::default(),
            purge_from: Arc::default(), action: RuleAction::Pass,
        }).collect();
        let text = query.map_or(path.clone(), |query| format!("{path}?q={query}"));
        let target = Target::parse(Scheme::Http, "h", &text).unwrap();
        let headers = fields(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let facts = RequestFacts::new(&Method::GET, &target, &headers);
        let expected = rules.iter().position(|rule| rule.paths[0].matches(&path) && rule.conditions.hold(&facts));
        let dead: Vec<usize> = shadowed(&rules).into_iter().map(|shadow| shadow.rule).collect();
        let set = RuleSet::new(rules, upstream);
        let found = set.find(&facts).map(|rule| rule.name.parse::<usize>().unwrap());
        prop_assert_eq!(found, expected);
        // And a rule that is said never to match is never the one.
        prop_assert!(found.is_none_or(|found| !dead.contains(&found)));
    }
}

#[test]
fn what_may_be_stored_for_a_target_is_known_without_its_headers() {
    let config = compiled(
        "[[rules]]\nname = \"a\"\naction = \"cache\"\npaths = [\"/p/**\", \"/p/*\"]\nheaders = { x = true }\n\
         [[rules]]\nname = \"b\"\naction = \"cache\"\npaths = [\"/p/**\"]\nhosts = [\"other.example\"]\n\
         [[rules]]\nname = \"c\"\naction = \"cache\"\npaths = [\"/p/**\"]\nmethods = [\"POST\"]\n\
         [[rules]]\nname = \"d\"\naction = \"pass\"\npaths = [\"/p/cart/**\"]\n\
         [[rules]]\nname = \"e\"\naction = \"cache\"\npaths = [\"/p/**\"]\nupstream = \"b\"\nmethods = [\"GET\", \"HEAD\"]\n\
         [[rules]]\nname = \"f\"\naction = \"cache\"\npaths = [\"/**\"]\n",
    );
    let scopes = |path: &str| {
        let target = Target::parse(Scheme::Http, "shop.example", path).unwrap();
        let upstream = |scope: &str| scope.split('#').next().unwrap_or_default().to_owned();
        config.rules.caching(&target).iter().map(|settings| upstream(&settings.key.scope)).collect::<Vec<_>>()
    };
    assert_eq!(scopes("/p/x"), ["a", "b"]);
    assert_eq!(scopes("/p/cart/1"), ["a"]);
    assert_eq!(scopes("/q"), ["a"]);
}
