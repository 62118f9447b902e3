//! What rules compile to, and for each mistake the exact words.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use vitrine_shared::config::Source;

use crate::check::check_source;
use crate::config::Config;
use crate::rules::{
    BrowserTtl, CacheSettings, Condition, EdgeTtl, Forward, RequestDirectives, Rule, RuleAction, SetCookie, StaleTtl,
};
use crate::vary::VaryMode;

/// Lines 1 to 9: a file with one rule that lacks its end.
const BASE: &str = "[listen]
http = \"127.0.0.1:8080\"
ops = \"127.0.0.1:8081\"
[upstreams.origin]
addresses = [\"127.0.0.1:9000\"]
[[rules]]
name = \"r\"
paths = [\"/**\"]
action = \"cache\"
";

fn source(text: &str) -> Source {
    Source::of(Path::new("p.toml"), text, |_| None).unwrap()
}

fn rule(lines: &str) -> Rule {
    let config = Config::of_source(&source(&format!("{BASE}{lines}\n"))).unwrap_or_else(|errors| panic!("{errors:?}"));
    config.rules.rules()[0].clone()
}

fn settings(lines: &str) -> Arc<CacheSettings> {
    match rule(lines).action {
        RuleAction::Cache { settings, .. } => settings,
        RuleAction::Pass => panic!("{lines}"),
    }
}

fn found(text: &str) -> Vec<String> {
    check_source(&source(text)).iter().map(ToString::to_string).collect()
}

#[test]
fn conditions_are_compiled() {
    let conditions = rule(
        "query = { \"id[]\" = true, q = \"a*\" }\nheaders = { RSC = true, x-draft = false }\ncookies = { Currency = \"EUR\" }",
    )
    .conditions;
    let names: Vec<&str> = conditions.query.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["id%5B%5D", "q"]);
    assert!(conditions.headers.contains(&("rsc".parse().unwrap(), Condition::Present)));
    assert!(conditions.headers.contains(&("x-draft".parse().unwrap(), Condition::Absent)));
    assert_eq!(conditions.cookies[0], ("Currency".into(), Condition::Like(crate::glob::Glob::new("EUR"))));
}

#[test]
fn what_is_not_said_is_the_default_and_what_is_said_is_compiled() {
    let plain = settings("");
    assert_eq!((plain.forward, plain.request_directives), (Forward::Keyed, RequestDirectives::Ignore));
    assert_eq!((plain.vary.unknown.clone(), plain.heuristic), (VaryMode::Refuse, None));
    assert_eq!(
        (&plain.targeted[..], plain.set_cookie),
        (&["cdn-cache-control".parse().unwrap()][..], SetCookie::Refuse)
    );
    assert!(!plain.key.device && plain.key.query.sort);

    let all = settings(
        "forward = \"all\"\nrequest_directives = \"obey\"\nset_cookie = \"strip\"\nheuristic = { percent = 20 }\n\
         targeted = [\"Surrogate-Control\"]\nkey = { device = true, sort_query = false }\n\
         vary = { unknown = \"exact\", User-Agent = \"ignore\", Accept-Language = { languages = [\"pt-BR\", \"en\"] }, \
         accept = { types = [\"Text/HTML\"] } }",
    );
    assert_eq!((all.forward, all.request_directives), (Forward::All, RequestDirectives::Obey));
    let heuristic = all.heuristic.unwrap();
    assert_eq!((heuristic.percent, heuristic.max), (20, Duration::from_hours(24)));
    assert_eq!((&all.targeted[..], all.set_cookie), (&["surrogate-control".parse().unwrap()][..], SetCookie::Strip));
    assert!(all.key.device && !all.key.query.sort);
    let mode = |name: &str| &all.vary.named.iter().find(|(own, _)| own == name).unwrap().1;
    assert_eq!(all.vary.unknown, VaryMode::Exact);
    assert_eq!(*mode("user-agent"), VaryMode::Ignore);
    assert_eq!(*mode("accept-language"), VaryMode::Languages(Arc::from([Box::from("pt-BR"), Box::from("en")])));
    assert_eq!(*mode("accept"), VaryMode::Types(Arc::from([Box::from("text/html")])));
    assert_eq!(rule("purge_from = [\"10.0.0.0/8\", \"::1\"]").purge_from.len(), 2);
}

#[test]
fn entries_for_responses_are_compiled() {
    let settings = settings(
        "[[rules.responses]]\nstatus = [\"404\", \"5xx\", \"300-399\"]\nedge_ttl = \"10s\"\nstale_if_error = \"1h\"\n\
         stale_while_revalidate = { default = \"1m\" }\n\
         [[rules.responses]]\ncontent_type = [\"Image/*\", \"text/html\"]\nheaders = { x-magento-debug = false }\n\
         store = false\nbrowser_ttl = \"revalidate\"\nmax_object = \"1MiB\"\nset_cookie = \"strip\"",
    );
    let [first, second] = &settings.responses[..] else { panic!("{:?}", settings.responses) };
    assert_eq!(first.statuses, [(404, 404), (500, 599), (300, 399)]);
    assert_eq!(first.edge_ttl, Some(EdgeTtl::Override(Duration::from_secs(10))));
    assert_eq!(first.stale_if_error, Some(StaleTtl::Override(Duration::from_hours(1))));
    assert_eq!(first.stale_while_revalidate, Some(StaleTtl::Default(Duration::from_mins(1))));
    assert_eq!(second.content_types, [Box::from("image/"), Box::from("text/html")]);
    assert_eq!(second.headers, [("x-magento-debug".parse().unwrap(), Condition::Absent)]);
    assert_eq!((second.store, second.browser_ttl), (Some(false), Some(BrowserTtl::Revalidate)));
    assert_eq!((second.max_object_bytes, second.set_cookie), (Some(1 << 20), Some(SetCookie::Strip)));
}

/// Of rules that can be asked the same, those that shape the question or tell its answers apart otherwise share nothing.
#[test]
fn the_scope_follows_what_shapes_the_answers_and_nothing_else() {
    let scope = |lines: &str| settings(lines).key.scope.to_string();
    for same in ["", "edge_ttl = \"4h\"", "key = { device = true, query = \"none\" }", "set_cookie = \"strip\""] {
        assert_eq!(scope(same), "origin", "{same}");
    }
    let lines = [
        "forward = \"headers\"",
        "forward = \"all\"",
        "request_headers = { set = { x-a = \"1\" } }",
        "request_headers = { set = { x-a = \"2\" } }",
        "request_headers = { add = { x-a = \"1\" } }",
        "request_headers = { remove = [\"x-a\"] }",
        "vary = { unknown = \"exact\" }",
        "vary = { x-a = \"exact\" }",
        "vary = { x-a = \"ignore\" }",
        "vary = { accept-language = { languages = [\"en\", \"de\"] } }",
        "vary = { accept-language = { languages = [\"de\", \"en\"] } }",
        "compression = {}",
        "headers = { x-a = true }",
        "headers = { x-a = false }",
        "headers = { x-a = \"*\" }",
        "cookies = { x-a = true }",
        "query = { x-a = true }",
        "tags = [\"a\"]",
        "tags = [\"b\"]",
    ];
    let scopes: Vec<String> = lines.iter().map(|lines| scope(lines)).collect();
    for (index, own) in scopes.iter().enumerate() {
        assert!(own.starts_with("origin#"), "{}", lines[index]);
        assert!(!scopes[..index].contains(own), "{}", lines[index]);
        assert_eq!(*own, scope(&format!("{}\nedge_ttl = \"1h\"", lines[index])), "a reload keeps what it can");
    }
}

/// A line of a rule, and what is found in it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "query = { q = 1 }",
        "`rules.query.q`: expected true (present), false (absent) or a text, in which * stands for anything",
    ),
    ("query = { \"a&b\" = true }", "`a&b` is not a parameter's name (write the name alone, such as \"id[]\")"),
    ("headers = { \"a b\" = true }", "`a b` is not a header's name (letters, digits and -)"),
    ("headers = { Host = \"a\" }", "`Host` cannot be a condition (match it by `hosts`)"),
    ("headers = { cookie = \"a\" }", "`cookie` cannot be a condition (match single cookies by `cookies`)"),
    ("cookies = { \"a b\" = true }", "`a b` is not a cookie's name (letters, digits and -_.; capitals matter)"),
    ("forward = \"header\"", "unknown value of `forward` `header` (did you mean `headers`?)"),
    ("request_directives = \"follow\"", "unknown value of `request_directives` `follow` (one of `ignore`, `obey`)"),
    ("set_cookie = \"drop\"", "unknown value of `set_cookie` `drop` (one of `refuse`, `strip`)"),
    ("vary = { unknown = \"exakt\" }", "unknown value of `vary` `exakt` (did you mean `exact`?)"),
    (
        "vary = { unknown = { languages = [\"de\"] } }",
        "`rules.vary.unknown`: `vary.unknown` takes \"exact\", \"ignore\" or \"refuse\" \
         (name the header instead, such as accept-language)",
    ),
    ("vary = { origin = { languages = [\"de\"] } }", "`languages` is for `accept-language`, not for `origin`"),
    (
        "vary = { accept = { types = [\"text/*\"] } }",
        "`text/*` is not a media type (write a type without `*`, such as \"text/html\")",
    ),
    (
        "vary = { accept-language = { languages = [] } }",
        "`languages` is empty (for none write accept-language = \"ignore\")",
    ),
    (
        "vary = { accept-language = { languages = [\"de_DE\"] } }",
        "`de_DE` is not a language (write a language's tag, such as \"de\" or \"pt-BR\")",
    ),
    ("vary = { accept-language = {} }", "either `languages` or `types` tells a field's values apart"),
    ("heuristic = { percent = 0 }", "`percent` must be from 1 to 100"),
    ("targeted = [\"Expires\"]", "`expires` is no targeted field (it counts where none of these is there)"),
    (
        "purge_from = [\"10.0.0\"]",
        "`10.0.0` is not a network (write an IP address, or a network such as \"10.0.0.0/8\")",
    ),
    (
        "key = { device = true, headers = [\"X-Device-Class\"] }",
        "`x-device-class` cannot be a header of the key (`key.device` makes it, whatever a client sends)",
    ),
    (
        "responses = [{ status = [\"600\"], store = false }]",
        "`600` is not a status (write one from 200 to 599, a class such as \"5xx\", or from the lower to the higher, such as \
         \"500-504\")",
    ),
    (
        "responses = [{ status = [], store = false }]",
        "no status is named, so nothing matches (for all leave `status` away)",
    ),
    (
        "responses = [{ content_type = [\"html\"], store = false }]",
        "`html` is not a media type (write \"text/html\", or \"image/*\" for all that begin so)",
    ),
    (
        "responses = [{ status = [\"404\"] }]",
        "this entry changes nothing (say what is other for such responses: `store`, `edge_ttl`, `browser_ttl`, ..)",
    ),
    (
        "responses = [{ status = [\"4xx\"], store = false }, { status = [\"404\"], edge_ttl = \"1m\" }]",
        "this entry never comes to its turn: the one on line 10 takes all of it \
         (the first that matches decides: put the narrower one first)",
    ),
    (
        "responses = [{ status = [\"404\"], stoer = false }]",
        "unknown field `stoer`, expected one of `status`, `content_type`, `headers`, `store`, `edge_ttl`, `browser_ttl`, \
         `stale_while_revalidate`, `stale_if_error`, `max_object`, `set_cookie` (did you mean `store`?)",
    ),
];

#[test]
fn mistakes_are_told_with_the_way_out() {
    for (line, expected) in MISTAKES {
        let all = found(&format!("{BASE}{line}\n"));
        let [one] = &all[..] else { panic!("{line}: {all:?}") };
        assert!(one.starts_with("p.toml:10: error: ") && one.ends_with(expected), "{line}: {one}");
    }
}

#[test]
fn keys_of_caching_mean_nothing_where_nothing_is_cached() {
    let pass = BASE.replace("\"cache\"", "\"pass\"");
    for (key, line) in [
        ("forward", "forward = \"all\""),
        ("vary", "vary = { origin = \"exact\" }"),
        ("heuristic", "heuristic = {}"),
        ("targeted", "targeted = []"),
        ("request_directives", "request_directives = \"obey\""),
        ("set_cookie", "set_cookie = \"strip\""),
        ("compression", "compression = {}"),
        ("responses", "responses = [{ store = false }]"),
    ] {
        let all = found(&format!("{pass}{line}\n"));
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(all[0].ends_with(&format!("`{key}` means nothing where the action is `pass`")), "{all:?}");
    }
    assert_eq!(found(&format!("{pass}purge_from = [\"::1\"]\nquery = {{ q = true }}\n")), [""; 0]);
}
