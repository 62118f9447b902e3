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
        ("/store/customers/me", "private origin pass:rule"),
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

proptest! {
    /// The index by first segment changes nothing: the first rule that matches is found.
    #[test]
    fn the_index_finds_what_a_walk_finds(
        patterns in proptest::collection::vec("/(a|b|\\*|\\*\\*)(/(a|b|\\*))?", 1..8), path in "/[abc](/[abc])?",
    ) {
        let upstream = Arc::new(crate::upstream::Upstream::of("u", Vec::new()));
        let rules: Vec<Rule> = patterns.iter().map(|pattern| Rule {
            name: pattern.as_str().into(), hosts: Vec::new(), paths: vec![pattern.parse().unwrap()].into(), methods: None,
            conditions: Conditions::default(), upstream: Arc::clone(&upstream), transform: Arc::default(), purge_from: Arc::default(),
            action: RuleAction::Pass,
        }).collect();
        let expected = rules.iter().find(|rule| rule.paths[0].matches(&path)).map(|rule| rule.name.to_string());
        let dead: Vec<usize> = shadowed(&rules).into_iter().map(|shadow| shadow.rule).collect();
        let set = RuleSet::new(rules, upstream);
        let (target, headers) = (Target::parse(Scheme::Http, "h", &path).unwrap(), HeaderMap::new());
        let found = set.find(&RequestFacts::new(&Method::GET, &target, &headers));
        prop_assert_eq!(found.map(|rule| rule.name.to_string()), expected);
        // And a rule that is said never to match is never the one.
        if let Some(rule) = found {
            let place = set.rules().iter().position(|other| std::ptr::eq(other, rule));
            prop_assert!(!dead.contains(&place.unwrap()));
        }
    }
}
