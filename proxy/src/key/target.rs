//! The request's target in one spelling: what rules match on, what is keyed, and what the upstream is asked.

use std::borrow::Cow;

use super::host::{self, Scheme};
use super::percent::{self, Part};
use super::query::{Query, QuerySpec};

/// Most times that a path may be encoded over.
const MAX_DECODED: usize = 4;

/// Longest path and query together, in bytes.
pub const MAX_TARGET: usize = 16 << 10;

/// A request target in normal form. What came in normal form, as nearly all do, is borrowed from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target<'t> {
    scheme: Scheme,
    host: Cow<'t, str>,
    path: Cow<'t, str>,
    query: Query<'t>,
    raw_query: Option<Cow<'t, str>>,
}

/// The request must be refused with 400 (Bad Request), with 414 (URI Too Long) for [`TargetError::TooLong`], or with 501 (Not
/// Implemented) for [`TargetError::Method`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TargetError {
    /// The Host field or authority is no host (RFC 9110 §7.2, RFC 9112 §3.2).
    #[error("the host is missing or invalid")]
    Host,
    /// The path is not absolute or holds what no URI may hold; servers would read it in different ways.
    #[error("the path is malformed")]
    Path,
    /// The query holds what no URI may hold, or too many parameters.
    #[error("the query is malformed")]
    Query,
    /// Longer than [`MAX_TARGET`], or than the limit of the configuration.
    #[error("the request target is too long")]
    TooLong,
    /// TRACE, which names a resource and asks nothing of it.
    #[error("the method is not implemented")]
    Method,
}

// === impl Target ===

impl<'t> Target<'t> {
    /// Brings a request's host (Host field, or the authority of HTTP/2 and of the absolute form) and path into normal form.
    ///
    /// Percent-encoding is normalised *before* dot segments are removed (RFC 3986 §6.2.2), so that `%2e%2e` climbs nowhere.
    /// Empty segments stay, since servers tell `/a//b` from `/a/b`.
    pub fn parse(scheme: Scheme, host: &'t str, path_and_query: &'t str) -> Result<Self, TargetError> {
        if path_and_query.len() > MAX_TARGET {
            return Err(TargetError::TooLong);
        }
        let host = host::canonical(host, scheme).ok_or(TargetError::Host)?;
        let (raw_path, raw_query) = match memchr::memchr(b'?', path_and_query.as_bytes()) {
            Some(at) => (&path_and_query[..at], Some(&path_and_query[at + 1..])),
            None => (path_and_query, None),
        };
        if !raw_path.starts_with('/') {
            return Err(TargetError::Path);
        }
        let path = normal_path(raw_path).ok_or(TargetError::Path)?;
        let query = Query::parse(raw_query.unwrap_or_default()).map_err(|_| TargetError::Query)?;
        Ok(Self { scheme, host, path, query, raw_query: raw_query.map(Into::into) })
    }

    /// The same, for longer than the request is there.
    pub fn into_owned(self) -> Target<'static> {
        Target {
            scheme: self.scheme,
            host: Cow::Owned(self.host.into_owned()),
            path: Cow::Owned(self.path.into_owned()),
            query: self.query.into_owned(),
            raw_query: self.raw_query.map(|raw| Cow::Owned(raw.into_owned())),
        }
    }

    /// The scheme by which the client came.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, with a port where it is not the scheme's own.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path in normal form.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query in normal form.
    pub fn query(&self) -> &Query<'t> {
        &self.query
    }

    /// Whether servers may take the path for another one than this edge does: it holds an encoded delimiter or control, which some
    /// decode first; a parameter, which some cut off; or an empty segment, which some merge.
    pub fn is_ambiguous(&self) -> bool {
        self.path.contains("//") || self.path.contains(';') || percent::has_encoded_delimiter(&self.path)
    }

    /// Path and query as far as they count: what the key holds of them, and what a fill asks for.
    pub fn path_and_query(&self, spec: &QuerySpec) -> String {
        let mut path_and_query = String::with_capacity(self.path.len() + 64);
        self.write_path_and_query(spec, |part| path_and_query.push_str(part));
        path_and_query
    }

    /// As [`Target::path_and_query`], piece by piece.
    pub(super) fn write_path_and_query(&self, spec: &QuerySpec, mut write: impl FnMut(&str)) {
        write(&self.path);
        if let Some(query) = self.query.as_sent(spec) {
            if !query.is_empty() {
                write("?");
                write(query);
            }
            return;
        }
        for (index, pair) in self.query.select(spec).iter().enumerate() {
            write(if index == 0 { "?" } else { "&" });
            write(pair.name);
            if let Some(value) = pair.value {
                write("=");
                write(value);
            }
        }
    }

    /// What a passed request asks for: the path that the rules saw, and the query as the client sent it.
    pub fn passed(&self) -> String {
        match &self.raw_query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone().into_owned(),
        }
    }
}

/// A path in normal form; `None` where it is malformed.
pub(crate) fn normal_path(raw: &str) -> Option<Cow<'_, str>> {
    if percent::is_plain_path(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let mut path = String::with_capacity(raw.len());
    percent::normalise(raw, Part::Path, &mut path).ok()?;
    let path = if path.contains("/.") { remove_dot_segments(&path) } else { path };
    (!climbs(&path)).then_some(Cow::Owned(path))
}

/// Whether a path without dot segments has some for a server that decodes it further than the RFC allows, or cuts off parameters:
/// `/static/..%2Faccount`, `/static/..;/account`. No honest path does, and no rule could be relied on for such ones.
fn climbs(path: &str) -> bool {
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    let mut text = Cow::Borrowed(path);
    for _ in 0..=MAX_DECODED {
        if text.split(['/', '\\']).any(is_dots) {
            return true;
        }
        let decoded = if text.contains('%') { percent::decode_lossy(&text) } else { return false };
        if decoded == text {
            return false;
        }
        text = Cow::Owned(decoded);
    }
    // Encoded over and over: nobody means that.
    true
}

/// RFC 3986 §5.2.4, for absolute paths.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        // A dot segment at the end leaves the slash before it.
        if last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(raw: &str) -> Result<String, TargetError> {
        Target::parse(Scheme::Http, "h", raw).map(|target| target.path().to_owned())
    }

    #[test]
    fn paths_have_one_spelling() {
        for (raw, expected) in [
            ("/", "/"),
            ("/a/b/c/./../../g", "/a/g"), // RFC 3986 §5.2.4
            ("/a/..", "/"),
            ("/a/b/.", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/../../a", "/a"),
            ("/a/%2e%2E/b", "/b"),
            ("/a/.b/..c", "/a/.b/..c"),
            ("/a//b", "/a//b"),
            ("/a//../b", "/a/b"),
            ("/products/%73hirt", "/products/shirt"),
            ("/a%2Fb..%2Fc", "/a%2Fb..%2Fc"),
            ("/a;..;/b..;c", "/a;..;/b..;c"),
            ("/100%25", "/100%25"),
        ] {
            assert_eq!(path(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        assert_eq!(path("a"), Err(TargetError::Path));
        assert_eq!(path("*"), Err(TargetError::Path));
        assert_eq!(path("/%zz"), Err(TargetError::Path));
        assert_eq!(path("/a?b c"), Err(TargetError::Query));
        assert_eq!(path(&format!("/{}", "a".repeat(MAX_TARGET))), Err(TargetError::TooLong));
        assert_eq!(Target::parse(Scheme::Http, "", "/"), Err(TargetError::Host));
    }

    #[test]
    fn paths_that_climb_for_others_are_refused() {
        for raw in [
            "/static/..%2faccount",
            "/static/%2e%2e%2faccount",
            "/static%2f..",
            "/static/..%5caccount",
            "/static/..%252faccount",
            "/static/%252e%252e/account",
            "/static/%25252e%25252e/account",
            "/static/..;/account",
            "/static/..;x=y/account",
            "/static/..%3b/account",
            "/static/.%2fx",
            "/static/%c0%ae/..%2fx",
            "/%2525252525252541",
        ] {
            assert_eq!(path(raw), Err(TargetError::Path), "{raw}");
        }
    }

    #[test]
    fn paths_that_others_may_read_otherwise_are_known() {
        for (raw, expected) in [
            ("/a/b.css", false),
            ("/caf%C3%A9/a%20b", false),
            ("/a/", false),
            ("/a//b", true),
            ("/a;b", true),
            ("/a%2Fb", true),
            ("/a%5cb", true),
            ("/a%3fb", true),
            ("/a%23b", true),
            ("/a%3bb", true),
            ("/a%25b", true),
            ("/a%0ab", true),
            ("/a%7fb", true),
        ] {
            assert_eq!(Target::parse(Scheme::Http, "h", raw).unwrap().is_ambiguous(), expected, "{raw}");
        }
    }

    #[test]
    fn a_passed_request_keeps_its_query() {
        let target = Target::parse(Scheme::Http, "H:80", "/a/../b?z=1&a=%7e&utm_source=x").unwrap();
        assert_eq!(target.host(), "h");
        assert_eq!(target.passed(), "/b?z=1&a=%7e&utm_source=x");
    }

    proptest! {
        #[test]
        fn no_target_panics_and_normal_paths_are_fixed_points(raw in "/[a-z./%2eE\\PC]{0,30}") {
            if let Ok(once) = path(&raw) {
                prop_assert!(!once.split('/').any(|segment| segment == "." || segment == ".."));
                prop_assert_eq!(path(&once), Ok(once));
            }
        }

        /// The short way for what came in normal form is the long way's: a letter that is written as a triplet leads there.
        #[test]
        fn borrowed_and_normalised_targets_agree(rest in "[a-z/.;=&?]{0,12}", host in "[a-zA-Z.]{1,5}(:[0-9]{0,3})?") {
            let (short, long) = (format!("/x{rest}"), format!("/%78{rest}"));
            let parse = |text: &str| {
                let target = Target::parse(Scheme::Http, &host, text).map(Target::into_owned);
                target.map(|target| Target { raw_query: None, ..target })
            };
            prop_assert_eq!(parse(&short), parse(&long));
        }
    }
}
