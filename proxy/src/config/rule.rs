//! `[[rules]]`: one rule, checked and compiled.

use std::sync::Arc;

use http::{HeaderName, Method};
use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawBypass, RawKey, RawKeyHeader, RawQuery, RawRule, RawTtl, Text};
use super::units;
use super::upstreams::Upstreams;
use crate::glob::Glob;
use crate::key::{KeyHeader, KeySpec, QuerySpec, Select, normal_name};
use crate::rules::{
    BrowserTtl, Bypass, CacheSettings, DEFAULT_NEGATIVE_TTL, DEFAULT_RULE, EdgeTtl, HostPattern, MethodSet, NAME_HELP,
    OnDisconnect, PathPattern, Rule, RuleAction, StaleTtl, TagTemplates, Template, valid_name,
};
use crate::upstream::Upstream;

pub(super) fn compile(
    raw: &RawRule,
    upstreams: &Upstreams,
    default: Option<&Arc<Upstream>>,
    max_object: u64,
    problems: &mut Problems<'_>,
) -> Option<Rule> {
    let name = raw.name.get_ref();
    if !valid_name(name) {
        problems.error(&raw.name, format!("`{name}` is not a name"), Some(NAME_HELP.into()));
    } else if name == DEFAULT_RULE {
        problems.error(
            &raw.name,
            format!("`{name}` is the name of what no rule matches"),
            Some("choose another".into()),
        );
    }
    let hosts: Vec<Option<HostPattern>> =
        raw.hosts.iter().map(|host| problems.parse(host, "a host", str::parse)).collect();
    let paths = paths(&raw.paths, problems);
    let methods = raw.methods.as_ref().map(|methods| method_set(methods, problems));
    let upstream = match &raw.upstream {
        Some(name) => upstreams.find(name, problems),
        None => default.cloned(),
    };
    let action = match raw.action.get_ref().as_str() {
        "pass" => {
            refuse_cache_keys(raw, problems);
            Some(RuleAction::Pass)
        }
        "cache" => {
            let scope = upstream.as_ref().map_or_else(|| Arc::from(""), |upstream| Arc::clone(&upstream.name));
            let settings = settings(raw, paths.clone().unwrap_or_default(), scope, max_object, problems);
            let bypass = raw.bypass.as_ref().map_or_else(Bypass::default, |raw| bypass(raw.get_ref(), problems));
            settings.map(|settings| RuleAction::Cache { settings: Arc::new(settings), bypass })
        }
        _ => {
            problems.unknown(&raw.action, "action", ["cache", "pass"]);
            None
        }
    };
    Some(Rule {
        name: name.as_str().into(),
        hosts: hosts.into_iter().collect::<Option<_>>()?,
        paths: paths?,
        methods: methods.map_or(Some(None), |methods| methods.map(Some))?,
        conditions: crate::rules::Conditions::default(),
        upstream: upstream?,
        transform: Arc::default(),
        purge_from: Arc::default(),
        action: action?,
    })
}

fn paths(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Arc<[PathPattern]>> {
    if raw.get_ref().is_empty() {
        problems.error(raw, "a rule without paths matches nothing", Some("for all paths write [\"/**\"]".into()));
        return None;
    }
    let patterns: Vec<Option<PathPattern>> =
        raw.get_ref().iter().map(|text| problems.parse(text, "a path pattern", str::parse)).collect();
    patterns.into_iter().collect()
}

fn method_set(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<MethodSet> {
    if raw.get_ref().is_empty() {
        problems.error(
            raw,
            "a rule without methods matches nothing",
            Some("for all methods leave `methods` away".into()),
        );
        return None;
    }
    let methods: Vec<Option<Method>> = raw
        .get_ref()
        .iter()
        .map(|text| {
            let capital = text.get_ref().to_ascii_uppercase();
            // RFC 9110 §9.1: methods are case-sensitive, and the registered ones are in capitals.
            problems.parse(text, "a method", |text| {
                Method::from_bytes(text.as_bytes())
                    .ok()
                    .filter(|_| text == capital)
                    .ok_or_else(|| format!("methods are written in capitals, such as \"{capital}\""))
            })
        })
        .collect();
    methods.into_iter().collect::<Option<_>>().map(MethodSet::new)
}

/// Keys that say how to cache have no meaning where nothing is cached; whoever wrote them meant something else.
fn refuse_cache_keys(raw: &RawRule, problems: &mut Problems<'_>) {
    let start = |span: std::ops::Range<usize>| Spanned::new(span, ());
    let given = [
        ("edge_ttl", raw.edge_ttl.as_ref().map(Spanned::span)),
        ("negative_ttl", raw.negative_ttl.as_ref().map(Spanned::span)),
        ("browser_ttl", raw.browser_ttl.as_ref().map(Spanned::span)),
        ("stale_while_revalidate", raw.stale_while_revalidate.as_ref().map(Spanned::span)),
        ("stale_if_error", raw.stale_if_error.as_ref().map(Spanned::span)),
        ("on_disconnect", raw.on_disconnect.as_ref().map(Spanned::span)),
        ("serve_for", raw.serve_for.as_ref().map(Spanned::span)),
        ("max_object", raw.max_object.as_ref().map(Spanned::span)),
        ("bypass", raw.bypass.as_ref().map(Spanned::span)),
        ("key", raw.key.as_ref().map(Spanned::span)),
        ("tags", raw.tags.as_ref().map(Spanned::span)),
    ];
    for (key, span) in given {
        if let Some(span) = span {
            problems.error(&start(span), format!("`{key}` means nothing where the action is `pass`"), None);
        }
    }
}

fn settings(
    raw: &RawRule,
    paths: Arc<[PathPattern]>,
    scope: Arc<str>,
    max_object: u64,
    problems: &mut Problems<'_>,
) -> Option<CacheSettings> {
    let edge_ttl = raw.edge_ttl.as_ref().map_or(Some(EdgeTtl::Respect), |ttl| edge_ttl(ttl, problems));
    let negative_ttl = problems.duration_or(raw.negative_ttl.as_ref(), DEFAULT_NEGATIVE_TTL);
    let browser_ttl = raw.browser_ttl.as_ref().map_or(Some(BrowserTtl::Respect), |ttl| browser_ttl(ttl, problems));
    let mut stale = |ttl: Option<&Text>| ttl.map_or(Some(StaleTtl::Respect), |ttl| stale_ttl(ttl, problems));
    let stale_while_revalidate = stale(raw.stale_while_revalidate.as_ref());
    let stale_if_error = stale(raw.stale_if_error.as_ref());
    let on_disconnect = match raw.on_disconnect.as_ref().map(|word| (word, word.get_ref().as_str())) {
        None | Some((_, "revalidate")) => Some(OnDisconnect::Revalidate),
        Some((_, "serve")) => Some(OnDisconnect::Serve),
        Some((word, _)) => {
            problems.unknown(word, "value of `on_disconnect`", ["revalidate", "serve"]);
            None
        }
    };
    let serve_for = raw.serve_for.as_ref().map(|ttl| problems.duration(ttl));
    let max_object_bytes = problems.size_or(raw.max_object.as_ref(), max_object);
    let default_key = RawKey::default();
    let key = key_spec(raw.key.as_ref().map_or(&default_key, Spanned::get_ref), scope.clone(), problems);
    let tags = templates(raw, paths, problems);
    Some(CacheSettings {
        key: key?,
        edge_ttl: edge_ttl?,
        negative_ttl: negative_ttl?,
        browser_ttl: browser_ttl?,
        on_disconnect: on_disconnect?,
        serve_for: serve_for.map_or(Some(None), |ttl| ttl.map(Some))?,
        stale_while_revalidate: stale_while_revalidate?,
        stale_if_error: stale_if_error?,
        max_object_bytes: max_object_bytes?,
        tags,
        ..CacheSettings::of_scope(scope)
    })
}

fn edge_ttl(raw: &Spanned<RawTtl>, problems: &mut Problems<'_>) -> Option<EdgeTtl> {
    match raw.get_ref() {
        RawTtl::Word(word) if word == "respect" => Some(EdgeTtl::Respect),
        RawTtl::Word(word) => {
            problems.parse(&at(raw, word), "a duration or \"respect\"", units::duration).map(EdgeTtl::Override)
        }
        RawTtl::Cap(cap) => problems.duration(&at(raw, &cap.cap)).map(EdgeTtl::Cap),
    }
}

fn browser_ttl(raw: &Text, problems: &mut Problems<'_>) -> Option<BrowserTtl> {
    match raw.get_ref().as_str() {
        "respect" => Some(BrowserTtl::Respect),
        "revalidate" => Some(BrowserTtl::Revalidate),
        _ => {
            problems.parse(raw, "a duration, \"respect\" or \"revalidate\"", units::duration).map(BrowserTtl::Override)
        }
    }
}

fn stale_ttl(raw: &Text, problems: &mut Problems<'_>) -> Option<StaleTtl> {
    match raw.get_ref().as_str() {
        "respect" => Some(StaleTtl::Respect),
        _ => problems.parse(raw, "a duration or \"respect\"", units::duration).map(StaleTtl::Override),
    }
}

fn bypass(raw: &RawBypass, problems: &mut Problems<'_>) -> Bypass {
    // What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
    Bypass {
        authorization: raw.authorization.unwrap_or(true),
        cookies: raw.cookies.iter().filter_map(|name| problems.parse(name, "a cookie's name", cookie_name)).collect(),
        headers: raw.headers.iter().filter_map(|name| problems.parse(name, "a header's name", header_name)).collect(),
        query: raw.query.iter().filter_map(|name| problems.parse(name, "a parameter's name", parameter_name)).collect(),
    }
}

fn key_spec(raw: &RawKey, scope: Arc<str>, problems: &mut Problems<'_>) -> Option<KeySpec> {
    let select = raw.query.as_ref().map_or(Some(Select::All), |query| select(query, problems));
    let headers: Vec<KeyHeader> = raw.headers.iter().filter_map(|header| key_header(header, problems)).collect();
    let cookies = raw.cookies.iter().filter_map(|name| problems.parse(name, "a cookie's name", cookie_name)).collect();
    let query = QuerySpec { select: select?, keep_tracking: raw.keep_tracking, sort: raw.sort_query.unwrap_or(true) };
    Some(KeySpec { scope, query, headers, cookies, device: raw.device })
}

fn select(raw: &Spanned<RawQuery>, problems: &mut Problems<'_>) -> Option<Select> {
    let mut names = |names: &[String]| -> Vec<Glob> {
        names
            .iter()
            .filter_map(|name| problems.parse(&at(raw, name), "a parameter's name", parameter_name))
            .map(|name| Glob::new(&name))
            .collect()
    };
    match raw.get_ref() {
        RawQuery::Word(word) => match word.as_str() {
            "all" => Some(Select::All),
            "none" => Some(Select::Allow(Vec::new())),
            _ => {
                problems.unknown(&at(raw, word), "value of `key.query`", ["all", "none"]);
                None
            }
        },
        RawQuery::Names(lists) => match (&lists.allow, &lists.deny) {
            (Some(allow), None) => Some(Select::Allow(names(allow))),
            (None, Some(deny)) => Some(Select::Deny(names(deny))),
            _ => {
                problems.error(raw, "`key.query` takes either `allow` or `deny`", None);
                None
            }
        },
    }
}

fn key_header(raw: &Spanned<RawKeyHeader>, problems: &mut Problems<'_>) -> Option<KeyHeader> {
    let (name, empty_is_absent) = match raw.get_ref() {
        RawKeyHeader::Name(name) => (name, true),
        RawKeyHeader::Table(table) => (&table.name, table.empty_is_absent.unwrap_or(true)),
    };
    let name = problems.parse(&at(raw, name), "a header's name", header_name)?;
    // Each has a treatment of its own, which a raw copy in the key would defeat.
    let help = match name {
        http::header::COOKIE => "name single cookies in `key.cookies`",
        http::header::ACCEPT_ENCODING => "variants by encoding come from the response's Vary",
        http::header::HOST => "the host is always in the key",
        _ => return Some(KeyHeader { name, empty_is_absent }),
    };
    problems.error(raw, format!("`{name}` cannot be a header of the key"), Some(help.into()));
    None
}

fn templates(raw: &RawRule, paths: Arc<[PathPattern]>, problems: &mut Problems<'_>) -> TagTemplates {
    let Some(texts) = &raw.tags else {
        return TagTemplates::default();
    };
    let known: Vec<&str> = paths.iter().flat_map(PathPattern::parameters).collect();
    let mut templates = Vec::new();
    for text in texts.get_ref() {
        let Some(template) = problems.parse::<Template, _>(text, "a tag template", str::parse) else { continue };
        let unknown = template.parameters().find(|name| !known.contains(name)).map(str::to_owned);
        let together =
            || paths.iter().any(|path| template.parameters().all(|name| path.parameters().any(|own| own == name)));
        if let Some(name) = unknown {
            problems.unknown(&at(text, &name), "parameter", known.iter().copied());
        } else if !paths.is_empty() && !together() {
            problems.error(text, format!("no path has all parameters of `{}`", text.get_ref()), None);
        }
        templates.push(template);
    }
    TagTemplates::new(paths, templates)
}

/// A value at the place of the one that it is a part of.
fn at<T>(place: &Spanned<T>, value: &str) -> Text {
    Spanned::new(place.span(), value.to_owned())
}

fn header_name(text: &str) -> Result<HeaderName, &'static str> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| "letters, digits and -")
}

/// RFC 6265 §4.1.1: a token.
fn cookie_name(text: &str) -> Result<Box<str>, &'static str> {
    let valid = HeaderName::from_bytes(text.as_bytes()).is_ok();
    valid.then(|| text.into()).ok_or("letters, digits and -_.; capitals matter")
}

fn parameter_name(text: &str) -> Result<Box<str>, &'static str> {
    normal_name(text).filter(|_| !text.contains(['&', '='])).ok_or("write the name alone, such as \"id[]\"")
}
