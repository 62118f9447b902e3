//! The query as pairs, which of them count, and in which order they are keyed and sent.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::percent::{self, Malformed, Part};
use super::tracking;
use crate::glob::Glob;

/// Most pairs of a query; a request with more is refused.
const MAX_PAIRS: usize = 512;

/// A query in normal form, its pairs in the order that the client sent.
#[derive(Clone, Debug, Default)]
pub struct Query<'t> {
    /// The pairs, with whatever stands between them.
    text: Cow<'t, str>,
    pairs: SmallVec<[Span; 8]>,
}

/// Where in the text a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    name_end: u32,
    end: u32,
}

/// One `name=value` of a query, percent-encoded in normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair<'q> {
    /// What stands before the first `=`.
    pub name: &'q str,
    /// What stands after it; `None` where there is no `=`.
    pub value: Option<&'q str>,
}

/// Which parameters enter the key; the others are not sent to the upstream either, so they cannot poison it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuerySpec {
    /// By name.
    pub select: Select,
    /// Whether [tracking parameters](tracking::is_tracking) count like any other.
    pub keep_tracking: bool,
    /// Whether they are sorted by name; else they are keyed and sent in the order that the client sent.
    pub sort: bool,
}

/// Which parameters count, by name in normal form, in which `*` stands for anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// All.
    #[default]
    All,
    /// These.
    Allow(Vec<Glob>),
    /// All but these.
    Deny(Vec<Glob>),
}

/// Why a parameter does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is one of [tracking](tracking::is_tracking).
    Tracking,
    /// The rule allows others only.
    NotAllowed,
    /// The rule denies it.
    Denied,
}

// === impl Query ===

impl PartialEq for Query<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.pairs().eq(other.pairs())
    }
}

impl Eq for Query<'_> {}

impl<'t> Query<'t> {
    /// Splits and normalises the text after `?`. Empty pairs, as in `a&&b`, mean nothing and are left out.
    pub(super) fn parse(raw: &'t str) -> Result<Self, Malformed> {
        if percent::is_normal_query(raw) {
            return Self::split(raw);
        }
        let mut text = String::with_capacity(raw.len());
        let mut pairs = SmallVec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == MAX_PAIRS {
                return Err(Malformed);
            }
            let start = text.len();
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
            percent::normalise(name, Part::Query, &mut text)?;
            let name_end = text.len();
            if let Some(value) = value {
                text.push('=');
                percent::normalise(value, Part::Query, &mut text)?;
            }
            let at = |offset: usize| u32::try_from(offset).map_err(|_| Malformed);
            pairs.push(Span { start: at(start)?, name_end: at(name_end)?, end: at(text.len())? });
        }
        Ok(Self { text: Cow::Owned(text), pairs })
    }

    /// Of text in normal form.
    fn split(text: &'t str) -> Result<Self, Malformed> {
        let length = u32::try_from(text.len()).map_err(|_| Malformed)?;
        let mut pairs = SmallVec::new();
        let (mut start, mut name_end) = (0, None);
        for (at, byte) in (0..length).zip(text.bytes()).chain([(length, b'&')]) {
            match byte {
                b'=' if name_end.is_none() => name_end = Some(at),
                b'&' => {
                    if at > start {
                        if pairs.len() == MAX_PAIRS {
                            return Err(Malformed);
                        }
                        pairs.push(Span { start, name_end: name_end.unwrap_or(at), end: at });
                    }
                    (start, name_end) = (at + 1, None);
                }
                _ => {}
            }
        }
        Ok(Self { text: Cow::Borrowed(text), pairs })
    }

    /// The same, for longer than the request is there.
    pub(super) fn into_owned(self) -> Query<'static> {
        Query { text: Cow::Owned(self.text.into_owned()), pairs: self.pairs }
    }

    /// The pairs, in the order that the client sent.
    pub fn pairs(&self) -> impl Iterator<Item = Pair<'_>> {
        self.pairs.iter().map(|span| {
            let [start, name_end, end] = [span.start, span.name_end, span.end].map(|at| at as usize);
            Pair { name: &self.text[start..name_end], value: self.text[name_end..end].strip_prefix('=') }
        })
    }

    /// The text of all pairs, where all of them count, in the order that they have, and nothing else stands between them: as of most.
    pub(super) fn as_sent(&self, spec: &QuerySpec) -> Option<&str> {
        let Cow::Borrowed(text) = self.text else {
            return None;
        };
        let (mut end, mut last) = (0, "");
        for (index, (span, pair)) in self.pairs.iter().zip(self.pairs()).enumerate() {
            let follows = span.start == end + u32::from(index > 0);
            if !follows || !spec.counts(pair.name) || (spec.sort && pair.name < last) {
                return None;
            }
            (end, last) = (span.end, pair.name);
        }
        (end as usize == text.len()).then_some(text)
    }

    /// The pairs that count, sorted by name where the rule wants it; pairs of one name keep their order, which may have a meaning.
    pub(super) fn select(&self, spec: &QuerySpec) -> SmallVec<[Pair<'_>; 8]> {
        let mut pairs: SmallVec<[Pair<'_>; 8]> = self.pairs().filter(|pair| spec.counts(pair.name)).collect();
        if spec.sort {
            pairs.sort_by_key(|pair| pair.name);
        }
        pairs
    }
}

// === impl QuerySpec ===

impl Default for QuerySpec {
    fn default() -> Self {
        Self { select: Select::All, keep_tracking: false, sort: true }
    }
}

impl QuerySpec {
    /// Whether a parameter of this name, in normal form, enters the key and is sent.
    pub fn counts(&self, name: &str) -> bool {
        self.dropped(name).is_none()
    }

    /// Why a parameter of this name neither enters the key nor is sent, where that is so.
    pub fn dropped(&self, name: &str) -> Option<Dropped> {
        let is_among = |names: &[Glob]| names.iter().any(|listed| listed.matches(name.as_bytes()));
        match &self.select {
            // A parameter that the rule names is wanted, even one of tracking.
            Select::Allow(names) => return (!is_among(names)).then_some(Dropped::NotAllowed),
            Select::Deny(names) if is_among(names) => return Some(Dropped::Denied),
            Select::All | Select::Deny(_) => {}
        }
        (!self.keep_tracking && tracking::is_tracking(name)).then_some(Dropped::Tracking)
    }
}

/// A parameter's name as a rule writes it, in normal form; `None` where it can be none.
pub fn normal_name(name: &str) -> Option<Box<str>> {
    let mut out = String::new();
    percent::normalise(name, Part::Query, &mut out).ok()?;
    (!out.is_empty()).then(|| out.into_boxed_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn selected(raw: &str, spec: &QuerySpec) -> String {
        let query = Query::parse(raw).unwrap();
        let pairs = query.select(spec);
        let texts: Vec<String> = pairs
            .iter()
            .map(|pair| pair.value.map_or(pair.name.to_owned(), |value| format!("{}={value}", pair.name)))
            .collect();
        texts.join("&")
    }

    #[test]
    fn pairs_are_sorted_by_name_and_equal_names_keep_their_order() {
        let all = QuerySpec::default();
        for (raw, expected) in [
            ("b=2&a=1", "a=1&b=2"),
            ("id[]=2&a=1&id[]=1", "a=1&id%5B%5D=2&id%5B%5D=1"),
            ("a&a=&a=1", "a&a=&a=1"),
            ("&&b=1&&a=1&", "a=1&b=1"),
            ("a=1=2", "a=1=2"),
            ("utm_source=x&q=1&gclid=y&FBCLID=z", "q=1"),
            ("utm%5Fsource=x&q=1", "q=1"),
            ("", ""),
        ] {
            assert_eq!(selected(raw, &all), expected, "{raw}");
        }
    }

    #[test]
    fn a_rule_chooses_what_counts() {
        let names =
            |names: &[&str]| names.iter().filter_map(|name| normal_name(name)).map(|name| Glob::new(&name)).collect();
        let of = |select, keep_tracking| QuerySpec { select, keep_tracking, ..QuerySpec::default() };
        let allow = of(Select::Allow(names(&["id[]", "utm_source"])), false);
        assert_eq!(selected("q=1&utm_source=x&id%5b%5d=2", &allow), "id%5B%5D=2&utm_source=x");
        let deny = of(Select::Deny(names(&["q"])), true);
        assert_eq!(selected("q=1&utm_source=x&b=2", &deny), "b=2&utm_source=x");
        let many = of(Select::Allow(names(&["filter[*", "utm_*"])), false);
        assert_eq!(selected("q=1&filter[size]=m&utm_source=x", &many), "filter%5Bsize%5D=m&utm_source=x");
        let fewer = of(Select::Deny(names(&["_*"])), false);
        assert_eq!(selected("q=1&_t=7&_=9", &fewer), "q=1");
        let none = of(Select::Allow(Vec::new()), false);
        assert_eq!(selected("q=1", &none), "");
        let unsorted = QuerySpec { sort: false, ..QuerySpec::default() };
        assert_eq!(selected("b=1&a=2&utm_source=x&b=0", &unsorted), "b=1&a=2&b=0");
    }

    #[test]
    fn too_many_pairs_are_refused() {
        assert!(Query::parse(&"a&".repeat(MAX_PAIRS)).is_ok());
        assert!(Query::parse(&"a&".repeat(MAX_PAIRS + 1)).is_err());
    }

    proptest! {
        /// Clients may send parameters of different names in any order.
        #[test]
        fn the_order_of_different_names_does_not_matter(mut names in proptest::collection::hash_set("[a-z]{1,3}", 0..6)) {
            let names: Vec<String> = names.drain().collect();
            let mut backwards = names.clone();
            backwards.reverse();
            let spec = QuerySpec { keep_tracking: true, ..QuerySpec::default() };
            prop_assert_eq!(selected(&names.join("&"), &spec), selected(&backwards.join("&"), &spec));
        }
    }
}
