//! Why a request came to its rule: the rules before it, each with what did not fit.

use std::fmt;

use super::conditions::Unmet;
use super::facts::RequestFacts;
use super::pattern::SplitPath;
use super::{Condition, Rule, RuleSet};
use crate::key::without_port;

/// The way of a request through the rules.
#[derive(Clone, Debug)]
pub struct Trace<'s> {
    /// The first rule that matches; `None` where none does.
    pub rule: Option<&'s Rule>,
    /// The rules before it, in their order, each with the first thing that did not fit.
    pub passed_over: Vec<(&'s Rule, Mismatch<'s>)>,
}

/// What of a rule does not fit a request.
#[derive(Clone, Copy, Debug)]
pub enum Mismatch<'s> {
    /// None of its paths.
    Path,
    /// The method.
    Method,
    /// None of its hosts.
    Host,
    /// A condition.
    Condition(Unmet<'s>),
}

impl RuleSet {
    /// As [`RuleSet::find`], with what is in the way of the rules before. Slower: for those who look on.
    pub fn trace<'s>(&'s self, request: &RequestFacts<'_>) -> Trace<'s> {
        let path = SplitPath::new(request.target.path());
        let host = without_port(request.target.host());
        let mut passed_over = Vec::new();
        for rule in &self.rules {
            let mismatch = if rule.paths.iter().any(|pattern| pattern.matches_split(&path)) {
                rule.mismatch_besides_path(request, host)
            } else {
                Some(Mismatch::Path)
            };
            match mismatch {
                Some(mismatch) => passed_over.push((rule, mismatch)),
                None => return Trace { rule: Some(rule), passed_over },
            }
        }
        Trace { rule: None, passed_over }
    }
}

impl Rule {
    /// What does not fit of all but its paths.
    pub(super) fn mismatch_besides_path(&self, request: &RequestFacts<'_>, host: &str) -> Option<Mismatch<'_>> {
        if !self.methods.as_ref().is_none_or(|methods| methods.contains(request.method)) {
            return Some(Mismatch::Method);
        }
        if !(self.hosts.is_empty() || self.hosts.iter().any(|pattern| pattern.matches(host))) {
            return Some(Mismatch::Host);
        }
        self.conditions.unmet(request).map(Mismatch::Condition)
    }
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path => f.write_str("it is for other paths"),
            Self::Method => f.write_str("it is for other methods"),
            Self::Host => f.write_str("it is for other hosts"),
            Self::Condition(Unmet { kind, name, condition }) => match condition {
                Condition::Present => write!(f, "it wants the {kind} `{name}`"),
                Condition::Absent => write!(f, "it wants no {kind} `{name}`"),
                Condition::Like(glob) => write!(f, "it wants the {kind} `{name}` to be `{}`", glob.as_str()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;
    use crate::config::testing::load;
    use crate::key::{Scheme, Target};

    #[test]
    fn the_way_leads_to_the_rule_that_decides() {
        let rule = |name: &str, keys: &str| format!("[[rules]]\nname = \"{name}\"\naction = \"pass\"\n{keys}\n");
        let rules = [
            rule("path", "paths = [\"/a/*\", \"/b\"]"),
            rule("method", "paths = [\"/**\"]\nmethods = [\"POST\"]"),
            rule("host", "paths = [\"/**\"]\nhosts = [\"*.shop.example\"]"),
            rule("header", "paths = [\"/**\"]\nheaders = { x-a = \"1*\" }"),
            rule("query", "paths = [\"/**\"]\nquery = { q = false }"),
            rule("cookie", "paths = [\"/**\"]\ncookies = { c = true }"),
        ];
        let rules = load(&rules.concat()).unwrap().rules;
        let none: [(&'static str, &'static str); 0] = [];
        for (method, host, path, lines, expected) in [
            ("GET", "h", "/a/1", &none[..], "path"),
            ("POST", "h", "/", &none, "it is for other paths, method"),
            ("GET", "eu.shop.example", "/", &none, "it is for other paths, it is for other methods, host"),
            (
                "GET",
                "h",
                "/?q=1",
                &[("x-a", "12")],
                "it is for other paths, it is for other methods, it is for other hosts, header",
            ),
            (
                "GET",
                "h",
                "/?q=1",
                &[("cookie", "c=1")],
                "it is for other paths, it is for other methods, it is for other hosts, it wants the header `x-a` to be `1*`, it wants no \
                 query parameter `q`, cookie",
            ),
            (
                "GET",
                "h",
                "/?q",
                &none,
                "it is for other paths, it is for other methods, it is for other hosts, it wants the header `x-a` to be `1*`, it wants no \
                 query parameter `q`, it wants the cookie `c`, none",
            ),
        ] {
            let target = Target::parse(Scheme::Http, host, path).unwrap();
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let fields =
                lines.iter().map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            let headers: HeaderMap = fields.collect();
            let facts = RequestFacts::new(&method, &target, &headers);
            let trace = rules.trace(&facts);
            let name = |rule: Option<&Rule>| rule.map_or("none".to_owned(), |rule| rule.name.to_string());
            let way: Vec<String> = trace.passed_over.iter().map(|(_, mismatch)| mismatch.to_string()).collect();
            let told = way.into_iter().chain([name(trace.rule)]).collect::<Vec<_>>().join(", ");
            assert_eq!(told, expected, "{host}{path}");
            assert_eq!(name(rules.find(&facts)), name(trace.rule), "as requests find it");
        }
    }
}
