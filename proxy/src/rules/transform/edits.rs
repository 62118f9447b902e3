//! Edits of header fields, constant for a rule.

use http::{HeaderName, HeaderValue, header};

use super::Fields;

/// Edits of header fields, made in this order: remove, set, add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Fields that are taken out.
    pub remove: Vec<HeaderName>,
    /// Fields that are set, in place of what is there.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Lines that are added.
    pub add: Vec<(HeaderName, HeaderValue)>,
}

/// Fields that describe the content of the very message that they are in (RFC 9110 §8).
const OF_CONTENT: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
    header::CONTENT_DISPOSITION,
    header::LAST_MODIFIED,
    header::ETAG,
];

/// Whether a field describes the content of its message.
pub fn describes_content(name: &HeaderName) -> bool {
    OF_CONTENT.contains(name)
}

impl HeaderEdits {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.add.is_empty()
    }

    /// Makes them.
    pub fn apply(&self, fields: &mut impl Fields) {
        self.apply_where(fields, |_| true);
    }

    /// Makes those of the fields that `wanted` names.
    pub fn apply_where(&self, fields: &mut impl Fields, wanted: impl Fn(&HeaderName) -> bool) {
        for name in self.remove.iter().filter(|name| wanted(name)) {
            fields.take_out(name);
        }
        for (name, value) in self.set.iter().filter(|(name, _)| wanted(name)) {
            fields.set(name, value.clone());
        }
        for (name, value) in self.add.iter().filter(|(name, _)| wanted(name)) {
            fields.add(name, value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use pingora::http::ResponseHeader;

    use super::*;

    fn line(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    }

    fn edits() -> HeaderEdits {
        HeaderEdits {
            remove: vec![HeaderName::from_static("x-gone"), HeaderName::from_static("x-anew")],
            set: vec![line("x-set", "new")],
            add: vec![line("x-more", "2"), line("x-anew", "1")],
        }
    }

    #[test]
    fn fields_are_removed_then_set_then_added() {
        let before = [("x-gone", "1"), ("x-set", "old"), ("x-set", "older"), ("x-more", "1"), ("x-anew", "0")];
        let after = "x-anew: 1, x-more: 1, x-more: 2, x-set: new";
        let mut map = HeaderMap::new();
        let mut head = ResponseHeader::build(200, None).unwrap();
        for (name, value) in before {
            map.append(name, HeaderValue::from_static(value));
            head.append_header(name, value).unwrap();
        }
        edits().apply(&mut map);
        edits().apply(&mut head);
        for fields in [&map, &head.headers] {
            let mut lines: Vec<String> =
                fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
            lines.sort();
            assert_eq!(lines.join(", "), after);
        }
    }
}
