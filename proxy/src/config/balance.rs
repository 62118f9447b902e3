//! How an upstream's addresses are chosen, checked, ejected and asked again.

use std::time::Duration;

use http::uri::PathAndQuery;
use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawEjection, RawHealth, RawRetries, Text};
use crate::upstream::{Address, Balance, Ejection, HealthCheck, Retries};

/// Most checks or failures in a row that a file may ask for.
const MAX_IN_A_ROW: u32 = 1000;
/// Most retries of one request.
const MAX_RETRIES: u32 = 5;
/// Shortest time between rounds of checks.
const MIN_EVERY: Duration = Duration::from_millis(10);

pub(super) fn balance(raw: Option<&Text>, problems: &mut Problems<'_>) -> Option<Balance> {
    let Some(word) = raw else {
        return Some(Balance::default());
    };
    let known = Balance::WORDS.iter().find(|(name, _)| name == word.get_ref()).map(|&(_, balance)| balance);
    if known.is_none() {
        problems.unknown(word, "way to balance", Balance::WORDS.iter().map(|&(name, _)| name));
    }
    known
}

/// `None` where something is wrong; no checks where there is no table.
pub(super) fn health(raw: Option<&RawHealth>, problems: &mut Problems<'_>) -> Option<Option<HealthCheck>> {
    let Some(raw) = raw else {
        return Some(None);
    };
    let path = health_path(&raw.path, problems);
    let every = problems.duration_or(raw.every.as_ref(), HealthCheck::EVERY);
    let timeout = problems.duration_or(raw.timeout.as_ref(), HealthCheck::TIMEOUT);
    if every.is_some_and(|every| every < MIN_EVERY) {
        problems.error_at_key(raw.every.as_ref(), "`every` must be at least 10ms", None);
    }
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        problems.error_at_key(raw.timeout.as_ref(), "a timeout of zero would fail every check", None);
    }
    let healthy_after = within("healthy_after", raw.healthy_after.as_ref(), 1, MAX_IN_A_ROW, problems);
    let unhealthy_after = within("unhealthy_after", raw.unhealthy_after.as_ref(), 1, MAX_IN_A_ROW, problems);
    Some(Some(HealthCheck {
        path: path?,
        every: every?,
        timeout: timeout?,
        healthy_after: healthy_after?.unwrap_or(HealthCheck::HEALTHY_AFTER),
        unhealthy_after: unhealthy_after?.unwrap_or(HealthCheck::UNHEALTHY_AFTER),
    }))
}

pub(super) fn ejection(raw: Option<&RawEjection>, problems: &mut Problems<'_>) -> Option<Ejection> {
    let Some(raw) = raw else {
        return Some(Ejection::default());
    };
    let Ejection { after: usual_after, duration: usual_duration } = Ejection::default();
    let after = within("after", raw.after.as_ref(), 0, MAX_IN_A_ROW, problems);
    let duration = problems.duration_or(raw.duration.as_ref(), usual_duration);
    if duration.is_some_and(|duration| duration.is_zero()) {
        let help = Some("to eject nothing, write `after = 0`".to_owned());
        problems.error_at_key(raw.duration.as_ref(), "an ejection of no duration is none", help);
    }
    Some(Ejection { after: after?.unwrap_or(usual_after), duration: duration? })
}

/// `None` where something is wrong; no retries where there is no table.
pub(super) fn retries(
    raw: Option<&Spanned<RawRetries>>,
    addresses: Option<&[Address]>,
    problems: &mut Problems<'_>,
) -> Option<Option<Retries>> {
    let Some(spanned) = raw else {
        return Some(None);
    };
    let raw = spanned.get_ref();
    let usual = Retries::default();
    let most = within("most", raw.most.as_ref(), 1, MAX_RETRIES, problems);
    let percent = within("budget_percent", raw.budget_percent.as_ref(), 0, 100, problems);
    if let Some([only]) = addresses
        && only.host.parse::<std::net::IpAddr>().is_ok()
    {
        let help = Some("a retry goes to another address of the upstream".to_owned());
        problems.warn(spanned, "`retries` has no effect with one address", help);
    }
    Some(Some(Retries { most: most?.unwrap_or(usual.most), budget_percent: percent?.unwrap_or(usual.budget_percent) }))
}

/// The number, where it is given; `None` where it is out of bounds.
fn within(
    key: &str,
    given: Option<&Spanned<u32>>,
    least: u32,
    most: u32,
    problems: &mut Problems<'_>,
) -> Option<Option<u32>> {
    let Some(given) = given else {
        return Some(None);
    };
    let inside = (least..=most).contains(given.get_ref());
    if !inside {
        problems.error(given, format!("`{key}` must be from {least} to {most}"), None);
    }
    inside.then(|| Some(*given.get_ref()))
}

fn health_path(path: &Text, problems: &mut Problems<'_>) -> Option<Box<str>> {
    let text = path.get_ref().as_str();
    let valid = text.starts_with('/') && !text.contains('#') && text.parse::<PathAndQuery>().is_ok();
    if !valid {
        let help = Some("it begins with `/`, such as \"/health\"".to_owned());
        problems.error(path, format!("`{text}` is not a path"), help);
    }
    valid.then(|| text.into())
}
