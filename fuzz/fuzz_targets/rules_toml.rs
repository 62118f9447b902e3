//! Configurations and files of cases: each mistake is told at a line that exists, and what loads can decide any request.
//!
//! Input: a configuration; behind a line `#----` cases that are run by it.
#![no_main]

use std::path::Path;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use vitrine_fuzz::fields;
use vitrine_proxy::cases;
use vitrine_proxy::config::Config;
use vitrine_proxy::key::{Scheme, Target};
use vitrine_proxy::rules::{Action, Author, RequestFacts, RuleSet};
use vitrine_shared::config::{ConfigError, Source};

const FILE: &str = "proxy.toml";
/// Paths that are asked for besides those that the file names.
const PATHS: [&str; 3] = ["/", "/a/b.css?x=1", "/store//p1;c/%2F"];

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (config, cases) = text.split_once("\n#----\n").unwrap_or((text, ""));
    let env = |name: &str| (!name.is_empty() && name != "UNSET").then(|| "value".to_owned());
    let source = match Source::of(Path::new(FILE), config, env) {
        Ok(source) => source,
        Err(error) => return told(&error, config),
    };
    match Config::of_source(&source) {
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a word");
            errors.iter().for_each(|error| told(error, config));
        }
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|warning| told(warning, config));
            decides(&loaded.rules, config);
            if let Ok(source) = Source::of(Path::new(FILE), cases, env) {
                let report = cases::run(&loaded, &source);
                assert!(report.failed <= report.cases && (report.failed == 0 || !report.errors.is_empty()));
                report.errors.iter().for_each(|error| told(error, cases));
            }
        }
    }
});

fn told(error: &ConfigError, text: &str) {
    let lines = text.matches('\n').count() + 1;
    assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error} of {lines} lines");
    assert!(!error.message.trim().is_empty() && error.file == Path::new(FILE), "{error:?}");
    assert!(error.to_string().starts_with(&error.place()));
}

fn decides(rules: &RuleSet, text: &str) {
    // What the file names, with something in the place of what stands for anything.
    let named = text.split(['"', '\'']).filter(|part| part.starts_with('/')).take(8);
    let asked: Vec<String> = named.map(|path| path.replace(['*', '{', '}'], "x")).collect();
    let fields = [
        HeaderMap::new(),
        fields(b"cookie: a=1; session=x\nauthorization: Bearer x\norigin: https://shop.example\nx-locale: de\ncache-control: no-cache"),
    ];
    let paths = PATHS.into_iter().chain(asked.iter().map(String::as_str));
    for target in paths.filter_map(|path| Target::parse(Scheme::Https, "shop.example", path).ok()) {
        let caching = rules.caching(&target);
        for method in [Method::GET, Method::POST] {
            for headers in &fields {
                let facts = RequestFacts::new(&method, &target, headers);
                let (judged, decided) = (rules.judge(&facts), rules.decide(&facts));
                assert_eq!(judged.rule.map_or("default", |rule| &rule.name), &*decided.rule);
                assert_eq!(judged.place < rules.rules().len(), judged.rule.is_some());
                match (judged.action, decided.action) {
                    (Ok(settings), Action::Cache(plan)) => {
                        assert!(std::sync::Arc::ptr_eq(settings, &plan.settings));
                        // What a purge of the address reaches is all that may be stored for it.
                        if method == Method::GET {
                            assert!(caching.iter().any(|known| std::sync::Arc::ptr_eq(known, settings)));
                        }
                        settings.key.canonical(&target, headers);
                        plan.tags(target.path());
                        settings.effective(StatusCode::OK, headers);
                    }
                    (Err(one), Action::Pass(other)) => assert_eq!(one, other),
                    (judged, decided) => panic!("{judged:?} and {decided:?}"),
                }
                for author in [Author::Edge, Author::Upstream] {
                    let mut response = HeaderMap::new();
                    response.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
                    decided.transform.finish(headers, StatusCode::OK, author, &mut response);
                }
                decided.transform.preflight(headers);
            }
        }
    }
}
