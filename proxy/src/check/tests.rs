//! For each mistake a small file and the exact words; and that the shipped files have none.

use std::path::{Path, PathBuf};

use super::*;

/// Lines 1 to 6 of a file in which nothing is wrong yet; the parts of the tests begin on line 7.
const BASE: &str = "[listen]
http = \"127.0.0.1:8080\"
ops = \"127.0.0.1:8081\"
[upstreams.origin]
addresses = [\"127.0.0.1:9000\"]

";

/// A rule that is right, without an end, on lines 7 to 10.
const RULE: &str = "[[rules]]
name = \"catalog\"
paths = [\"/products/{handle}\", \"/collections/{collection}/**\"]
action = \"cache\"
";

fn found(text: &str) -> Vec<String> {
    match Source::of(Path::new("p.toml"), text, |_| None) {
        Ok(source) => check_source(&source).iter().map(Finding::to_string).collect(),
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn a_right_file_has_no_findings() {
    assert_eq!(found(BASE), [""; 0]);
    assert_eq!(found(&format!("{BASE}{RULE}")), [""; 0]);
}

#[test]
fn mistakes_of_all_kinds_are_told_at_once() {
    let text = BASE.replace("[listen]", "[listen]\noptoken = \"x\"").replace("addresses", "addreses")
        + RULE
        + "key = { query = { alow = [\"a\"] } }\nbrowser_tl = 5\nedge_ttl = \"4 hours\"\nupstream = \"orign\"\n";
    let places = found(&text).iter().map(|said| said.split(": ").next().unwrap().to_owned()).collect::<Vec<_>>();
    // `browser_tl` is told for its name and, read as `browser_ttl`, for its value.
    assert_eq!(places, [2, 6, 12, 13, 13, 14, 15].map(|line| format!("p.toml:{line}")));
}

/// A line of a rule, and what is found in it.
const RULE_LINES: &[(&str, &str)] = &[
    (
        "edge_tll = \"4h\"",
        "p.toml:11: error: unknown field `edge_tll`, expected one of `name`, `hosts`, `paths`, `methods`, `query`, \
             `headers`, `cookies`, `action`, `upstream`, `edge_ttl`, `negative_ttl`, `browser_ttl`, `stale_while_revalidate`, \
             `stale_if_error`, `on_disconnect`, `serve_for`, `max_object`, `bypass`, `key`, `tags`, `forward`, `vary`, `heuristic`, \
             `targeted`, `request_directives`, `set_cookie`, `compression`, `responses`, `request_headers`, `response_headers`, \
             `cors`, `purge_from`, `rate_limits` (did you mean `edge_ttl`?)",
    ),
    (
        "edge_ttl = \"4x\"",
        "p.toml:11: error: `rules.edge_ttl`: `4x` is not a duration or \"respect\" \
             (write numbers with the units d, h, m, s or ms, from long to short, such as \"4h\" or \"1h30m\")",
    ),
    (
        "edge_ttl = { cap = \"4\" }",
        "p.toml:11: error: `rules.edge_ttl`: `4` is not a duration \
             (write numbers with the units d, h, m, s or ms, from long to short, such as \"4h\" or \"1h30m\")",
    ),
    (
        "edge_ttl = { cup = \"4h\" }",
        "p.toml:11: error: `rules.edge_ttl`: expected a duration such as \"4h\", \"respect\", or { cap = \"4h\" }",
    ),
    (
        "browser_ttl = \"4000d\"",
        "p.toml:11: error: `rules.browser_ttl`: `4000d` is not a duration, \"respect\" or \"revalidate\" (at most ten years)",
    ),
    ("upstream = \"origen\"", "p.toml:11: error: `rules.upstream`: unknown upstream `origen` (did you mean `origin`?)"),
    ("upstream = \"x\"", "p.toml:11: error: `rules.upstream`: unknown upstream `x` (one of `origin`)"),
    ("on_disconnect = \"sever\"", "p.toml:11: error: unknown value of `on_disconnect` `sever` (did you mean `serve`?)"),
    (
        "tags = [\"product-handle:{handel}\"]",
        "p.toml:11: error: `rules.tags`: unknown parameter `handel` (did you mean `handle`?)",
    ),
    (
        "tags = [\"a:{handle}-{collection}\"]",
        "p.toml:11: error: `rules.tags`: no path has all parameters of `a:{handle}-{collection}`",
    ),
    (
        "tags = [\"{handle}\"]",
        "p.toml:11: error: `rules.tags`: `{handle}` is not a tag template (there is no `kind:` before the first parameter)",
    ),
    (
        "tags = [\"a b\"]",
        "p.toml:11: error: `rules.tags`: `a b` is not a tag template \
             (a tag holds visible ASCII without space, comma or quote; found byte 0x20)",
    ),
    (
        "max_object = \"1 MB\"",
        "p.toml:11: error: `rules.max_object`: `1 MB` is not a size (write a number with the unit B, KiB, MiB, GiB, kB, MB or GB, such as \"256MiB\")",
    ),
    (
        "methods = [\"get\"]",
        "p.toml:11: error: `rules.methods`: `get` is not a method (methods are written in capitals, such as \"GET\")",
    ),
    (
        "methods = []",
        "p.toml:11: error: `rules.methods`: a rule without methods matches nothing (for all methods leave `methods` away)",
    ),
    (
        "hosts = [\"shop.example:80\"]",
        "p.toml:11: error: `rules.hosts`: `shop.example:80` is not a host \
             (expected a host without a port, such as `shop.example` or `*.shop.example`)",
    ),
    (
        "bypass = { cookie = [\"a\"] }",
        "p.toml:11: error: unknown field `cookie`, expected one of `authorization`, `cookies`, `headers`, `query` \
             (did you mean `cookies`?)",
    ),
    (
        "bypass = { cookies = [\"a b\"] }",
        "p.toml:11: error: `rules.bypass.cookies`: `a b` is not a cookie's name (letters, digits and -_.; capitals matter)",
    ),
    (
        "bypass = { headers = [\"a b\"] }",
        "p.toml:11: error: `rules.bypass.headers`: `a b` is not a header's name (letters, digits and -)",
    ),
    (
        "bypass = { query = [\"a=b\"] }",
        "p.toml:11: error: `rules.bypass.query`: `a=b` is not a parameter's name (write the name alone, such as \"id[]\")",
    ),
    (
        "key = { query = \"al\" }",
        "p.toml:11: error: `rules.key.query`: unknown value of `key.query` `al` (did you mean `all`?)",
    ),
    (
        "key = { query = { allow = [], deny = [] } }",
        "p.toml:11: error: `rules.key.query`: `key.query` takes either `allow` or `deny`",
    ),
    (
        "key = { headers = [\"Cookie\"] }",
        "p.toml:11: error: `rules.key.headers`: `cookie` cannot be a header of the key (name single cookies in `key.cookies`)",
    ),
    ("serve_for = 5", "p.toml:11: error: `rules.serve_for`: invalid type: integer `5`, expected a string"),
];

#[test]
fn mistakes_in_a_rule_are_found() {
    for (line, expected) in RULE_LINES {
        assert_eq!(found(&format!("{BASE}{RULE}{line}\n")), [*expected], "{line}");
    }
}

#[test]
fn mistakes_in_paths_names_and_actions_are_found() {
    for (from, to, expected) in [
        (
            "\"/products/{handle}\"",
            "\"products\"",
            "p.toml:9: error: `rules.paths`: `products` is not a path pattern (a path pattern begins with `/`)",
        ),
        (
            "\"/products/{handle}\"",
            "\"/a**\"",
            "p.toml:9: error: `rules.paths`: `/a**` is not a path pattern \
             (a pattern holds at most one `**` or `{name**}`, which is a segment of its own)",
        ),
        (
            "[\"/products/{handle}\", \"/collections/{collection}/**\"]",
            "[]",
            "p.toml:9: error: `rules.paths`: a rule without paths matches nothing (for all paths write [\"/**\"])",
        ),
        (
            "\"catalog\"",
            "\"a b\"",
            "p.toml:8: error: `rules.name`: `a b` is not a name (up to 64 letters, digits, -, _ and .)",
        ),
        (
            "\"catalog\"",
            "\"default\"",
            "p.toml:8: error: `rules.name`: `default` is the name of what no rule matches (choose another)",
        ),
        ("\"cache\"", "\"cash\"", "p.toml:10: error: `rules.action`: unknown action `cash` (did you mean `cache`?)"),
    ] {
        let rule = RULE.replace(from, to);
        assert_ne!(rule, RULE);
        assert_eq!(found(&format!("{BASE}{rule}")), [expected], "{to}");
    }
    let pass = RULE.replace("\"cache\"", "\"pass\"");
    assert_eq!(
        found(&format!("{BASE}{pass}edge_ttl = \"4h\"\ntags = []\n")),
        [
            "p.toml:11: error: `edge_ttl` means nothing where the action is `pass`",
            "p.toml:12: error: `tags` means nothing where the action is `pass`",
        ]
    );
}

#[test]
fn rules_that_never_match_are_found_with_both_lines() {
    let rules = |earlier: &str, later: &str| {
        found(&format!(
            "{BASE}[[rules]]\nname = \"one\"\naction = \"pass\"\n{earlier}\n[[rules]]\nname = \"two\"\naction = \"pass\"\n{later}\n"
        ))
    };
    let never = "p.toml:12: error: `rules.name`: rule `two` can never match: `one` on line 8 comes first and takes all of it \
                 (the first rule that matches decides: put the narrower one first)";
    for (earlier, later, expected) in [
        ("paths = [\"/**\"]", "paths = [\"/a\", \"/b/{c}\"]", vec![never]),
        ("paths = [\"/a/*\", \"/b\"]", "paths = [\"/a/{x}\", \"/b\"]", vec![never]),
        ("paths = [\"/a/*\"]", "paths = [\"/a/**\"]", vec![]),
        ("paths = [\"/a\"]", "paths = [\"/a\", \"/b\"]", vec![]),
        ("paths = [\"/a\"]\nmethods = [\"GET\"]", "paths = [\"/a\"]", vec![]),
        ("paths = [\"/a\"]\nmethods = [\"GET\"]", "paths = [\"/a\"]\nmethods = [\"GET\"]", vec!["p.toml:13"]),
        ("paths = [\"/a\"]\nhosts = [\"h\"]", "paths = [\"/a\"]", vec![]),
        ("paths = [\"/a\"]\nhosts = [\"*.h\"]", "paths = [\"/a\"]\nhosts = [\"x.h\"]", vec!["p.toml:13"]),
    ] {
        let all = rules(earlier, later);
        assert_eq!(all.len(), expected.len(), "{earlier} {later} {all:?}");
        for (finding, expected) in all.iter().zip(expected) {
            assert!(finding.starts_with(expected), "{finding}");
        }
    }
    let same = format!("{BASE}{RULE}{}", RULE.replace("/products", "/x").replace("/collections", "/y"));
    assert_eq!(found(&same), ["p.toml:12: error: `rules.name`: the rule on line 8 is called `catalog` too"]);
}

#[test]
fn mistakes_in_listeners_and_upstreams_are_found() {
    for (text, expected) in [
        (
            BASE.replace("127.0.0.1:8080", "shop:8080"),
            vec![
                "p.toml:2: error: `listen.http`: `shop:8080` is not an address to listen on \
             (write an IP address and a port, such as \"127.0.0.1:8080\")",
            ],
        ),
        (
            BASE.replace("8081", "8080"),
            vec!["p.toml:3: error: `listen.ops`: clients and operators cannot share an address"],
        ),
        (
            BASE.replace("\"127.0.0.1:9000\"", ""),
            vec![
                "p.toml:5: error: `upstreams.origin.addresses`: upstream `origin` has no address (such as [\"127.0.0.1:9000\"])",
            ],
        ),
        (
            BASE.replace("127.0.0.1:9000", "https://127.0.0.1:9000"),
            vec![
                "p.toml:5: error: `upstreams.origin.addresses`: `https://127.0.0.1:9000` is not an address (write `tls = true` in the upstream, and `host:port` here, such as \"127.0.0.1:9000\")",
            ],
        ),
        (
            BASE.replace("[upstreams.origin]\naddresses = [\"127.0.0.1:9000\"]", ""),
            vec!["p.toml: error: there is no upstream (add [upstreams.origin] with its `addresses`)"],
        ),
        (
            format!("{BASE}[upstreams.other]\naddresses = [\"h:1\"]\n"),
            vec![
                "p.toml: error: there are several upstreams \
             (say which is asked what no rule matches: default_upstream = \"origin\")",
            ],
        ),
        (
            format!("default_upstream = \"origin\"\n{BASE}[upstreams.other]\naddresses = [\"h:1\"]\n"),
            vec!["p.toml:8: warning: upstream `other` is named by no rule"],
        ),
        (
            format!("default_upstream = \"origins\"\n{BASE}"),
            vec!["p.toml:1: error: `default_upstream`: unknown upstream `origins` (did you mean `origin`?)"],
        ),
        (
            BASE.replace("]\n\n", "]\nspeaks_epochs = true\n"),
            vec![
                "p.toml:6: error: `upstreams.origin.speaks_epochs`: upstream `origin` speaks epochs, but there is no [feed] that tells of purges \
             (add [feed], or take `speaks_epochs` away)",
            ],
        ),
        (
            BASE.replace("]\n\n", "]\nconnect_timeout = \"0s\"\n"),
            vec!["p.toml:6: error: `upstreams.origin.connect_timeout`: a timeout of zero would fail every request"],
        ),
        (
            BASE.replace("]\n\n", "]\npath_prefix = \"bucket\"\n"),
            vec![
                "p.toml:6: error: `upstreams.origin.path_prefix`: `bucket` is not a path (it begins with `/`, such as \"/static\")",
            ],
        ),
        (
            BASE.replace("]\n\n", "]\nhost = \"http://a\"\n"),
            vec!["p.toml:6: error: `upstreams.origin.host`: `http://a` is not a host (such as \"shop.example\")"],
        ),
    ] {
        assert_eq!(found(&text), expected, "{text}");
    }
}

#[test]
fn mistakes_in_cache_and_feed_are_found() {
    let feed = "[feed]\nurl = \"http://127.0.0.1:9001\"\ntoken = \"t\"\n";
    for (text, expected) in [
        (
            format!("{BASE}[cache]\nmemory = \"1MiB\"\nmax_object = \"2MiB\"\n"),
            vec!["p.toml:9: error: `max_object` is larger than `memory`"],
        ),
        (
            format!("{BASE}{}", feed.replace("http://127.0.0.1:9001", "127.0.0.1:9001")),
            vec![
                "p.toml:8: error: `feed.url`: `127.0.0.1:9001` is not an http address (such as \"http://127.0.0.1:9001\")",
            ],
        ),
        (
            format!("{BASE}{}", feed.replace("\"t\"", "\"\"")),
            vec![
                "p.toml:9: error: `feed.token`: the token is empty (the feed is never open: give it the origin's INTERNAL_TOKEN, or the token of [sequencer])",
            ],
        ),
        (
            format!("{BASE}{feed}renew_every = \"20s\"\n"),
            vec!["p.toml:10: error: `renew_every` must be above zero and below `max_lease`"],
        ),
        (format!("{BASE}{feed}tag_capacity = 0\n"), vec!["p.toml:10: error: `tag_capacity` must be above zero"]),
        (
            format!("{BASE}{}", feed.replace("\"t\"", "\"${NONE}\"")),
            vec!["p.toml:9: environment variable NONE is not set (set it, or give a default: ${NONE:-value})"],
        ),
        (
            BASE.replace("http =", "htpp ="),
            vec![
                "p.toml:2: error: unknown field `htpp`, expected one of `http`, `https`, `certificates`, `ops`, `ops_token`, `threads`, `trusted_proxies`, `trusted_fields`, `h2c`, `limits` (did you mean `http`?)",
            ],
        ),
    ] {
        assert_eq!(found(&text), expected, "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let text = format!("{BASE}{RULE}edge_ttl = \"x\"\nupstream = \"y\"\n").replace("127.0.0.1:8080", "z");
    let lines: Vec<String> = found(&text).iter().map(|finding| finding.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["p.toml:2:", "p.toml:11:", "p.toml:12:"]);
}

#[test]
fn shipped_files_have_no_findings_and_their_cases_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let is_case = |path: &PathBuf| path.to_str().unwrap().ends_with(".cases.toml");
    let (cases, mut files): (Vec<PathBuf>, Vec<PathBuf>) = std::fs::read_dir(folder.join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .partition(is_case);
    assert!(!files.is_empty());
    files.push(folder.join("proxy.toml"));
    let mut with_cases = 0;
    for file in files {
        let token = |name: &str| ["INTERNAL_TOKEN", "SEQUENCER_TOKEN"].contains(&name).then(|| "t".to_owned());
        let checked = check_with_cases(&file, None, token);
        let said: Vec<String> = checked.findings.iter().map(Finding::to_string).collect();
        assert_eq!(said, [""; 0], "{}", file.display());
        if let Some((passed, all)) = checked.cases {
            assert_eq!(passed, all, "{}", file.display());
            with_cases += 1;
        }
    }
    assert_eq!(with_cases, cases.len() + 1, "each file of cases stands beside its configuration");
}

#[test]
fn cases_that_fail_are_errors_of_the_file_of_cases() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    };
    let config = write("p.toml", &format!("{BASE}{RULE}"));
    let of = |cases: Option<&Path>| check_with_cases(&config, cases, |_| None);
    assert_eq!(of(None), Checked { findings: Vec::new(), cases: None });

    let case = |expect: &str| {
        format!("[[cases]]\nname = \"c\"\nrequest = {{ url = \"/products/a\" }}\nexpect = {{ {expect} }}\n")
    };
    write("p.cases.toml", &case("rule = \"catalog\""));
    assert_eq!(of(None), Checked { findings: Vec::new(), cases: Some((1, 1)) });

    let other = write("other.toml", &case("action = \"pass\""));
    let checked = of(Some(&other));
    assert_eq!(checked.cases, Some((0, 1)));
    assert!(has_errors(&checked.findings));
    let said = checked.findings[0].to_string();
    assert!(
        said.ends_with("other.toml:4: error: `cases.expect.action`: case `c`: expected `pass`, got `cache`"),
        "{said}"
    );

    let missing = of(Some(&folder.path().join("none.toml")));
    assert!(has_errors(&missing.findings) && missing.cases.is_none());

    write("p.toml", "x");
    assert!(has_errors(&of(None).findings), "a wrong configuration is told, and not its cases");
}
