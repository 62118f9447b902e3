//! Response fields in which origins name what a response was made of.

use std::str::FromStr;

use http::HeaderName;

/// The field of RFC 9875.
const CACHE_GROUPS: &str = "cache-groups";
/// Fastly's, which Medusa plugins and others send too.
const SURROGATE_KEY: &str = "surrogate-key";
/// Cloudflare's and Akamai's; Magento's.
const BY_COMMAS: [&str; 2] = ["cache-tag", "x-magento-tags"];

/// A response field that carries tags, and how it is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TagHeader {
    /// `Cache-Groups`: a structured list of strings (RFC 9875 §2).
    CacheGroups,
    /// Tags with spaces between them, as in `Surrogate-Key`.
    SpaceSeparated(HeaderName),
    /// Tags with commas between them, as in `Cache-Tag` and `X-Magento-Tags`.
    CommaSeparated(HeaderName),
    /// A field that is not known here: tags with spaces, commas or both between them.
    Separated(HeaderName),
}

impl TagHeader {
    /// The field's name, where clients must not see it; Cache-Groups are for caches nearer to the client too (RFC 9875 §2).
    pub fn hidden(&self) -> Option<&HeaderName> {
        match self {
            Self::CacheGroups => None,
            Self::SpaceSeparated(name) | Self::CommaSeparated(name) | Self::Separated(name) => Some(name),
        }
    }
}

/// The text is not the name of a field (RFC 9110 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected the name of a response header, such as \"Surrogate-Key\"")]
pub struct TagHeaderError;

impl TagHeader {
    /// What is read where the configuration says nothing: the standard's field.
    pub fn defaults() -> Vec<Self> {
        vec![Self::CacheGroups]
    }

    /// The field's name.
    pub fn name(&self) -> HeaderName {
        match self {
            Self::CacheGroups => HeaderName::from_static(CACHE_GROUPS),
            Self::SpaceSeparated(name) | Self::CommaSeparated(name) | Self::Separated(name) => name.clone(),
        }
    }
}

impl FromStr for TagHeader {
    type Err = TagHeaderError;

    fn from_str(text: &str) -> Result<Self, TagHeaderError> {
        let name = HeaderName::from_str(text).map_err(|_| TagHeaderError)?;
        Ok(match name.as_str() {
            CACHE_GROUPS => Self::CacheGroups,
            SURROGATE_KEY => Self::SpaceSeparated(name),
            known if BY_COMMAS.contains(&known) => Self::CommaSeparated(name),
            _ => Self::Separated(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_fields_are_read_as_their_makers_write_them() {
        let header = HeaderName::from_static;
        for (text, expected) in [
            ("Cache-Groups", TagHeader::CacheGroups),
            ("surrogate-key", TagHeader::SpaceSeparated(header("surrogate-key"))),
            ("Cache-Tag", TagHeader::CommaSeparated(header("cache-tag"))),
            ("X-Magento-Tags", TagHeader::CommaSeparated(header("x-magento-tags"))),
            ("X-My-Tags", TagHeader::Separated(header("x-my-tags"))),
        ] {
            let parsed: TagHeader = text.parse().unwrap();
            assert_eq!(parsed, expected, "{text}");
            assert!(parsed.name().as_str().eq_ignore_ascii_case(text), "{text}");
        }
        for text in ["", "a b", "a:b", "\u{e9}"] {
            assert_eq!(text.parse::<TagHeader>(), Err(TagHeaderError), "{text}");
        }
    }
}
