//! `compression`: checked and compiled.

use toml::Spanned;

use super::problems::Problems;
use super::raw::{RawCompression, Text};
use super::units;
use crate::encoding::{Coding, Compression};

/// What is not said is as in [`Compression::default`].
pub(super) fn compile(raw: &Spanned<RawCompression>, problems: &mut Problems<'_>) -> Option<Compression> {
    let RawCompression { codings: raw_codings, types: raw_types, min: raw_min } = raw.get_ref();
    let default = Compression::default();
    let codings = raw_codings.as_ref().map_or(Some(default.codings), |raw| codings(raw, problems));
    let types = raw_types.as_ref().map_or(Some(default.types), |raw| types(raw, problems));
    let min = raw_min.as_ref().map_or(Some(default.min), |min| problems.parse(min, "a size", units::size));
    Some(Compression { codings: codings?, types: types?, min: min? })
}

fn codings(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Vec<Coding>> {
    let known = || Coding::ALL.into_iter().map(Coding::token);
    if raw.get_ref().is_empty() {
        problems.error(raw, "no codings", Some("leave `compression` away for none".into()));
        return None;
    }
    let mut codings = Vec::new();
    for text in raw.get_ref() {
        match Coding::ALL.into_iter().find(|coding| coding.token() == text.get_ref()) {
            Some(coding) if codings.contains(&coding) => {
                problems.error(text, format!("`{}` stands here twice", coding.token()), None);
            }
            Some(coding) => codings.push(coding),
            None => problems.unknown(text, "coding", known()),
        }
    }
    Some(codings)
}

fn types(raw: &Spanned<Vec<Text>>, problems: &mut Problems<'_>) -> Option<Vec<Box<str>>> {
    if raw.get_ref().is_empty() {
        problems.error(raw, "no media types", Some("leave `compression` away for none".into()));
        return None;
    }
    let types: Vec<Option<Box<str>>> =
        raw.get_ref().iter().map(|text| problems.parse(text, "a media type", media_type)).collect();
    types.into_iter().collect()
}

/// `type/subtype` or `type/*`, in lower case; the latter as `type/`.
fn media_type(text: &str) -> Result<Box<str>, &'static str> {
    const HELP: &str = "write such as \"text/html\" or \"text/*\", without parameters";
    // RFC 9110 §5.6.2, without `*`, which would be taken for more than it means.
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&byte))
    };
    let (kind, subtype) = text.split_once('/').ok_or(HELP)?;
    match subtype {
        "*" if is_token(kind) => Ok(format!("{}/", kind.to_ascii_lowercase()).into()),
        _ if is_token(kind) && is_token(subtype) => Ok(text.to_ascii_lowercase().into()),
        _ => Err(HELP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read() {
        for (text, expected) in [
            ("text/*", Some("text/")),
            ("Text/HTML", Some("text/html")),
            ("application/ld+json", Some("application/ld+json")),
            ("*/*", None),
            ("text/h*", None),
            ("text", None),
            ("text/", None),
            ("/html", None),
            ("text/html; charset=utf-8", None),
            ("", None),
        ] {
            assert_eq!(media_type(text).ok().as_deref(), expected, "{text}");
        }
    }
}
