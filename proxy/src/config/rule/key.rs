//! `key` and `bypass`: what tells requests apart, and which get past the cache.

use http::HeaderName;
use toml::Spanned;

use crate::config::names::{at, cookie_name, header_name, parameter_name};
use crate::config::problems::Problems;
use crate::config::raw::{RawBypass, RawKey, RawKeyHeader, RawQuery};
use crate::glob::Glob;
use crate::key::{KeyHeader, KeySpec, QuerySpec, Select, X_DEVICE_CLASS};
use crate::rules::Bypass;

/// What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
pub(super) fn bypass(raw: &RawBypass, problems: &mut Problems<'_>) -> Bypass {
    Bypass {
        authorization: raw.authorization.unwrap_or(true),
        cookies: raw
            .cookies
            .iter()
            .filter_map(|name| problems.parse(name, "a cookie's name", cookie_name))
            .map(|name| Glob::new(&name))
            .collect(),
        headers: raw.headers.iter().filter_map(|name| problems.parse(name, "a header's name", header_name)).collect(),
        query: raw
            .query
            .iter()
            .filter_map(|name| problems.parse(name, "a parameter's name", parameter_name))
            .map(|name| Glob::new(&name))
            .collect(),
    }
}

/// Its scope is not known yet: see [`scope`](crate::rules::scope).
pub(super) fn spec(raw: &RawKey, problems: &mut Problems<'_>) -> Option<KeySpec> {
    let select = raw.query.as_ref().map_or(Some(Select::All), |query| select(query, problems));
    let headers: Vec<KeyHeader> =
        raw.headers.iter().filter_map(|header| key_header(header, raw.device, problems)).collect();
    let cookies = raw.cookies.iter().filter_map(|name| problems.parse(name, "a cookie's name", cookie_name)).collect();
    let query = QuerySpec { select: select?, keep_tracking: raw.keep_tracking, sort: raw.sort_query.unwrap_or(true) };
    Some(KeySpec { scope: "".into(), query, headers, cookies, device: raw.device })
}

fn select(raw: &Spanned<RawQuery>, problems: &mut Problems<'_>) -> Option<Select> {
    let mut names = |names: &[String]| -> Vec<Glob> {
        let parsed =
            names.iter().filter_map(|name| problems.parse(&at(raw, name), "a parameter's name", parameter_name));
        parsed.map(|name| Glob::new(&name)).collect()
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

fn key_header(raw: &Spanned<RawKeyHeader>, by_device: bool, problems: &mut Problems<'_>) -> Option<KeyHeader> {
    let (name, empty_is_absent) = match raw.get_ref() {
        RawKeyHeader::Name(name) => (name, true),
        RawKeyHeader::Table(table) => (&table.name, table.empty_is_absent.unwrap_or(true)),
    };
    let name: HeaderName = problems.parse(&at(raw, name), "a header's name", header_name)?;
    // Each has a treatment of its own, which a raw copy in the key would defeat.
    let help = match name {
        http::header::COOKIE => "name single cookies in `key.cookies`",
        http::header::ACCEPT_ENCODING => "variants by encoding come from the response's Vary",
        http::header::HOST => "the host is always in the key",
        _ if by_device && name == X_DEVICE_CLASS => "`key.device` makes it, whatever a client sends",
        _ => return Some(KeyHeader { name, empty_is_absent }),
    };
    problems.error(raw, format!("`{name}` cannot be a header of the key"), Some(help.into()));
    None
}
