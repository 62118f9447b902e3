//! What a case expects, held against what the configuration says.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source, nearest};

use super::raw::RawExpect;
use super::told::{Done, Stored, Told, browser_ttl};
use crate::config::Config;
use crate::config::raw::{RawCondition, Text};
use crate::config::units;
use crate::glob::Glob;
use crate::rules::{Condition, DEFAULT_RULE};

/// What is said of a thing that is not there.
const NONE: &str = "none";
/// What is said of a value that is not to be printed.
const SECRET: &str = "(not shown)";

/// The mismatches of a case so far.
#[derive(Debug)]
pub(super) struct Mismatches<'s> {
    source: &'s Source,
    name: &'s str,
    /// Each with its place.
    pub(super) found: Vec<ConfigError>,
}

// === impl Mismatches ===

impl<'s> Mismatches<'s> {
    /// None yet, of the case with this name.
    pub(super) fn of(source: &'s Source, name: &'s str) -> Self {
        Self { source, name, found: Vec::new() }
    }

    /// Something that cannot be read, or never be so.
    pub(super) fn wrong<T>(&mut self, at: &Spanned<T>, message: impl std::fmt::Display, help: Option<String>) {
        let message = format!("case `{}`: {message}", self.name);
        self.found.push(self.source.error_at(at.span().start, message, help));
    }

    /// What is expected and what there is.
    pub(super) fn differ<T>(&mut self, at: &Spanned<T>, expected: &str, got: &str) {
        self.wrong(at, format_args!("expected `{expected}`, got `{got}`"), None);
    }

    /// Holds all of an expectation against what was told, but for what is told of other cases.
    pub(super) fn compare(&mut self, expect: &RawExpect, told: &Told, config: &Config) {
        let rules = || config.rules.rules().iter().map(|rule| &*rule.name).chain([DEFAULT_RULE]);
        self.word(expect.rule.as_ref(), "rule", rules(), told.rule.as_deref().unwrap_or(NONE));
        self.word(expect.action.as_ref(), "action", Done::WORDS, told.action.word());
        self.text(expect.reason.as_ref(), told.action.reason());
        self.names(expect.rate_limits.as_ref(), &told.rate_limits);
        let upstreams = || config.upstreams.iter().map(|upstream| &*upstream.name);
        let upstream = told.upstream.as_ref().map_or(NONE, |upstream| &*upstream.name);
        self.word(expect.upstream.as_ref(), "upstream", upstreams(), upstream);
        self.text(expect.sent.as_ref(), told.sent.as_deref().unwrap_or(NONE));
        self.fields(&expect.request_headers, &told.request_fields);
        let Some(answered) = &told.response else {
            self.response_is_needed(expect);
            return;
        };
        self.fields(&expect.response_headers, &answered.fields);
        if let Some(expected) = &expect.browser_ttl {
            self.duration(expected, browser_ttl(&answered.fields).ok_or(NONE));
        }
        match &answered.stored {
            Ok(stored) => self.stored(expect, stored),
            Err(reason) => {
                let why = reason.map_or(told.action.word(), |reason| reason.label());
                self.not_stored(expect, why);
            }
        }
    }

    fn stored(&mut self, expect: &RawExpect, stored: &Stored) {
        if let Some(expected) = expect.stored.as_ref().filter(|expected| !expected.get_ref()) {
            self.wrong(expected, "expected that it is not stored, but it is", None);
        }
        if let Some(reason) = &expect.not_stored {
            self.differ(reason, reason.get_ref(), "stored");
        }
        for (expected, got) in [
            (&expect.edge_ttl, stored.edge_ttl),
            (&expect.stale_while_revalidate, stored.while_revalidate),
            (&expect.stale_if_error, stored.if_error),
        ] {
            if let Some(expected) = expected {
                self.duration(expected, Ok(got));
            }
        }
        for (expected, got) in [(&expect.tags, &stored.tags), (&expect.varies_by, &stored.varies_by)] {
            self.names(expected.as_ref(), got);
        }
    }

    /// Names in any order.
    fn names(&mut self, expected: Option<&Spanned<Vec<String>>>, got: &[String]) {
        let Some(expected) = expected else { return };
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            names.join(" ")
        };
        let (wanted, got) = (sorted(expected.get_ref()), sorted(got));
        if wanted != got {
            self.differ(expected, shown(&wanted), shown(&got));
        }
    }

    fn not_stored(&mut self, expect: &RawExpect, why: &str) {
        if let Some(expected) = expect.stored.as_ref().filter(|expected| *expected.get_ref()) {
            self.wrong(expected, format_args!("expected that it is stored, but it is not: `{why}`"), None);
        }
        self.text(expect.not_stored.as_ref(), why);
        let durations = [&expect.edge_ttl, &expect.stale_while_revalidate, &expect.stale_if_error];
        for expected in durations.into_iter().flatten() {
            self.differ(expected, expected.get_ref(), &format!("not stored: {why}"));
        }
        for expected in [&expect.tags, &expect.varies_by].into_iter().flatten() {
            self.differ(expected, &expected.get_ref().join(" "), &format!("not stored: {why}"));
        }
    }

    /// What is said of a response needs one.
    fn response_is_needed(&mut self, expect: &RawExpect) {
        let help = || Some("add response = { status = 200 }".to_owned());
        let texts = [
            &expect.not_stored,
            &expect.edge_ttl,
            &expect.browser_ttl,
            &expect.stale_while_revalidate,
            &expect.stale_if_error,
        ];
        let lists = [&expect.tags, &expect.varies_by];
        let places = texts.into_iter().flatten().map(Spanned::span);
        let places = places
            .chain(lists.into_iter().flatten().map(Spanned::span))
            .chain(expect.stored.as_ref().map(Spanned::span));
        let places: Vec<_> = places.chain(expect.response_headers.keys().map(Spanned::span)).collect();
        for span in places {
            self.wrong(&Spanned::new(span, ()), "what is expected of a response needs one", help());
        }
    }

    fn word<'v>(&mut self, expected: Option<&Text>, what: &str, valid: impl IntoIterator<Item = &'v str>, got: &str) {
        let Some(expected) = expected.filter(|expected| expected.get_ref() != got) else { return };
        let valid: Vec<&str> = valid.into_iter().collect();
        let given = expected.get_ref().as_str();
        if valid.contains(&given) || given == NONE {
            self.differ(expected, given, got);
        } else {
            let near = nearest(given, valid.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            self.wrong(expected, format_args!("unknown {what} `{given}`, got `{got}`"), near);
        }
    }

    fn text(&mut self, expected: Option<&Text>, got: &str) {
        if let Some(expected) = expected.filter(|expected| expected.get_ref() != got) {
            self.differ(expected, expected.get_ref(), shown(got));
        }
    }

    fn duration(&mut self, expected: &Text, got: Result<Duration, &str>) {
        match units::duration(expected.get_ref()) {
            Err(error) => {
                let message = format!("`{}` is not a duration", expected.get_ref());
                self.wrong(expected, message, Some(error.to_string()));
            }
            Ok(wanted) if got != Ok(wanted) => {
                let got = got.map_or_else(str::to_owned, units::show);
                self.differ(expected, expected.get_ref(), &got);
            }
            Ok(_) => {}
        }
    }

    fn fields(&mut self, expected: &BTreeMap<Text, Spanned<RawCondition>>, got: &HeaderMap) {
        for (text, raw) in expected {
            let Ok(name) = HeaderName::from_bytes(text.get_ref().as_bytes()) else {
                self.wrong(text, format_args!("`{}` is not a header's name", text.get_ref()), None);
                continue;
            };
            let (condition, wanted) = match raw.get_ref() {
                RawCondition::Present(true) => (Condition::Present, "present"),
                RawCondition::Present(false) => (Condition::Absent, "absent"),
                RawCondition::Value(value) => (Condition::Like(Glob::new(value)), value.as_str()),
            };
            if !condition.holds_of_field(got, &name) {
                // What the rule writes into requests may be an upstream's password.
                let line = |line: &HeaderValue| {
                    if line.is_sensitive() {
                        SECRET.into()
                    } else {
                        String::from_utf8_lossy(line.as_bytes()).into_owned()
                    }
                };
                let lines: Vec<String> = got.get_all(&name).iter().map(line).collect();
                let got = if lines.is_empty() { "absent".to_owned() } else { lines.join("`, `") };
                self.differ(raw, wanted, &got);
            }
        }
    }
}

fn shown(text: &str) -> &str {
    if text.is_empty() { NONE } else { text }
}
