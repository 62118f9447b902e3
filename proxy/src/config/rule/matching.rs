//! What a rule matches: hosts, paths, methods, and conditions on query, headers and cookies.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use http::{HeaderName, Method, header};
use toml::Spanned;

use crate::config::names::{cookie_name, header_name, parameter_name};
use crate::config::problems::Problems;
use crate::config::raw::{RawCondition, RawRule, Text};
use crate::glob::Glob;
use crate::rules::{Condition, Conditions, HostPattern, MethodSet, PathPattern};

pub(super) fn hosts(raw: &[Text], problems: &mut Problems<'_>) -> Option<Vec<HostPattern>> {
    let hosts: Vec<Option<HostPattern>> = raw.iter().map(|host| problems.parse(host, "a host", str::parse)).collect();
    hosts.into_iter().collect()
}

pub(super) fn paths(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Arc<[PathPattern]>> {
    if raw.get_ref().is_empty() {
        problems.error(raw, "a rule without paths matches nothing", Some("for all paths write [\"/**\"]".into()));
        return None;
    }
    let patterns: Vec<Option<PathPattern>> =
        raw.get_ref().iter().map(|text| problems.parse(text, "a path pattern", str::parse)).collect();
    patterns.into_iter().collect()
}

pub(super) fn methods(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<MethodSet> {
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

/// What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
pub(super) fn conditions(raw: &RawRule, problems: &mut Problems<'_>) -> Conditions {
    let query = named(&raw.query, "a parameter's name", parameter_name, problems);
    let cookies = named(&raw.cookies, "a cookie's name", cookie_name, problems);
    let headers = on_headers(&raw.headers, problems);
    for name in raw.headers.keys() {
        // Each is matched by a key of its own, whichever form it comes in.
        let help = match header_name(name.get_ref()) {
            Ok(header::HOST) => "match it by `hosts`",
            Ok(header::COOKIE) => "match single cookies by `cookies`",
            _ => continue,
        };
        problems.error(name, format!("`{}` cannot be a condition", name.get_ref()), Some(help.into()));
    }
    Conditions { query, headers, cookies }
}

pub(super) fn on_headers(
    raw: &BTreeMap<Text, Spanned<RawCondition>>,
    problems: &mut Problems<'_>,
) -> Vec<(HeaderName, Condition)> {
    named(raw, "a header's name", header_name, problems)
}

fn named<N, E: Display>(
    raw: &BTreeMap<Text, Spanned<RawCondition>>,
    what: &str,
    parse: fn(&str) -> Result<N, E>,
    problems: &mut Problems<'_>,
) -> Vec<(N, Condition)> {
    let condition = |raw: &RawCondition| match raw {
        RawCondition::Present(true) => Condition::Present,
        RawCondition::Present(false) => Condition::Absent,
        RawCondition::Value(text) => Condition::Like(Glob::new(text)),
    };
    raw.iter().filter_map(|(name, raw)| Some((problems.parse(name, what, parse)?, condition(raw.get_ref())))).collect()
}
