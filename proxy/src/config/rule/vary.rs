//! `vary`: how the fields are compared that a response's Vary names.

use std::sync::Arc;

use http::{HeaderName, header};
use toml::Spanned;

use crate::config::names::{at, header_name, media_range};
use crate::config::problems::Problems;
use crate::config::raw::{RawRule, RawVary, RawVaryChoices, Text};
use crate::vary::{VaryMode, VaryRules};

/// The key that stands for all fields which are not named.
const UNKNOWN: &str = "unknown";

/// What is wrong is noted, so that nothing is compiled in the end; what is right may be collected.
pub(super) fn rules(raw: &RawRule, problems: &mut Problems<'_>) -> VaryRules {
    let mut rules = VaryRules::default();
    for (name, raw) in &raw.vary {
        if name.get_ref() == UNKNOWN {
            rules.unknown = unknown(raw, problems).unwrap_or_default();
            continue;
        }
        let Some(name) = problems.parse(name, "a header's name", header_name) else { continue };
        let compiled = match raw.get_ref() {
            RawVary::Word(word) => mode(&at(raw, word), problems),
            RawVary::Choices(choices) => chosen(&name, raw, choices, problems),
        };
        rules.named.extend(compiled.map(|mode| (name, mode)));
    }
    rules
}

fn unknown(raw: &Spanned<RawVary>, problems: &mut Problems<'_>) -> Option<VaryMode> {
    match raw.get_ref() {
        RawVary::Word(word) => mode(&at(raw, word), problems),
        RawVary::Choices(_) => {
            let help = "name the header instead, such as accept-language";
            problems.error(raw, "`vary.unknown` takes \"exact\", \"ignore\" or \"refuse\"", Some(help.into()));
            None
        }
    }
}

fn mode(word: &Text, problems: &mut Problems<'_>) -> Option<VaryMode> {
    match word.get_ref().as_str() {
        "exact" => Some(VaryMode::Exact),
        "ignore" => Some(VaryMode::Ignore),
        "refuse" => Some(VaryMode::Refuse),
        _ => {
            problems.unknown(word, "value of `vary`", ["exact", "ignore", "refuse"]);
            None
        }
    }
}

fn chosen(
    name: &HeaderName,
    place: &Spanned<RawVary>,
    raw: &RawVaryChoices,
    problems: &mut Problems<'_>,
) -> Option<VaryMode> {
    let (key, list, of) = match (&raw.languages, &raw.types) {
        (Some(languages), None) => ("languages", languages, header::ACCEPT_LANGUAGE),
        (None, Some(types)) => ("types", types, header::ACCEPT),
        _ => {
            problems.error(place, "either `languages` or `types` tells a field's values apart", None);
            return None;
        }
    };
    if *name != of {
        problems.error(place, format!("`{key}` is for `{of}`, not for `{name}`"), None);
        return None;
    }
    if list.is_empty() {
        problems.error(place, format!("`{key}` is empty"), Some(format!("for none write {name} = \"ignore\"")));
        return None;
    }
    let mut parsed = |what, parse: fn(&str) -> Result<Box<str>, &'static str>| -> Arc<[Box<str>]> {
        list.iter().filter_map(|text| problems.parse(&at(place, text), what, parse)).collect()
    };
    Some(match key {
        "languages" => VaryMode::Languages(parsed("a language", language)),
        _ => VaryMode::Types(parsed("a media type", media_type)),
    })
}

/// RFC 4647 §2.1: subtags of letters and digits with hyphens between them. As it is written it is sent upstream.
fn language(text: &str) -> Result<Box<str>, &'static str> {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split('-').all(subtag).then(|| text.into()).ok_or("write a language's tag, such as \"de\" or \"pt-BR\"")
}

fn media_type(text: &str) -> Result<Box<str>, &'static str> {
    media_range(text)
        .ok()
        .filter(|range| !range.ends_with('/'))
        .ok_or("write a type without `*`, such as \"text/html\"")
}
