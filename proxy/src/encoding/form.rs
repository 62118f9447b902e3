//! In which form a response's content is, and whether it may be brought into another.

use http::{HeaderMap, StatusCode, header};

use super::Coding;

/// The form of a content: as it is, or coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Without a content coding.
    Identity,
    /// With this one.
    Coded(Coding),
}

/// The form of a response that may be coded anew; `None` for what goes on as it came: what the upstream forbids to transform (RFC
/// 9110 §7.7), parts (§15.3.7), what has no content, and codings that this edge does not know or that lie over one another.
pub fn form_of(status: StatusCode, fields: &HeaderMap) -> Option<Form> {
    let has_content =
        !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) && !status.is_informational();
    let is_part = status == StatusCode::PARTIAL_CONTENT || fields.contains_key(header::CONTENT_RANGE);
    if !has_content || is_part || forbids_transforming(fields) {
        return None;
    }
    let mut lines = fields.get_all(header::CONTENT_ENCODING).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Some(Form::Identity),
        (Some(line), None) => Coding::of_token(line.as_bytes().trim_ascii()).map(Form::Coded),
        (Some(_), Some(_)) => None,
    }
}

/// Whether `no-transform` is among the directives. Commas in quoted strings are taken as ends of directives: at worst a response
/// is left as it is.
fn forbids_transforming(fields: &HeaderMap) -> bool {
    let lines = fields.get_all(header::CACHE_CONTROL).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|&byte| byte == b','))
        .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_may_be_coded_anew() {
        let (plain, gzip) = (Some(Form::Identity), Some(Form::Coded(Coding::Gzip)));
        for (status, lines, expected, why) in [
            (200, &[][..], plain, "no coding"),
            (404, &[], plain, "any status with content"),
            (200, &[("content-encoding", "gzip")], gzip, "RFC 9110 §8.4"),
            (200, &[("content-encoding", "X-GZip")], gzip, "RFC 9110 §8.4.1.3"),
            (200, &[("content-encoding", "br")], Some(Form::Coded(Coding::Br)), "RFC 7932"),
            (200, &[("content-encoding", "zstd")], Some(Form::Coded(Coding::Zstd)), "RFC 8878"),
            (200, &[("content-encoding", "deflate")], None, "not known here"),
            (200, &[("content-encoding", "gzip, br")], None, "one over the other"),
            (200, &[("content-encoding", "gzip"), ("content-encoding", "br")], None, "the same on two lines"),
            (200, &[("cache-control", "max-age=1, No-Transform")], None, "RFC 9110 §7.7"),
            (200, &[("cache-control", "max-age=1"), ("cache-control", "no-transform")], None, "on any line"),
            (200, &[("cache-control", "no-transformer")], plain, "another directive"),
            (206, &[], None, "RFC 9110 §15.3.7"),
            (200, &[("content-range", "bytes 0-1/2")], None, "RFC 9110 §14.4"),
            (204, &[], None, "RFC 9110 §15.3.5"),
            (304, &[], None, "RFC 9110 §15.4.5"),
        ] {
            let mut fields = HeaderMap::new();
            for (name, value) in lines {
                fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            assert_eq!(form_of(StatusCode::from_u16(status).unwrap(), &fields), expected, "{status} {lines:?}: {why}");
        }
    }
}
