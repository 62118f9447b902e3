//! What a purge is asked to reach, brought into the form in which objects carry it.

use vitrine_shared::tag::Tag;

use super::address::{self, MAX_PREFIXES};
use crate::key::{QuerySpec, Scheme, Target as Address, TargetError};
use crate::rules::RuleSet;

/// Longest name of a cache group, in bytes; RFC 9875 §2 asks caches for no less than 32.
const MAX_GROUP: usize = 256;

/// One thing to purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is written in logs.
    pub text: String,
    /// The tags of what it reaches.
    pub tags: Vec<Tag>,
    /// Whether it reaches everything, whatever its tags.
    pub everything: bool,
}

/// Nothing can be purged by this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Not a URL of this edge's kind.
    #[error("`{0}` is not a URL: write all of it, such as \"https://shop.example/products/1?size=m\"")]
    Url(String),
    /// A URL whose host, path or query no client could ask for.
    #[error("`{url}`: {error}")]
    Unaskable {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        error: TargetError,
    },
    /// Not a prefix.
    #[error(
        "`{0}` is not a prefix: write host and path without scheme and query, such as \"shop.example/store/products\""
    )]
    Prefix(String),
    /// A prefix without a path.
    #[error("`{0}` is a host and no prefix: write {{\"host\": \"{0}\"}}")]
    PrefixIsHost(String),
    /// A prefix of more segments than objects carry.
    #[error(
        "`{prefix}` has {segments} segments, and objects are found by their first {MAX_PREFIXES}: purge a shorter prefix, \
         single URLs, or a tag of the rule"
    )]
    PrefixTooLong {
        /// As it was given.
        prefix: String,
        /// Of its path.
        segments: usize,
    },
    /// Not a host.
    #[error("`{0}` is not a host: write it as clients do, such as \"shop.example\" or \"shop.example:8080\"")]
    Host(String),
    /// Nothing in it.
    #[error("a tag cannot be empty")]
    Tag,
    /// Not a group of an origin.
    #[error("a group has a name of 1 to {MAX_GROUP} bytes and an origin, such as \"https://shop.example\"")]
    Group,
}

// === impl Target ===

impl Target {
    /// All variants of a URL, by either scheme, under whatever headers and cookies a rule keys.
    ///
    /// It is read as a request for it would be: the host's default port, the path's spelling and the order of parameters do
    /// not matter, and parameters that the key of a rule leaves out do not count under that rule.
    pub fn url(text: &str, rules: &RuleSet) -> Result<Self, BadTarget> {
        let bad = || BadTarget::Url(text.to_owned());
        let (scheme, rest) = split_scheme(text).ok_or_else(bad)?;
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(at);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = [slash, path].concat();
        let address = Address::parse(scheme, host, &path)
            .map_err(|error| BadTarget::Unaskable { url: text.to_owned(), error })?;
        Ok(Self::address(&address, rules))
    }

    /// All variants of what clients ask for by this.
    pub fn address(address: &Address, rules: &RuleSet) -> Self {
        let text = [address.host(), &address.passed()].concat();
        Self { text: format!("url {text}"), tags: url_tags(address, rules), everything: false }
    }

    /// Everything with a tag, as the origin writes it or as another system does.
    pub fn tag(text: &str) -> Result<Self, BadTarget> {
        // No field carries blanks around a tag, so with them it would match nothing.
        let tag = Tag::from_foreign(text.trim()).ok_or(BadTarget::Tag)?;
        Ok(Self { text: format!("tag {tag}"), tags: vec![tag], everything: false })
    }

    /// Everything below a path of a host, the path itself included; whole segments count.
    pub fn prefix(text: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget::Prefix(text.to_owned());
        let (scheme, rest) = split_scheme(text).unwrap_or((Scheme::Http, text));
        if rest.contains(['?', '#']) {
            return Err(bad());
        }
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        // An empty port is more likely what is left of another scheme.
        if host.ends_with(':') {
            return Err(bad());
        }
        let address = Address::parse(scheme, host, path).map_err(|_| bad())?;
        let segments: Vec<&str> = address::segments(address.path()).collect();
        match segments.len() {
            0 => Err(BadTarget::PrefixIsHost(address.host().to_owned())),
            1..=MAX_PREFIXES => {
                let prefix = [address.host(), "/", &segments.join("/")].concat();
                Ok(Self { text: format!("prefix {prefix}"), tags: vec![Tag::prefix(&prefix)], everything: false })
            }
            more => Err(BadTarget::PrefixTooLong { prefix: text.to_owned(), segments: more }),
        }
    }

    /// Everything of a host, named as clients do, with its port where it is not the default one.
    pub fn host(text: &str) -> Result<Self, BadTarget> {
        let address = Address::parse(Scheme::Http, text, "/").map_err(|_| BadTarget::Host(text.to_owned()))?;
        let host = address.host();
        Ok(Self { text: format!("host {host}"), tags: vec![Tag::host(host)], everything: false })
    }

    /// Everything of a cache group of an origin (RFC 9875).
    pub fn group(name: &str, origin: &str) -> Result<Self, BadTarget> {
        let (scheme, host) = split_scheme(origin).ok_or(BadTarget::Group)?;
        let address =
            Address::parse(scheme, host.strip_suffix('/').unwrap_or(host), "/").map_err(|_| BadTarget::Group)?;
        if name.is_empty() || name.len() > MAX_GROUP {
            return Err(BadTarget::Group);
        }
        let tag = Tag::cache_group(&origin_of(&address), name);
        Ok(Self { text: format!("group \"{name}\" of {}", origin_of(&address)), tags: vec![tag], everything: false })
    }

    /// Everything with any of these tags.
    pub fn tags(tags: Vec<Tag>) -> Vec<Self> {
        let of = |tag: Tag| Self { text: format!("tag {tag}"), tags: vec![tag], everything: false };
        tags.into_iter().map(of).collect()
    }

    /// Everything.
    pub fn all() -> Self {
        Self { text: "all".to_owned(), tags: Vec::new(), everything: true }
    }
}

/// The tags of a URL: one for each key under which a rule may store it.
///
/// Which rule matched depends on headers and cookies too, of which a URL says nothing, and rules may keep different
/// parameters; so each rule that may have matched counts, those of earlier configurations too. Where no rule of this edge caches it, there is
/// one as by the defaults: another edge may.
fn url_tags(address: &Address, rules: &RuleSet) -> Vec<Tag> {
    let mut tags: Vec<Tag> = Vec::new();
    let in_force = rules.caching(address).into_iter().map(|settings| &settings.key.query);
    for spec in in_force.chain(rules.former_queries()) {
        let tag = address::url(address, &address.path_and_query(spec));
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.is_empty() {
        tags.push(address::url(address, &address.path_and_query(&QuerySpec::default())));
    }
    tags
}

/// Scheme, host and port, as in `https://shop.example` (RFC 9110 §4.3.1).
pub fn origin_of(address: &Address) -> String {
    [address.scheme().as_str(), "://", address.host()].concat()
}

/// Scheme and the rest of a URL of this edge's kind.
pub(crate) fn split_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    [Scheme::Http, Scheme::Https]
        .into_iter()
        .find(|known| scheme.eq_ignore_ascii_case(known.as_str()))
        .map(|known| (known, rest))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;

    use super::*;
    use crate::config::testing::load;

    fn rules(text: &str) -> Arc<RuleSet> {
        load(text).unwrap().rules
    }

    fn all_cached() -> Arc<RuleSet> {
        rules("[[rules]]\nname = \"all\"\naction = \"cache\"\npaths = [\"/**\"]\n")
    }

    #[test]
    fn a_url_is_read_as_a_request_for_it_is() {
        let rules = all_cached();
        let stored = |host: &str, path_and_query: &str| {
            let address = Address::parse(Scheme::Http, host, path_and_query).unwrap();
            let canonical = rules.caching(&address)[0].key.canonical(&address, &HeaderMap::new());
            address::tags(&address, &canonical.path_and_query)
        };
        for (given, host, asked) in [
            ("http://shop.example/a?b=2&a=1", "shop.example", "/a?a=1&b=2&utm_source=x"),
            ("https://Shop.Example:443/x/../%61?a=1&gclid=z&b=2", "shop.example", "/a?b=2&a=1"),
            ("HTTP://shop.example", "shop.example", "/"),
            ("http://shop.example?a=1", "shop.example", "/?a=1"),
            ("http://shop.example:8080/a", "shop.example:8080", "/a"),
        ] {
            let target = Target::url(given, &rules).unwrap();
            assert_eq!(target.tags.len(), 1, "{given}");
            assert!(stored(host, asked).contains(&target.tags[0]), "{given}");
        }
        let one = Target::url("http://shop.example/a?a=1", &rules).unwrap();
        for other in ["/a?a=2", "/a", "/a/?a=1", "/A?a=1"] {
            assert!(!stored("shop.example", other).contains(&one.tags[0]), "{other}");
        }
    }

    #[test]
    fn a_url_is_purged_under_every_rule_that_may_have_stored_it() {
        let rules = rules(
            "[[rules]]\nname = \"a\"\naction = \"cache\"\npaths = [\"/p\"]\nheaders = { x = true }\nkey = { query = \"none\" }\n\
             [[rules]]\nname = \"b\"\naction = \"cache\"\npaths = [\"/p\"]\nkey = { query = { allow = [\"a\"] } }\n",
        );
        let target = Target::url("http://h/p?a=1&b=2", &rules).unwrap();
        assert_eq!(target.tags, [Tag::url("h/p"), Tag::url("h/p?a=1")]);
        let elsewhere = Target::url("http://h/elsewhere?b=1&utm_source=x&a=1", &rules).unwrap();
        assert_eq!(elsewhere.tags, [Tag::url("h/elsewhere?a=1&b=1")]);
    }

    #[test]
    fn prefixes_hosts_tags_and_groups_have_the_form_that_objects_carry() {
        let prefix = |text| Target::prefix(text).map(|target| target.tags);
        let expected = Ok(vec![Tag::prefix("shop.example/store/products")]);
        for text in [
            "shop.example/store/products",
            "Shop.Example:80/store/products/",
            "https://shop.example/store//%70roducts",
            "shop.example/store/x/../products",
        ] {
            assert_eq!(prefix(text), expected, "{text}");
        }
        let longest = format!("h{}", "/a".repeat(MAX_PREFIXES));
        let stored = address::tags(&Address::parse(Scheme::Http, "h", &"/a".repeat(20)).unwrap(), "");
        assert!(stored.contains(&prefix(&longest).unwrap()[0]));
        assert_eq!(Target::host("Shop.Example:80").unwrap().tags, [Tag::host("shop.example")]);
        assert_eq!(Target::tag("cat_p_12").unwrap().tags[0].as_str(), "cat_p_12");
        assert_eq!(Target::tag(" cat_p_12 ").unwrap().tags[0].as_str(), "cat_p_12");
        assert_eq!(
            Target::group("a b", "https://Shop.Example:443/").unwrap().tags,
            [Tag::cache_group("https://shop.example", "a b")]
        );
        assert!(Target::all().everything);
    }

    #[test]
    fn what_could_purge_less_than_is_meant_is_refused() {
        let rules = all_cached();
        for text in ["/a", "shop.example/a", "ftp://h/a", "", "*"] {
            assert!(matches!(Target::url(text, &rules), Err(BadTarget::Url(_))), "{text}");
        }
        for text in ["http:///a", "http://h/a b", "http://user@h/", "http://h/a#b", "http://h/%zz"] {
            assert!(matches!(Target::url(text, &rules), Err(BadTarget::Unaskable { .. })), "{text}");
        }
        for text in ["/store", "h/a?b=1", "h/a b", "", "h/a#b", "ftp://h/a"] {
            assert!(matches!(Target::prefix(text), Err(BadTarget::Prefix(_))), "{text}");
        }
        assert_eq!(Target::prefix("h/"), Err(BadTarget::PrefixIsHost("h".to_owned())));
        let long = format!("h{}", "/a".repeat(MAX_PREFIXES + 1));
        assert!(matches!(Target::prefix(&long), Err(BadTarget::PrefixTooLong { segments: 9, .. })));
        for text in ["", "*.shop.example", "http://h", "h/a"] {
            assert!(matches!(Target::host(text), Err(BadTarget::Host(_))), "{text}");
        }
        assert_eq!(Target::tag(""), Err(BadTarget::Tag));
        assert_eq!(Target::tag(" "), Err(BadTarget::Tag));
        for (name, origin) in [("", "https://h"), ("a", "h"), ("a", "https://h/x"), (&*"x".repeat(257), "https://h")] {
            assert_eq!(Target::group(name, origin), Err(BadTarget::Group), "{name} {origin}");
        }
    }
}
