//! Rules that can never match, because earlier ones match everything that they do.

use super::Rule;

/// A rule that can never match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// Its place among the rules, from 0.
    pub rule: usize,
    /// The places of the earlier rules that take its requests.
    pub by: Vec<usize>,
}

/// Rules of which every path is taken by some earlier rule, for all of their hosts and methods, and under their conditions.
///
/// Never wrong about a rule that can match; it may miss one that only several earlier rules together shadow.
pub fn shadowed(rules: &[Rule]) -> Vec<Shadowed> {
    let mut found = Vec::new();
    for (rule, later) in rules.iter().enumerate() {
        let takes_path = |path| {
            rules[..rule].iter().position(|earlier| {
                earlier.paths.iter().any(|pattern| pattern.covers(path)) && covers_all_but_paths(earlier, later)
            })
        };
        let by: Option<Vec<usize>> = later.paths.iter().map(takes_path).collect();
        if let Some(mut by) = by.filter(|by| !by.is_empty()) {
            by.sort_unstable();
            by.dedup();
            found.push(Shadowed { rule, by });
        }
    }
    found
}

fn covers_all_but_paths(earlier: &Rule, later: &Rule) -> bool {
    let hosts = earlier.hosts.is_empty()
        || (!later.hosts.is_empty()
            && later.hosts.iter().all(|host| earlier.hosts.iter().any(|pattern| pattern.covers(host))));
    let methods = match (&earlier.methods, &later.methods) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(earlier), Some(later)) => earlier.covers(later),
    };
    // Each condition of the earlier rule must follow from one of the later, or some of its requests get past.
    hosts && methods && earlier.conditions.follow_from(&later.conditions)
}
