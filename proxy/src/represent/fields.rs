//! The fields that differ between the representations of one response.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::encoding::Form;

/// Digests of the bytes as they are stored (RFC 9530; RFC 1864), which are not those of another form.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Tells caches below that the response depends on Accept-Encoding (RFC 9110 §12.5.5), where that is not told yet.
pub(super) fn add_vary(fields: &mut HeaderMap) {
    let told = fields
        .get_all(header::VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding"));
    if !told {
        fields.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    }
}

/// Weakens the entity tag: a strong one is of the stored bytes alone (RFC 9110 §8.8.1, §8.8.3.3).
pub(super) fn weaken(fields: &mut HeaderMap) {
    let Some(etag) = fields.get(header::ETAG).filter(|etag| etag.as_bytes().starts_with(b"\"")) else {
        return;
    };
    match HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()) {
        Ok(weak) => drop(fields.insert(header::ETAG, weak)),
        Err(_) => drop(fields.remove(header::ETAG)),
    }
}

/// Says the coding, and takes back what was said of the stored bytes.
pub(super) fn set_coding(fields: &mut HeaderMap, form: Form) {
    match form {
        Form::Identity => drop(fields.remove(header::CONTENT_ENCODING)),
        Form::Coded(coding) => {
            drop(fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.token())));
        }
    }
    for name in DIGESTS {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_told_once() {
        for (given, expected) in [
            (&[][..], &["Accept-Encoding"][..]),
            (&["accept-encoding"], &["accept-encoding"]),
            (&["Origin, ACCEPT-ENCODING"], &["Origin, ACCEPT-ENCODING"]),
            (&["*"], &["*"]),
            (&["Origin"], &["Origin", "Accept-Encoding"]),
            (&["Origin", "X-Accept-Encoding"], &["Origin", "X-Accept-Encoding", "Accept-Encoding"]),
        ] {
            let mut fields = HeaderMap::new();
            for line in given {
                fields.append(header::VARY, HeaderValue::from_static(line));
            }
            add_vary(&mut fields);
            let lines: Vec<&str> = fields.get_all(header::VARY).iter().map(|line| line.to_str().unwrap()).collect();
            assert_eq!(lines, expected, "RFC 9110 §12.5.5");
        }
    }

    #[test]
    fn a_strong_tag_is_weakened() {
        for (given, expected) in [("\"a\"", "W/\"a\""), ("W/\"a\"", "W/\"a\""), ("a", "a")] {
            let mut fields = HeaderMap::new();
            fields.insert(header::ETAG, HeaderValue::from_static(given));
            weaken(&mut fields);
            assert_eq!(fields[header::ETAG], expected, "RFC 9110 §8.8.3.3");
        }
    }
}
