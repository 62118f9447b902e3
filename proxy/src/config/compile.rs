//! From the file's shape to the compiled configuration.

use std::sync::Arc;

use toml::Spanned;
use vitrine_shared::config::{ConfigError, Source};

use super::problems::Problems;
use super::raw::{RawCache, RawConfig, RawRule, Text};
use super::rule::Known;
use super::upstreams::Upstreams;
use super::{CacheLimits, Config, disk, feed, listen, rate_limits, rule, sequencer, upstreams};
use crate::rules::{DEFAULT_MAX_OBJECT, Rule, RuleSet, shadowed};
use crate::upstream::Upstream;

/// Memory for the cache, where nothing is said.
const MEMORY: u64 = 256 << 20;
/// Most variants of one URL, where nothing is said: what strangers put into a varying field then costs others little.
const MAX_VARIANTS: usize = 64;
/// Most variants that a file may ask for.
const MOST_VARIANTS: usize = 10_000;
/// The edge's name, where none is given.
const EDGE: &str = "edge";

pub(super) fn compile(source: &Source, raw: RawConfig) -> Result<Config, Vec<ConfigError>> {
    let mut problems = Problems::new(source);
    let listen = listen::compile(raw.listen, &mut problems);
    let cache = cache(&raw.cache, &mut problems);
    let max_object = cache.map_or(DEFAULT_MAX_OBJECT, |cache| cache.max_object);
    // A disk that is there but wrong has noted its problems, so nothing is compiled in the end; nor with such a feed.
    let disk = raw.cache.disk.as_ref().and_then(|raw| disk::compile(raw, max_object, &mut problems));
    let with_feed = raw.feed.is_some() || raw.sequencer.is_some();
    let sequencer = raw.sequencer.and_then(|raw| sequencer::compile(raw, &mut problems));
    let feed = match raw.feed {
        Some(raw) => feed::compile(raw, &mut problems),
        None => sequencer.as_ref().map(feed::of_own),
    };
    let upstreams = upstreams::compile(raw.upstreams, with_feed, &mut problems);
    let default = default_upstream(raw.default_upstream.as_ref(), &upstreams, &mut problems);
    let rate_limits = rate_limits::compile(raw.rate_limits, &mut problems);
    let known = Known { upstreams: &upstreams, default: default.as_ref(), rate_limits: &rate_limits, max_object };
    let rules = rules(&raw.rules, known, &mut problems);
    upstreams.warn_of_unused(default.as_ref(), &rules, &mut problems);
    rate_limits.warn_of_unused(&rules, &mut problems);
    let edge = raw.edge.map_or_else(|| EDGE.to_owned(), Spanned::into_inner).into();
    let result = match (listen, cache, default) {
        (Some(listen), Some(cache), Some(default)) => Some(Config {
            edge,
            listen,
            cache,
            disk,
            feed,
            sequencer,
            upstreams: upstreams.list(),
            rate_limits: rate_limits.list().into(),
            rules: Arc::new(RuleSet::new(rules, default)),
            warnings: Vec::new(),
        }),
        _ => None,
    };
    problems.finish(result).map(|(config, warnings)| Config { warnings, ..config })
}

fn cache(raw: &RawCache, problems: &mut Problems<'_>) -> Option<CacheLimits> {
    let memory = problems.size_or(raw.memory.as_ref(), MEMORY);
    let max_object = problems.size_or(raw.max_object.as_ref(), DEFAULT_MAX_OBJECT);
    let max_variants = raw.max_variants.as_ref().map_or(MAX_VARIANTS, |most| *most.get_ref());
    if !(1..=MOST_VARIANTS).contains(&max_variants) {
        let message = format!("`max_variants` must be from 1 to {MOST_VARIANTS}");
        problems.error_at_key(raw.max_variants.as_ref(), message, None);
    }
    let limits = CacheLimits { memory: memory?, max_object: max_object?, max_variants };
    if limits.max_object > limits.memory {
        let at = raw.max_object.as_ref().or(raw.memory.as_ref());
        problems.error_at_key(at, "`max_object` is larger than `memory`", None);
    }
    Some(limits)
}

fn default_upstream(named: Option<&Text>, upstreams: &Upstreams, problems: &mut Problems<'_>) -> Option<Arc<Upstream>> {
    match named {
        Some(name) => upstreams.find(name, problems),
        None if upstreams.count() == 1 => upstreams.list().pop(),
        None => {
            let (message, help) = match upstreams.a_name() {
                None => ("there is no upstream", "add [upstreams.origin] with its `addresses`".to_owned()),
                Some(name) => (
                    "there are several upstreams",
                    format!("say which is asked what no rule matches: default_upstream = \"{name}\""),
                ),
            };
            problems.whole(message, Some(help));
            None
        }
    }
}

/// The rules that could be compiled; those that could not have noted their problems.
fn rules(raw: &[Spanned<RawRule>], known: Known<'_>, problems: &mut Problems<'_>) -> Vec<Rule> {
    let mut compiled: Vec<(usize, Rule)> = Vec::new();
    for (index, entry) in raw.iter().enumerate() {
        let name = &entry.get_ref().name;
        if let Some(earlier) = raw[..index].iter().find(|earlier| earlier.get_ref().name == *name) {
            let line = problems.line_of(&earlier.get_ref().name);
            problems.error(name, format!("the rule on line {line} is called `{}` too", name.get_ref()), None);
        }
        let rule = rule::compile(entry.get_ref(), known, problems);
        compiled.extend(rule.map(|rule| (index, rule)));
    }
    let (places, rules): (Vec<usize>, Vec<Rule>) = compiled.into_iter().unzip();
    let of = |place: usize| places.get(place).and_then(|&index| raw.get(index)).map(|entry| &entry.get_ref().name);
    for shadow in shadowed(&rules) {
        let Some(name) = of(shadow.rule) else { continue };
        let by: Vec<String> = shadow
            .by
            .iter()
            .filter_map(|&place| of(place))
            .map(|name| format!("`{}` on line {}", name.get_ref(), problems.line_of(name)))
            .collect();
        let message =
            format!("rule `{}` can never match: {} comes first and takes all of it", name.get_ref(), by.join(" with "));
        problems.error(
            name,
            message,
            Some("the first rule that matches decides: put the narrower one first".to_owned()),
        );
    }
    rules
}
