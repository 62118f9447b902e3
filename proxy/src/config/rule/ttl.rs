//! How long things are kept and served, and what clients are told.

use std::time::Duration;

use toml::Spanned;

use crate::config::names::at;
use crate::config::problems::Problems;
use crate::config::raw::{RawHeuristic, RawStale, RawTtl, Text};
use crate::config::units;
use crate::rules::{BrowserTtl, EdgeTtl, Heuristic, StaleTtl};

/// Part of the time since Last-Modified, where nothing is said (RFC 9111 §4.2.2: "a typical setting").
const HEURISTIC_PERCENT: u32 = 10;
/// The longest heuristic freshness, where nothing is said.
const HEURISTIC_MAX: Duration = Duration::from_hours(24);

pub(super) fn edge(raw: &Spanned<RawTtl>, problems: &mut Problems<'_>) -> Option<EdgeTtl> {
    match raw.get_ref() {
        RawTtl::Word(word) if word == "respect" => Some(EdgeTtl::Respect),
        RawTtl::Word(word) => {
            problems.parse(&at(raw, word), "a duration or \"respect\"", units::duration).map(EdgeTtl::Override)
        }
        RawTtl::Cap(cap) => problems.duration(&at(raw, &cap.cap)).map(EdgeTtl::Cap),
    }
}

pub(super) fn browser(raw: &Text, problems: &mut Problems<'_>) -> Option<BrowserTtl> {
    match raw.get_ref().as_str() {
        "respect" => Some(BrowserTtl::Respect),
        "revalidate" => Some(BrowserTtl::Revalidate),
        _ => {
            problems.parse(raw, "a duration, \"respect\" or \"revalidate\"", units::duration).map(BrowserTtl::Override)
        }
    }
}

pub(super) fn stale(raw: &Spanned<RawStale>, problems: &mut Problems<'_>) -> Option<StaleTtl> {
    match raw.get_ref() {
        RawStale::Word(word) if word == "respect" => Some(StaleTtl::Respect),
        RawStale::Word(word) => {
            problems.parse(&at(raw, word), "a duration or \"respect\"", units::duration).map(StaleTtl::Override)
        }
        RawStale::Default(stale) => problems.duration(&at(raw, &stale.default)).map(StaleTtl::Default),
    }
}

pub(super) fn heuristic(raw: &RawHeuristic, problems: &mut Problems<'_>) -> Option<Heuristic> {
    let percent = raw.percent.as_ref().map_or(HEURISTIC_PERCENT, |percent| *percent.get_ref());
    if let Some(given) = raw.percent.as_ref().filter(|_| !(1..=100).contains(&percent)) {
        problems.error(given, "`percent` must be from 1 to 100", None);
        return None;
    }
    Some(Heuristic { percent, max: problems.duration_or(raw.max.as_ref(), HEURISTIC_MAX)? })
}
