//! The compiled rules: ordered, the first that matches decides, and one that passes stands behind them all.

mod bypass;
mod conditions;
mod decision;
mod facts;
mod index;
mod methods;
mod overlap;
mod pattern;
mod response;
mod scope;
mod template;
mod trace;
mod transform;

use std::collections::HashMap;
use std::sync::Arc;

pub use bypass::{Bypass, BypassCause};
pub use conditions::{Condition, Conditions, Unmet};
pub use decision::{
    Action, BrowserTtl, CDN_CACHE_CONTROL, CachePlan, CacheSettings, DEFAULT_MAX_OBJECT, DEFAULT_NEGATIVE_TTL,
    Decision, EdgeTtl, Forward, Heuristic, OnDisconnect, RequestDirectives, SetCookie, StaleTtl,
};
pub use facts::RequestFacts;
use http::Method;
pub use index::LimitIndex;
use ipnet::IpNet;
pub use methods::{HostPattern, HostPatternError, MethodSet};
pub use overlap::{Shadowed, shadowed};
use pattern::SplitPath;
pub use pattern::{PathPattern, PatternError};
pub use response::{Effective, ResponseRule};
pub use scope::scope;
pub use template::{TagTemplates, Template, TemplateError};
pub use trace::{Mismatch, Trace};
pub use transform::{
    AllowedHeaders, Author, Cors, Fields, HeaderEdits, OriginError, OriginPattern, OriginPort, Origins, Transform,
    asked_method, describes_content,
};

use crate::key::{QuerySpec, Target, without_port};
use crate::reason::PassReason;
use crate::upstream::Upstream;

/// The name that requests which no rule matches are counted under; no rule may have it.
pub const DEFAULT_RULE: &str = "default";

/// Longest name of a rule or upstream, in bytes: names become labels.
const MAX_NAME: usize = 64;

/// What a name is, for messages.
pub const NAME_HELP: &str = "up to 64 letters, digits, -, _ and .";

/// Whether this can be the name of a rule or an upstream: it stands in metrics, logs and Cache-Status.
pub fn valid_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(fits)
}

/// One rule of the configuration.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// The hosts that it is for; empty for all.
    pub hosts: Vec<HostPattern>,
    /// The paths that it is for; at least one.
    pub paths: Arc<[PathPattern]>,
    /// The methods that it is for; absent for all.
    pub methods: Option<MethodSet>,
    /// What must hold besides.
    pub conditions: Conditions,
    /// Who is asked.
    pub upstream: Arc<Upstream>,
    /// What is changed of the messages.
    pub transform: Arc<Transform>,
    /// Networks from which PURGE is taken.
    pub purge_from: Arc<[IpNet]>,
    /// The rate limits that its requests are under.
    pub rate_limits: Box<[LimitIndex]>,
    /// What is done.
    pub action: RuleAction,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum RuleAction {
    /// Cache, but for what is bypassed.
    Cache {
        /// The settings of what is cached.
        settings: Arc<CacheSettings>,
        /// What is passed all the same.
        bypass: Bypass,
    },
    /// Pass.
    Pass,
}

/// All rules of a configuration, found by the first segment of the path.
#[derive(Clone, Debug)]
pub struct RuleSet {
    rules: Vec<Rule>,
    default_rule: Arc<str>,
    default_upstream: Arc<Upstream>,
    /// By which parameters rules that are no longer in force told URLs apart. What they stored is found again when they come back,
    /// so a purge of its URL in the meantime must reach it.
    former: Vec<QuerySpec>,
    /// Patterns that a path with this first segment may match, in the order of the rules.
    by_first: HashMap<Box<str>, Vec<Candidate>>,
    /// Those that any path may match.
    by_none: Vec<Candidate>,
}

/// What the rules say of one request.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'s> {
    /// The rule that decides; `None` where none matches.
    pub rule: Option<&'s Rule>,
    /// The settings by which it is cached, or why it is passed.
    pub action: Result<&'s Arc<CacheSettings>, PassReason>,
    /// The rule's place among all, from 0; their number where none matches.
    pub place: usize,
}

/// A pattern of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    rule: usize,
    path: usize,
}

// === impl RuleSet ===

impl RuleSet {
    /// Rules in their order; what none of them matches is passed to `default_upstream`.
    pub fn new(rules: Vec<Rule>, default_upstream: Arc<Upstream>) -> Self {
        let mut by_first: HashMap<Box<str>, Vec<Candidate>> = HashMap::new();
        let mut by_none = Vec::new();
        for (rule, entry) in rules.iter().enumerate() {
            for (path, pattern) in entry.paths.iter().enumerate() {
                let candidate = Candidate { rule, path };
                match pattern.first_literal() {
                    Some(first) => by_first.entry(first.into()).or_default().push(candidate),
                    None => by_none.push(candidate),
                }
            }
        }
        for candidates in by_first.values_mut() {
            candidates.extend_from_slice(&by_none);
            candidates.sort_unstable();
        }
        Self { rules, default_rule: DEFAULT_RULE.into(), default_upstream, former: Vec::new(), by_first, by_none }
    }

    /// What to do with a request, for as long as it takes.
    pub fn decide(&self, request: &RequestFacts<'_>) -> Decision {
        let judged = self.judge(request);
        let Some(rule) = judged.rule else {
            return Decision {
                place: judged.place,
                rule: Arc::clone(&self.default_rule),
                upstream: Arc::clone(&self.default_upstream),
                transform: Arc::default(),
                purge_from: Arc::default(),
                action: Action::Pass(PassReason::NoRule),
            };
        };
        let action = match judged.action {
            Ok(settings) => Action::Cache(CachePlan { settings: Arc::clone(settings) }),
            Err(reason) => Action::Pass(reason),
        };
        Decision {
            place: judged.place,
            rule: Arc::clone(&rule.name),
            upstream: Arc::clone(&rule.upstream),
            transform: Arc::clone(&rule.transform),
            purge_from: Arc::clone(&rule.purge_from),
            action,
        }
    }

    /// As [`RuleSet::decide`], by reference. Allocates nothing but for paths of very many segments.
    pub fn judge(&self, request: &RequestFacts<'_>) -> Judged<'_> {
        let Some((place, rule)) = self.find_placed(request) else {
            return Judged { rule: None, action: Err(PassReason::NoRule), place: self.rules.len() };
        };
        let action = match &rule.action {
            RuleAction::Pass => Err(PassReason::Rule),
            RuleAction::Cache { settings, bypass } => match bypass.reason(request) {
                Some(reason) => Err(reason),
                // With the client's cookies the upstream might answer for another path than the rule's.
                None if settings.forward == Forward::All && request.target.is_ambiguous() => Err(PassReason::Path),
                None => Ok(settings),
            },
        };
        Judged { rule: Some(rule), action, place }
    }

    /// The first rule that matches.
    pub fn find(&self, request: &RequestFacts<'_>) -> Option<&Rule> {
        self.find_placed(request).map(|(_, rule)| rule)
    }

    fn find_placed(&self, request: &RequestFacts<'_>) -> Option<(usize, &Rule)> {
        let path = SplitPath::new(request.target.path());
        let host = without_port(request.target.host());
        let candidates = self.by_first.get(path.first()).unwrap_or(&self.by_none);
        candidates.iter().find_map(|candidate| {
            let rule = self.rules.get(candidate.rule)?;
            let matches = rule.paths.get(candidate.path)?.matches_split(&path)
                && rule.mismatch_besides_path(request, host).is_none();
            matches.then_some((candidate.rule, rule))
        })
    }

    /// The settings under which something may be stored for a target, whatever the requests' other properties: of the cache
    /// rules for its host and path, up to the first rule that host and path alone decide for.
    pub fn caching(&self, target: &Target) -> Vec<&Arc<CacheSettings>> {
        let path = SplitPath::new(target.path());
        let host = without_port(target.host());
        let mut found: Vec<&Arc<CacheSettings>> = Vec::new();
        for candidate in self.by_first.get(path.first()).unwrap_or(&self.by_none) {
            let Some(rule) = self.rules.get(candidate.rule) else { continue };
            let allows = |method| rule.methods.as_ref().is_none_or(|methods| methods.contains(method));
            let of_get = allows(&Method::GET) || allows(&Method::HEAD);
            let of_host = rule.hosts.is_empty() || rule.hosts.iter().any(|pattern| pattern.matches(host));
            if !(of_get
                && of_host
                && rule.paths.get(candidate.path).is_some_and(|path_of| path_of.matches_split(&path)))
            {
                continue;
            }
            if let RuleAction::Cache { settings, .. } = &rule.action
                && !found.iter().any(|known| Arc::ptr_eq(known, settings))
            {
                found.push(settings);
            }
            if rule.conditions == Conditions::default() && allows(&Method::GET) && allows(&Method::HEAD) {
                break;
            }
        }
        found
    }

    /// The same rules, which come into force after others in the same process.
    #[must_use]
    pub fn after(mut self, earlier: &Self) -> Self {
        let of_rules = earlier.rules.iter().filter_map(|rule| match &rule.action {
            RuleAction::Cache { settings, .. } => Some(&settings.key.query),
            RuleAction::Pass => None,
        });
        for spec in earlier.former.iter().chain(of_rules) {
            if !self.former.contains(spec) {
                self.former.push(spec.clone());
            }
        }
        self
    }

    /// By which parameters rules told URLs apart that were in force before these in this process.
    pub fn former_queries(&self) -> &[QuerySpec] {
        &self.former
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rate limits that requests are under which the rule at this place decides; none for the default rule.
    pub fn rate_limits(&self, place: usize) -> &[LimitIndex] {
        self.rules.get(place).map(|rule| &*rule.rate_limits).unwrap_or_default()
    }

    /// Who is asked what no rule matches.
    pub fn default_upstream(&self) -> &Arc<Upstream> {
        &self.default_upstream
    }
}

#[cfg(test)]
mod tests;
