//! Tag templates, such as `product-handle:{handle}`.

use std::sync::Arc;

use vitrine_shared::tag::{Tag, TagError};

use super::pattern::PathPattern;
use crate::key::decode;

/// The tag templates of a rule, with the path patterns whose parameters they name.
#[derive(Clone, Debug, Default)]
pub struct TagTemplates {
    patterns: Arc<[PathPattern]>,
    templates: Arc<[Template]>,
}

/// One template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Up to the last colon before the first parameter; empty where the template has no parameter.
    kind: Box<str>,
    value: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Parameter(Box<str>),
}

/// The text is no tag template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner, or nothing between them.
    #[error("braces do not match")]
    Braces,
    /// There is no `kind:` before the first parameter.
    #[error("there is no `kind:` before the first parameter")]
    Kind,
    /// The fixed text cannot stand in a tag.
    #[error("{0}")]
    Tag(#[from] TagError),
}

// === impl Template ===

impl std::str::FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(open);
            if !before.is_empty() {
                pieces.push(Piece::Text(before.into()));
            }
            let (name, after) =
                from.strip_prefix('{').and_then(|inner| inner.split_once('}')).ok_or(TemplateError::Braces)?;
            if name.is_empty() || name.contains('{') {
                return Err(TemplateError::Braces);
            }
            pieces.push(Piece::Parameter(name.into()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.into()));
        }
        for piece in &pieces {
            if let Piece::Text(fixed) = piece {
                Tag::parse(fixed)?;
            }
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Parameter(_))) {
            Tag::parse(text)?;
            return Ok(Self { kind: Box::default(), value: pieces });
        }
        let Some(Piece::Text(first)) = pieces.first() else {
            return Err(TemplateError::Kind);
        };
        let (kind, tail) = first.rsplit_once(':').ok_or(TemplateError::Kind)?;
        let (kind, tail): (Box<str>, Box<str>) = (kind.into(), tail.into());
        if kind.is_empty() {
            return Err(TemplateError::Kind);
        }
        pieces[0] = Piece::Text(tail);
        Ok(Self { kind, value: pieces })
    }
}

impl Template {
    /// The parameters that it names.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.value.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(&**name),
            Piece::Text(_) => None,
        })
    }

    fn expand(&self, pattern: &PathPattern, path: &str) -> Option<Tag> {
        let mut value = String::new();
        for piece in &self.value {
            match piece {
                Piece::Text(text) => value.push_str(text),
                Piece::Parameter(name) => value.push_str(&decode(pattern.capture(path, name)?)),
            }
        }
        if self.kind.is_empty() { Tag::parse(&value).ok() } else { Some(Tag::of(&self.kind, &value)) }
    }
}

// === impl TagTemplates ===

impl TagTemplates {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The templates of a rule with these path patterns.
    pub fn new(patterns: Arc<[PathPattern]>, templates: Vec<Template>) -> Self {
        Self { patterns, templates: templates.into() }
    }

    /// The tags of an object at this canonical path. A parameter's value is percent-decoded, so that the tag is the one that
    /// the origin emits; a template whose parameters no matching pattern has gives none.
    pub fn expand(&self, path: &str) -> Vec<Tag> {
        let matching = |template: &Template| {
            self.patterns
                .iter()
                .filter(|pattern| pattern.matches(path))
                .find_map(|pattern| template.expand(pattern, path))
        };
        self.templates.iter().filter_map(matching).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(patterns: &[&str], templates: &[&str], path: &str) -> Vec<String> {
        let patterns = patterns.iter().map(|text| text.parse().unwrap()).collect();
        let templates = templates.iter().map(|text| text.parse().unwrap()).collect();
        TagTemplates::new(patterns, templates).expand(path).iter().map(Tag::to_string).collect()
    }

    #[test]
    fn parameters_are_put_in_decoded_and_encoded_as_the_origin_does() {
        let patterns = ["/products/**", "/products/{product}/**", "/collections/{collection}", "/static/{key**}"];
        let templates = ["product-handle:{product}", "collection-handle:{collection}", "file:{key}", "page"];
        for (path, expected) in [
            ("/products/shirt", vec!["product-handle:shirt", "page"]),
            ("/products/shirt/reviews", vec!["product-handle:shirt", "page"]),
            ("/products", vec!["page"]),
            ("/collections/caf%C3%A9", vec!["collection-handle:caf%C3%A9", "page"]),
            ("/collections/a%20b", vec!["collection-handle:a%20b", "page"]),
            ("/static/a/b.jpg", vec!["file:a/b.jpg", "page"]),
        ] {
            assert_eq!(expand(&patterns, &templates, path), expected, "{path}");
        }
        assert_eq!(expand(&["/{a}/{b}"], &["x:y:{a}-{b}"], "/1/2"), ["x:y:1-2"]);
        assert_eq!(
            expand(&["/{h}"], &["product-handle:{h}"], "/caf%C3%A9")[0],
            Tag::product_handle("caf\u{e9}").as_str()
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, error) in [
            ("a:{b", TemplateError::Braces),
            ("a:b}", TemplateError::Braces),
            ("a:{}", TemplateError::Braces),
            ("{a}", TemplateError::Kind),
            ("a{b}", TemplateError::Kind),
            (":{b}", TemplateError::Kind),
            ("a b", TemplateError::Tag(TagError::Byte(b' '))),
            ("", TemplateError::Tag(TagError::Empty)),
        ] {
            assert_eq!(text.parse::<Template>(), Err(error), "{text}");
        }
    }
}
