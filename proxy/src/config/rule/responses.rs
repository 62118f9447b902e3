//! `responses`: what a response changes of its rule's settings.

use toml::Spanned;

use super::matching::on_headers;
use super::{settings, ttl};
use crate::config::names::media_range;
use crate::config::problems::Problems;
use crate::config::raw::RawResponse;
use crate::config::units;
use crate::rules::ResponseRule;

/// The final statuses that there can be (RFC 9110 §15).
const STATUSES: std::ops::RangeInclusive<u16> = 200..=599;

/// What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
pub(super) fn compile(raw: &[Spanned<RawResponse>], problems: &mut Problems<'_>) -> Vec<ResponseRule> {
    let entries: Vec<ResponseRule> = raw.iter().map(|entry| one(entry, problems)).collect();
    for (index, later) in entries.iter().enumerate() {
        let Some(earlier) = entries[..index].iter().position(|earlier| earlier.covers(later)) else { continue };
        let line = problems.line_of(&raw[earlier]);
        let message = format!("this entry never comes to its turn: the one on line {line} takes all of it");
        problems.error(&raw[index], message, Some("the first that matches decides: put the narrower one first".into()));
    }
    entries
}

fn one(entry: &Spanned<RawResponse>, problems: &mut Problems<'_>) -> ResponseRule {
    let raw = entry.get_ref();
    let mut compiled = ResponseRule { headers: on_headers(&raw.headers, problems), ..ResponseRule::default() };
    if let Some(texts) = &raw.status {
        if texts.get_ref().is_empty() {
            problems.error(texts, "no status is named, so nothing matches", Some("for all leave `status` away".into()));
        }
        let statuses = texts.get_ref().iter().filter_map(|text| problems.parse(text, "a status", statuses));
        compiled.statuses = statuses.collect();
    }
    if let Some(texts) = &raw.content_type {
        if texts.get_ref().is_empty() {
            let help = "for all leave `content_type` away";
            problems.error(texts, "no media type is named, so nothing matches", Some(help.into()));
        }
        let types = texts.get_ref().iter().filter_map(|text| problems.parse(text, "a media type", media_range));
        compiled.content_types = types.collect();
    }
    compiled.store = raw.store.as_ref().map(|store| *store.get_ref());
    compiled.edge_ttl = raw.edge_ttl.as_ref().and_then(|raw| ttl::edge(raw, problems));
    compiled.browser_ttl = raw.browser_ttl.as_ref().and_then(|raw| ttl::browser(raw, problems));
    compiled.stale_while_revalidate = raw.stale_while_revalidate.as_ref().and_then(|raw| ttl::stale(raw, problems));
    compiled.stale_if_error = raw.stale_if_error.as_ref().and_then(|raw| ttl::stale(raw, problems));
    compiled.max_object_bytes = raw.max_object.as_ref().and_then(|raw| problems.parse(raw, "a size", units::size));
    compiled.set_cookie = raw.set_cookie.as_ref().and_then(|raw| settings::set_cookie(Some(raw), problems));
    if raw.changes_nothing() {
        let help = "say what is other for such responses: `store`, `edge_ttl`, `browser_ttl`, ..";
        problems.error(entry, "this entry changes nothing", Some(help.into()));
    }
    compiled
}

/// `404`, `5xx` or `500-504`.
fn statuses(text: &str) -> Result<(u16, u16), &'static str> {
    let one = |text: &str| text.parse().ok().filter(|status| text.len() == 3 && STATUSES.contains(status));
    let class = || text.strip_suffix("xx").and_then(|digit| one(&format!("{digit}00"))).map(|from| (from, from + 99));
    let range = || {
        let (from, to) = text.split_once('-')?;
        Some((one(from)?, one(to)?)).filter(|(from, to)| from <= to)
    };
    one(text).map(|status| (status, status)).or_else(class).or_else(range).ok_or(
        "write one from 200 to 599, a class such as \"5xx\", or from the lower to the higher, such as \"500-504\"",
    )
}
