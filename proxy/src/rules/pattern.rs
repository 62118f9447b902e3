//! Path patterns: `*` and `{name}` within a segment, `**` and `{name**}` across segments.
//!
//! A pattern is matched against a whole path in normal form. `*` stands for any characters of one segment (at least one, where
//! it is the whole segment), `{name}` for at least one, which it names. `**` stands for any number of segments, none
//! included, and `{name**}` for at least one character. A segment has at most one `*` or `{name}`, a pattern at most one
//! `**` or `{name**}`: so matching is linear, and whether one pattern covers another can be decided.

use std::str::FromStr;

use smallvec::SmallVec;

use crate::key::normal_path;

/// A compiled path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    text: Box<str>,
    /// Segments before the `**`; all of them where there is none.
    head: Vec<Segment>,
    /// What spans segments, if anything does.
    span: Option<Span>,
    /// Segments after the `**`.
    tail: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Wild { prefix: Box<str>, suffix: Box<str>, name: Option<Box<str>>, at_least: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    name: Option<Box<str>>,
}

/// The text is no path pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with a slash.
    #[error("a path pattern begins with `/`")]
    Relative,
    /// Fixed text that no path in normal form holds.
    #[error("a path cannot hold this text")]
    Path,
    /// Two wildcards in one segment.
    #[error("a segment holds at most one `*` or `{{name}}`")]
    TwoInSegment,
    /// Two that span segments.
    #[error("a pattern holds at most one `**` or `{{name**}}`, which is a segment of its own")]
    TwoSpans,
    /// A brace without its partner, or no name of letters, digits and `_` between them.
    #[error("a parameter is written `{{name}}` or `{{name**}}`, with letters, digits and `_`")]
    Braces,
    /// Two parameters of one name.
    #[error("two parameters have the same name")]
    SameName,
}

/// The segments of a path; as many as these are kept without allocation.
type Segments<'p> = SmallVec<[&'p str; 16]>;

/// The segments of an absolute path.
fn segments(path: &str) -> Segments<'_> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let mut segments = Segments::new();
    let mut start = 0;
    for (at, byte) in path.bytes().enumerate() {
        if byte == b'/' {
            segments.push(&path[start..at]);
            start = at + 1;
        }
    }
    segments.push(&path[start..]);
    segments
}

/// A path, split once for all patterns.
#[derive(Debug)]
pub(super) struct SplitPath<'p> {
    path: &'p str,
    segments: Segments<'p>,
}

impl<'p> SplitPath<'p> {
    pub(super) fn new(path: &'p str) -> Self {
        Self { path, segments: segments(path) }
    }

    pub(super) fn first(&self) -> &'p str {
        self.segments.first().copied().unwrap_or_default()
    }

    /// The text from segment `from` up to, but without, segment `to`; without the slashes around it.
    fn text(&self, from: usize, to: usize) -> &'p str {
        let length = |segments: &[&str]| segments.iter().map(|segment| segment.len() + 1).sum::<usize>();
        let start = 1 + length(&self.segments[..from]);
        let end = start + length(&self.segments[from..to]);
        self.path.get(start..end.saturating_sub(1)).unwrap_or_default()
    }
}

// === impl PathPattern ===

impl PathPattern {
    /// Its text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a path in normal form.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_split(&SplitPath::new(path))
    }

    pub(super) fn matches_split(&self, path: &SplitPath<'_>) -> bool {
        let count = path.segments.len();
        let fixed = self.head.len() + self.tail.len();
        if count < fixed || (self.span.is_none() && count != fixed) {
            return false;
        }
        let tail_at = count - self.tail.len();
        let head_fits = self.head.iter().zip(&path.segments).all(|(segment, text)| segment.matches(text));
        let tail_fits = || self.tail.iter().zip(&path.segments[tail_at..]).all(|(segment, text)| segment.matches(text));
        let span_fits = || match &self.span {
            Some(Span { name: Some(_) }) => !path.text(self.head.len(), tail_at).is_empty(),
            _ => true,
        };
        head_fits && tail_fits() && span_fits()
    }

    /// What a parameter stands for in a path that this pattern matches; `None` where it has no such parameter.
    pub fn capture<'p>(&self, path: &'p str, name: &str) -> Option<&'p str> {
        let split = SplitPath::new(path);
        let tail_at = split.segments.len().checked_sub(self.tail.len())?;
        if self.span.as_ref().and_then(|span| span.name.as_deref()) == Some(name) {
            return (tail_at >= self.head.len()).then(|| split.text(self.head.len(), tail_at));
        }
        let heads = self.head.iter().zip(&split.segments);
        let tails = self.tail.iter().zip(&split.segments[tail_at..]);
        heads.chain(tails).find_map(|(segment, text)| segment.capture(text, name))
    }

    /// The names of its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        let of_span = self.span.iter().filter_map(|span| span.name.as_deref());
        self.head.iter().chain(&self.tail).filter_map(Segment::name).chain(of_span)
    }

    /// The first segment, where it is fixed text: by it rules are found.
    pub(super) fn first_literal(&self) -> Option<&str> {
        match self.head.first() {
            Some(Segment::Literal(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it surely matches every path that `other` matches. Never wrongly true; false where that is hard to tell.
    pub fn covers(&self, other: &Self) -> bool {
        let covers = |mine: &[Segment], others: &[Segment]| mine.iter().zip(others).all(|(a, b)| a.covers(b));
        match (&self.span, &other.span) {
            (None, Some(_)) => false,
            (None, None) => self.head.len() == other.head.len() && covers(&self.head, &other.head),
            (Some(span), _) => {
                // What the other has in place of my span: `head` and `tail` are one list where it has no span itself.
                let (head, tail) = (&other.head, if other.span.is_some() { &other.tail } else { &other.head });
                let (from, upto) = (self.head.len(), self.tail.len());
                let long_enough = if other.span.is_some() {
                    head.len() >= from && tail.len() >= upto
                } else {
                    head.len() >= from + upto
                };
                long_enough
                    && covers(&self.head, head)
                    && covers(&self.tail, &tail[tail.len() - upto..])
                    && (span.name.is_none() || other.surely_fills(from, upto))
            }
        }
    }

    /// Whether what is left of each path without `from` segments at its start and `upto` at its end is surely not empty.
    fn surely_fills(&self, from: usize, upto: usize) -> bool {
        let (before, after) = if self.span.is_some() {
            (&self.head[from..], &self.tail[..self.tail.len() - upto])
        } else {
            (&self.head[from..self.head.len() - upto], &self.tail[..0])
        };
        let named = self.span.as_ref().is_some_and(|span| span.name.is_some());
        named || before.len() + after.len() >= 2 || before.iter().chain(after).any(|segment| !segment.may_be_empty())
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('/').ok_or(PatternError::Relative)?;
        let mut pattern = Self { text: text.into(), head: Vec::new(), span: None, tail: Vec::new() };
        for part in inner.split('/') {
            let span_name = match part {
                "**" => Some(None),
                _ => part.strip_prefix('{').and_then(|rest| rest.strip_suffix("**}")).map(Some),
            };
            if let Some(name) = span_name {
                let name = name.map(parameter_name).transpose()?;
                if pattern.span.replace(Span { name }).is_some() {
                    return Err(PatternError::TwoSpans);
                }
            } else {
                let segment = part.parse()?;
                if pattern.span.is_some() { pattern.tail.push(segment) } else { pattern.head.push(segment) }
            }
        }
        let mut names: Vec<&str> = pattern.parameters().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(PatternError::SameName);
        }
        Ok(pattern)
    }
}

// === impl Segment ===

impl Segment {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Literal(literal) => **literal == *text,
            Self::Wild { prefix, suffix, at_least, .. } => {
                // Asked first, since comparing with nothing costs more than with something where the address of nothing is no memory: the
                // processor then takes its slow way through a masked read.
                text.len() >= prefix.len() + suffix.len() + at_least
                    && (prefix.is_empty() || text.starts_with(&**prefix))
                    && (suffix.is_empty() || text.ends_with(&**suffix))
            }
        }
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Wild { name, .. } => name.as_deref(),
        }
    }

    fn capture<'p>(&self, text: &'p str, wanted: &str) -> Option<&'p str> {
        match self {
            Self::Wild { prefix, suffix, name, .. } if name.as_deref() == Some(wanted) => {
                text.strip_prefix(&**prefix)?.strip_suffix(&**suffix)
            }
            _ => None,
        }
    }

    fn may_be_empty(&self) -> bool {
        match self {
            Self::Literal(text) => text.is_empty(),
            Self::Wild { prefix, suffix, at_least, .. } => prefix.len() + suffix.len() + at_least == 0,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Literal(text)) => self.matches(text),
            (Self::Literal(_), Self::Wild { .. }) => false,
            (
                Self::Wild { prefix, suffix, at_least, .. },
                Self::Wild { prefix: others_prefix, suffix: others_suffix, at_least: others, .. },
            ) => {
                others_prefix.starts_with(&**prefix)
                    && others_suffix.ends_with(&**suffix)
                    && others_prefix.len() + others_suffix.len() + others >= prefix.len() + suffix.len() + at_least
            }
        }
    }
}

impl FromStr for Segment {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.contains("**") {
            return Err(PatternError::TwoSpans);
        }
        let Some(at) = text.find(['*', '{', '}']) else {
            return fixed(text).map(Self::Literal);
        };
        let (before, from) = text.split_at(at);
        let (name, after) = if let Some(after) = from.strip_prefix('*') {
            (None, after)
        } else {
            let named = from.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = named.ok_or(PatternError::Braces)?;
            (Some(parameter_name(name)?), after)
        };
        if after.contains(['*', '{', '}']) {
            return Err(PatternError::TwoInSegment);
        }
        let at_least = usize::from(name.is_some() || (before.is_empty() && after.is_empty()));
        Ok(Self::Wild { prefix: fixed(before)?, suffix: fixed(after)?, name, at_least })
    }
}

/// Fixed text in the form that normal paths have.
fn fixed(text: &str) -> Result<Box<str>, PatternError> {
    let path = format!("/{text}");
    let normal = normal_path(&path).ok_or(PatternError::Path)?;
    let normal = normal.strip_prefix('/').unwrap_or_default();
    // A dot segment is gone from every normal path, so a pattern with one would match nothing.
    if normal.is_empty() && !text.is_empty() { Err(PatternError::Path) } else { Ok(normal.into()) }
}

fn parameter_name(name: &str) -> Result<Box<str>, PatternError> {
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if valid { Ok(name.into()) } else { Err(PatternError::Braces) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> PathPattern {
        text.parse().unwrap()
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (text, matching, others) in [
            ("/", &["/"][..], &["/a", "//"][..]),
            ("/products/*", &["/products/shirt"], &["/products", "/products/", "/products/a/b", "/product/a"]),
            ("/products/{h}/**", &["/products/a", "/products/a/", "/products/a/b/c"], &["/products", "/products/"]),
            ("/store/products/**", &["/store/products", "/store/products/p_1"], &["/store/products-x", "/store"]),
            ("/*/products/*", &["/dk/products/shirt"], &["/products/shirt", "/a/b/products/c"]),
            ("/**/*.js", &["/a.js", "/x/y/a.js"], &["/a.css", "/a.js/x"]),
            ("/a*", &["/a", "/abc"], &["/ba", "/a/b"]),
            ("/a{x}", &["/ab"], &["/a"]),
            ("/static/{key**}", &["/static/a", "/static/a/b.jpg"], &["/static", "/static/"]),
            ("/**", &["/", "/a", "/a/b/"], &[]),
            ("/caf\u{e9}/{x}", &["/caf%C3%A9/a"], &["/caf/a"]),
            ("/img-{size}.png", &["/img-10.png"], &["/img-.png", "/img-10.jpg"]),
        ] {
            for path in matching {
                assert!(pattern(text).matches(path), "{text} {path}");
            }
            for path in others {
                assert!(!pattern(text).matches(path), "{text} {path}");
            }
        }
    }

    #[test]
    fn parameters_are_captured() {
        for (text, path, name, value) in [
            ("/products/{h}/**", "/products/shirt/x", "h", Some("shirt")),
            ("/static/{key**}", "/static/a/b.jpg", "key", Some("a/b.jpg")),
            ("/a/{rest**}/z/{last}", "/a/b/c/z/d", "rest", Some("b/c")),
            ("/a/{rest**}/z/{last}", "/a/b/c/z/d", "last", Some("d")),
            ("/img-{size}.png", "/img-10.png", "size", Some("10")),
            ("/a/*", "/a/b", "h", None),
        ] {
            assert!(pattern(text).matches(path), "{text}");
            assert_eq!(pattern(text).capture(path, name), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (text, error) in [
            ("a", PatternError::Relative),
            ("", PatternError::Relative),
            ("/a b", PatternError::Path),
            ("/a/../b", PatternError::Path),
            ("/%zz", PatternError::Path),
            ("/*a*", PatternError::TwoInSegment),
            ("/{a}{b}", PatternError::TwoInSegment),
            ("/**/a/**", PatternError::TwoSpans),
            ("/a**", PatternError::TwoSpans),
            ("/{a", PatternError::Braces),
            ("/a}", PatternError::Braces),
            ("/{a-b}", PatternError::Braces),
            ("/{}", PatternError::Braces),
            ("/{a}/{a}", PatternError::SameName),
        ] {
            assert_eq!(text.parse::<PathPattern>(), Err(error), "{text}");
        }
    }

    #[test]
    fn covering_is_found() {
        for (wide, narrow) in [
            ("/**", "/a/{b}"),
            ("/a/**", "/a"),
            ("/a/**", "/a/b/**"),
            ("/a/*", "/a/{x}"),
            ("/a/{x}", "/a/*"),
            ("/a*", "/ab*c"),
            ("/**/b", "/a/**/b"),
            ("/a/{k**}", "/a/b/**"),
            ("/a/{k**}", "/a/{x}"),
        ] {
            assert!(pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("/a", "/b"),
            ("/a/*", "/a/**"),
            ("/a/{k**}", "/a/**"),
            ("/a/{k**}", "/a/"),
            ("/a{x}", "/a*"),
            ("/a/b/**", "/a/**"),
            ("/*", "/"),
        ] {
            assert!(!pattern(wide).covers(&pattern(narrow)), "{wide} {narrow}");
        }
    }

    fn any_pattern() -> impl Strategy<Value = String> {
        let segment = prop_oneof![
            Just("a"),
            Just("b"),
            Just(""),
            Just("*"),
            Just("a*"),
            Just("*b"),
            Just("{x}"),
            Just("a{x}"),
            Just("**"),
            Just("{y**}")
        ];
        proptest::collection::vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        /// No rule may be reported as never matching when it can match.
        #[test]
        fn covering_is_never_wrong(wide in any_pattern(), narrow in any_pattern(), path in "/[ab/]{0,6}") {
            if let (Ok(wide), Ok(narrow)) = (wide.parse::<PathPattern>(), narrow.parse::<PathPattern>())
                && wide.covers(&narrow) && narrow.matches(&path)
            {
                prop_assert!(wide.matches(&path));
            }
        }

        #[test]
        fn no_text_panics(text in "/[ab*{}/%\\PC]{0,12}", path in "/[ab/]{0,6}") {
            if let Ok(pattern) = text.parse::<PathPattern>() {
                pattern.matches(&path);
                pattern.capture(&path, "a");
            }
        }
    }
}
